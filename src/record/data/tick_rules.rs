//! Rule 6 of the record, and a part of rule 8: what a tick may do by the record. Pure.

use super::claim::{Claim, Status, TAKEN_OVER, UNANSWERED};
use super::orders::Orders;
use super::record::{Phase, Record};
use crate::clock::Timestamp;
use crate::model::TargetGroupPort;
use std::time::Duration;

/// A tick that comes later than this after its scheduled time counts nothing, so that of ticks held
/// back and delivered in a burst at most two are misses.
const LATE: Duration = Duration::from_secs(90);

/// Whether missing addresses are counted, or why not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counting {
    Counts,
    /// It comes too late.
    Late,
    /// This minute was counted already.
    Again,
    /// A request of CloudFormation is under way.
    Claimed,
}

impl Record {
    /// Whether a tick may count. `tick` is what it is known by, `scheduled` the minute it belongs to.
    pub fn counting(&self, tick: &str, scheduled: Option<Timestamp>, now: Timestamp) -> Counting {
        if scheduled.is_some_and(|scheduled| now.since(scheduled) > LATE) {
            Counting::Late
        } else if self.open_claim(now).is_some() {
            Counting::Claimed
        } else if self.has_counted(tick) {
            Counting::Again
        } else {
            Counting::Counts
        }
    }

    /// The request that is under way.
    pub fn open_claim(&self, now: Timestamp) -> Option<&Claim> {
        let claim = self.claim.as_ref()?;
        let is_open = claim.outcome.is_none() && now.since(claim.at) < UNANSWERED;
        is_open.then_some(claim)
    }

    /// Whether what the orders name may be gone, because a request has begun to change it: one that is
    /// under way, or that failed and may be rolled back yet.
    pub fn is_being_changed(&self, now: Timestamp) -> bool {
        self.claim.as_ref().is_some_and(|claim| {
            let outcome = claim.outcome.as_ref();
            let has_failed = outcome.is_none_or(|outcome| outcome.answer.status == Status::Failed);
            has_failed && now.since(claim.at) < UNANSWERED
        })
    }

    /// What ticks go by; nothing once Delete has begun to take it away.
    pub fn served(&self) -> Option<&Orders> {
        self.orders
            .as_ref()
            .filter(|_| self.phase != Phase::Leaving)
    }

    /// Whether a binding that leaves served a target group to its end.
    pub fn served_last(&self, group: &str) -> bool {
        let orders = self.orders.as_ref();
        self.phase == Phase::Leaving && orders.is_some_and(|orders| orders.groups().contains(group))
    }

    /// From when on no tick can be acting any more that had not read this.
    pub fn quiet_from(&self) -> Timestamp {
        self.ticked + TAKEN_OVER
    }

    /// The target groups that a tick looks after: those of the orders, but for those that a request
    /// under way is giving up.
    pub fn looked_after(&self, orders: &Orders, now: Timestamp) -> Vec<TargetGroupPort> {
        let given_up = self.open_claim(now).map(|claim| &claim.gives_up);
        let keeps = |group: &&TargetGroupPort| {
            given_up.is_none_or(|given_up| !given_up.contains(&group.arn))
        };
        orders.target_groups.iter().filter(keeps).cloned().collect()
    }
}
