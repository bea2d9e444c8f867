//! What may befall a call on its way: how long it takes, whether it arrives, and what refuses it.
//!
//! From the guides: ELB "Request throttling" (40 at once, then 10 a second), S3 "Error responses",
//! EventBridge "Common errors". Decides by dice only; in fair weather all calls are quick and succeed.

use alb_nlb_binding::aws::api::Trouble;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

/// How often of a thousand something befalls a call.
#[derive(Debug, Clone, Copy, Default)]
pub struct CallFaultRates {
    pub slow: u32,
    /// Longer than anybody should wait.
    pub hangs: u32,
    pub throttled: u32,
    pub fails: u32,
    /// The effect is there, the answer is not.
    pub answer_lost: u32,
    /// The request never arrives.
    pub request_lost: u32,
    /// EventBridge's ConcurrentModificationException.
    pub concurrent: u32,
    pub dns_fails: u32,
    /// For some minutes DNS is seen through a cache.
    pub caches: u32,
    pub answer_put_fails: u32,
    /// A target group or a bucket that was just made is not there for a moment.
    pub not_yet: u32,
    pub metrics_fail: u32,
    /// A deleted bucket's name cannot be had again for a while.
    pub name_taken: u32,
}

/// Quotas that a binding may meet (ELBv2 API, `CreateListener`, `CreateTargetGroup`; EventBridge API, `PutRule`).
pub const QUOTAS: [(&str, (&str, Trouble)); 3] = [
    ("CreateListener", ("TooManyListeners", Trouble::Stays)),
    ("CreateTargetGroup", ("TooManyTargetGroups", Trouble::Stays)),
    ("PutRule", ("LimitExceededException", Trouble::Stays)),
];

impl CallFaultRates {
    /// Whether every call is carried out, and answered, within a moment.
    pub const fn is_quick(&self) -> bool {
        let delays = self.slow + self.hangs + self.throttled + self.fails;
        delays + self.answer_lost + self.request_lost == 0
    }
}

#[derive(Default)]
pub struct Faults {
    rates: Cell<CallFaultRates>,
    /// Operations that are refused by permissions, with the resource.
    pub denied: RefCell<BTreeSet<(&'static str, String)>>,
    /// Operations that are refused because a quota is reached, with the code.
    pub quotas_reached: RefCell<BTreeMap<&'static str, (&'static str, Trouble)>>,
    /// Of which target groups that was ever so.
    pub ever_denied: RefCell<BTreeSet<String>>,
    tokens: Cell<(u64, u64)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallKind {
    /// The SDK repeats it.
    Read,
    /// A write that carries its own condition, or that needs none: the SDK repeats it.
    Write,
    /// Made once, and given up after five seconds.
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

impl Faults {
    pub fn set(&self, rates: CallFaultRates) {
        self.rates.set(rates);
    }

    pub fn rates(&self) -> CallFaultRates {
        self.rates.get()
    }

    /// A bucket of 40, filled by 10 a second.
    pub fn has_token(&self, now: u64) -> bool {
        let (tokens, then) = self.tokens.get();
        let filled = (tokens + (now - then) / 100).min(40);
        let then = if (now - then) >= 100 { now } else { then };
        let filled = if then == 0 && tokens == 0 { 40 } else { filled };
        self.tokens.set((filled.saturating_sub(1), then.max(1)));
        filled > 0
    }
}
