//! The state of S3: buckets and objects.
//!
//! Keeps no versions. An ETag depends on the body alone, so the same body always has the same ETag.

use alb_nlb_binding::model::Tags;
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

#[derive(Default)]
pub struct SimulatedS3 {
    pub buckets: BTreeMap<String, SimulatedBucket>,
    /// Until when the name of a deleted bucket cannot be used again (S3 knowledge center, "OperationAborted").
    pub taken: BTreeMap<String, u64>,
}

#[derive(Default)]
pub struct SimulatedBucket {
    pub tags: Tags,
    pub policy: Option<String>,
    pub objects: BTreeMap<String, SimulatedObject>,
    /// Whether a user made it and gave it to the binding.
    pub is_given: bool,
    /// The process that made it, and until when S3 does not show it to that process (observed in
    /// terraform-provider-aws 10068).
    pub unseen: Option<(u64, u64)>,
}

impl SimulatedS3 {
    /// A bucket, unless S3 does not show it yet to the process that has just made it. Other processes call later.
    pub fn visible(
        &mut self,
        process: u64,
        now: u64,
        bucket: &str,
    ) -> Option<&mut SimulatedBucket> {
        let found = self.buckets.get_mut(bucket)?;
        let hidden = |(maker, until)| maker == process && now < until;
        (!found.unseen.is_some_and(hidden)).then_some(found)
    }
}

#[derive(Debug, Clone)]
pub struct SimulatedObject {
    pub body: Vec<u8>,
    pub etag: String,
}

impl SimulatedObject {
    pub fn new(body: Vec<u8>) -> Self {
        let mut hasher = DefaultHasher::new();
        body.hash(&mut hasher);
        let etag = format!("\"{:016x}\"", hasher.finish());
        Self { body, etag }
    }
}
