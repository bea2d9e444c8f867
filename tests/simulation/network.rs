//! How calls leave an invocation and how answers reach it, and at which await Lambda kills it.
//!
//! A kill drops the invocation at its current await. A call that it has already sent may still arrive.

use crate::judge;
use crate::scheduler::PendingCall;
use crate::state::{InvocationEnd, Process};
use crate::world::SimulatedWorld;
use std::rc::Rc;

impl Process {
    pub fn end(&self, world: &SimulatedWorld, end: InvocationEnd) {
        if !self.has_ended.replace(true) {
            if let Some(task) = self.task.get() {
                world.scheduler.mark_invocation(task, false);
            }
            world.finish_work();
            self.end.fill(end);
        }
    }

    pub fn kill(&self, world: &SimulatedWorld) {
        if self.has_ended.get() {
            return;
        }
        world.log(&self.name, "is killed".to_owned());
        world.coverage.count("kills");
        if let Some(task) = self.task.get() {
            world.scheduler.forget_calls(task);
            world.scheduler.kill(task);
        }
        judge::check_end(world, self, InvocationEnd::Killed);
        self.end(world, InvocationEnd::Killed);
    }

    /// Sends a call that is carried out after `after` milliseconds, unless the invocation is killed here.
    pub fn send_call(
        self: &Rc<Self>,
        world: &Rc<SimulatedWorld>,
        is_permitted: bool,
        after: u64,
        go: Box<dyn FnOnce()>,
    ) {
        if let Some(kill) = self.kill_here() {
            self.kill(world);
            if kill.arrives {
                match world.scheduler.has_chooser() {
                    true => go(),
                    false => world.scheduler.run_after(after, go),
                }
            }
            return;
        }
        match self.task.get().filter(|_| world.scheduler.has_chooser()) {
            Some(task) => world.scheduler.hold_call(PendingCall {
                task,
                since: world.scheduler.now(),
                is_permitted,
                go,
            }),
            None => world.scheduler.run_after(after, go),
        }
    }

    /// Delivers the answer of a call, unless the invocation has ended or is killed here.
    pub fn deliver_answer(&self, world: &SimulatedWorld, fill: impl FnOnce()) {
        if self.has_ended.get() {
            return;
        }
        if !world.scheduler.has_chooser() && self.kill_here().is_some() {
            self.kill(world);
            return;
        }
        fill();
    }
}
