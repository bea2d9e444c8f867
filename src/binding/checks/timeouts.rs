//! Whether the NLB holds an idle connection for longer than the ALB does.

use super::Findings;
use crate::binding::Desired;
use crate::binding::observe::{NlbListener, Observed};
use crate::model::{Attributes, LoadBalancer};
use std::collections::BTreeSet;

/// Seconds without traffic after which an ALB closes a connection, by default (ALB guide,
/// "Connection idle timeout").
const ALB_IDLE_TIMEOUT: u32 = 60;

/// The same for a TCP listener of an NLB (NLB guide, "Connection idle timeout").
const NLB_IDLE_TIMEOUT: u32 = 350;

impl Findings {
    /// The NLB must not forget a connection that the ALB still holds open.
    pub(super) fn check_idle_timeouts(
        &mut self,
        desired: &Desired,
        alb: &LoadBalancer,
        observed: &Observed,
    ) {
        let alb_seconds = seconds(
            &observed.alb_attributes,
            "idle_timeout.timeout_seconds",
            ALB_IDLE_TIMEOUT,
        );
        let existing: Vec<&NlbListener> = observed
            .nlb_listeners
            .iter()
            .filter(|listener| listener.serves(desired))
            .collect();
        let mut too_short: BTreeSet<(u16, u32)> = existing
            .iter()
            .map(|listener| (listener.listener.port, listener.idle_timeout()))
            .collect();
        for (_, wanted) in desired.made() {
            let exists = existing
                .iter()
                .any(|listener| listener.listener.port == wanted.port);
            if !exists {
                too_short.insert((wanted.port, NLB_IDLE_TIMEOUT));
            }
        }
        too_short.retain(|(_, nlb_seconds)| alb_seconds >= *nlb_seconds);
        for (port, nlb_seconds) in too_short {
            self.add(format!(
                "the ALB {} has idle_timeout.timeout_seconds {alb_seconds}, which must be below \
                 tcp.idle_timeout.seconds {nlb_seconds} of the NLB's listener on port {port}; \
                 lower the ALB's timeout or raise the listener's",
                alb.name
            ));
        }
    }
}

impl NlbListener {
    /// Whether it is to carry this binding's traffic.
    fn serves(&self, desired: &Desired) -> bool {
        let is_made = desired
            .made()
            .any(|(_, wanted)| self.is_own && wanted.port == self.listener.port);
        is_made
            || desired
                .given()
                .any(|group| self.listener.forwards_to.iter().any(|arn| arn == group))
    }

    fn idle_timeout(&self) -> u32 {
        seconds(
            &self.attributes,
            "tcp.idle_timeout.seconds",
            NLB_IDLE_TIMEOUT,
        )
    }
}

fn seconds(attributes: &Attributes, key: &str, default: u32) -> u32 {
    attributes
        .get(key)
        .and_then(|value| value.parse().ok())
        .unwrap_or(default)
}
