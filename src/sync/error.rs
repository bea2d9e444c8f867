//! Why a tick can fail; every one of these fails the invocation, so that alarms on errors work.

use super::STARTS;
use super::state::StateError;
use crate::capabilities::AwsError;
use crate::discovery::DiscoveryError;
use crate::published::FileError;

/// Why a tick failed.
#[derive(Debug, thiserror::Error)]
pub enum SyncError {
    #[error(transparent)]
    Discovery(#[from] DiscoveryError),
    #[error(transparent)]
    Aws(#[from] AwsError),
    #[error("s3://{bucket}/{key}")]
    State {
        bucket: String,
        key: String,
        #[source]
        source: StateError,
    },
    #[error("s3://{bucket}/{key}, which an earlier function left")]
    Published {
        bucket: String,
        key: String,
        #[source]
        source: FileError,
    },
    #[error("the state is there, but may not be read: allow s3:GetObject on it")]
    StateRefused {
        #[source]
        source: AwsError,
    },
    #[error("the state could not be written as JSON")]
    Unwritable(#[source] serde_json::Error),
    #[error("target group {target_group} does not exist any more")]
    NoTargetGroup { target_group: String },
    #[error("the state in s3://{bucket} was written by others {STARTS} times during this tick")]
    Contended { bucket: String },
    #[error("{failed} of {lookups} DNS lookups failed, so nothing was counted as missing")]
    LookupsFailed { failed: usize, lookups: usize },
    #[error("{target_group} refused {targets}")]
    Refused {
        target_group: String,
        targets: String,
        #[source]
        source: Box<AwsError>,
    },
    #[error("the binding was deleted meanwhile")]
    Deleted,
    #[error("{count} calls failed, the first of them: {first}")]
    Several {
        count: usize,
        #[source]
        first: Box<SyncError>,
    },
}

impl SyncError {
    /// Whether this is what a tick meets after its binding was deleted.
    pub(super) fn tells_of_absence(&self) -> bool {
        match self {
            Self::Aws(source) => source.is_not_found(),
            Self::Refused { source, .. } => source.is_not_found(),
            _ => false,
        }
    }
}
