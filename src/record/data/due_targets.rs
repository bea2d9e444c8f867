//! When own targets are due to leave, and which of their addresses the load balancer may still have. Pure.

use super::own_target::OwnTarget;
use super::record::{Phase, Record};
use crate::discovery::lookups_needed;
use crate::model::Endpoint;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

impl Record {
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
    fn answers_needed(&self) -> u32 {
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

    /// Own targets have been taken out of a target group. What was found there stays marked: where the request
    /// fails after this, ticks serve the group on.
    pub fn let_go_of(&mut self, group: &str) {
        self.own.remove(group);
    }
}
/// What a binding owns in a group, and whether it wants it still. One that is leaving serves nobody: two that
/// leave at once both take out what they share.
pub fn owned(record: &Record, group: &str) -> BTreeMap<Endpoint, bool> {
    if record.phase == Phase::Leaving {
        return BTreeMap::new();
    }
    let is_changed = record
        .claim
        .as_ref()
        .is_some_and(|claim| claim.outcome.is_none());
    let orders = record.orders.as_ref().filter(|_| !is_changed);
    let serves = orders.is_none_or(|orders| orders.groups().contains(group));
    let until = orders.map(|orders| orders.invocations_before_deregistration);
    let needed = record.answers_needed();
    let is_due = |target: &OwnTarget, until| record.is_due(target, until, needed);
    let is_wanted = |target: &OwnTarget| serves && until.is_none_or(|until| !is_due(target, until));
    let own = record.own.get(group).into_iter().flatten();
    own.map(|(endpoint, target)| (*endpoint, is_wanted(target)))
        .collect()
}
