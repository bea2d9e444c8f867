//! Answers given again while nothing changes, so that a benchmark measures the function and the set
//! delay, and not how long MiniStack takes. Off unless asked for, and empty after every change.

use std::collections::HashMap;
use std::sync::Mutex;

use super::call::Call;
use super::{Asked, Gateway, Reply, State};
use crate::lock;

#[derive(Default)]
pub(super) struct Memory(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    on: bool,
    /// How often something changed: an answer from before a change must not be kept after it.
    changes: usize,
    answers: HashMap<String, Reply>,
}

/// What is known of a call before it is carried out.
enum Recall {
    Known(Reply),
    /// To be kept under this name, unless something changed meanwhile.
    Unknown {
        name: String,
        changes: usize,
    },
    /// Nothing to be kept.
    No,
}

impl Gateway {
    /// Lets calls that only read be answered from memory until something changes, or no more.
    pub fn remember_answers(&self, on: bool) {
        self.state.memory.switch(on);
    }
}

impl State {
    /// From memory where that is known, else as carried out.
    pub(super) async fn answer(&self, asked: &Asked) -> Reply {
        let recall = self.memory.recall(&asked.call);
        if let Recall::Known(reply) = recall {
            return reply;
        }
        let reply = self.carry_out(asked).await;
        self.memory.keep(recall, &reply);
        reply
    }
}

impl Memory {
    fn switch(&self, on: bool) {
        *lock(&self.0) = Kept {
            on,
            ..Kept::default()
        };
    }

    fn recall(&self, call: &Call) -> Recall {
        let mut kept = lock(&self.0);
        if !kept.on {
            return Recall::No;
        }
        let Some(name) = name(call) else {
            kept.changes += 1;
            kept.answers.clear();
            return Recall::No;
        };
        // Stacks change without being asked to.
        if call.service == "cloudformation" {
            return Recall::No;
        }
        match kept.answers.get(&name) {
            Some(answer) => Recall::Known(answer.clone()),
            None => Recall::Unknown {
                name,
                changes: kept.changes,
            },
        }
    }

    fn keep(&self, recall: Recall, reply: &Reply) {
        let Recall::Unknown { name, changes } = recall else {
            return;
        };
        let mut kept = lock(&self.0);
        if kept.on && kept.changes == changes && reply.status().is_success() {
            kept.answers.insert(name, reply.clone());
        }
    }
}

/// What calls with the same answer have in common; `None` for those that change what others see.
fn name(call: &Call) -> Option<String> {
    // A metric is not read by anyone, and what it counts does not change its answer.
    if call.operation == "PutMetricData" {
        return Some(call.operation.clone());
    }
    let reads = ["Describe", "Get", "List", "Head"]
        .iter()
        .any(|verb| call.operation.starts_with(verb));
    reads.then(|| format!("{} {} {}", call.service, call.operation, call.params))
}
