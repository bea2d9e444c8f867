//! What may befall a call on its way: how long it takes, whether it arrives, and what refuses it.
//!
//! From the guides: ELB "Request throttling" (40 at once, then 10 a second), S3 "Error responses",
//! EventBridge "Common errors". Decides by dice only; in fair weather all calls are quick and succeed.

use crate::dice::Dice;
use crate::world::World;
use alb_nlb_binding::aws::api::{AwsError, Trouble};
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

/// How often of a thousand something befalls a call.
#[derive(Debug, Clone, Copy, Default)]
pub struct Climate {
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

impl Climate {
    /// Whether every call is carried out, and answered, within a moment.
    pub const fn is_quick(&self) -> bool {
        let delays = self.slow + self.hangs + self.throttled + self.fails;
        delays + self.answer_lost + self.request_lost == 0
    }
}

#[derive(Default)]
pub struct Weather {
    climate: Cell<Climate>,
    /// Operations that are refused by permissions, with the resource.
    pub denied: RefCell<BTreeSet<(&'static str, String)>>,
    /// Operations that are refused because a quota is reached, with the code.
    pub full: RefCell<BTreeMap<&'static str, (&'static str, Trouble)>>,
    /// Of which target groups that was ever so.
    pub once_denied: RefCell<BTreeSet<String>>,
    tokens: Cell<(u64, u64)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
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
    pub kind: Kind,
}

/// What becomes of one call.
pub struct Fate {
    /// After so many milliseconds it is carried out, if at all.
    pub carried_out: Option<u64>,
    /// After so many more it is answered, if at all.
    pub answered: Option<u64>,
    pub refusal: Option<(&'static str, Trouble)>,
}

/// Who waits for a call no longer than this goes on without an answer: the product's own limit for a
/// change, the SDK's for an attempt.
pub const fn patience(kind: Kind) -> u64 {
    match kind {
        Kind::Permitted => 5_000,
        Kind::Read | Kind::Write => 10_000,
    }
}

impl Weather {
    pub fn set(&self, climate: Climate) {
        self.climate.set(climate);
    }

    pub fn climate(&self) -> Climate {
        self.climate.get()
    }

    pub fn fate(&self, world: &World, operation: Operation, resource: &str) -> Fate {
        let (dice, climate) = (&world.dice, self.climate.get());
        let leg = |dice: &Dice| match dice.between(0, 999) {
            n if n < u64::from(climate.hangs) => dice.between(3_000, patience(operation.kind)),
            n if n < u64::from(climate.hangs + climate.slow) => dice.between(200, 2_500),
            n => 2 + n % 30,
        };
        let carried_out = leg(dice).min(patience(operation.kind) - 10);
        let answered = leg(dice);
        let mut fate = Fate {
            carried_out: Some(carried_out),
            answered: Some(answered),
            refusal: self.refusal(world, operation, resource),
        };
        if dice.chance(climate.request_lost) {
            world.tally.count("a request that never arrived");
            fate.carried_out = None;
        } else if dice.chance(climate.answer_lost)
            || carried_out + answered > patience(operation.kind)
        {
            world.tally.count("an answer that was lost");
            fate.answered = None;
        }
        fate
    }

    fn refusal(
        &self,
        world: &World,
        operation: Operation,
        resource: &str,
    ) -> Option<(&'static str, Trouble)> {
        let (dice, climate) = (&world.dice, self.climate.get());
        let is_denied = self
            .denied
            .borrow()
            .iter()
            .any(|(name, of)| *name == operation.name && resource.contains(of.as_str()));
        if is_denied {
            world.tally.count("a denial");
            return Some(("AccessDenied", Trouble::Stays));
        }
        if let Some(full) = self.full.borrow().get(operation.name) {
            world.tally.count("a quota that is reached");
            return Some(*full);
        }
        if operation.service == Service::Elb
            && climate.throttled > 0
            && !self.has_token(world.stage.now())
        {
            world.tally.count("a throttled call");
            return Some(("Throttling", Trouble::Passes));
        }
        if dice.chance(climate.throttled) {
            world.tally.count("a throttled call");
            return Some(("Throttling", Trouble::Passes));
        }
        if dice.chance(climate.fails) {
            world.tally.count("a failure of AWS");
            return Some(("InternalFailure", Trouble::MayPass));
        }
        let is_change = operation.service == Service::Events && operation.kind == Kind::Permitted;
        if is_change && dice.chance(climate.concurrent) {
            world.tally.count("a busy EventBridge");
            return Some(("ConcurrentModificationException", Trouble::Passes));
        }
        None
    }

    /// A bucket of 40, filled by 10 a second.
    fn has_token(&self, now: u64) -> bool {
        let (tokens, then) = self.tokens.get();
        let filled = (tokens + (now - then) / 100).min(40);
        let then = if (now - then) >= 100 { now } else { then };
        let filled = if then == 0 && tokens == 0 { 40 } else { filled };
        self.tokens.set((filled.saturating_sub(1), then.max(1)));
        filled > 0
    }
}

/// An answer of AWS that refuses.
pub fn refused(
    operation: &'static str,
    resource: &str,
    code: &'static str,
    trouble: Trouble,
) -> AwsError {
    AwsError {
        operation,
        resource: resource.to_owned(),
        code: Some(code.to_owned()),
        reason: format!("{code}: as it happens"),
        trouble,
        source: None,
    }
}
