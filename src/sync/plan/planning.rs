//! The rules by which a tick registers, counts and deregisters.

use super::planned::{GroupPlan, TickPlan};
use super::situation::{Mode, Situation};
use crate::clock::Timestamp;
use crate::discovery::Evidence;
use crate::model::Registered;
use crate::record::{OwnTarget, OwnTargets, Record, TAKEOVER_WAIT};
use std::collections::{BTreeMap, BTreeSet};

/// Rule 6 of the record: until when a tick or a request has to wait before it plans, because a target that is in DNS
/// again was deregistered so shortly before that AWS may still carry that out. The tick that deregisters it may take
/// its time: `ticked` in the record says when that tick was last at work.
pub fn waits_until(situation: &Situation<'_>) -> Option<Timestamp> {
    let put_out = situation.groups.iter().flat_map(|group| {
        let own = situation.record.own.get(&group.arn);
        let targets = situation.targets_in_dns(&group.arn).into_iter();
        targets.filter_map(move |endpoint| own?.get(&endpoint)?.deregistered_at)
    });
    let last = put_out.max()?.max(situation.record.ticked);
    let until = last + TAKEOVER_WAIT;
    (until > situation.now).then_some(until)
}

/// Makes the plan.
pub fn plan(situation: &Situation<'_>) -> TickPlan {
    let known = situation.record.addresses();
    let mut next = situation.record.clone();
    // A tick that only adds may not repeat the call at which an earlier tick failed, so that failure is kept.
    if situation.mode != Mode::OnlyAdd {
        next.failed = None;
    }
    let mut plan = TickPlan {
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
        if let Mode::Request { given, .. } = situation.mode
            && is_new
            && given.contains(arn)
        {
            // Rule 11.
            let there = registered.keys().copied();
            next.found.insert(arn.clone(), there.collect());
        }
        let (group, grows) = plan_group(situation, arn, registered, own, &mut plan);
        has_grown |= grows;
        if group != GroupPlan::default() {
            plan.groups.insert(arn.clone(), group);
        }
    }
    // Rule 6: before anything is registered or deregistered the record is written, even if it does not change, because
    // the write says until when this tick may be at work.
    if !plan.groups.is_empty() || next != *situation.record {
        if let Mode::Count {
            tick, at, evidence, ..
        } = situation.mode
        {
            if has_grown && !evidence.cached_for.is_zero() {
                next.cached_until = at + evidence.cached_for;
            }
            next.count(tick);
        }
        plan.record = Some(next);
    }
    plan
}

/// Plans one target group, and says whether a count has grown.
fn plan_group(
    situation: &Situation<'_>,
    arn: &str,
    registered: &Registered,
    own: &mut OwnTargets,
    plan: &mut TickPlan,
) -> (GroupPlan, bool) {
    if let Mode::Request { adopted, .. } = situation.mode {
        for (endpoint, target) in adopted.get(arn).into_iter().flatten() {
            own.entry(*endpoint).or_insert_with(|| target.clone());
        }
    }
    let in_dns = situation.targets_in_dns(arn);
    for endpoint in &in_dns {
        let target = own.entry(*endpoint).or_default();
        *target = OwnTarget {
            former_dns_name: situation.mode.moves().map(|(_, to)| to.to_owned()),
            ..OwnTarget::default()
        };
    }
    let unregistered = in_dns
        .iter()
        .filter(|endpoint| !registered.contains_key(endpoint));
    let mut group = GroupPlan {
        register: unregistered.copied().collect(),
        deregister: Registered::new(),
    };
    let mut has_grown = false;
    own.retain(|endpoint, target| {
        if in_dns.contains(endpoint) {
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
            if let Some((from, to)) = situation.mode.moves() {
                if target.former_dns_name.as_deref() == Some(to) {
                    // The request goes back to the load balancer that this address belongs to. Meanwhile ticks have
                    // counted the address by the DNS of the other one.
                    (target.missed, target.draws) = (0, 0);
                }
                target
                    .former_dns_name
                    .get_or_insert_with(|| from.to_owned());
            }
            plan.pending.insert(endpoint.address, target.missed);
            return true;
        };
        let is_due = |target: &OwnTarget| situation.record.is_due(target, until, evidence.needed);
        if !is_due(target) && is_new_miss(situation.record, tick, at, evidence) {
            has_grown = true;
            target.missed = target.missed.saturating_add(1);
            let draws = target.draws.saturating_add(evidence.draws);
            target.draws = draws.min(evidence.needed);
        }
        if !is_due(target) {
            plan.pending.insert(endpoint.address, target.missed);
            return true;
        }
        match registered.get(endpoint) {
            Some(zone) if may_leave.contains(arn) && !situation.is_of_others(arn, endpoint) => {
                group.deregister.insert(*endpoint, zone.clone());
                plan.removed.insert(endpoint.address);
                target.deregistered_at = Some(situation.now);
                true
            }
            Some(_) => true,
            None => is_remembered(target, situation.now),
        }
    });
    (group, has_grown)
}

/// Whether a miss of this tick counts: the tick has not counted before, and no cache repeats to it what an earlier
/// tick has counted.
fn is_new_miss(record: &Record, tick: &str, at: Timestamp, evidence: Evidence) -> bool {
    let is_repeated = !evidence.cached_for.is_zero() && at < record.cached_until;
    !record.has_counted(tick) && !is_repeated
}

/// Whether a target that is due and not registered stays in the record. It does for 15 s after it was deregistered, or
/// after a tick first found it due and not registered: a deregistration may have failed unseen, and a tick under way
/// may be about to register it.
fn is_remembered(target: &mut OwnTarget, now: Timestamp) -> bool {
    let out = *target.deregistered_at.get_or_insert(now);
    now.since(out) < TAKEOVER_WAIT
}
