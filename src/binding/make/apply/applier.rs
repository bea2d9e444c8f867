//! The applier: what every step works with, and the order in which the steps are taken.

use super::made::{MadeSoFar, RefusedListener};
use super::return_values::{MakeResult, ports, return_values};
use crate::aws::api::Aws;
use crate::binding::desired::Desired;
use crate::binding::error::BindingError;
use crate::binding::make::checks::Checked;
use crate::binding::make::plan;
use crate::binding::step::{Plan, Removal, Step};
use crate::discovery::Dns;
use crate::log::chain;
use crate::progress;
use crate::record::{Orders, Turn};
use std::cell::RefCell;
use tracing::info;

/// What the steps of one plan work with.
pub(in crate::binding::make) struct Applier<'a, 't, A, D> {
    pub(in crate::binding::make) aws: &'a A,
    pub(in crate::binding::make) dns: &'a D,
    pub(in crate::binding::make) turn: &'a Turn<'t, A>,
    pub(in crate::binding::make) desired: &'a Desired,
    pub(in crate::binding::make) checked: Checked<'a>,
}

impl<A: Aws, D: Dns> Applier<'_, '_, A, D> {
    /// Takes the steps before the claim: those of the own bucket, which the record may need.
    pub(in crate::binding::make) async fn prepare(
        &self,
        plan: &Plan<Step>,
    ) -> Result<(), BindingError> {
        for step in &plan.steps {
            match step {
                Step::CreateBucket { bucket } => {
                    log_step(step);
                    self.create_bucket(bucket).await?;
                }
                Step::TagBucket { bucket, tags } => {
                    log_step(step);
                    self.tag_bucket(bucket, tags).await?;
                }
                Step::PutBucketPolicy { bucket, policy } => {
                    log_step(step);
                    self.put_bucket_policy(bucket, policy).await?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Takes all other steps.
    pub(in crate::binding::make) async fn carry_out(
        &self,
        plan: &Plan<Step>,
    ) -> Result<MakeResult, BindingError> {
        let made = RefCell::<MadeSoFar>::default();
        let is_removal = |step: &Step| matches!(step, Step::Remove(_));
        let (mut taking_away, making): (Vec<_>, Vec<_>) =
            plan.steps.iter().cloned().partition(is_removal);
        for batch in making.chunk_by(Step::is_beside) {
            let refused = self.apply_batch(batch, &made).await?;
            let ports = refused.iter().map(|refused| refused.port).collect();
            let Some(RefusedListener { error, .. }) = refused.into_iter().next() else {
                continue;
            };
            // Listeners that are to be taken away are moved instead, as the last steps.
            taking_away = match plan::plan_moves(self.desired, &self.checked, &ports) {
                Some(steps) => steps,
                None => return Err(error),
            };
            let error = chain(&error);
            info!(
                error,
                ?ports,
                "listeners that are to go will be moved there"
            );
        }
        // A rollback would go back to what is about to be taken away.
        self.turn.stop_if_rolled_back(&self.desired.id).await?;
        for step in &taking_away {
            self.take_step(step, &made).await?;
        }
        let may_wait = |step: &Step| matches!(step, Step::Remove(Removal::Targets { .. }));
        if taking_away.iter().any(may_wait) {
            // Taking out targets may have taken minutes. If a rollback has begun meanwhile, this Update must not
            // succeed, because ticks would follow its orders.
            self.turn.stop_if_rolled_back(&self.desired.id).await?;
        }
        let made = made.into_inner();
        let Self {
            desired, checked, ..
        } = self;
        let last = self.turn.last_known(&desired.id);
        let noted = last.and_then(|held| held.record.ports).unwrap_or_default();
        Ok(MakeResult {
            attributes: return_values(desired, checked, &made),
            orders: self.orders(&made)?,
            ports: ports(desired, checked.observed, noted, &made),
        })
    }

    pub(super) fn group_arn(&self, name: &str, made: &MadeSoFar) -> Result<String, BindingError> {
        made.group_arn(name, self.checked.observed)
            .ok_or(BindingError::Unplanned)
    }

    pub(super) fn orders(&self, made: &MadeSoFar) -> Result<Orders, BindingError> {
        let orders = self.desired.orders(&self.checked, &made.groups);
        orders.ok_or(BindingError::Unplanned)
    }
}

/// Logs a step that is about to be taken.
pub(super) fn log_step(step: &Step) {
    info!(%step, "doing");
    progress::note(step.to_string());
}
