//! Where the record is: read, found again in whichever bucket it is, and written under its condition.
//!
//! Rule 10: an Update may take the record to another bucket, and leaves a stub that says where. Every
//! reader follows it. Never writes without If-Match or If-None-Match.

use super::buckets::{Candidate, Contents, Held, Located, Unreadable};
use crate::aws::api::{AwsError, Objects, Stored, Trouble, Written};
use crate::backoff::{Backoff, outlast};
use crate::log::chain;
use crate::progress;
use crate::record::data::{Body, BodyError, Record};
use crate::record::error::RecordError;
use crate::record::just_made::Fresh;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use tracing::warn;

/// What a record that may be a copy comes to.
enum Arrival {
    /// It is the record, or the one that it was made of still is.
    Counts(Box<Held>),
    /// The stub in the place of the one that it was made of leads elsewhere.
    Never { to: String },
}

/// One record's objects: the same key in whichever bucket.
#[derive(Debug)]
pub struct Store<'a, A> {
    pub(super) aws: &'a A,
    pub(super) owner: String,
    fresh: Fresh,
}

impl<A> Clone for Store<'_, A> {
    fn clone(&self) -> Self {
        Self {
            aws: self.aws,
            owner: self.owner.clone(),
            fresh: self.fresh.clone(),
        }
    }
}

impl<'a, A: Objects> Store<'a, A> {
    /// The record of a binding, or of what stands in for one.
    pub fn new(aws: &'a A, owner: impl Into<String>) -> Self {
        Self {
            aws,
            owner: owner.into(),
            fresh: Fresh::default(),
        }
    }

    /// Waits for buckets that a request has just made.
    pub fn waiting_for(self, fresh: Fresh) -> Self {
        Self { fresh, ..self }
    }

    pub fn owner(&self) -> &str {
        &self.owner
    }

    /// The same key in a bucket made and in a bucket given.
    pub fn key(&self) -> String {
        format!("{}/state.json", self.owner)
    }

    /// Looks into one bucket.
    pub async fn look(&self, bucket: &str) -> Result<Contents, AwsError> {
        let unreadable = |etag, why| {
            let bucket = bucket.to_owned();
            Ok(Contents::Unreadable(Unreadable { bucket, etag, why }))
        };
        let Stored { body, etag } = match self.read(bucket).await {
            Ok(Some(stored)) => stored,
            Ok(None) => return Ok(Contents::Nothing),
            Err(error) if error.is(&["NoSuchBucket"]) => return Ok(Contents::NoBucket),
            // Archived (S3 API, `GetObject`).
            Err(error) if error.is(&["InvalidObjectState"]) => {
                return unreadable(None, error.into());
            }
            Err(error) => return Err(error),
        };
        match Body::parse(&body, &self.owner) {
            Ok(Body::Record(record)) => Ok(Contents::Record(Box::new(Held {
                record: *record,
                bucket: bucket.to_owned(),
                etag,
            }))),
            Ok(Body::Stub { to }) => Ok(Contents::Stub { to, etag }),
            Err(source) => unreadable(Some(etag), self.unusable(bucket, source)),
        }
    }

    async fn read(&self, bucket: &str) -> Result<Option<Stored>, AwsError> {
        let is_not_shown = |error: &AwsError| self.fresh.is_not_shown(error);
        let read = async || self.aws.read(bucket, &self.key()).await;
        let stored = outlast(Backoff::short_at_first(), is_not_shown, read).await?;
        if stored.is_some() {
            self.fresh.has_shown(bucket);
        }
        Ok(stored)
    }

    /// Looks into one bucket after another, and to where stubs point.
    ///
    /// # Errors
    /// What S3 refuses in a bucket that is surely used.
    pub async fn locate(
        &self,
        candidates: impl IntoIterator<Item = Candidate>,
    ) -> Result<Located, RecordError> {
        let candidates: Vec<_> = candidates.into_iter().collect();
        let mut former = BTreeMap::new();
        loop {
            let located = self.search(candidates.clone().into()).await?;
            // Where stubs lead to nothing, the record may have gone back to where it was not any more; only
            // stubs that stay as they are lead nowhere.
            if located.record.is_some() || located.stubs == former {
                return Ok(located);
            }
            former = located.stubs;
        }
    }

    /// One look into each of them.
    async fn search(&self, mut waiting: VecDeque<Candidate>) -> Result<Located, RecordError> {
        let mut located = Located::default();
        let mut seen = BTreeSet::new();
        while let Some(Candidate { bucket, surely }) = waiting.pop_front() {
            if !seen.insert(bucket.clone()) {
                continue;
            }
            let found = match self.look(&bucket).await {
                Err(error) if !surely && error.trouble == Trouble::Stays => {
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
                Contents::Record(held) => match self.arrived(held).await? {
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
                let surely = true;
                waiting.push_front(Candidate { bucket, surely });
            }
        }
        Ok(located)
    }

    /// A copy counts only once the record that it was made of is a stub, or gone.
    async fn arrived(&self, held: Box<Held>) -> Result<Arrival, RecordError> {
        let Some(from) = &held.record.arriving_from else {
            return Ok(Arrival::Counts(held));
        };
        match self.look(from).await? {
            Contents::Record(original) => Ok(Arrival::Counts(original)),
            Contents::Unreadable(unreadable) => Err(unreadable.why),
            Contents::Stub { to, .. } if to != held.bucket => Ok(Arrival::Never { to }),
            Contents::Stub { .. } | Contents::Nothing | Contents::NoBucket => {
                Ok(Arrival::Counts(held))
            }
        }
    }

    /// Reads the record anew where it was; `None` where it is not there any more.
    pub async fn again(&self, bucket: &str) -> Result<Option<Held>, RecordError> {
        let surely = true;
        let bucket = bucket.to_owned();
        let located = self.locate([Candidate { bucket, surely }]).await?;
        match located.unreadable {
            Some(unreadable) => Err(unreadable.why),
            None => Ok(located.record),
        }
    }

    /// Writes a record where the object still has `etag`, or where none is given, still does not
    /// exist. `None` where somebody else wrote first.
    pub async fn write(
        &self,
        bucket: &str,
        record: Record,
        etag: Option<&str>,
    ) -> Result<Option<Held>, RecordError> {
        let body = record.to_body().map_err(RecordError::Unwritable)?;
        let key = self.key();
        let mut backoff = Backoff::short_at_first();
        loop {
            let write = self.aws.write(bucket, &key, body.clone(), etag);
            if let Written::Done { etag } = write.await? {
                self.fresh.has_shown(bucket);
                return Ok(Some(Held {
                    record,
                    bucket: bucket.to_owned(),
                    etag,
                }));
            }
            match self.look(bucket).await? {
                // A write whose answer was lost, and that was sent again, meets its own work.
                Contents::Record(held) if held.record == record => return Ok(Some(*held)),
                // S3 did not know the bucket, which was just made.
                Contents::Nothing if etag.is_none() && self.fresh.has_bucket(bucket) => {
                    progress::waits("PutObject", format!("S3 does not know bucket {bucket} yet"));
                    backoff.wait().await;
                }
                _ => return Ok(None),
            }
        }
    }

    /// Writes a record over the one that was read.
    pub async fn replace(&self, held: &Held, record: Record) -> Result<Option<Held>, RecordError> {
        self.write(&held.bucket, record, Some(&held.etag)).await
    }

    /// What a write over an unreadable object needs; `None` where it is gone meanwhile.
    pub async fn etag_of(&self, unreadable: &Unreadable) -> Result<Option<String>, RecordError> {
        match &unreadable.etag {
            Some(etag) => Ok(Some(etag.clone())),
            None => self.etag(&unreadable.bucket).await,
        }
    }

    /// The object's ETag by its head, which S3 gives of an archived object, too.
    pub async fn etag(&self, bucket: &str) -> Result<Option<String>, RecordError> {
        Ok(self.aws.etag(bucket, &self.key()).await?)
    }

    fn unusable(&self, bucket: &str, source: BodyError) -> RecordError {
        RecordError::Unusable {
            bucket: bucket.to_owned(),
            key: self.key(),
            source,
        }
    }
}
