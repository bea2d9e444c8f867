//! Checks that the NLB holds an idle connection for longer than the ALB does.

use crate::binding::findings::{About, Findings};
use crate::binding::make::observed::{NlbListener, Observed};
use crate::model::{Attributes, LoadBalancer, TCP_IDLE_TIMEOUT};
use crate::properties::{DEFAULT_IDLE_TIMEOUT, Properties};

/// Seconds without traffic after which an ALB closes a connection, by default (ALB guide,
/// "Connection idle timeout").
const ALB_IDLE_TIMEOUT: u32 = 60;

impl Findings {
    /// The NLB must not forget a connection that the ALB still holds open: NLB guide, "Connection idle
    /// timeout".
    pub(super) fn check_idle_timeouts(
        &mut self,
        properties: &Properties,
        alb: &LoadBalancer,
        observed: &Observed,
    ) {
        const KEY: &str = "idle_timeout.timeout_seconds";
        let alb_seconds = seconds(&observed.alb_attributes, KEY, ALB_IDLE_TIMEOUT);
        let is = format!(
            "the ALB {} has {KEY} {alb_seconds}, which must be below",
            alb.name
        );
        for (port, made) in properties.made() {
            if alb_seconds >= made.idle_timeout {
                self.add(
                    About::IdleTimeout(port.to_string(), made.idle_timeout),
                    format!(
                        "{is} IdleTimeoutSeconds {} of the listener on Port {port}; lower the ALB's \
                         timeout or give a higher IdleTimeoutSeconds, 6000 at most",
                        made.idle_timeout
                    ),
                );
            }
        }
        let given: Vec<_> = properties.given().collect();
        let forwards = |arn: &String| given.contains(&arn.as_str());
        for other in &observed.nlb_listeners {
            let nlb_seconds = other.idle_timeout();
            if other.listener.forwards_to.iter().any(forwards) && alb_seconds >= nlb_seconds {
                let arn = &other.listener.arn;
                // NLB guide, "Update the TCP idle timeout for your Network Load Balancer listener".
                let way = match other.listener.protocol == "TLS" {
                    true => "lower the ALB's timeout, for that of a TLS listener is fixed",
                    false => "lower the ALB's timeout or raise that listener's",
                };
                self.add(
                    About::IdleTimeout(arn.clone(), nlb_seconds),
                    format!(
                        "{is} {TCP_IDLE_TIMEOUT} {nlb_seconds} of the NLB's listener {arn} on port \
                         {}; {way}",
                        other.listener.port
                    ),
                );
            }
        }
    }
}

impl NlbListener {
    pub fn idle_timeout(&self) -> u32 {
        seconds(&self.attributes, TCP_IDLE_TIMEOUT, DEFAULT_IDLE_TIMEOUT)
    }
}

fn seconds(attributes: &Attributes, key: &str, default: u32) -> u32 {
    attributes
        .get(key)
        .and_then(|value| value.parse().ok())
        .unwrap_or(default)
}
