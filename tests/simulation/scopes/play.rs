//! Plays one scenario by one schedule, in a world of its own.

use super::scenario::SmallScenario;
use super::schedule::{Schedule, ScheduleChooser};
use crate::coverage::Coverage;
use crate::world::SimulatedWorld;
use std::rc::Rc;

/// Plays a scenario by a schedule. Gives the trace if the judge finds a violation.
pub fn play<T, F>(schedule: &Rc<Schedule>, is_printed: bool, script: T) -> Result<(), String>
where
    T: FnOnce(SmallScenario) -> F,
    F: Future<Output = ()> + 'static,
{
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let chooser = Box::new(ScheduleChooser(Rc::clone(schedule)));
        let world = SimulatedWorld::new(7, &Rc::<Coverage>::default(), Some(chooser));
        world.trace.is_printed.set(is_printed);
        let scenario = SmallScenario::new(&world, schedule);
        world.scheduler.spawn(script(scenario));
        world.scheduler.run().await;
        if world.scheduler.exceeds_step_limit() {
            world.violate("this goes in circles");
        }
        match world.violation() {
            Some(violation) => Err(format!("{}\n{violation}", world.trace.text())),
            None => Ok(()),
        }
    })
}
