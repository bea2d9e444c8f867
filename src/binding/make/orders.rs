//! The orders that ticks follow once the plan is carried out, and the rule's target, which holds a copy of them. Also
//! the given target groups that a binding gives up. Pure.

use super::checks::Checked;
use super::observed::Observed;
use crate::binding::desired::Desired;
use crate::model::{RuleTarget, TargetGroupPort};
use crate::properties::TargetGroupProperties;
use crate::record::{Orders, RULE_TARGET, RuleEvent};
use std::collections::{BTreeMap, BTreeSet};

impl Desired {
    /// Given target groups in which the binding has targets and that it must not serve any more.
    pub fn given_up(&self, observed: &Observed) -> BTreeSet<String> {
        let record = observed.record.as_ref().map(|(record, _)| record);
        let own = record.into_iter().flat_map(|record| record.own.keys());
        // A tick may register targets in a group of the present orders until these are replaced.
        let orders = record.and_then(|record| record.orders.as_ref());
        let served = orders.into_iter().flat_map(Orders::groups);
        let known = own.map(String::as_str).chain(served);
        let wanted: BTreeSet<&str> = self.given().collect();
        // The record alone does not count: everybody who may write to its bucket can write it. Nobody else can write
        // the rule and the properties.
        let event = RuleEvent::of_rule(observed.rule.as_ref());
        let is_in_rule = |arn: &str| event.as_ref().is_some_and(|event| event.names_group(arn));
        known
            .filter(|arn| !wanted.contains(arn) && !self.id.made_group(arn))
            .filter(|arn| self.former.given.contains(*arn) || is_in_rule(arn))
            .map(str::to_owned)
            .collect()
    }

    /// The orders. `made` has the target groups that were made since AWS was observed, ARN by name. `None` while a
    /// target group is not made yet.
    pub fn orders(&self, checked: &Checked<'_>, made: &BTreeMap<String, String>) -> Option<Orders> {
        let Checked {
            backend,
            nlb,
            observed,
            ..
        } = checked;
        let properties = &self.properties;
        let target_groups = properties.listeners.iter().map(|listener| {
            let arn = match &listener.target_group {
                TargetGroupProperties::Given { arn } => arn.clone(),
                TargetGroupProperties::Made(_) => {
                    group_arn(&self.id.target_group(listener.port), observed, made)?
                }
            };
            Some(TargetGroupPort::new(arn, listener.alb_port))
        });
        Some(Orders {
            nlb_arn: nlb.arn.clone(),
            alb_arn: backend.alb_arn.clone(),
            alb_name: backend.name.clone(),
            alb_dns_name: backend.dns_name.clone(),
            target_groups: target_groups.collect::<Option<_>>()?,
            availability_zone: backend.availability_zone.clone(),
            max_lookups: properties.max_lookups,
            invocations_before_deregistration: properties.invocations_before_deregistration,
            ip_count_metric: properties.ip_count_metric,
            dns_servers: properties.dns_servers.clone(),
        })
    }

    /// The rule's target: what the rule is to call the function with. `expected` is how many addresses DNS should have.
    pub fn rule_target(
        &self,
        checked: &Checked<'_>,
        made: &BTreeMap<String, String>,
        expected: usize,
    ) -> Option<RuleTarget> {
        let orders = self.orders(checked, made)?;
        // Delete has to know these groups, because AWS may refuse to deregister own targets now.
        let owed = self.given_up(checked.observed);
        let (bucket, schedule) = (self.bucket(), &self.properties.schedule);
        let template = RuleEvent::template(&self.id, &bucket, schedule, &orders, &owed, expected);
        Some(RuleTarget {
            id: RULE_TARGET.to_owned(),
            arn: self.function_arn.clone(),
            template: template.ok()?,
        })
    }
}

/// The ARN of an own target group that was made since AWS was observed, or that was observed.
pub(super) fn group_arn(
    name: &str,
    observed: &Observed,
    made: &BTreeMap<String, String>,
) -> Option<String> {
    let existing = observed.groups.iter().find(|own| own.group.name == name);
    let existing = existing.map(|own| &own.group.arn);
    made.get(name).or(existing).cloned()
}
