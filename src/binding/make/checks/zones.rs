//! Checks that both load balancers serve the same Availability Zones.
//!
//! Network Load Balancer guide, "Availability Zones" and "Cross-zone load balancing for target groups".

use crate::binding::findings::{About, Findings, list};
use crate::binding::make::observed::Observed;
use crate::model::{Attributes, LoadBalancer};
use crate::properties::{CROSS_ZONE, CROSS_ZONE_AS_NLB, Properties, TargetGroupProperties};
use std::collections::BTreeSet;

impl Findings {
    pub(super) fn check_zones(
        &mut self,
        properties: &Properties,
        alb: &LoadBalancer,
        nlb: &LoadBalancer,
        observed: &Observed,
    ) {
        // Targets that are registered with `all` are reached from every zone.
        if alb.is_in_another_vpc(nlb) {
            return;
        }
        let only_alb: BTreeSet<_> = alb.zones.difference(&nlb.zones).cloned().collect();
        let only_nlb: BTreeSet<_> = nlb.zones.difference(&alb.zones).cloned().collect();
        let differ = format!(
            "Availability Zones differ: the ALB {} is in {}, the NLB {} in {};",
            alb.name,
            zones(&alb.zones),
            nlb.name,
            zones(&nlb.zones)
        );
        if !only_alb.is_empty() {
            let listed = zones(&only_alb);
            self.add(
                About::ZonesOfAlb(only_alb),
                format!(
                    "{differ} targets in {listed} would be unused: add it to the NLB or take it from \
                     the ALB"
                ),
            );
        }
        let allowed = properties.allow_zone_mismatch;
        let confined: Vec<_> = without_cross_zone(properties, observed)
            .into_iter()
            .collect();
        let is_let_through = allowed && confined.is_empty();
        if !only_nlb.is_empty() && !is_let_through {
            let listed = zones(&only_nlb);
            let cross_zone = match confined.as_slice() {
                [] => String::new(),
                confined => format!(
                    " and {CROSS_ZONE} to true, which is {}",
                    confined.join(", ")
                ),
            };
            self.add(
                About::ZonesOfNlb(only_nlb),
                format!(
                    "{differ} the NLB's address in {listed} would have no target: add it to the ALB or \
                     take it from the NLB, or set AllowZoneMismatch (given {allowed}) to \
                     true{cross_zone}"
                ),
            );
        }
    }
}

/// If cross-zone load balancing is not on: each value with the target group or NLB that has it. A target group's own
/// setting has precedence over the NLB's.
fn without_cross_zone(properties: &Properties, observed: &Observed) -> BTreeSet<String> {
    let of_nlb = observed.nlb_attributes.get(CROSS_ZONE);
    let of_nlb = of_nlb.map_or("false", String::as_str);
    let setting = |attributes: Option<&Attributes>| {
        let setting = attributes.and_then(|attributes| attributes.get(CROSS_ZONE));
        setting.map_or(CROSS_ZONE_AS_NLB, String::as_str).to_owned()
    };
    let mut confined = BTreeSet::new();
    for listener in &properties.listeners {
        let (own, holder) = match &listener.target_group {
            TargetGroupProperties::Made(made) => {
                let holder = format!("TargetGroupAttributes of Port {}", listener.port);
                (setting(Some(&made.attributes)), holder)
            }
            TargetGroupProperties::Given { arn } => {
                // Only wanted target groups were observed.
                let Some(given) = observed.given_groups.get(arn) else {
                    continue;
                };
                let given = given.as_ref().map(|given| &given.attributes);
                (setting(given), arn.clone())
            }
        };
        let (value, holder) = match own.as_str() {
            CROSS_ZONE_AS_NLB => (of_nlb, "the NLB".to_owned()),
            own => (own, holder),
        };
        if value != "true" {
            confined.insert(format!("{value} of {holder}"));
        }
    }
    confined
}

fn zones(zones: &BTreeSet<String>) -> String {
    let zones: Vec<_> = zones.iter().cloned().collect();
    list(&zones)
}
