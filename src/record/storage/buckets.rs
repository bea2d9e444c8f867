//! What was found of a record, bucket by bucket, and where it may be looked for. No I/O.

use crate::aws::api::AwsError;
use crate::record::data::{Record, RuleEvent};
use crate::record::error::RecordError;
use std::collections::{BTreeMap, BTreeSet};

/// A record as it was read or written, with its condition for the next write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    pub record: Record,
    pub bucket: String,
    pub etag: String,
}

/// A bucket that the record may be in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    pub bucket: String,
    /// Whether the binding surely uses or used it, so that being refused there is a failure. One that
    /// only properties name may be what the request that named it failed of, and the name of the own one
    /// may have been another account's before.
    pub surely: bool,
}

/// What was found in one bucket.
#[derive(Debug)]
pub enum Contents {
    NoBucket,
    Nothing,
    Record(Box<Held>),
    Stub { to: String, etag: String },
    Unreadable(Unreadable),
}

/// An object that is there and cannot be read as a record: archived, or damaged.
#[derive(Debug)]
pub struct Unreadable {
    pub bucket: String,
    /// `None` where only a look at the object's head tells.
    pub(super) etag: Option<String>,
    pub why: RecordError,
}

/// What was found in all buckets together.
#[derive(Debug, Default)]
pub struct Located {
    pub record: Option<Held>,
    /// Only where there is no record.
    pub unreadable: Option<Unreadable>,
    /// The record made anew, where it was lost: not written yet.
    pub anew: Option<Record>,
    /// Buckets that exist and hold nothing of the record.
    pub empty: BTreeSet<String>,
    /// Buckets that do not exist.
    pub missing: BTreeSet<String>,
    /// Buckets that hold a stub, with its ETag.
    pub stubs: BTreeMap<String, String>,
    /// Buckets that could not be looked at, though no rule names them, and why.
    pub refused: BTreeMap<String, AwsError>,
}

impl Located {
    /// Whether the record is lost while its rule stands, whose copy of the orders tells what it was.
    pub fn has_lost(&self, event: &RuleEvent) -> bool {
        self.record.is_none() && self.unreadable.is_none() && event.orders.is_some()
    }

    /// The record that was found, or made anew.
    pub fn known(&self) -> Option<&Record> {
        let found = self.record.as_ref().map(|held| &held.record);
        found.or(self.anew.as_ref())
    }

    /// Whether a bucket exists, or why that could not be seen; `None` where it was not looked at.
    pub fn has(&self, bucket: &str) -> Option<Result<bool, &AwsError>> {
        let holds_record = |held: &Held| held.bucket == bucket;
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
