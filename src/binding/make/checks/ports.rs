//! Checks that the ALB has the listeners, that the NLB's ports are free, and that the given target groups fit.

use crate::binding::findings::{About, Findings, list};
use crate::binding::make::observed::{NlbListener, Observed};
use crate::model::{LoadBalancer, TargetGroup};
use crate::names::TAG;
use crate::properties::Properties;
use std::collections::BTreeSet;

impl Findings {
    pub(super) fn check_alb_listeners(
        &mut self,
        properties: &Properties,
        alb: &LoadBalancer,
        observed: &Observed,
    ) {
        let listeners = properties.listeners.iter();
        let wanted: BTreeSet<u16> = listeners.map(|listener| listener.alb_port).collect();
        let there: Vec<String> = observed
            .alb_listeners
            .iter()
            .map(|listener| format!("{} {}", listener.protocol, listener.port))
            .collect();
        for port in wanted {
            let listens = observed.alb_listeners.iter().any(|listener| {
                listener.port == port && ["HTTP", "HTTPS"].contains(&listener.protocol.as_str())
            });
            if !listens {
                self.add(
                    About::AlbListener(port),
                    format!(
                        "the ALB {} has no HTTP or HTTPS listener on AlbPort {port}, it has {}; add \
                         the listener (and let the binding depend on it) or change AlbPort",
                        alb.name,
                        list(&there)
                    ),
                );
            }
        }
    }

    pub(super) fn check_nlb_ports(
        &mut self,
        properties: &Properties,
        nlb: &LoadBalancer,
        observed: &Observed,
    ) {
        for (port, _) in properties.made() {
            let listeners = observed.nlb_listeners.iter();
            let mut others = listeners.filter(|other| !other.is_own);
            if let Some(other) = others.find(|other| other.listener.port == port) {
                self.add(
                    About::NlbPort(port),
                    format!(
                        "the NLB {} already has the listener {} on port {port}, which {}",
                        nlb.name,
                        other.listener.arn,
                        owner_and_advice(other)
                    ),
                );
            }
        }
    }

    pub(super) fn check_given_groups(
        &mut self,
        properties: &Properties,
        nlb: &LoadBalancer,
        observed: &Observed,
    ) {
        for arn in properties.given() {
            match observed.given_groups.get(arn) {
                Some(Some(given)) => self.check_given_group(arn, &given.group, nlb),
                Some(None) => self.add(
                    About::GivenGroup(arn.to_owned(), "existence"),
                    format!(
                        "TargetGroupArn {arn} does not exist; give an existing target group, or \
                         leave TargetGroupArn out and one is made"
                    ),
                ),
                // Only wanted target groups were observed.
                None => {}
            }
        }
    }

    fn check_given_group(&mut self, arn: &str, group: &TargetGroup, nlb: &LoadBalancer) {
        for (what, found, needed) in [
            ("type", &group.target_type, "ip"),
            ("protocol", &group.protocol, "TCP"),
            ("VPC", &group.vpc_id, nlb.vpc_id.as_str()),
        ] {
            if found != needed {
                self.add(
                    About::GivenGroup(arn.to_owned(), what),
                    format!(
                        "TargetGroupArn {arn} has the {what} {found}, but must have {needed}; give \
                         a target group of type ip, protocol TCP, in the NLB's VPC"
                    ),
                );
            }
        }
    }
}

/// Says whose a listener is, and how the user gets its port.
fn owner_and_advice(other: &NlbListener) -> String {
    if let Some(owner) = other.tags.get(TAG) {
        return format!(
            "is {owner}'s, another binding; take the port out of that one first, or use another \
             Port"
        );
    }
    let way = match other.listener.forwards_to.as_slice() {
        [group] => format!(", or give its target group as TargetGroupArn {group}"),
        _ => String::new(),
    };
    format!("is not this binding's; delete that listener or use another Port{way}")
}
