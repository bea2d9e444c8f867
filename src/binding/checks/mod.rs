//! What must hold before anything is made. All findings at once, each with both values and the
//! way to mend it. Pure.

mod timeouts;
mod zones;

use super::Desired;
use super::observe::Observed;
use crate::model::{Kind, LoadBalancer, Scheme, State, TargetGroup};
use std::collections::BTreeSet;
use std::fmt;

/// Everything that is wrong with a pair of load balancers.
#[derive(Debug, Clone, Default, PartialEq, Eq, thiserror::Error)]
pub struct Findings(Vec<String>);

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("; "))
    }
}

/// What was observed, after the checks: there is an ALB and an NLB.
#[derive(Debug, Clone, Copy)]
pub struct Checked<'a> {
    pub alb: &'a LoadBalancer,
    pub nlb: &'a LoadBalancer,
    pub observed: &'a Observed,
}

pub fn check<'a>(desired: &Desired, observed: &'a Observed) -> Result<Checked<'a>, Findings> {
    let mut findings = Findings::default();
    let properties = &desired.properties;
    let alb = findings.usable(
        "AlbArn",
        &properties.alb_arn,
        &observed.alb,
        &Kind::Application,
    );
    let nlb = findings.usable("NlbArn", &properties.nlb_arn, &observed.nlb, &Kind::Network);
    if let Some(alb) = alb {
        findings.check_scheme(alb);
        findings.check_alb_listeners(desired, alb, observed);
    }
    if let Some(nlb) = nlb {
        findings.check_nlb_ports(desired, nlb, observed);
        findings.check_given_groups(nlb, observed);
    }
    if let (Some(alb), Some(nlb)) = (alb, nlb) {
        findings.check_zones(desired, alb, nlb, observed);
        findings.check_idle_timeouts(desired, alb, observed);
    }
    if let Some(refused) = &observed.bucket_refused {
        findings.add(format!(
            "BucketName {} cannot be used ({refused}); name a bucket of the function's account and \
             region and allow the function to use it",
            desired.bucket()
        ));
    } else if properties.bucket_name.is_some() && !observed.bucket_exists {
        findings.add(format!(
            "BucketName {} does not exist; name an existing bucket, or leave BucketName out and \
             one is made",
            desired.bucket()
        ));
    }
    match (alb, nlb) {
        (Some(alb), Some(nlb)) if findings.0.is_empty() => Ok(Checked { alb, nlb, observed }),
        _ => Err(findings),
    }
}

impl Findings {
    fn add(&mut self, finding: String) {
        self.0.push(finding);
    }

    /// The load balancer, if it is there and of the right type.
    fn usable<'a>(
        &mut self,
        property: &str,
        arn: &str,
        found: &'a Option<LoadBalancer>,
        kind: &Kind,
    ) -> Option<&'a LoadBalancer> {
        let Some(found) = found else {
            self.add(format!(
                "{property} {arn} does not exist; give the ARN of an existing {kind} load balancer"
            ));
            return None;
        };
        if found.kind != *kind {
            self.add(format!(
                "{property} {arn} is of type {}, but must be of type {kind}; give another load \
                 balancer",
                found.kind
            ));
            return None;
        }
        // An impaired load balancer still routes (ELBv2 API, LoadBalancerState).
        if ![State::Active, State::ActiveImpaired].contains(&found.state) {
            self.add(format!(
                "{property} {arn} is in state {}, but must be active; mend or replace it",
                found.state
            ));
        }
        Some(found)
    }

    fn check_scheme(&mut self, alb: &LoadBalancer) {
        if alb.scheme != Scheme::Internal {
            self.add(format!(
                "the ALB {} has the scheme {}, but must be internal, for public addresses cannot \
                 be targets; make the ALB with the scheme internal",
                alb.name, alb.scheme
            ));
        }
    }

    fn check_alb_listeners(&mut self, desired: &Desired, alb: &LoadBalancer, observed: &Observed) {
        let wanted: BTreeSet<u16> = desired
            .properties
            .listeners
            .iter()
            .map(|listener| listener.alb_port)
            .collect();
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
                self.add(format!(
                    "the ALB {} has no HTTP or HTTPS listener on AlbPort {port}, it has {}; add \
                     the listener (and let the binding depend on it) or change AlbPort",
                    alb.name,
                    list(&there)
                ));
            }
        }
    }

    fn check_nlb_ports(&mut self, desired: &Desired, nlb: &LoadBalancer, observed: &Observed) {
        for (_, wanted) in desired.made() {
            let other = observed
                .nlb_listeners
                .iter()
                .find(|other| other.listener.port == wanted.port && !other.is_own);
            if let Some(other) = other {
                self.add(format!(
                    "the NLB {} already has the listener {} on port {}, which is not this \
                     binding's; delete that listener, use another Port, or give its target group \
                     as TargetGroupArn",
                    nlb.name, other.listener.arn, wanted.port
                ));
            }
        }
    }

    fn check_given_groups(&mut self, nlb: &LoadBalancer, observed: &Observed) {
        for (arn, group) in &observed.given_groups {
            match group {
                None => self.add(format!(
                    "TargetGroupArn {arn} does not exist; give an existing target group, or leave \
                     TargetGroupArn out and one is made"
                )),
                Some(group) => self.check_given_group(arn, group, nlb),
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
                self.add(format!(
                    "TargetGroupArn {arn} has the {what} {found}, but must have {needed}; give a \
                     target group of type ip, protocol TCP, in the NLB's VPC"
                ));
            }
        }
    }
}

fn list(texts: &[String]) -> String {
    if texts.is_empty() {
        "none".to_owned()
    } else {
        texts.join(", ")
    }
}
