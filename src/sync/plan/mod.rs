//! The plan of one tick: from what DNS showed, what is registered and what was known, to what is
//! registered, what is deregistered and what is remembered. Pure, and it prints itself.
//!
//! It never takes away a target that the binding has not once seen in its ALB's DNS, nor one
//! that is there now.

use super::state::{Own, State};
use crate::model::{Endpoint, Registered};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::IpAddr;

/// What a tick works on.
#[derive(Debug, Clone)]
pub struct Situation<'a> {
    /// The addresses in the ALB's DNS now.
    pub seen: &'a BTreeSet<IpAddr>,
    /// Target groups of the binding: ARN and the port that targets are registered with.
    pub groups: &'a [(String, u16)],
    /// What is registered, by target group; a group that is not here does not exist.
    pub registered: &'a BTreeMap<String, Registered>,
    pub state: &'a State,
    /// The ALB that this tick looked up.
    pub load_balancer: &'a str,
    /// The invocation's id.
    pub tick: &'a str,
    pub rules: Rules,
}

/// How missing addresses are treated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rules {
    /// A tick of the schedule: missing addresses are counted and leave when they have been
    /// missing for so many ticks in a row.
    Count { until: u32 },
    /// Nothing is counted and nothing leaves, because this look at DNS was not whole.
    OnlyAdd,
    /// CloudFormation binds this ALB: nothing is counted and nothing leaves, but from now on
    /// only this ALB's ticks count.
    Bind,
}

/// What is to be done in one target group.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GroupPlan {
    pub register: Vec<Endpoint>,
    /// With the Availability Zone that each was registered with.
    pub deregister: Registered,
}

/// What one tick does, in this order: save the state, register, deregister.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// What is to be remembered; `None` where nothing changed.
    pub state: Option<State>,
    /// By target group; groups where nothing is to be done are left out.
    pub groups: BTreeMap<String, GroupPlan>,
    /// Addresses that are in DNS and were not known.
    pub added: BTreeSet<IpAddr>,
    /// Addresses whose targets leave now.
    pub removed: BTreeSet<IpAddr>,
    /// Addresses missing from DNS that may come back, with the ticks missed so far.
    pub pending: BTreeMap<IpAddr, u32>,
}

/// Makes the plan.
pub fn plan(situation: &Situation<'_>) -> Plan {
    let known = situation.state.addresses();
    let mut next = situation.state.clone();
    if situation.rules == Rules::Bind {
        next.load_balancer = situation.load_balancer.to_owned();
        next.target_groups = situation.groups.to_vec();
    }
    let mut plan = Plan {
        state: None,
        groups: BTreeMap::new(),
        added: situation.seen.difference(&known).copied().collect(),
        removed: BTreeSet::new(),
        pending: BTreeMap::new(),
    };
    // Groups that left the properties are still looked after until their targets are gone.
    let arns: BTreeSet<&String> = situation
        .groups
        .iter()
        .map(|(arn, _)| arn)
        .chain(situation.state.targets.keys())
        .collect();
    for arn in arns {
        let Some(registered) = situation.registered.get(arn) else {
            // An Update forgets nothing, so that it changes nothing when it is run again.
            if situation.rules != Rules::Bind {
                next.targets.remove(arn);
            }
            continue;
        };
        let own = next.targets.entry(arn.clone()).or_default();
        let group = plan_group(situation, arn, registered, own, &mut plan);
        if own.is_empty() {
            next.targets.remove(arn);
        }
        if group != GroupPlan::default() {
            plan.groups.insert(arn.clone(), group);
        }
    }
    // Registering also needs a write of its own, though nothing else may have changed: only the
    // state's condition tells a tick that the binding was deleted under it.
    let registers = plan.groups.values().any(|group| !group.register.is_empty());
    if registers || next != *situation.state {
        next.remember(situation.tick);
        plan.state = Some(next);
    }
    plan
}

fn plan_group(
    situation: &Situation<'_>,
    arn: &str,
    registered: &Registered,
    own: &mut Own,
    plan: &mut Plan,
) -> GroupPlan {
    let wanted: BTreeSet<Endpoint> = situation
        .groups
        .iter()
        .filter(|(group, _)| group == arn)
        .flat_map(|(_, port)| {
            situation.seen.iter().map(|address| Endpoint {
                address: *address,
                port: *port,
            })
        })
        .collect();
    for endpoint in &wanted {
        own.insert(*endpoint, 0);
    }
    let mut group = GroupPlan {
        register: wanted
            .iter()
            .filter(|endpoint| !registered.contains_key(endpoint))
            .copied()
            .collect(),
        deregister: Registered::new(),
    };
    own.retain(|endpoint, missed| {
        if wanted.contains(endpoint) {
            return true;
        }
        let Some(until) = situation.counts_until() else {
            plan.pending.insert(endpoint.address, *missed);
            return true;
        };
        let was_out = *missed >= until;
        if !situation.state.has_counted(situation.tick) {
            *missed = missed.saturating_add(1).min(until);
        }
        if *missed < until {
            plan.pending.insert(endpoint.address, *missed);
            return true;
        }
        // It is forgotten only when it is seen to be gone after the tick that put it out: a
        // deregistration may fail unseen, and a tick under way may be about to register it.
        match registered.get(endpoint) {
            Some(zone) => {
                group.deregister.insert(*endpoint, zone.clone());
                plan.removed.insert(endpoint.address);
                true
            }
            None => !was_out || situation.state.has_counted(situation.tick),
        }
    });
    group
}

impl Situation<'_> {
    /// A tick that still carries the orders of before an Update may add, but what it takes for
    /// missing are the new ALB's addresses.
    fn counts_until(&self) -> Option<u32> {
        match self.rules {
            Rules::Count { until } if self.is_bound() => Some(until),
            _ => None,
        }
    }

    /// A state without a load balancer is one that nobody has bound yet.
    fn is_bound(&self) -> bool {
        self.state.load_balancer.is_empty()
            || (self.state.load_balancer == self.load_balancer
                && self.state.target_groups == self.groups)
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.groups.is_empty() && self.state.is_none() {
            return f.write_str("nothing to do");
        }
        if self.state.is_some() {
            writeln!(f, "~ state")?;
        }
        for (arn, group) in &self.groups {
            for endpoint in &group.register {
                writeln!(f, "+ {endpoint} in {arn}")?;
            }
            for endpoint in group.deregister.keys() {
                writeln!(f, "- {endpoint} in {arn}")?;
            }
        }
        for (address, missed) in &self.pending {
            writeln!(f, "  {address} missing {missed} times")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;
