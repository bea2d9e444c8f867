//! Taking away, one thing at a time: what Delete is made of, and how an Update ends.
//!
//! What is gone already is fine. Nothing here looks for things: only what a plan names goes.

use super::keeping::tolerate;
use super::{BindingAws, BindingError, BindingId};
use crate::capabilities::{Answer, Buckets, Objects, TARGETS_PER_CALL, TargetGroups, Targets};
use crate::model::Registered;
use crate::pause::Pause;
use crate::progress;
use std::fmt;
use std::time::Duration;
use tokio::time::Instant;
use tracing::info;

/// How long AWS may take to see that a deleted listener no longer uses its target group.
pub const RELEASED_WITHIN: Duration = Duration::from_secs(60);

/// One thing to take away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Removal {
    RuleTargets {
        ids: Vec<String>,
    },
    Rule,
    /// The binding's own targets, out of a target group that is not its own.
    Targets {
        target_group: String,
        targets: Registered,
    },
    Listener {
        arn: String,
        port: u16,
    },
    TargetGroup {
        arn: String,
        name: String,
    },
    /// The binding's objects, out of a bucket that is not its own or that it no longer uses.
    State {
        bucket: String,
        /// Whether the bucket was surely used, so that being refused there is a failure.
        surely: bool,
    },
    /// The binding's own bucket, with all that is in it.
    Bucket {
        bucket: String,
    },
}

impl fmt::Display for Removal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RuleTargets { ids } => write!(f, "- rule target {}", ids.join(", ")),
            Self::Rule => f.write_str("- rule"),
            Self::Targets {
                target_group,
                targets,
            } => write!(f, "- {} own targets in {target_group}", targets.len()),
            Self::Listener { port, .. } => write!(f, "- listener on port {port}"),
            Self::TargetGroup { name, .. } => write!(f, "- target group {name}"),
            Self::State { bucket, .. } => write!(f, "- state in bucket {bucket}"),
            Self::Bucket { bucket } => write!(f, "- bucket {bucket}"),
        }
    }
}

impl Removal {
    /// `patience` is how long a target group may still be in use.
    pub(super) async fn apply(
        &self,
        aws: &impl BindingAws,
        id: &BindingId,
        patience: Duration,
    ) -> Result<(), BindingError> {
        info!(step = %self, "doing");
        progress::note(self.to_string());
        match self {
            Self::RuleTargets { ids } => {
                gone_is_fine(aws.remove_rule_targets(&id.rule(), ids).await)?;
            }
            Self::Rule => gone_is_fine(aws.delete_rule(&id.rule()).await)?,
            Self::Targets {
                target_group,
                targets,
            } => deregister(aws, target_group, targets).await?,
            Self::Listener { arn, .. } => gone_is_fine(aws.delete_listener(arn).await)?,
            Self::TargetGroup { arn, .. } => delete_target_group(aws, arn, patience).await?,
            Self::State { bucket, surely } => {
                tolerate(aws.delete_all(bucket, &id.key_prefix()).await, *surely)?;
            }
            Self::Bucket { bucket } => delete_bucket(aws, bucket).await?,
        }
        Ok(())
    }
}

async fn deregister(
    aws: &impl Targets,
    target_group: &str,
    targets: &Registered,
) -> Result<(), BindingError> {
    let targets: Vec<_> = targets.iter().collect();
    for some in targets.chunks(TARGETS_PER_CALL) {
        let some = some
            .iter()
            .map(|(endpoint, zone)| (**endpoint, (*zone).clone()))
            .collect();
        gone_is_fine(aws.deregister(target_group, &some).await)?;
    }
    Ok(())
}

/// A listener that was just deleted still holds its target group for a moment. One of somebody
/// else's holds it for longer, and then AWS's own words are the answer.
async fn delete_target_group(
    aws: &impl TargetGroups,
    arn: &str,
    patience: Duration,
) -> Result<(), BindingError> {
    let started = Instant::now();
    let mut pause = Pause::short_at_first();
    loop {
        match aws.delete_target_group(arn).await {
            Err(error) if error.is(&["ResourceInUse"]) && started.elapsed() < patience => {
                info!(target_group = arn, "still in use, trying again");
                pause.wait().await;
            }
            deleted => return Ok(gone_is_fine(deleted)?),
        }
    }
}

/// A tick under way may write once more after the bucket was emptied, so it is emptied again. The
/// invocation's deadline ends that.
async fn delete_bucket(aws: &(impl Buckets + Objects), bucket: &str) -> Result<(), BindingError> {
    let mut pause = Pause::short_at_first();
    loop {
        gone_is_fine(aws.delete_all(bucket, "").await)?;
        match aws.delete_bucket(bucket).await {
            Err(error) if error.is(&["BucketNotEmpty"]) => {
                info!(bucket, "not empty any more, emptying it again");
                pause.wait().await;
            }
            deleted => return Ok(gone_is_fine(deleted)?),
        }
    }
}

/// What is gone already needs no deleting.
fn gone_is_fine(answer: Answer<()>) -> Answer<()> {
    match answer {
        Err(error) if error.is_not_found() => Ok(()),
        answer => answer,
    }
}
