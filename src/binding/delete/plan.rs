//! The plan of Delete: from what is left of a binding to what is taken away. Pure.
//!
//! The order is that of docs/semantics.md, "Delete": everything that the record is needed for comes before the record.

use super::observed::RemainingResources;
use crate::binding::step::{Plan, Removal};
use crate::model::Rule;
use crate::names::BindingId;

/// Makes the plan. Deregisters own targets in a given target group only if `is_named` accepts the group.
pub(super) fn plan(
    id: &BindingId,
    own_bucket: &str,
    remaining: &RemainingResources,
    is_named: impl Fn(&str) -> bool,
) -> Plan<Removal> {
    let record = remaining.record.as_ref();
    let own = record.into_iter().flat_map(|(record, _)| &record.own);
    let given = own.filter(|(arn, own)| !own.is_empty() && is_named(arn));
    let given = given.filter(|(arn, _)| !id.made_group(arn));
    let given = given.map(|(arn, _)| Removal::Targets {
        target_group: arn.clone(),
    });
    let listeners = remaining
        .listeners
        .iter()
        .map(|listener| Removal::Listener {
            arn: listener.arn.clone(),
            port: listener.port,
        });
    let groups = remaining.groups.iter().map(|group| Removal::TargetGroup {
        arn: group.arn.clone(),
        name: group.name.clone(),
    });
    let elsewhere = record.into_iter().flat_map(|(record, _)| &record.elsewhere);
    let stubs = elsewhere.filter(|bucket| *bucket != own_bucket);
    let stubs = stubs.map(|bucket| Removal::Stub {
        bucket: bucket.clone(),
    });
    let record = record.filter(|(_, bucket)| *bucket != own_bucket);
    let record = record.map(|(_, bucket)| Removal::Record {
        bucket: bucket.clone(),
    });
    let bucket = remaining.has_own_bucket.then(|| Removal::Bucket {
        bucket: own_bucket.to_owned(),
    });
    let steps = given
        .chain(plan_rule(remaining.rule.as_ref()))
        .chain(listeners)
        .chain(groups)
        .chain(stubs)
        // If the record is in another bucket, the own bucket holds a stub at most.
        .chain(bucket)
        .chain(record);
    Plan {
        steps: steps.collect(),
    }
}

/// A rule can only be deleted without targets.
fn plan_rule(rule: Option<&Rule>) -> Vec<Removal> {
    let Some(rule) = rule else {
        return Vec::new();
    };
    let ids: Vec<_> = rule
        .targets
        .iter()
        .map(|target| target.id.clone())
        .collect();
    let targets = (!ids.is_empty()).then_some(Removal::RuleTargets { ids });
    targets.into_iter().chain([Removal::Rule]).collect()
}
