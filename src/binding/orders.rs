//! The orders that a binding's rule gives: what they should be, and what they are now. Pure.

use super::Desired;
use super::observe::Observed;
use crate::model::{Rule, RuleTarget};
use crate::properties::TargetGroupProperties;
use crate::sync::TickInput;
use std::collections::{BTreeMap, BTreeSet};

/// The id of the rule's one target.
pub const RULE_TARGET: &str = "alb-nlb-binding";

/// A bucket that the state may have to be fetched from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct FormerBucket {
    pub name: String,
    /// Whether it was surely used, so that being refused there is a failure. One that only the
    /// former properties name may be what the Update failed of.
    pub surely: bool,
}

/// The bucket that the rule still names and the one of the former properties, where they are not
/// the one that is wanted.
pub fn former_buckets(desired: &Desired, observed: &Observed) -> BTreeSet<FormerBucket> {
    let ruled = current(observed.rule.as_ref()).map(|orders| orders.bucket);
    let is_sure = |name: &String| ruled.as_ref() == Some(name) || *name == desired.own_bucket();
    ruled
        .iter()
        .chain(&desired.former_bucket)
        .filter(|name| **name != desired.bucket())
        .map(|name| FormerBucket {
            name: name.clone(),
            surely: is_sure(name),
        })
        .collect()
}

/// The orders that a rule gives now, where they can be read.
pub fn current(rule: Option<&Rule>) -> Option<TickInput> {
    let target = own_target(&rule?.targets)?;
    serde_json::from_str(&target.input).ok()
}

pub fn own_target(targets: &[RuleTarget]) -> Option<&RuleTarget> {
    targets.iter().find(|target| target.id == RULE_TARGET)
}

/// What the rule is to give the function: `made` are target groups made since `observed`, ARN by
/// name. `None` while a target group is not made yet.
pub fn wanted(
    desired: &Desired,
    observed: &Observed,
    made: &BTreeMap<String, String>,
) -> Option<TickInput> {
    let (alb, nlb) = (observed.alb.as_ref()?, observed.nlb.as_ref()?);
    let properties = &desired.properties;
    let target_groups = properties
        .listeners
        .iter()
        .map(|listener| {
            let arn = match &listener.target_group {
                TargetGroupProperties::Given { arn } => arn.clone(),
                TargetGroupProperties::Made { .. } => {
                    group_arn(&desired.id.target_group(listener.port), observed, made)?
                }
            };
            Some((arn, listener.alb_port))
        })
        .collect::<Option<Vec<_>>>()?;
    Some(TickInput {
        alb_nlb_binding: desired.id.to_string(),
        alb_arn: alb.arn.clone(),
        alb_name: alb.name.clone(),
        alb_dns_name: alb.dns_name.clone(),
        bucket: desired.bucket(),
        target_groups,
        availability_zone: (alb.vpc_id != nlb.vpc_id).then(|| "all".to_owned()),
        max_lookups: properties.max_lookups,
        invocations_before_deregistration: properties.invocations_before_deregistration,
        ip_count_metric: properties.ip_count_metric,
        dns_servers: properties.dns_servers.clone(),
    })
}

pub fn group_arn(
    name: &str,
    observed: &Observed,
    made: &BTreeMap<String, String>,
) -> Option<String> {
    let existing = observed.groups.iter().find(|own| own.group.name == name);
    made.get(name)
        .or(existing.map(|own| &own.group.arn))
        .cloned()
}
