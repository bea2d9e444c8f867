//! Why a binding could not be made or deleted, with the errors that caused it.

use super::findings::Findings;
use crate::aws::api::AwsError;
use crate::legacy::LegacyError;
use crate::record::RecordError;
use crate::sync::SyncError;

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
    Adopt(#[from] Box<LegacyError>),
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
    /// The error of the AWS call that failed, if one did.
    fn aws_error(&self) -> Option<&AwsError> {
        match self {
            Self::Aws(error) | Self::Record(RecordError::Aws(error)) => Some(error),
            _ => None,
        }
    }

    /// Whether AWS refused something because of a quota.
    pub(super) fn is_quota(&self) -> bool {
        self.aws_error().is_some_and(AwsError::is_quota)
    }

    /// Whether AWS refused to delete something because something else still uses it.
    pub(super) fn is_in_use(&self) -> bool {
        self.aws_error().is_some_and(AwsError::is_in_use)
    }

    /// Whether AWS answered with one of these error codes.
    pub(super) fn is(&self, codes: &[&str]) -> bool {
        self.aws_error().is_some_and(|error| error.is(codes))
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
