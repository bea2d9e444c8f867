//! Rule 6: what the record lets a tick do. Pure.

use super::claim::{Claim, ResponseStatus, TAKEOVER_WAIT, UNANSWERED};
use super::orders::Orders;
use super::record::{Phase, Record};
use crate::clock::Timestamp;
use crate::model::TargetGroupPort;
use std::time::Duration;

/// A tick that comes later than this after its scheduled time counts nothing. So if ticks are held back and come
/// together, at most two of them are misses.
const COUNTED_WITHIN: Duration = Duration::from_secs(90);

/// Whether a tick counts missing addresses, or why not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counting {
    Counts,
    /// The tick comes too late.
    Late,
    /// Its scheduled time was counted already.
    AlreadyCounted,
    /// A request of CloudFormation has no answer yet.
    Claimed,
}

impl Record {
    /// Whether a tick may count. `tick` is its name in the record, `scheduled` its scheduled time.
    pub fn counting(&self, tick: &str, scheduled: Option<Timestamp>, now: Timestamp) -> Counting {
        if scheduled.is_some_and(|scheduled| now.since(scheduled) > COUNTED_WITHIN) {
            Counting::Late
        } else if self.open_claim(now).is_some() {
            Counting::Claimed
        } else if self.has_counted(tick) {
            Counting::AlreadyCounted
        } else {
            Counting::Counts
        }
    }

    /// The claim, if it has no answer yet and is less than 15 minutes old.
    pub fn open_claim(&self, now: Timestamp) -> Option<&Claim> {
        let claim = self.claim.as_ref()?;
        let is_open = claim.outcome.is_none() && now.since(claim.at) < UNANSWERED;
        is_open.then_some(claim)
    }

    /// Whether things that the orders name may be missing, because a request has begun to change them: it has no answer
    /// yet, or it failed and its rollback may still come.
    pub fn is_being_changed(&self, now: Timestamp) -> bool {
        self.claim.as_ref().is_some_and(|claim| {
            let outcome = claim.outcome.as_ref();
            let has_failed =
                outcome.is_none_or(|outcome| outcome.answer.status == ResponseStatus::Failed);
            has_failed && now.since(claim.at) < UNANSWERED
        })
    }

    /// The orders that ticks follow. `None` once Delete has written its tombstone.
    pub fn orders_in_force(&self) -> Option<&Orders> {
        self.orders
            .as_ref()
            .filter(|_| self.phase != Phase::Leaving)
    }

    /// Whether a leaving binding served a target group until its Delete.
    pub fn served_until_delete(&self, group: &str) -> bool {
        let orders = self.orders.as_ref();
        self.phase == Phase::Leaving && orders.is_some_and(|orders| orders.groups().contains(group))
    }

    /// From this time on, every tick that still acts has read the record as it is now.
    pub fn quiet_from(&self) -> Timestamp {
        self.ticked + TAKEOVER_WAIT
    }

    /// The target groups that a tick serves: those of the orders, without those that a request under way gives up.
    pub fn groups_for_ticks(&self, orders: &Orders, now: Timestamp) -> Vec<TargetGroupPort> {
        let given_up = self.open_claim(now).map(|claim| &claim.gives_up);
        let keeps = |group: &&TargetGroupPort| {
            given_up.is_none_or(|given_up| !given_up.contains(&group.arn))
        };
        orders.target_groups.iter().filter(keeps).cloned().collect()
    }
}
