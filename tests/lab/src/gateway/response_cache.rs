//! Answers that are given again while nothing changes, so that a benchmark measures the function and the set
//! delay, and not how long MiniStack takes. It is off unless a benchmark switches it on, and empty after every change.

use std::collections::HashMap;
use std::sync::Mutex;

use super::call::Call;
use super::reply::ApiReply;
use crate::lock::lock;

#[derive(Default)]
pub(super) struct ResponseCache(Mutex<CachedReplies>);

#[derive(Default)]
struct CachedReplies {
    on: bool,
    /// How often something changed: an answer from before a change must not be kept after it.
    changes: usize,
    answers: HashMap<String, ApiReply>,
}

/// What is known of a call before it is carried out.
pub(super) enum CacheResult {
    Known(ApiReply),
    /// To be kept under this name, unless something changed meanwhile.
    Unknown {
        name: String,
        changes: usize,
    },
    /// Do not cache this reply.
    No,
}

impl ResponseCache {
    pub fn switch(&self, on: bool) {
        *lock(&self.0) = CachedReplies {
            on,
            ..CachedReplies::default()
        };
    }

    pub fn recall(&self, call: &Call) -> CacheResult {
        let mut kept = lock(&self.0);
        if !kept.on {
            return CacheResult::No;
        }
        let Some(name) = name(call) else {
            kept.changes += 1;
            kept.answers.clear();
            return CacheResult::No;
        };
        // Stacks change without a call.
        if call.service == "cloudformation" {
            return CacheResult::No;
        }
        match kept.answers.get(&name) {
            Some(answer) => CacheResult::Known(answer.clone()),
            None => CacheResult::Unknown {
                name,
                changes: kept.changes,
            },
        }
    }

    pub fn keep(&self, recall: CacheResult, reply: &ApiReply) {
        let CacheResult::Unknown { name, changes } = recall else {
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
    // Nobody reads metrics, and the answer to PutMetricData is always the same.
    if call.operation == "PutMetricData" {
        return Some(call.operation.clone());
    }
    let reads = ["Describe", "Get", "List", "Head"]
        .iter()
        .any(|verb| call.operation.starts_with(verb));
    reads.then(|| format!("{} {} {}", call.service, call.operation, call.params))
}
