//! One invocation of the function: why it runs, and where it is killed.

use super::observed::Notes;
use super::request::Sent;
use super::stack::Stack;
use crate::slot::Slot;
use crate::stage::TaskId;
use std::cell::Cell;
use std::collections::BTreeSet;
use std::rc::Rc;

pub struct Process {
    pub number: u64,
    pub name: String,
    pub log_stream: String,
    pub role: Role,
    pub started: u64,
    pub notes: Notes,
    pub task: Cell<Option<TaskId>>,
    pub gates: Cell<u32>,
    pub dies: Cell<Option<Death>>,
    pub has_ended: Cell<bool>,
    pub end: Slot<End>,
}

/// In which role an invocation was called.
#[derive(Clone)]
pub enum Role {
    Request(Rc<Sent>),
    /// A tick of a binding, with its scheduled time of day.
    Tick {
        id: Rc<str>,
        scheduled: u64,
    },
    /// A person's question how a binding fares.
    Question {
        id: Rc<str>,
    },
}

impl Role {
    /// The bindings that it is about: its own, and the one that was before.
    pub fn bindings(&self) -> BTreeSet<String> {
        match self {
            Self::Tick { id, .. } | Self::Question { id } => [id.to_string()].into(),
            Self::Request(sent) => {
                let old = sent.old.as_ref().map(|old| old.id(&sent.stack.id));
                old.into_iter().chain([sent.about.clone()]).collect()
            }
        }
    }
}

/// Where Lambda kills an invocation.
#[derive(Debug, Clone, Copy)]
pub struct Death {
    /// At which of its awaits.
    pub at: u32,
    /// Whether what it has just sent arrives.
    pub arrives: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    Done,
    Failed,
    Killed,
}

impl Process {
    /// One more await; tells whether it is the last.
    pub fn dies_here(&self) -> Option<Death> {
        let gates = self.gates.get() + 1;
        self.gates.set(gates);
        self.dies.get().filter(|death| death.at == gates)
    }

    /// The stack that its request is of.
    pub fn stack(&self) -> Option<&Rc<Stack>> {
        match &self.role {
            Role::Request(sent) => Some(&sent.stack),
            Role::Tick { .. } | Role::Question { .. } => None,
        }
    }
}
