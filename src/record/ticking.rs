//! Rule 6 of the record, and a part of rule 8: what a tick may do by the record. Pure.

use super::body::{Phase, Record};
use super::orders::Orders;
use super::own::OwnTarget;
use super::request::{Claim, Status};
use super::request::{TAKEN_OVER, UNANSWERED};
use crate::clock::Timestamp;
use crate::discovery::lookups_needed;
use crate::model::{Endpoint, Registered, TargetGroupPort};
use crate::names::BindingId;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
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

    /// Whether an own target has been missing for long enough to leave: for so many ticks, which are together
    /// worth so many answers of DNS.
    pub fn is_due(&self, target: &OwnTarget, until: u32, needed: u32) -> bool {
        target.missed >= until && (target.draws >= needed || self.is_former(target))
    }

    /// Whether it is of another load balancer than the one that is served: its address says nothing about that
    /// one's, and DNS need not make certain that it is gone.
    fn is_former(&self, target: &OwnTarget) -> bool {
        let served = self.orders.as_ref().map(|orders| &orders.alb_dns_name);
        target.of.is_some() && target.of.as_ref() != served
    }

    /// How many answers of DNS it takes to be certain of all that are own.
    pub(super) fn answers_needed(&self) -> u32 {
        let own = self.own.values().flatten();
        let own = own.filter(|(_, target)| !self.is_former(target));
        let addresses: BTreeSet<_> = own.map(|(endpoint, _)| endpoint.address).collect();
        u32::try_from(lookups_needed(0, addresses.len())).unwrap_or(u32::MAX)
    }

    /// The addresses that the load balancer may have yet: those of the own targets that are neither due to
    /// leave, whether or not they may, nor of a former load balancer.
    pub fn known(&self) -> BTreeSet<IpAddr> {
        let orders = self.orders.as_ref();
        let until = orders.map_or(u32::MAX, |orders| orders.invocations_before_deregistration);
        let needed = self.answers_needed();
        let is_known =
            |target: &OwnTarget| !self.is_former(target) && !self.is_due(target, until, needed);
        let own = self.own.values().flatten();
        own.filter(|(_, target)| is_known(target))
            .map(|(endpoint, _)| endpoint.address)
            .collect()
    }

    /// The addresses known of a load balancer. Where that is about to be another one, none is: what the former
    /// one had says nothing about it.
    pub fn known_of(&self, alb_dns_name: &str) -> BTreeSet<IpAddr> {
        let former = self.orders.as_ref();
        match former.is_none_or(|former| former.alb_dns_name == alb_dns_name) {
            true => self.known(),
            false => BTreeSet::new(),
        }
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

    /// From now on ticks leave a target group alone. They do not see either what comes back in between, so
    /// what was missing is counted anew should they serve it on.
    pub fn give_up(&mut self, group: &str) {
        if let Some(claim) = &mut self.claim {
            claim.gives_up.insert(group.to_owned());
        }
        for target in self
            .own
            .get_mut(group)
            .into_iter()
            .flat_map(BTreeMap::values_mut)
        {
            target.missed = 0;
            target.draws = 0;
        }
    }

    /// From when on no tick can be acting any more that had not read this.
    pub fn quiet_from(&self) -> Timestamp {
        self.ticked + TAKEN_OVER
    }

    /// Own targets have been taken out of a target group. What was found there stays marked: where the request
    /// fails after this, ticks serve the group on.
    pub fn let_go_of(&mut self, group: &str) {
        self.own.remove(group);
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

    /// A record that was lost while its rule stands, from the orders' copy in that rule: what is `seen` in
    /// DNS is own, and so is everything in the target groups that the binding made.
    pub fn made_anew(
        id: &BindingId,
        orders: &Orders,
        registered: &BTreeMap<String, Registered>,
        seen: &BTreeSet<IpAddr>,
    ) -> Self {
        let mut record = Self::new(&id.to_string(), Phase::Serving);
        for TargetGroupPort { arn, port } in &orders.target_groups {
            let is_seen =
                |endpoint: &Endpoint| endpoint.port == *port && seen.contains(&endpoint.address);
            let registered = registered.get(arn).into_iter().flat_map(BTreeMap::keys);
            let own = registered.filter(|endpoint| id.made_group(arn) || is_seen(endpoint));
            let own = own.map(|endpoint| (*endpoint, OwnTarget::default()));
            record.own.entry(arn.clone()).or_default().extend(own);
        }
        record.orders = Some(orders.clone());
        record
    }
}
