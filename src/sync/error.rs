//! Why a tick can fail. Each of these errors fails the invocation, so that alarms on `Errors` work.

use crate::aws::api::AwsError;
use crate::discovery::DnsError;
use crate::record::RecordError;
use std::error::Error;

/// Why a tick failed.
#[derive(Debug, thiserror::Error)]
pub enum SyncError {
    #[error(transparent)]
    Dns(#[from] DnsError),
    #[error(transparent)]
    Aws(#[from] AwsError),
    #[error(transparent)]
    Record(#[from] RecordError),
    /// An error of the [`super::Source`] alone.
    #[error(transparent)]
    Source(Box<dyn Error + Send + Sync>),
    #[error(
        "what other bindings serve could not be read in time, so nothing left the given target groups"
    )]
    OthersTooSlow,
    #[error("target group {target_group} does not exist any more")]
    NoTargetGroup { target_group: String },
    #[error("{failed} of {lookups} DNS lookups failed, so nothing was counted as missing")]
    LookupsFailed { failed: usize, lookups: usize },
    #[error("the DNS servers that could be reached repeat themselves as a cache does")]
    Cached,
    #[error("DNS has not shown for certain every address that there is")]
    Uncertain,
    #[error("{target_group} refused {targets}")]
    Refused {
        target_group: String,
        targets: String,
        #[source]
        source: Box<RecordError>,
    },
    #[error(
        "the record is lost, and the rule has no copy of the orders to make it anew of; update the stack"
    )]
    Lost,
    #[error("{count} calls failed, the first of them: {first}")]
    Several {
        count: usize,
        #[source]
        first: Box<SyncError>,
    },
}
