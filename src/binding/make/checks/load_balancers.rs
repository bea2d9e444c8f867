//! Checks that the ALB and the NLB exist and can be used.

use crate::binding::findings::{About, Findings};
use crate::model::{LoadBalancer, LoadBalancerType, Scheme, State};

impl Findings {
    /// The load balancer, if it exists and has the right type.
    pub(super) fn usable<'a>(
        &mut self,
        property: &'static str,
        arn: &str,
        found: &'a Option<LoadBalancer>,
        kind: &LoadBalancerType,
    ) -> Option<&'a LoadBalancer> {
        let Some(found) = found else {
            self.add(
                About::LoadBalancer(property),
                format!(
                    "{property} {arn} does not exist; give the ARN of an existing {kind} load \
                     balancer of the function's account"
                ),
            );
            return None;
        };
        if found.kind != *kind {
            self.add(
                About::LoadBalancer(property),
                format!(
                    "{property} {arn} is of type {}, but must be of type {kind}; give another load \
                     balancer",
                    found.kind
                ),
            );
            return None;
        }
        let (about, advice) = match found.state {
            // An impaired load balancer still routes (ELBv2 API, LoadBalancerState).
            State::Active | State::ActiveImpaired => return Some(found),
            State::Provisioning => (
                About::Provisioning(property),
                "a Create and an Update wait until it is",
            ),
            _ => (About::State(property), "delete it and make another one"),
        };
        self.add(
            about,
            format!(
                "{property} {arn} is in state {}, but must be active; {advice}",
                found.state
            ),
        );
        Some(found)
    }

    pub(super) fn check_scheme(&mut self, alb: &LoadBalancer) {
        if alb.scheme != Scheme::Internal {
            self.add(
                About::Scheme,
                format!(
                    "the ALB {} has the scheme {}, but must be internal, for public addresses cannot \
                     be targets; make the ALB with the scheme internal",
                    alb.name, alb.scheme
                ),
            );
        }
    }
}
