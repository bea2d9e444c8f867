//! One binding from properties to wiring: observe, check, plan, apply; and its mirror, delete.
//!
//! Create and Update are one operation that does the difference between what should be and what
//! is. Nothing is ever changed or deleted that is not the binding's by name or by tag, and nothing
//! without the record's leave.

mod apply;
mod checks;
mod delete;
mod desired;
mod given;
mod hints;
mod leaving;
mod make;
pub mod observe;
pub mod plan;
#[cfg(test)]
mod planning;
mod policy;
mod remains;
mod removal;
mod replaced;
mod step;
#[cfg(test)]
mod tests;
mod tombstone;
mod wiring;

pub use apply::{Attributes, Bound};
pub use checks::{Backend, Checked, Findings, Standing, check};
pub use delete::delete;
pub use desired::{Desired, MadeListener};
pub use hints::Hints;
pub(crate) use hints::candidates;
pub use make::make;
pub use observe::{Observed, find, observe};
pub use step::{Chain, Step};

use crate::capabilities::{
    AwsError, Buckets, ElbTags, Listeners, LoadBalancers, Metrics, Objects, Rules, Stacks,
    TargetGroups, Targets,
};
use crate::published::PublishedError;
use crate::record::RecordError;
use crate::sync::SyncError;

/// Everything that making and deleting a binding asks of AWS.
pub trait BindingAws:
    LoadBalancers
    + Listeners
    + TargetGroups
    + Targets
    + ElbTags
    + Buckets
    + Objects
    + Rules
    + Metrics
    + Stacks
{
}
impl<T> BindingAws for T where
    T: LoadBalancers
        + Listeners
        + TargetGroups
        + Targets
        + ElbTags
        + Buckets
        + Objects
        + Rules
        + Metrics
        + Stacks
{
}

/// Why a binding could not be made or deleted.
#[derive(Debug, thiserror::Error)]
pub enum BindingError {
    #[error(transparent)]
    Properties(#[from] crate::properties::Problems),
    #[error(transparent)]
    Findings(#[from] Findings),
    #[error(transparent)]
    Aws(#[from] AwsError),
    #[error(transparent)]
    Record(#[from] RecordError),
    #[error("the first sync failed")]
    Sync(#[from] SyncError),
    #[error(transparent)]
    Adopt(#[from] Box<PublishedError>),
    #[error(
        "AccessDenied: {object} may not be deleted; allow s3:DeleteObject and s3:DeleteObjectVersion on it"
    )]
    NotDeleted { object: String },
    #[error("{reason}")]
    OwnBucket { reason: String },
    #[error("the plan names a target group that was not made, which is a fault in this function")]
    Unplanned,
}

impl BindingError {
    /// What AWS has refused.
    fn of_aws(&self) -> Option<&AwsError> {
        match self {
            Self::Aws(error) | Self::Record(RecordError::Aws(error)) => Some(error),
            _ => None,
        }
    }

    /// Whether AWS has refused it for a quota.
    fn is_quota(&self) -> bool {
        self.of_aws().is_some_and(AwsError::is_quota)
    }

    /// Whether AWS does not delete something for what still uses it.
    fn is_in_use(&self) -> bool {
        self.of_aws().is_some_and(AwsError::is_in_use)
    }

    /// Whether AWS answered with one of these codes.
    fn is(&self, codes: &[&str]) -> bool {
        self.of_aws().is_some_and(|error| error.is(codes))
    }

    /// Whether another request, or another delivery of the same one, has claimed the record.
    pub fn is_taken_over(&self) -> bool {
        let is = |error: &RecordError| matches!(error, RecordError::TakenOver);
        match self {
            Self::Record(error) | Self::Sync(SyncError::Record(error)) => is(error),
            Self::Sync(SyncError::Refused { source, .. }) => is(source),
            _ => false,
        }
    }
}
