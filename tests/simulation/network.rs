//! The way between an invocation and what it calls, on which Lambda may kill it.
//!
//! A kill drops the invocation at the await where it is; what it has sent may arrive all the same.

use crate::judge;
use crate::stage::Waiting;
use crate::state::{End, Process};
use crate::world::World;
use std::rc::Rc;

impl Process {
    pub fn ends(&self, world: &World, end: End) {
        if !self.has_ended.replace(true) {
            if let Some(task) = self.task.get() {
                world.stage.is_invocation(task, false);
            }
            world.is_done();
            self.end.fill(end);
        }
    }

    pub fn is_killed(&self, world: &World) {
        if self.has_ended.get() {
            return;
        }
        world.say(&self.name, "is killed".to_owned());
        world.tally.count("kills");
        if let Some(task) = self.task.get() {
            world.stage.forget(task);
            world.stage.kill(task);
        }
        judge::judge_end(world, self, End::Killed);
        self.ends(world, End::Killed);
    }

    /// A request goes out, and is carried out after so long.
    pub fn submits(
        self: &Rc<Self>,
        world: &Rc<World>,
        is_permitted: bool,
        after: u64,
        go: Box<dyn FnOnce()>,
    ) {
        if let Some(death) = self.dies_here() {
            self.is_killed(world);
            if death.arrives {
                match world.stage.has_chooser() {
                    true => go(),
                    false => world.stage.after(after, go),
                }
            }
            return;
        }
        match self.task.get().filter(|_| world.stage.has_chooser()) {
            Some(task) => world.stage.wait(Waiting {
                task,
                since: world.stage.now(),
                is_permitted,
                go,
            }),
            None => world.stage.after(after, go),
        }
    }

    /// An answer comes in.
    pub fn delivers(&self, world: &World, fill: impl FnOnce()) {
        if self.has_ended.get() {
            return;
        }
        if !world.stage.has_chooser() && self.dies_here().is_some() {
            self.is_killed(world);
            return;
        }
        fill();
    }
}
