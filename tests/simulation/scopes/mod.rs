//! Small scopes, exhaustively: every order of two events' calls with a few preemptions, and every await
//! at which Lambda may kill one.
//!
//! Says how many schedules were played. `SIMULATION_PREEMPTIONS` sets how many preemptions all
//! schedules have; without it, all with one are played, and some of those with two or three.

mod kills;
mod pairs;
mod schedule;
mod stories;

use crate::dice::Dice;
use crate::tally::Tally;
use crate::world::World;
use pairs::{PAIRS, Pair};
use schedule::{Chosen, Point, Schedule, next};
use std::rc::Rc;
use std::time::Instant;
use stories::Teller;

/// How many schedules with more preemptions are picked for each pair.
const PICKED: u64 = 150;

/// Plays a story by a schedule.
fn play<T, F>(prefix: &[usize], is_told: bool, tell: T) -> Result<Vec<Point>, String>
where
    T: FnOnce(Teller) -> F,
    F: Future<Output = ()> + 'static,
{
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let schedule = Schedule::following(prefix);
        let chooser = Box::new(Chosen(Rc::clone(&schedule)));
        let world = World::new(7, &Rc::<Tally>::default(), Some(chooser));
        world.story.is_told.set(is_told);
        let teller = Teller::new(&world, &schedule);
        world.stage.spawn(tell(teller));
        world.stage.play().await;
        if world.stage.never_ends() {
            world.violate("this goes in circles");
        }
        match world.violation() {
            Some(violation) => Err(format!("{}\n{violation}", world.story.text())),
            None => Ok(schedule.points()),
        }
    })
}

fn tell(pair: Pair, prefix: &[usize]) -> Vec<Point> {
    let played = play(
        prefix,
        false,
        |teller| async move { teller.tells(pair).await },
    );
    played.unwrap_or_else(|story| {
        println!("{story}");
        panic!("{pair:?} by the schedule {prefix:?}");
    })
}

/// All schedules with so many preemptions.
fn exhausts(pair: Pair, bound: u32) -> u64 {
    let mut prefix = Vec::new();
    let mut schedules = 0;
    loop {
        let points = tell(pair, &prefix);
        schedules += 1;
        match next(&points, bound) {
            Some(other) => prefix = other,
            None => return schedules,
        }
    }
}

/// Some with more, chosen by dice: each a choice at two or three places.
fn picks(pair: Pair) -> u64 {
    let dice = Dice::new(pair as u64);
    let points = tell(pair, &[]);
    if points.is_empty() {
        return 0;
    }
    for _ in 0..PICKED {
        let mut prefix = vec![0; points.len()];
        for _ in 0..dice.between(2, 3) {
            let place = dice.index(points.len());
            prefix[place] = dice.index(3);
        }
        tell(pair, &prefix);
    }
    PICKED
}

#[test]
fn every_order_of_two_events_ends_well() {
    let bound = crate::lives::number("SIMULATION_PREEMPTIONS");
    let started = Instant::now();
    let mut all = 0;
    for pair in PAIRS {
        let began = Instant::now();
        let bounded = exhausts(pair, bound.map_or(1, |bound| u32::try_from(bound).unwrap()));
        let picked = if bound.is_none() { picks(pair) } else { 0 };
        all += bounded + picked;
        println!(
            "{pair:?}: {bounded} schedules with up to {} preemptions, {picked} picked with two or three, {:.1} s",
            bound.unwrap_or(1),
            began.elapsed().as_secs_f64()
        );
    }
    println!(
        "{all} schedules in {:.1} s",
        started.elapsed().as_secs_f64()
    );
}
