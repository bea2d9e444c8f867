//! What a Create or an Update waits for because the template may make it beside the binding: that the load balancers
//! are provisioned, and that the ALB has its listeners.
//!
//! Changes nothing.

use super::checks::{LastSuccess, check};
use super::elb::load_balancer_arns;
use super::making::Making;
use super::observed::Observed;
use crate::aws::api::Aws;
use crate::backoff::Backoff;
use crate::binding::error::BindingError;
use crate::binding::findings::Findings;
use crate::discovery::Dns;
use crate::model::State;
use crate::progress;
use std::time::Duration;
use tokio::time::Instant;
use tracing::info;

/// How long a missing listener of the ALB is waited for.
const LISTENS_WITHIN: Duration = Duration::from_secs(60);

impl<A: Aws, D: Dns> Making<'_, '_, A, D> {
    /// Waits while load balancers are being provisioned. Returns whether it had to wait. If so, everything that
    /// was observed is out of date.
    pub(super) async fn wait_until_provisioned(
        &self,
        observed: &Observed,
    ) -> Result<bool, BindingError> {
        let Self { aws, desired, .. } = *self;
        let found = observed.alb.iter().chain(&observed.nlb).cloned();
        let mut found: Vec<_> = found.collect();
        let mut backoff = Backoff::short_at_first();
        let mut has_waited = false;
        loop {
            let waiting: Vec<_> = found
                .iter()
                .filter(|load_balancer| load_balancer.state == State::Provisioning)
                .map(|load_balancer| load_balancer.name.as_str())
                .collect();
            if waiting.is_empty() {
                return Ok(has_waited);
            }
            let waiting = waiting.join(", ");
            info!(waiting, "waiting while it is provisioned");
            progress::note(format!("waiting until {waiting} is active"));
            has_waited = true;
            backoff.wait().await;
            found = aws.load_balancers(&load_balancer_arns(desired)).await?;
        }
    }

    /// Waits for listeners of the ALB that are made while this request runs. Then everything else that was
    /// observed is out of date.
    pub(super) async fn wait_for_alb_listeners(
        &self,
        last_success: Option<LastSuccess<'_>>,
        mut observed: Observed,
        findings: &Findings,
    ) -> Result<(), BindingError> {
        let Self { aws, desired, .. } = *self;
        progress::note(format!("waiting, for {findings}"));
        let mut backoff = Backoff::short_at_first();
        let may_appear = |observed: &Observed| {
            let checked = check(desired, last_success, observed);
            checked.is_err_and(|findings| findings.lacks_only_alb_listeners())
        };
        while may_appear(&observed) && Instant::now() < self.alb_listeners_deadline() {
            backoff.wait().await;
            if let Some(alb_arn) = desired.properties.alb_arn() {
                observed.alb_listeners = aws.listeners(alb_arn).await?;
            }
        }
        Ok(())
    }

    /// Until when listeners of the ALB are waited for.
    pub(super) fn alb_listeners_deadline(&self) -> Instant {
        let deadline = self.alb_listeners_deadline.get();
        let deadline = deadline.unwrap_or_else(|| Instant::now() + LISTENS_WITHIN);
        self.alb_listeners_deadline.set(Some(deadline));
        deadline
    }
}
