//! The remover: what every removal works with, and the calls of each one.

use super::given_targets;
use crate::aws::api::{Aws, AwsResult, Trouble};
use crate::binding::error::BindingError;
use crate::binding::step::Removal;
use crate::names::BindingId;
use crate::permit::Permit;
use crate::progress;
use crate::record::{RecordError, Turn};
use std::cell::Cell;
use std::time::Duration;
use tokio::time::Instant;
use tracing::info;

/// What the removals of one plan work with.
pub(in crate::binding) struct Remover<'a, 't, A> {
    pub(in crate::binding) aws: &'a A,
    pub(in crate::binding) turn: &'a Turn<'t, A>,
    pub(in crate::binding) id: &'a BindingId,
    /// Whether the own bucket had to stay, because it holds versions under a retention lock.
    pub(in crate::binding) leaves_bucket: Cell<bool>,
    /// For how long a removal that AWS refuses because the resource is in use is tried again.
    pub(in crate::binding) in_use_for: Duration,
}

impl<A: Aws> Remover<'_, '_, A> {
    /// Removes one thing. Returns whether it existed, as far as AWS says: it might not show yet what was just made.
    ///
    /// # Errors
    /// What AWS refuses; it is no error if the thing is gone already.
    pub(in crate::binding) async fn remove(&self, removal: &Removal) -> Result<bool, BindingError> {
        info!(step = %removal, "doing");
        progress::note(removal.to_string());
        let Self { aws, turn, id, .. } = self;
        match removal {
            Removal::RuleTargets { ids } => {
                let remove = async |permit| aws.remove_rule_targets(permit, &id.rule(), ids).await;
                self.delete(remove).await
            }
            Removal::Rule => {
                self.delete(async |permit| aws.delete_rule(permit, &id.rule()).await)
                    .await
            }
            Removal::Targets { target_group } => {
                given_targets::deregister_own_targets(*aws, turn, id, target_group).await?;
                Ok(true)
            }
            Removal::Listener { arn, .. } => {
                self.delete(async |permit| aws.delete_listener(permit, arn).await)
                    .await
            }
            Removal::TargetGroup { arn, .. } => {
                self.delete(async |permit| aws.delete_target_group(permit, arn).await)
                    .await
            }
            Removal::Stub { bucket } => self.delete_stub(bucket).await.map(|()| true),
            Removal::Record { bucket } => {
                self.delete_objects(bucket, &id.key_prefix()).await?;
                Ok(true)
            }
            Removal::Bucket { bucket } => self.delete_own_bucket(bucket).await.map(|()| true),
        }
    }

    /// Makes one deleting call. Returns whether there was something to delete.
    pub(super) async fn delete(
        &self,
        call: impl AsyncFn(Permit) -> AwsResult<()>,
    ) -> Result<bool, BindingError> {
        let began = Instant::now();
        let call = async |permit| {
            let mut answer = call(permit).await;
            if let Err(error) = &mut answer
                && error.is_in_use()
                && began.elapsed() >= self.in_use_for
            {
                error.trouble = Trouble::Stays;
            }
            answer
        };
        match self.turn.lease().act(call).await {
            Err(RecordError::Aws(error)) if error.is_not_found() => Ok(false),
            done => {
                done?;
                Ok(true)
            }
        }
    }
}
