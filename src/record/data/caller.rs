//! The request of CloudFormation that this invocation serves.

use super::claim::{DeliveryId, PropertiesDigest, RequestType};
use super::signed::Signed;
use std::time::Duration;
use tokio::time::Instant;

/// What the record needs to know of the request.
#[derive(Debug, Clone)]
pub struct Caller {
    pub kind: RequestType,
    pub delivery: DeliveryId,
    pub signed: Option<Signed>,
    /// Its properties, and the properties before it.
    pub wants: PropertiesDigest,
    pub wanted_before: PropertiesDigest,
    pub stack_id: String,
    pub logical_id: String,
    /// The physical id that the request names: none in a Create.
    pub physical_id: Option<String>,
    /// How long it may wait for something that may never come.
    pub patience: Duration,
    /// When it must stop working, to have the time to answer.
    pub until: Instant,
}

impl Caller {
    /// How much time is left until it must stop working.
    pub fn left(&self) -> Duration {
        self.until.saturating_duration_since(Instant::now())
    }
}
