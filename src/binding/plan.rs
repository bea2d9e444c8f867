//! The plan of Create and Update: from what should be and what is, to steps. Pure, and it prints
//! itself; made again after it was applied, it holds no step but the sync.
//!
//! What is made comes first, what is no longer wanted is taken away last, when the rule already
//! works without it.

use super::Desired;
use super::observe::{NlbListener, Observed, OwnTargetGroup};
use super::orders;
use super::removal::Removal;
use super::step::Step;
use crate::model::{Attributes, HealthCheck, Tags};
use crate::properties::{TargetGroupProperties, attribute_defaults};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// The steps in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    pub steps: Vec<Step>,
}

/// Makes the plan.
pub fn plan(desired: &Desired, observed: &Observed) -> Plan {
    let mut steps = Vec::new();
    plan_bucket(desired, observed, &mut steps);
    for (name, listener) in desired.made() {
        if let TargetGroupProperties::Made {
            health_check,
            attributes,
        } = &listener.target_group
        {
            let own = observed.groups.iter().find(|own| own.group.name == name);
            match own {
                Some(own) => change_group(own, health_check, attributes, observed, &mut steps),
                None => steps.extend(create_group(
                    &name,
                    listener.alb_port,
                    health_check,
                    attributes,
                    observed,
                )),
            }
        }
    }
    let groups = newly_given(desired, observed);
    if !groups.is_empty() {
        steps.push(Step::Adopt { groups });
    }
    steps.push(Step::Sync);
    for (name, listener) in desired.made() {
        plan_listener(&name, listener.port, observed, &mut steps);
    }
    plan_rule(desired, observed, &mut steps);
    plan_removals(desired, observed, &mut steps);
    Plan { steps }
}

fn plan_bucket(desired: &Desired, observed: &Observed, steps: &mut Vec<Step>) {
    let bucket = desired.bucket();
    if desired.properties.bucket_name.is_none() {
        if !observed.bucket_exists {
            steps.push(Step::CreateBucket {
                bucket: bucket.clone(),
            });
        }
        if let Some(tags) = missing(&observed.bucket_tags, &observed.tags) {
            // PutBucketTagging replaces all tags, so those that others set are put again.
            let mut all = observed.bucket_tags.clone();
            all.extend(tags);
            steps.push(Step::TagBucket {
                bucket: bucket.clone(),
                tags: all,
            });
        }
    }
    if !observed.state_exists {
        steps.push(Step::CreateState {
            bucket: bucket.clone(),
        });
    }
    for from in orders::former_buckets(desired, observed) {
        let to = bucket.clone();
        steps.push(Step::CopyState { from, to });
    }
}

/// Given target groups that the binding had nothing to do with so far. An earlier function can
/// have left something about them only in a given bucket.
fn newly_given(desired: &Desired, observed: &Observed) -> Vec<(String, u16)> {
    if desired.properties.bucket_name.is_none() {
        return Vec::new();
    }
    let current = orders::current(observed.rule.as_ref());
    let current = current.map(|orders| orders.target_groups);
    let current = current.unwrap_or_default();
    let given = desired.given_with_ports();
    let given = given.map(|(arn, port)| (arn.to_owned(), port));
    given.filter(|group| !current.contains(group)).collect()
}

fn create_group(
    name: &str,
    port: u16,
    health_check: &HealthCheck,
    attributes: &Attributes,
    observed: &Observed,
) -> Vec<Step> {
    let vpc_id = observed
        .nlb
        .as_ref()
        .map(|nlb| nlb.vpc_id.clone())
        .unwrap_or_default();
    let mut steps = vec![Step::CreateTargetGroup {
        name: name.to_owned(),
        port,
        vpc_id,
        health_check: health_check.clone(),
    }];
    let defaults = attribute_defaults();
    let changed = differing(attributes, &defaults);
    if !changed.is_empty() {
        steps.push(Step::ModifyAttributes {
            name: name.to_owned(),
            attributes: changed,
        });
    }
    steps
}

fn change_group(
    own: &OwnTargetGroup,
    health_check: &HealthCheck,
    attributes: &Attributes,
    observed: &Observed,
    steps: &mut Vec<Step>,
) {
    let name = own.group.name.clone();
    if !own.group.health_check.is_told_as(health_check) {
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
    let changed = differing(&wanted, &own.attributes);
    if !changed.is_empty() {
        steps.push(Step::ModifyAttributes {
            name: name.clone(),
            attributes: changed,
        });
    }
    if let Some(tags) = missing(&own.tags, &observed.tags) {
        steps.push(Step::TagTargetGroup { name, tags });
    }
}

fn plan_listener(target_group: &str, port: u16, observed: &Observed, steps: &mut Vec<Step>) {
    let own = observed
        .nlb_listeners
        .iter()
        .find(|listener| listener.is_own && listener.listener.port == port);
    let Some(own) = own else {
        steps.push(Step::CreateListener {
            port,
            target_group: target_group.to_owned(),
        });
        return;
    };
    let arn = own.listener.arn.clone();
    let group = observed
        .groups
        .iter()
        .find(|own| own.group.name == target_group);
    let forwards = group.is_some_and(|group| own.listener.forwards_to == [group.group.arn.clone()]);
    if !forwards {
        let target_group = target_group.to_owned();
        steps.push(Step::ForwardListener {
            arn: arn.clone(),
            port,
            target_group,
        });
    }
    if let Some(tags) = missing(&own.tags, &observed.tags) {
        steps.push(Step::TagListener { arn, port, tags });
    }
}

fn plan_rule(desired: &Desired, observed: &Observed, steps: &mut Vec<Step>) {
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
    let target = observed
        .rule
        .as_ref()
        .and_then(|rule| orders::own_target(&rule.targets));
    let is_right = target.is_some_and(|target| target.arn == desired.function_arn)
        && orders::wanted(desired, observed, &BTreeMap::new())
            .is_some_and(|input| Some(input) == orders::current(observed.rule.as_ref()));
    if !is_right {
        steps.push(Step::PutRuleTarget);
    }
}

fn plan_removals(desired: &Desired, observed: &Observed, steps: &mut Vec<Step>) {
    let ports: BTreeSet<u16> = desired.made().map(|(_, listener)| listener.port).collect();
    let names: BTreeSet<String> = desired.made().map(|(name, _)| name).collect();
    let surplus =
        |listener: &&NlbListener| listener.is_own && !ports.contains(&listener.listener.port);
    let listeners = observed.nlb_listeners.iter().filter(surplus);
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
    let states = orders::former_buckets(desired, observed).into_iter();
    let states = states.map(|former| Removal::State {
        bucket: former.name,
        surely: former.surely,
    });
    steps.extend(listeners.chain(groups).chain(states).map(Step::Remove));
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

/// Steps as they read in the log: one a line.
pub fn lines(steps: &[impl fmt::Display]) -> String {
    let lines: Vec<_> = steps.iter().map(ToString::to_string).collect();
    lines.join("\n")
}
