//! The result of a make: the return values, and what the record is to keep. Pure.

use super::made::MadeSoFar;
use crate::binding::desired::Desired;
use crate::binding::make::checks::Checked;
use crate::binding::make::observed::Observed;
use crate::properties::TargetGroupProperties;
use crate::record::Orders;
use std::collections::{BTreeMap, BTreeSet};

/// The return values of a binding, by the names that `Fn::GetAtt` knows.
pub type ReturnValues = BTreeMap<String, String>;

/// What a finished Create or Update returns.
pub struct MakeResult {
    pub attributes: ReturnValues,
    /// What ticks are to do from now on.
    pub orders: Orders,
    /// The ports that its target groups may have been made for.
    pub ports: BTreeSet<u16>,
}

/// The ports for the record. AWS might not have shown all target groups of the ports `noted` in it. Of those that it
/// has shown, the ones that are no longer wanted have been removed.
pub(super) fn ports(
    desired: &Desired,
    observed: &Observed,
    noted: BTreeSet<u16>,
    made: &MadeSoFar,
) -> BTreeSet<u16> {
    let may_be_there = |port: &u16| {
        let name = desired.id.target_group(*port);
        let is_shown = observed.groups.iter().any(|own| own.group.name == name);
        !is_shown || made.unknown.contains(&name)
    };
    let may_be_there = noted.into_iter().filter(may_be_there);
    may_be_there.chain(desired.ports()).collect()
}

/// The values for `Fn::GetAtt`.
pub(super) fn return_values(
    desired: &Desired,
    checked: &Checked<'_>,
    made: &MadeSoFar,
) -> ReturnValues {
    let Checked { nlb, observed, .. } = checked;
    let mut groups = Vec::new();
    let mut listeners = Vec::new();
    for listener in &desired.properties.listeners {
        match &listener.target_group {
            TargetGroupProperties::Given { arn } => groups.push(arn.clone()),
            TargetGroupProperties::Made(_) => {
                let name = desired.id.target_group(listener.port);
                groups.extend(made.group_arn(&name, observed));
                listeners.extend(made.listener_arn(listener.port, observed));
            }
        }
    }
    let rule_arn = made.rule_arn.clone();
    let rule_arn = rule_arn.or_else(|| observed.rule.as_ref().map(|rule| rule.arn.clone()));
    let zones: Vec<_> = nlb.zones.iter().cloned().collect();
    let first = |arns: &[String]| arns.first().cloned().unwrap_or_default();
    [
        ("BucketName", desired.bucket()),
        ("RuleName", desired.id.rule()),
        ("RuleArn", rule_arn.unwrap_or_default()),
        ("TargetGroupArn", first(&groups)),
        ("TargetGroupArns", groups.join(",")),
        ("ListenerArn", first(&listeners)),
        ("ListenerArns", listeners.join(",")),
        ("AvailabilityZones", zones.join(",")),
        ("IpCount", made.addresses.to_string()),
        ("NlbAddresses", nlb.addresses.join(",")),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}
