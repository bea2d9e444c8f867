//! Finds the bucket that holds the record, and reads and writes the record there. Each write has If-Match or
//! If-None-Match.
//!
//! Rule 10: an Update may move the record to another bucket and leaves a stub in the old one. All readers follow it.

use super::buckets::{Candidate, Contents, Located, StoredRecord, Unreadable};
use crate::aws::api::{AwsError, Objects, StoredObject, Trouble, WriteOutcome, retry_while};
use crate::backoff::Backoff;
use crate::log::chain;
use crate::progress;
use crate::record::data::{Record, StateObject, StateObjectError};
use crate::record::error::RecordError;
use crate::record::just_made::JustMade;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use tracing::warn;

/// What to do with a record that may be the copy of a move.
enum Arrival {
    /// This is the record: the copy itself, or the original if that is not a stub yet.
    Counts(Box<StoredRecord>),
    /// The copy does not count: the stub names another bucket.
    Never { to: String },
}

/// The state object of one binding, under the same key in every bucket.
#[derive(Debug)]
pub struct Store<'a, A> {
    pub(super) aws: &'a A,
    pub(super) owner: String,
    just_made: JustMade,
}

impl<A> Clone for Store<'_, A> {
    fn clone(&self) -> Self {
        Self {
            aws: self.aws,
            owner: self.owner.clone(),
            just_made: self.just_made.clone(),
        }
    }
}

impl<'a, A: Objects> Store<'a, A> {
    /// `owner` is the physical id of the binding, or the name that takes its place.
    pub fn new(aws: &'a A, owner: impl Into<String>) -> Self {
        Self {
            aws,
            owner: owner.into(),
            just_made: JustMade::default(),
        }
    }

    /// Waits for the buckets that a request has just made.
    pub fn with_just_made(self, just_made: JustMade) -> Self {
        Self { just_made, ..self }
    }

    pub fn owner(&self) -> &str {
        &self.owner
    }

    /// The key of the state object.
    pub fn key(&self) -> String {
        format!("{}/state.json", self.owner)
    }

    /// Reads what is in one bucket.
    ///
    /// # Errors
    /// What S3 refuses.
    pub async fn read_bucket(&self, bucket: &str) -> Result<Contents, AwsError> {
        let unreadable = |etag, why| {
            let bucket = bucket.to_owned();
            Ok(Contents::Unreadable(Unreadable { bucket, etag, why }))
        };
        let StoredObject { body, etag } = match self.read(bucket).await {
            Ok(Some(stored)) => stored,
            Ok(None) => return Ok(Contents::Nothing),
            Err(error) if error.is(&["NoSuchBucket"]) => return Ok(Contents::NoBucket),
            // The object is archived (S3 API, `GetObject`).
            Err(error) if error.is(&["InvalidObjectState"]) => {
                return unreadable(None, error.into());
            }
            Err(error) => return Err(error),
        };
        match StateObject::parse(&body, &self.owner) {
            Ok(StateObject::Record(record)) => Ok(Contents::Record(Box::new(StoredRecord {
                record: *record,
                bucket: bucket.to_owned(),
                etag,
            }))),
            Ok(StateObject::Stub { to }) => Ok(Contents::Stub { to, etag }),
            Err(source) => unreadable(Some(etag), self.unusable(bucket, source)),
        }
    }

    async fn read(&self, bucket: &str) -> Result<Option<StoredObject>, AwsError> {
        let explains = |error: &AwsError| self.just_made.explains(error);
        let read = async || self.aws.read(bucket, &self.key()).await;
        let stored = retry_while(Backoff::short_at_first(), explains, read).await?;
        if stored.is_some() {
            self.just_made.bucket_was_used(bucket);
        }
        Ok(stored)
    }

    /// Searches one bucket after another, and those that stubs lead to.
    ///
    /// # Errors
    /// What S3 refuses in a bucket that the binding is known to use.
    pub async fn locate(
        &self,
        candidates: impl IntoIterator<Item = Candidate>,
    ) -> Result<Located, RecordError> {
        let candidates: Vec<_> = candidates.into_iter().collect();
        let mut former = BTreeMap::new();
        loop {
            let located = self.search_once(candidates.clone().into()).await?;
            // If the stubs lead to no record, it may have moved meanwhile, back to a bucket that was read before. There
            // is no record only if the next search finds the same stubs.
            if located.record.is_some() || located.stubs == former {
                return Ok(located);
            }
            former = located.stubs;
        }
    }

    /// Reads each of them once.
    async fn search_once(&self, mut waiting: VecDeque<Candidate>) -> Result<Located, RecordError> {
        let mut located = Located::default();
        let mut seen = BTreeSet::new();
        while let Some(Candidate {
            bucket,
            is_known_used,
        }) = waiting.pop_front()
        {
            if !seen.insert(bucket.clone()) {
                continue;
            }
            let found = match self.read_bucket(&bucket).await {
                Err(error) if !is_known_used && error.trouble == Trouble::Stays => {
                    let told = chain(&error);
                    warn!(error = told, bucket, "a bucket that was never used");
                    located.refused.insert(bucket, error);
                    continue;
                }
                found => found?,
            };
            let leads_to = match found {
                Contents::NoBucket => {
                    located.missing.insert(bucket);
                    None
                }
                Contents::Nothing => {
                    located.empty.insert(bucket);
                    None
                }
                Contents::Stub { to, etag } => {
                    located.stubs.insert(bucket, etag);
                    Some(to)
                }
                Contents::Record(held) => match self.resolve_copy(held).await? {
                    Arrival::Counts(held) => {
                        located.record = Some(*held);
                        located.unreadable = None;
                        return Ok(located);
                    }
                    Arrival::Never { to } => Some(to),
                },
                Contents::Unreadable(unreadable) => {
                    located.unreadable.get_or_insert(unreadable);
                    None
                }
            };
            if let Some(bucket) = leads_to {
                let is_known_used = true;
                waiting.push_front(Candidate {
                    bucket,
                    is_known_used,
                });
            }
        }
        Ok(located)
    }

    /// A copy counts only once its original is a stub, or gone.
    async fn resolve_copy(&self, held: Box<StoredRecord>) -> Result<Arrival, RecordError> {
        let Some(from) = &held.record.arriving_from else {
            return Ok(Arrival::Counts(held));
        };
        match self.read_bucket(from).await? {
            Contents::Record(original) => Ok(Arrival::Counts(original)),
            Contents::Unreadable(unreadable) => Err(unreadable.why),
            Contents::Stub { to, .. } if to != held.bucket => Ok(Arrival::Never { to }),
            Contents::Stub { .. } | Contents::Nothing | Contents::NoBucket => {
                Ok(Arrival::Counts(held))
            }
        }
    }

    /// Reads the record again in the bucket where it was, and follows stubs. `None` if it is gone.
    ///
    /// # Errors
    /// If it cannot be read.
    pub async fn read_again(&self, bucket: &str) -> Result<Option<StoredRecord>, RecordError> {
        let is_known_used = true;
        let bucket = bucket.to_owned();
        let located = self
            .locate([Candidate {
                bucket,
                is_known_used,
            }])
            .await?;
        match located.unreadable {
            Some(unreadable) => Err(unreadable.why),
            None => Ok(located.record),
        }
    }

    /// Writes a record if the object still has this ETag or, without an ETag, if it still does not exist. `None` if
    /// somebody else wrote first.
    ///
    /// # Errors
    /// What S3 refuses.
    pub async fn write(
        &self,
        bucket: &str,
        record: Record,
        etag: Option<&str>,
    ) -> Result<Option<StoredRecord>, RecordError> {
        let body = record.to_body().map_err(RecordError::Unwritable)?;
        let key = self.key();
        let mut backoff = Backoff::short_at_first();
        loop {
            let write = self.aws.write(bucket, &key, body.clone(), etag);
            if let WriteOutcome::Done { etag } = write.await? {
                self.just_made.bucket_was_used(bucket);
                return Ok(Some(StoredRecord {
                    record,
                    bucket: bucket.to_owned(),
                    etag,
                }));
            }
            match self.read_bucket(bucket).await? {
                // The answer to a write was lost, and the same write, sent again, meets what the first one wrote.
                Contents::Record(held) if held.record == record => return Ok(Some(*held)),
                // S3 did not know the bucket, which was just made.
                Contents::Nothing if etag.is_none() && self.just_made.has_bucket(bucket) => {
                    progress::note_retry(
                        "PutObject",
                        format!("S3 does not know bucket {bucket} yet"),
                    );
                    backoff.wait().await;
                }
                _ => return Ok(None),
            }
        }
    }

    /// Writes a record over the one that was read. `None` if somebody else wrote first.
    ///
    /// # Errors
    /// What S3 refuses.
    pub async fn replace(
        &self,
        held: &StoredRecord,
        record: Record,
    ) -> Result<Option<StoredRecord>, RecordError> {
        self.write(&held.bucket, record, Some(&held.etag)).await
    }

    /// The ETag that a write over an unreadable object needs. `None` if the object is gone.
    ///
    /// # Errors
    /// What S3 refuses.
    pub async fn etag_of(&self, unreadable: &Unreadable) -> Result<Option<String>, RecordError> {
        match &unreadable.etag {
            Some(etag) => Ok(Some(etag.clone())),
            None => self.etag(&unreadable.bucket).await,
        }
    }

    /// The ETag of the object by HeadObject, which S3 also answers for an archived object.
    ///
    /// # Errors
    /// What S3 refuses.
    pub async fn etag(&self, bucket: &str) -> Result<Option<String>, RecordError> {
        Ok(self.aws.etag(bucket, &self.key()).await?)
    }

    fn unusable(&self, bucket: &str, source: StateObjectError) -> RecordError {
        RecordError::Unusable {
            bucket: bucket.to_owned(),
            key: self.key(),
            source,
        }
    }
}
