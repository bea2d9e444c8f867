//! Whether both load balancers serve the same Availability Zones.
//!
//! Network Load Balancer guide, "Availability Zones" and "Cross-zone load balancing".

use super::{Findings, list};
use crate::binding::Desired;
use crate::binding::observe::Observed;
use crate::model::LoadBalancer;
use std::collections::BTreeSet;

impl Findings {
    pub(super) fn check_zones(
        &mut self,
        desired: &Desired,
        alb: &LoadBalancer,
        nlb: &LoadBalancer,
        observed: &Observed,
    ) {
        let only_alb: BTreeSet<_> = alb.zones.difference(&nlb.zones).cloned().collect();
        let only_nlb: BTreeSet<_> = nlb.zones.difference(&alb.zones).cloned().collect();
        let allowed = desired.properties.allow_zone_mismatch;
        let cross_zone = observed
            .nlb_attributes
            .get("load_balancing.cross_zone.enabled")
            .map_or("false", String::as_str);
        let mut ways = Vec::new();
        if !only_alb.is_empty() {
            ways.push(format!(
                "targets in {} would be unused: add it to the NLB or take it from the ALB",
                zones(&only_alb)
            ));
        }
        let may_differ = allowed && cross_zone == "true";
        if !only_nlb.is_empty() && !may_differ {
            ways.push(format!(
                "the NLB's address in {} would have no target: add it to the ALB or take it from \
                 the NLB, or set AllowZoneMismatch (given {allowed}) to true and the NLB's \
                 load_balancing.cross_zone.enabled (now {cross_zone}) to true",
                zones(&only_nlb)
            ));
        }
        if !ways.is_empty() {
            self.add(format!(
                "Availability Zones differ: the ALB {} is in {}, the NLB {} in {}; {}",
                alb.name,
                zones(&alb.zones),
                nlb.name,
                zones(&nlb.zones),
                ways.join("; ")
            ));
        }
    }
}

fn zones(zones: &BTreeSet<String>) -> String {
    let zones: Vec<_> = zones.iter().cloned().collect();
    list(&zones)
}
