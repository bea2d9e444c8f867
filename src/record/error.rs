//! Why an invocation must stop, because of the record.

use super::data::{Response, StateObjectError};
use crate::aws::api::AwsError;

/// Why an invocation must stop. The text is in the answer to CloudFormation, or in the log.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    #[error(transparent)]
    Aws(#[from] AwsError),
    #[error("the record s3://{bucket}/{key} cannot be used, and nothing was changed")]
    Unusable {
        bucket: String,
        key: String,
        #[source]
        source: StateObjectError,
    },
    #[error("the record could not be written as JSON")]
    Unwritable(#[source] serde_json::Error),
    #[error("the bucket {bucket} for the record does not exist")]
    NoBucket { bucket: String },
    #[error(
        "another request has taken the binding over, so this one has stopped where it was; it has \
         undone nothing"
    )]
    TakenOver,
    #[error("a later request has come before this one, so this one has done nothing")]
    Superseded,
    #[error("the stack has begun to roll this Update back")]
    RolledBack,
    #[error("{reason}; nothing was changed")]
    NotWanted { reason: String },
    #[error("the request has been answered already")]
    Answered(Box<Response>),
}

impl RecordError {
    /// Whether the state object exists and cannot be read as a record.
    pub(super) fn is_unreadable(&self) -> bool {
        match self {
            Self::Unusable { .. } => true,
            Self::Aws(error) => error.is(&["InvalidObjectState"]),
            _ => false,
        }
    }
}
