//! When own targets are due to leave, and which of their addresses the load balancer may still have. Pure.

use super::own_target::OwnTarget;
use super::record::{Phase, Record};
use crate::discovery::lookups_needed;
use crate::model::Endpoint;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

impl Record {
    /// Whether an own target has been missing for long enough to leave: for `until` ticks, which together had `needed`
    /// independent answers of DNS.
    pub fn is_due(&self, target: &OwnTarget, until: u32, needed: u32) -> bool {
        target.missed >= until && (target.draws >= needed || self.is_former(target))
    }

    /// Whether it belongs to another load balancer than the one that the orders name. Then it needs no certain list of
    /// DNS to leave.
    fn is_former(&self, target: &OwnTarget) -> bool {
        let served = self.orders.as_ref().map(|orders| &orders.alb_dns_name);
        target.former_dns_name.is_some() && target.former_dns_name.as_ref() != served
    }

    /// How many independent answers of DNS make it certain that a missing own target is gone.
    fn answers_needed(&self) -> u32 {
        let own = self.own.values().flatten();
        let own = own.filter(|(_, target)| !self.is_former(target));
        let addresses: BTreeSet<_> = own.map(|(endpoint, _)| endpoint.address).collect();
        u32::try_from(lookups_needed(0, addresses.len())).unwrap_or(u32::MAX)
    }

    /// The addresses that the load balancer may still have: those of own targets that are neither due to leave nor of a
    /// former load balancer.
    pub fn current_addresses(&self) -> BTreeSet<IpAddr> {
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

    /// The addresses that this load balancer may still have. There are none if the orders name another load balancer,
    /// because its addresses say nothing about this one.
    pub fn current_addresses_of(&self, alb_dns_name: &str) -> BTreeSet<IpAddr> {
        let former = self.orders.as_ref();
        match former.is_none_or(|former| former.alb_dns_name == alb_dns_name) {
            true => self.current_addresses(),
            false => BTreeSet::new(),
        }
    }

    /// From now on ticks leave a target group alone. If they serve it again later, misses are counted from zero,
    /// because addresses may have come back in between.
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

    /// Forgets the own targets of a target group, after they were deregistered. Found targets stay marked: ticks serve
    /// the group again if the request fails after this.
    pub fn remove_own_targets(&mut self, group: &str) {
        self.own.remove(group);
    }

    /// Rule 11: the own targets of a group, each with whether this binding still wants it there. A binding that is
    /// leaving wants none and names none, so when two bindings leave at once, both remove the targets that they share.
    pub fn own_targets_wanted(&self, group: &str) -> BTreeMap<Endpoint, bool> {
        if self.phase == Phase::Leaving {
            return BTreeMap::new();
        }
        let claim = self.claim.as_ref();
        let is_changed = claim.is_some_and(|claim| claim.outcome.is_none());
        let orders = self.orders.as_ref().filter(|_| !is_changed);
        let serves = orders.is_none_or(|orders| orders.groups().contains(group));
        let until = orders.map(|orders| orders.invocations_before_deregistration);
        let needed = self.answers_needed();
        let is_due = |target: &OwnTarget, until| self.is_due(target, until, needed);
        let is_wanted =
            |target: &OwnTarget| serves && until.is_none_or(|until| !is_due(target, until));
        let own = self.own.get(group).into_iter().flatten();
        own.map(|(endpoint, target)| (*endpoint, is_wanted(target)))
            .collect()
    }
}
