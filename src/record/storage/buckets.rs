//! The buckets that the record may be in, and what was found in each. No I/O.

use crate::aws::api::AwsError;
use crate::record::data::{Record, RuleEvent};
use crate::record::error::RecordError;
use std::collections::{BTreeMap, BTreeSet};

/// A record as it was read or written, with the ETag that its next write is conditional on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRecord {
    pub record: Record,
    pub bucket: String,
    pub etag: String,
}

/// A bucket that the record may be in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    pub bucket: String,
    /// Whether it is known that the binding uses or used the bucket. If so, a refusal by S3 is an error. A bucket that
    /// only the properties name might never have been used, and the name of the binding's own bucket may have been
    /// another account's before.
    pub is_known_used: bool,
}

/// What was found in one bucket.
#[derive(Debug)]
pub enum Contents {
    NoBucket,
    Nothing,
    Record(Box<StoredRecord>),
    Stub { to: String, etag: String },
    Unreadable(Unreadable),
}

/// An object that exists and cannot be read as a record, because it is archived or damaged.
#[derive(Debug)]
pub struct Unreadable {
    pub bucket: String,
    /// `None` if only HeadObject tells it.
    pub(super) etag: Option<String>,
    pub why: RecordError,
}

/// What was found in all buckets.
#[derive(Debug, Default)]
pub struct Located {
    pub record: Option<StoredRecord>,
    /// `None` if there is a record.
    pub unreadable: Option<Unreadable>,
    /// Rule 8: the record that was rebuilt because it was lost. It is not written yet.
    pub rebuilt: Option<Record>,
    /// Buckets that exist and hold no state object.
    pub empty: BTreeSet<String>,
    /// Buckets that do not exist.
    pub missing: BTreeSet<String>,
    /// Buckets that hold a stub, each with its ETag.
    pub stubs: BTreeMap<String, String>,
    /// Buckets that S3 refused to read and that the binding might never have used, each with the reason.
    pub refused: BTreeMap<String, AwsError>,
}

impl Located {
    /// Rule 8: whether the record is lost while its rule still holds a copy of the orders.
    pub fn is_lost(&self, event: &RuleEvent) -> bool {
        self.record.is_none() && self.unreadable.is_none() && event.orders.is_some()
    }

    /// The record that was found, or rebuilt.
    pub fn record_or_rebuilt(&self) -> Option<&Record> {
        let found = self.record.as_ref().map(|held| &held.record);
        found.or(self.rebuilt.as_ref())
    }

    /// Whether a bucket exists, or why S3 did not tell. `None` if it was not searched.
    pub fn has(&self, bucket: &str) -> Option<Result<bool, &AwsError>> {
        let holds_record = |held: &StoredRecord| held.bucket == bucket;
        if let Some(error) = self.refused.get(bucket) {
            return Some(Err(error));
        }
        if self.missing.contains(bucket) {
            return Some(Ok(false));
        }
        let is_there = self.empty.contains(bucket)
            || self.stubs.contains_key(bucket)
            || self.record.as_ref().is_some_and(holds_record);
        is_there.then_some(Ok(true))
    }
}
