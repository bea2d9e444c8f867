//! The plan of one tick: from what DNS showed, what is registered and what the record knows, to what
//! is registered, what is deregistered and what is remembered. Pure, and it prints itself.
//!
//! It never takes away a target that the binding has not once seen in its ALB's DNS, nor one
//! that is there now.

use crate::clock::Timestamp;
use crate::discovery::Evidence;
use crate::model::{Endpoint, Registered, TargetGroupPort};
use crate::record::{Own, OwnTarget, Record, TAKEN_OVER};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::IpAddr;

/// What a tick works on.
#[derive(Debug, Clone)]
pub struct Situation<'a> {
    /// The addresses in the ALB's DNS now.
    pub seen: &'a BTreeSet<IpAddr>,
    /// The target groups to look after.
    pub groups: &'a [TargetGroupPort],
    /// What is registered, by target group; a group that is not here does not exist.
    pub registered: &'a BTreeMap<String, Registered>,
    pub record: &'a Record,
    /// Own targets that other bindings serve, too: they stay.
    pub others: &'a BTreeMap<String, BTreeSet<Endpoint>>,
    pub mode: Mode<'a>,
    pub now: Timestamp,
}

/// How missing addresses are treated, and new ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode<'a> {
    /// A tick of the schedule: missing addresses are counted, once for each `tick` and once for each
    /// answer of a cache. They leave when they have been missing for so many ticks in a row and these
    /// together are evidence enough; out of groups only that `may_leave` names.
    Count {
        tick: &'a str,
        /// When it is: not before its scheduled time, so that of ticks that come in quick succession none is
        /// held back by a cache's answer that the one before it counted.
        at: Timestamp,
        until: u32,
        evidence: Evidence,
        may_leave: &'a BTreeSet<String>,
    },
    /// Nothing is counted and nothing leaves: the look at DNS was not whole, the tick is late, or a
    /// request of CloudFormation is under way.
    OnlyAdd,
    /// A request of CloudFormation: nothing is counted and nothing leaves. In given groups that the
    /// record has never written about, what is registered already is found, and what an earlier
    /// function knew there becomes own.
    Bind {
        given: &'a BTreeSet<String>,
        adopted: &'a BTreeMap<String, Own>,
        /// The DNS names of the load balancers that were and that are to be served, where these are two.
        moves: Option<(&'a str, &'a str)>,
    },
}

/// What is to be done in one target group.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GroupPlan {
    pub register: Vec<Endpoint>,
    /// With the Availability Zone that each was registered with.
    pub deregister: Registered,
}

/// What one tick does, in this order: write the record, register, deregister.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// What is to be remembered; `None` where nothing changed and nothing is done.
    pub record: Option<Record>,
    /// By target group; groups where nothing is to be done are left out.
    pub groups: BTreeMap<String, GroupPlan>,
    /// Addresses that are in DNS and were not known.
    pub added: BTreeSet<IpAddr>,
    /// Addresses whose targets leave now.
    pub removed: BTreeSet<IpAddr>,
    /// Addresses missing from DNS that may come back, with the ticks missed so far.
    pub pending: BTreeMap<IpAddr, u32>,
}

/// Until when a plan has to wait, because a target that is wanted again was put out so shortly before
/// that its deregistration may still come. The tick that puts it out may take its time, and then tells that
/// it is still at it.
pub fn waits_until(situation: &Situation<'_>) -> Option<Timestamp> {
    let wanted = situation.groups.iter().flat_map(|group| {
        let own = situation.record.own.get(&group.arn);
        let wanted = wanted_of(situation, &group.arn);
        wanted
            .into_iter()
            .filter_map(move |endpoint| own?.get(&endpoint)?.out)
    });
    let out = wanted.max()?.max(situation.record.ticked);
    let until = out + TAKEN_OVER;
    (until > situation.now).then_some(until)
}

/// Makes the plan.
pub fn plan(situation: &Situation<'_>) -> Plan {
    let known = situation.record.addresses();
    let mut next = situation.record.clone();
    // One that only adds leaves undone what another one failed at.
    if situation.mode != Mode::OnlyAdd {
        next.failed = None;
    }
    let mut plan = Plan {
        record: None,
        groups: BTreeMap::new(),
        added: situation.seen.difference(&known).copied().collect(),
        removed: BTreeSet::new(),
        pending: BTreeMap::new(),
    };
    let mut has_grown = false;
    let arns: BTreeSet<&String> = situation.groups.iter().map(|group| &group.arn).collect();
    for arn in arns {
        let Some(registered) = situation.registered.get(arn) else {
            continue;
        };
        let is_new = !next.own.contains_key(arn);
        let own = next.own.entry(arn.clone()).or_default();
        if let Mode::Bind { given, .. } = situation.mode
            && is_new
            && given.contains(arn)
        {
            let there = registered.keys().copied();
            next.found.insert(arn.clone(), there.collect());
        }
        let (group, grows) = plan_group(situation, arn, registered, own, &mut plan);
        has_grown |= grows;
        if group != GroupPlan::default() {
            plan.groups.insert(arn.clone(), group);
        }
    }
    // Acting needs a write of its own, though nothing else may have changed: by that the record tells
    // until when this tick may still be acting.
    if !plan.groups.is_empty() || next != *situation.record {
        if let Mode::Count {
            tick, at, evidence, ..
        } = situation.mode
        {
            if has_grown && !evidence.lives.is_zero() {
                next.cached_until = at + evidence.lives;
            }
            next.count(tick);
        }
        plan.record = Some(next);
    }
    plan
}

impl Plan {
    /// Whether targets leave.
    pub fn takes_out(&self) -> bool {
        let mut groups = self.groups.values();
        groups.any(|group| !group.deregister.is_empty())
    }
}

fn wanted_of(situation: &Situation<'_>, arn: &str) -> BTreeSet<Endpoint> {
    let groups = situation.groups.iter().filter(|group| group.arn == arn);
    let targets = groups.flat_map(|group| {
        situation.seen.iter().map(|address| Endpoint {
            address: *address,
            port: group.port,
        })
    });
    targets.collect()
}

/// From which load balancer an Update goes to which, where it does.
const fn moves<'a>(mode: Mode<'a>) -> Option<(&'a str, &'a str)> {
    match mode {
        Mode::Bind { moves, .. } => moves,
        Mode::Count { .. } | Mode::OnlyAdd => None,
    }
}

/// Gives besides whether a count has grown.
fn plan_group(
    situation: &Situation<'_>,
    arn: &str,
    registered: &Registered,
    own: &mut Own,
    plan: &mut Plan,
) -> (GroupPlan, bool) {
    if let Mode::Bind { adopted, .. } = situation.mode {
        for (endpoint, target) in adopted.get(arn).into_iter().flatten() {
            own.entry(*endpoint).or_insert_with(|| target.clone());
        }
    }
    let wanted = wanted_of(situation, arn);
    for endpoint in &wanted {
        let target = own.entry(*endpoint).or_default();
        *target = OwnTarget {
            of: moves(situation.mode).map(|(_, to)| to.to_owned()),
            ..OwnTarget::default()
        };
    }
    let missing = wanted
        .iter()
        .filter(|endpoint| !registered.contains_key(endpoint));
    let mut group = GroupPlan {
        register: missing.copied().collect(),
        deregister: Registered::new(),
    };
    let mut has_grown = false;
    own.retain(|endpoint, target| {
        if wanted.contains(endpoint) {
            return true;
        }
        let Mode::Count {
            tick,
            at,
            until,
            evidence,
            may_leave,
        } = situation.mode
        else {
            if let Some((from, to)) = moves(situation.mode) {
                if target.of.as_deref() == Some(to) {
                    // What ticks have counted meanwhile, they counted of the other one.
                    (target.missed, target.draws) = (0, 0);
                }
                target.of.get_or_insert_with(|| from.to_owned());
            }
            plan.pending.insert(endpoint.address, target.missed);
            return true;
        };
        let leaves = |target: &OwnTarget| situation.record.is_due(target, until, evidence.needed);
        if !leaves(target) && counts(situation.record, tick, at, evidence) {
            has_grown = true;
            target.missed = target.missed.saturating_add(1);
            let draws = target.draws.saturating_add(evidence.draws);
            target.draws = draws.min(evidence.needed);
        }
        if !leaves(target) {
            plan.pending.insert(endpoint.address, target.missed);
            return true;
        }
        match registered.get(endpoint) {
            Some(zone)
                if may_leave.contains(arn) && !is_of_others(situation.others, arn, endpoint) =>
            {
                group.deregister.insert(*endpoint, zone.clone());
                plan.removed.insert(endpoint.address);
                target.out = Some(situation.now);
                true
            }
            Some(_) => true,
            None => is_remembered(target, situation.now),
        }
    });
    (group, has_grown)
}

/// Whether a tick's misses are new: it is not delivered again, and does not see once more what a cache
/// has said to the tick before.
fn counts(record: &Record, tick: &str, at: Timestamp, evidence: Evidence) -> bool {
    let is_said_before = !evidence.lives.is_zero() && at < record.cached_until;
    !record.has_counted(tick) && !is_said_before
}

fn is_of_others(
    others: &BTreeMap<String, BTreeSet<Endpoint>>,
    arn: &str,
    endpoint: &Endpoint,
) -> bool {
    let others = others.get(arn);
    others.is_some_and(|others| others.contains(endpoint))
}

/// A target is forgotten only when it is seen to be gone long enough after it was put out: a
/// deregistration may fail unseen, and a tick under way may be about to register it.
fn is_remembered(target: &mut OwnTarget, now: Timestamp) -> bool {
    let out = *target.out.get_or_insert(now);
    now.since(out) < TAKEN_OVER
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.groups.is_empty() && self.record.is_none() {
            return f.write_str("nothing to do");
        }
        if self.record.is_some() {
            writeln!(f, "~ record")?;
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
mod tests;
