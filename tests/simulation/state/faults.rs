//! The faults that are injected into calls at present: how often each kind happens, and which operations are
//! refused.
//!
//! Does not decide about single calls; `aws/faults.rs` does.

use alb_nlb_binding::aws::api::Trouble;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

/// How many calls of a thousand each fault happens to.
#[derive(Debug, Clone, Copy, Default)]
pub struct CallFaultRates {
    pub slow: u32,
    /// The call takes longer than a caller should wait.
    pub hangs: u32,
    pub throttled: u32,
    pub fails: u32,
    /// The call is carried out, but its answer never arrives.
    pub answer_lost: u32,
    /// The call never arrives.
    pub request_lost: u32,
    /// EventBridge's ConcurrentModificationException.
    pub concurrent: u32,
    pub dns_fails: u32,
    /// For some minutes the function sees DNS through a cache.
    pub caches: u32,
    pub answer_put_fails: u32,
    /// A target group or a bucket that was just made cannot be seen for a moment.
    pub not_yet: u32,
    pub metrics_fail: u32,
    /// The name of a deleted bucket cannot be used again for a while.
    pub name_taken: u32,
}

/// Quotas that a binding may meet (ELBv2 API, `CreateListener`, `CreateTargetGroup`; EventBridge API, `PutRule`).
pub const QUOTAS: [(&str, (&str, Trouble)); 3] = [
    ("CreateListener", ("TooManyListeners", Trouble::Stays)),
    ("CreateTargetGroup", ("TooManyTargetGroups", Trouble::Stays)),
    ("PutRule", ("LimitExceededException", Trouble::Stays)),
];

impl CallFaultRates {
    /// Whether no fault delays, refuses or loses calls of the services that the record depends on.
    pub const fn is_quick(&self) -> bool {
        let delays = self.slow + self.hangs + self.throttled + self.fails;
        delays + self.answer_lost + self.request_lost == 0
    }
}

#[derive(Default)]
pub struct SimulatedFaults {
    rates: Cell<CallFaultRates>,
    /// Operations that permissions refuse, each with a part of the name of the resource.
    pub denied: RefCell<BTreeSet<(&'static str, String)>>,
    /// Operations that are refused because a quota is reached, with the error code.
    pub quotas_reached: RefCell<BTreeMap<&'static str, (&'static str, Trouble)>>,
    /// The target groups for which an operation was ever in `denied`.
    pub ever_denied: RefCell<BTreeSet<String>>,
    tokens: Cell<(u64, u64)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallKind {
    /// It changes nothing. The SDK repeats it.
    Read,
    /// A write that carries its own condition, or that needs none. The SDK repeats it.
    Write,
    /// A change with a permit. The product tries it once and gives it up after five seconds.
    Permitted,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    Elb,
    S3,
    Events,
    CloudFormation,
    CloudWatch,
}

#[derive(Debug, Clone, Copy)]
pub struct Operation {
    pub name: &'static str,
    pub service: Service,
    pub kind: CallKind,
}

impl SimulatedFaults {
    pub fn set(&self, rates: CallFaultRates) {
        self.rates.set(rates);
    }

    pub fn rates(&self) -> CallFaultRates {
        self.rates.get()
    }

    /// Takes a token from a bucket of 40 that gets 10 more each second (ELB guide, "Request throttling"). Gives
    /// whether there was one.
    pub fn has_token(&self, now: u64) -> bool {
        let (tokens, then) = self.tokens.get();
        let filled = (tokens + (now - then) / 100).min(40);
        let then = if (now - then) >= 100 { now } else { then };
        let filled = if then == 0 && tokens == 0 { 40 } else { filled };
        self.tokens.set((filled.saturating_sub(1), then.max(1)));
        filled > 0
    }
}
