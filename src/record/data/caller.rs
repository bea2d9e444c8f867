//! The request of CloudFormation that this invocation serves.

use super::claim::{Digest, Mark, RequestType};
use super::signed::Signed;
use std::time::Duration;
use tokio::time::Instant;

/// A request of CloudFormation, as far as the record is concerned.
#[derive(Debug, Clone)]
pub struct Caller {
    pub kind: RequestType,
    /// CloudFormation's id of the request, the same for each delivery, and what tells this delivery.
    pub mark: Mark,
    pub signed: Option<Signed>,
    pub wants: Digest,
    pub wanted_before: Digest,
    pub stack_id: String,
    pub logical_id: String,
    /// The physical id that it came with.
    pub physical_id: Option<String>,
    /// How long it may wait for what only may come.
    pub patience: Duration,
    /// When its time to work is over.
    pub until: Instant,
}

impl Caller {
    /// How much of its time to work is left.
    pub fn left(&self) -> Duration {
        self.until.saturating_duration_since(Instant::now())
    }
}
