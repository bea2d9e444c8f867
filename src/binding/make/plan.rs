//! The plan of Create and Update: from what should be and what is, to steps. Pure, and it prints
//! itself; made again after it was applied, it holds no step but the sync.
//!
//! What is made comes first, what is no longer wanted is taken away last, when the rule already
//! works without it.

use super::checks::Checked;
use super::observed::{NlbListener, Observed, OwnTargetGroup};
use super::policy;
use crate::binding::desired::{Desired, MadeListener};
use crate::binding::step::{Removal, Step, lines};
use crate::model::{Attributes, LoadBalancer, Tags, TargetGroupPort};
use crate::properties::{
    DRAINING_INTERVAL, IDLE_TIMEOUT, MadeProperties, TERMINATION, attribute_defaults,
};
use crate::record::{RULE_TARGET, RuleEvent};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// The steps in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    pub steps: Vec<Step>,
}

/// Makes the plan.
pub fn plan(desired: &Desired, checked: &Checked<'_>) -> Plan {
    let observed = checked.observed;
    let mut steps = Vec::new();
    plan_bucket(desired, observed, &mut steps);
    plan_record(desired, observed, &mut steps);
    for made in desired.made() {
        let mut own = observed.groups.iter();
        match own.find(|own| own.group.name == made.group) {
            Some(own) => change_group(own, made.properties, observed, &mut steps),
            None => create_group(&made, &checked.nlb, &mut steps),
        }
    }
    // An ALB that is gone has no addresses, and an NLB that is gone no listeners.
    if !checked.backend.is_gone {
        let adopts = newly_given(desired, observed);
        steps.push(Step::Sync { adopts });
    }
    if observed.nlb.is_some() {
        for made in desired.made() {
            plan_listener(&made, observed, &mut steps);
        }
    }
    plan_rule(desired, checked, &mut steps);
    let surplus = surplus(desired, observed);
    plan_removals(desired, observed, surplus, &mut steps);
    Plan { steps }
}

fn plan_bucket(desired: &Desired, observed: &Observed, steps: &mut Vec<Step>) {
    if desired.properties.bucket_name.is_some() {
        return;
    }
    let bucket = desired.own_bucket();
    if !observed.bucket_exists {
        let bucket = bucket.clone();
        steps.push(Step::CreateBucket { bucket });
    } else if let Some(tags) = bucket_tags(&observed.bucket_tags, &observed.tags) {
        let bucket = bucket.clone();
        steps.push(Step::TagBucket { bucket, tags });
    }
    // One that cannot be read may have statements of others: the checks have found it.
    let present = observed.bucket_policy.as_deref();
    if observed.bucket_policy_refused.is_none()
        && let Some(policy) = policy::with_tls_only(present, &desired.own_bucket_arn())
    {
        steps.push(Step::PutBucketPolicy { bucket, policy });
    }
}

/// All tags to put, where any is missing: PutBucketTagging replaces them all, so those that others set are put
/// again.
pub fn bucket_tags(present: &Tags, wanted: &Tags) -> Option<Tags> {
    let mut tags = present.clone();
    tags.extend(missing(present, wanted)?);
    Some(tags)
}

fn plan_record(desired: &Desired, observed: &Observed, steps: &mut Vec<Step>) {
    let to = desired.bucket();
    let Some((_, from)) = &observed.record else {
        return steps.push(Step::Claim { bucket: to });
    };
    let from = from.clone();
    let bucket = from.clone();
    steps.push(Step::Claim { bucket });
    if from != to {
        steps.push(Step::TakeRecord { from, to });
    }
}

/// Given target groups that the binding had nothing to do with so far. An earlier function can
/// have left something about them only in a given bucket.
fn newly_given(desired: &Desired, observed: &Observed) -> Vec<TargetGroupPort> {
    if desired.properties.bucket_name.is_none() {
        return Vec::new();
    }
    let record = observed.record.as_ref().map(|(record, _)| record);
    let is_known = |arn: &str| record.is_some_and(|record| record.own.contains_key(arn));
    let given = desired.given_with_ports();
    given.filter(|group| !is_known(&group.arn)).collect()
}

fn create_group(made: &MadeListener<'_>, nlb: &LoadBalancer, steps: &mut Vec<Step>) {
    steps.push(Step::CreateTargetGroup {
        name: made.group.clone(),
        port: made.alb_port,
        vpc_id: nlb.vpc_id.clone(),
        health_check: made.properties.health_check.clone(),
    });
    let attributes = differing(&made.properties.attributes, &attribute_defaults());
    modify_attributes(&made.group, attributes, steps);
}

/// AWS takes an interval other than 0 only while connections are not terminated at once (ELBv2 API,
/// `TargetGroupAttribute`), so what goes back to terminating them does so after the interval.
fn modify_attributes(name: &str, mut attributes: Attributes, steps: &mut Vec<Step>) {
    let terminates = attributes
        .get(TERMINATION)
        .is_some_and(|value| value == "true");
    let then = match attributes.contains_key(DRAINING_INTERVAL) && terminates {
        true => attributes.remove_entry(TERMINATION).into_iter().collect(),
        false => Attributes::new(),
    };
    let calls = [attributes, then].into_iter();
    let calls = calls.filter(|attributes| !attributes.is_empty());
    steps.extend(calls.map(|attributes| Step::ModifyAttributes {
        name: name.to_owned(),
        attributes,
    }));
}

fn change_group(
    own: &OwnTargetGroup,
    properties: &MadeProperties,
    observed: &Observed,
    steps: &mut Vec<Step>,
) {
    let name = own.group.name.clone();
    let MadeProperties {
        health_check,
        attributes,
        ..
    } = properties;
    if !own.group.health_check.matches(health_check) {
        steps.push(Step::ModifyHealthCheck {
            name: name.clone(),
            health_check: health_check.clone(),
        });
    }
    // An attribute that is no longer asked for goes back to AWS's default, if the group has it
    // at all: there are none of another kind of target group.
    let mut wanted = attribute_defaults();
    wanted.retain(|key, _| own.attributes.contains_key(key));
    wanted.extend(attributes.clone());
    modify_attributes(&name, differing(&wanted, &own.attributes), steps);
    if let Some(tags) = missing(&own.tags, &observed.tags) {
        steps.push(Step::TagTargetGroup { name, tags });
    }
}

fn plan_listener(made: &MadeListener<'_>, observed: &Observed, steps: &mut Vec<Step>) {
    let (port, target_group) = (made.port, &made.group);
    let own = observed
        .nlb_listeners
        .iter()
        .find(|listener| listener.is_own && listener.listener.port == port);
    let listeners = observed.nlb_listeners.iter();
    let mut others = listeners.filter(|listener| !listener.is_own);
    if others.any(|other| other.listener.port == port) {
        // The binding stands without it: the checks have warned.
        return;
    }
    let Some(own) = own else {
        steps.push(Step::CreateListener {
            port,
            target_group: target_group.clone(),
        });
        steps.extend(idle_timeout(made, IDLE_TIMEOUT));
        return;
    };
    let arn = own.listener.arn.clone();
    let group = observed
        .groups
        .iter()
        .find(|own| own.group.name == *target_group);
    let forwards = group.is_some_and(|group| own.listener.forwards_to == [group.group.arn.clone()]);
    if !forwards {
        let target_group = target_group.clone();
        steps.push(Step::ForwardListener {
            arn,
            port,
            target_group,
        });
    }
    change_listener(made, own, observed, steps);
}

/// What is not set by forwarding.
fn change_listener(
    made: &MadeListener<'_>,
    own: &NlbListener,
    observed: &Observed,
    steps: &mut Vec<Step>,
) {
    let (arn, port) = (own.listener.arn.clone(), made.port);
    steps.extend(idle_timeout(made, own.idle_timeout()));
    if let Some(tags) = missing(&own.tags, &observed.tags) {
        steps.push(Step::TagListener { arn, port, tags });
    }
}

fn idle_timeout(made: &MadeListener<'_>, present: u32) -> Option<Step> {
    let (port, seconds) = (made.port, made.properties.idle_timeout);
    (present != seconds).then_some(Step::SetIdleTimeout { port, seconds })
}

fn plan_rule(desired: &Desired, checked: &Checked<'_>, steps: &mut Vec<Step>) {
    let observed = checked.observed;
    let schedule = &desired.properties.schedule;
    let put = match &observed.rule {
        Some(rule) => rule.schedule != *schedule || !rule.enabled,
        None => true,
    };
    if put {
        steps.push(Step::PutRule {
            schedule: schedule.clone(),
        });
    }
    if observed.rule.is_some()
        && let Some(tags) = missing(&observed.rule_tags, &observed.tags)
    {
        steps.push(Step::TagRule { tags });
    }
    let targets = observed.rule.iter().flat_map(|rule| &rule.targets);
    let mut targets = targets.filter(|target| target.id == RULE_TARGET);
    let record = observed.record.as_ref();
    let known = record.map_or(0, |(record, _)| checked.backend.known_by(record));
    let event = RuleEvent::of_rule(observed.rule.as_ref());
    // One that is too large costs a new process some lookups, and is no reason to put the rule.
    let expected = event.map_or(0, |event| event.addresses).max(known);
    let wanted = desired.rule_target(checked, &BTreeMap::new(), expected);
    let is_right = targets.any(|target| Some(target) == wanted.as_ref());
    if !is_right {
        steps.push(Step::PutRuleTarget);
    }
}

/// The last steps, where AWS refused the listeners on these ports for a quota (NLB guide, "Quotas": 50
/// listeners): each takes a listener that is to go, in the order of ports. `None` where there are too few.
pub fn moving(
    desired: &Desired,
    checked: &Checked<'_>,
    refused: &BTreeSet<u16>,
) -> Option<Vec<Step>> {
    let observed = checked.observed;
    let wanted: BTreeMap<u16, MadeListener<'_>> =
        desired.made().map(|made| (made.port, made)).collect();
    let mut surplus = surplus(desired, observed).into_iter();
    let mut steps = Vec::new();
    for port in refused {
        let (made, own) = (wanted.get(port)?, surplus.next()?);
        steps.push(Step::MoveListener {
            arn: own.listener.arn.clone(),
            from: own.listener.port,
            port: *port,
            target_group: made.group.clone(),
        });
        change_listener(made, own, observed, &mut steps);
    }
    plan_removals(desired, observed, surplus.collect(), &mut steps);
    Some(steps)
}

/// Own listeners that are to go, in the order of their ports.
fn surplus<'a>(desired: &Desired, observed: &'a Observed) -> Vec<&'a NlbListener> {
    let ports: BTreeSet<u16> = desired.made().map(|made| made.port).collect();
    let listeners = observed.nlb_listeners.iter();
    let surplus =
        listeners.filter(|listener| listener.is_own && !ports.contains(&listener.listener.port));
    let mut surplus: Vec<_> = surplus.collect();
    surplus.sort_by_key(|own| own.listener.port);
    surplus
}

fn plan_removals(
    desired: &Desired,
    observed: &Observed,
    surplus: Vec<&NlbListener>,
    steps: &mut Vec<Step>,
) {
    let names: BTreeSet<String> = desired.made().map(|made| made.group).collect();
    let listeners = surplus.into_iter();
    let listeners = listeners.map(|NlbListener { listener, .. }| Removal::Listener {
        arn: listener.arn.clone(),
        port: listener.port,
    });
    let groups = observed.groups.iter().map(|own| &own.group);
    let groups = groups.filter(|group| !names.contains(&group.name));
    let groups = groups.map(|group| Removal::TargetGroup {
        arn: group.arn.clone(),
        name: group.name.clone(),
    });
    let record = observed.record.as_ref();
    let stubs = record.into_iter().flat_map(|(record, _)| &record.elsewhere);
    // An own bucket goes with Delete.
    let stubs = stubs.filter(|stub| **stub != desired.bucket() && **stub != desired.own_bucket());
    let stubs = stubs.map(|bucket| Removal::Stub {
        bucket: bucket.clone(),
    });
    let given = desired.given_up(observed).into_iter();
    let given = given.map(|target_group| Removal::Targets { target_group });
    let removals = listeners.chain(groups).chain(stubs).chain(given);
    steps.extend(removals.map(Step::Remove));
}

/// Tags to add or change. Tags that others added are theirs.
fn missing(present: &Tags, wanted: &Tags) -> Option<Tags> {
    let tags = differing(wanted, present);
    (!tags.is_empty()).then_some(tags)
}

fn differing(
    wanted: &BTreeMap<String, String>,
    present: &BTreeMap<String, String>,
) -> BTreeMap<String, String> {
    wanted
        .iter()
        .filter(|(key, value)| present.get(*key) != Some(value))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&lines(&self.steps))
    }
}
