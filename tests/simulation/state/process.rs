//! One invocation of the function: what triggered it, when Lambda kills it, and how it ended.

use super::observed::ObservedProcess;
use super::request::SentRequest;
use super::stack::SimulatedStack;
use crate::oneshot::Oneshot;
use crate::scheduler::TaskId;
use std::cell::Cell;
use std::collections::BTreeSet;
use std::rc::Rc;

pub struct Process {
    pub number: u64,
    pub name: String,
    pub log_stream: String,
    pub trigger: Trigger,
    pub started: u64,
    pub observed: ObservedProcess,
    pub task: Cell<Option<TaskId>>,
    pub awaits: Cell<u32>,
    pub kill: Cell<Option<Kill>>,
    pub has_ended: Cell<bool>,
    pub end: Oneshot<InvocationEnd>,
}

/// What an invocation runs for.
#[derive(Clone)]
pub enum Trigger {
    Request(Rc<SentRequest>),
    /// A tick of a binding, with its scheduled time of day.
    Tick {
        id: Rc<str>,
        scheduled: u64,
    },
    /// A person's call with the action `Status`, which asks how a binding fares.
    Status {
        id: Rc<str>,
    },
}

impl Trigger {
    /// The bindings that the invocation may act on. An Update may replace one binding by another.
    pub fn bindings(&self) -> BTreeSet<String> {
        match self {
            Self::Tick { id, .. } | Self::Status { id } => [id.to_string()].into(),
            Self::Request(sent) => {
                let old = sent.old.as_ref().map(|old| old.binding_id(&sent.stack.id));
                old.into_iter().chain([sent.binding_id.clone()]).collect()
            }
        }
    }
}

/// When Lambda kills an invocation.
#[derive(Debug, Clone, Copy)]
pub struct Kill {
    /// At which of its awaits, counted from 1.
    pub at: u32,
    /// Whether the call that it has just sent arrives.
    pub arrives: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InvocationEnd {
    Done,
    Failed,
    Killed,
}

impl Process {
    /// Counts one more await. Gives the kill if the invocation is to be killed at this one.
    pub fn kill_here(&self) -> Option<Kill> {
        let awaits = self.awaits.get() + 1;
        self.awaits.set(awaits);
        self.kill.get().filter(|kill| kill.at == awaits)
    }

    /// The stack that sent the request of this invocation.
    pub fn stack(&self) -> Option<&Rc<SimulatedStack>> {
        match &self.trigger {
            Trigger::Request(sent) => Some(&sent.stack),
            Trigger::Tick { .. } | Trigger::Status { .. } => None,
        }
    }
}
