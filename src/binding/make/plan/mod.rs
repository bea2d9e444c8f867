//! The plan of Create and Update: from the desired binding and the observed AWS to steps. Pure; made again after it was
//! carried out, it holds no steps but the claim and the sync.
//!
//! What is made comes first. What is no longer wanted is taken away last, when the rule already works without it.

mod bucket;
mod listeners;
mod policy;
mod removals;
mod rule;
mod tags;
mod target_groups;

pub(super) use bucket::bucket_tags;
pub(super) use listeners::plan_moves;

use super::checks::Checked;
use super::observed::Observed;
use crate::binding::desired::Desired;
use crate::binding::step::{Plan, Step};
use crate::model::TargetGroupPort;

/// Makes the plan.
pub fn plan(desired: &Desired, checked: &Checked<'_>) -> Plan<Step> {
    let observed = checked.observed;
    let mut steps = Vec::new();
    bucket::plan_bucket(desired, observed, &mut steps);
    plan_record(desired, observed, &mut steps);
    for made in desired.made() {
        let mut own = observed.groups.iter();
        match own.find(|own| own.group.name == made.group) {
            Some(own) => target_groups::change(own, made.properties, observed, &mut steps),
            None => target_groups::create(&made, &checked.nlb, &mut steps),
        }
    }
    // An ALB that is gone has no addresses, and an NLB that is gone no listeners.
    if !checked.backend.is_gone {
        let adopts = newly_given(desired, observed);
        steps.push(Step::Sync { adopts });
    }
    if observed.nlb.is_some() {
        for made in desired.made() {
            listeners::plan_listener(&made, observed, &mut steps);
        }
    }
    rule::plan_rule(desired, checked, &mut steps);
    let surplus = removals::surplus_listeners(desired, observed);
    removals::plan_removals(desired, observed, surplus, &mut steps);
    Plan { steps }
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
        steps.push(Step::MoveRecord { from, to });
    }
}

/// Given target groups that the record does not know yet. An earlier function can have left its state about them only
/// in a given bucket.
fn newly_given(desired: &Desired, observed: &Observed) -> Vec<TargetGroupPort> {
    if desired.properties.bucket_name.is_none() {
        return Vec::new();
    }
    let record = observed.record.as_ref().map(|(record, _)| record);
    let is_known = |arn: &str| record.is_some_and(|record| record.own.contains_key(arn));
    let given = desired.given_with_ports();
    given.filter(|group| !is_known(&group.arn)).collect()
}
