//! Deletes what is in S3: a stub, the record, the own bucket with everything in it.

use super::step::Remover;
use crate::aws::api::{Aws, ObjectVersion, VERSIONS_PER_CALL};
use crate::backoff::Backoff;
use crate::binding::error::BindingError;
use crate::log::chain;
use crate::record::{Record, RecordError};
use std::collections::BTreeSet;
use tokio::time::Instant;
use tracing::{info, warn};

impl<A: Aws> Remover<'_, '_, A> {
    /// Deletes a stub. No tick and no request follows this stub any more. If S3 refuses to delete it, it stays.
    pub(super) async fn delete_stub(&self, bucket: &str) -> Result<(), BindingError> {
        match self.delete_objects(bucket, &self.id.key_prefix()).await {
            Err(error) if error.is(&["AccessDenied"]) => {
                let error = chain(&error);
                warn!(
                    error,
                    bucket, "a stub stays in a bucket that is no longer used"
                );
            }
            deleted => {
                deleted?;
            }
        }
        let gone = |record: &mut Record| {
            record.elsewhere.remove(bucket);
        };
        Ok(self.turn.change(self.id, gone).await?)
    }

    /// Deletes every version of the keys that start with `prefix`, the record itself last. If a version is under a
    /// retention lock it stays, and its key is marked as deleted: a reader that asks for no version finds nothing.
    /// Returns whether everything was deleted.
    pub(super) async fn delete_objects(
        &self,
        bucket: &str,
        prefix: &str,
    ) -> Result<bool, BindingError> {
        let mut locked = Vec::new();
        let mut backoff = Backoff::none_at_first();
        loop {
            backoff.wait().await;
            let versions = match self.aws.versions(bucket, prefix).await {
                Err(error) if error.is_not_found() => return Ok(true),
                versions => versions?,
            };
            // Each pass reads the record again: if it is gone, an object under its key is another request's.
            let began = Instant::now();
            let is_held = self.turn.read(self.id).await?.is_some();
            self.turn.renew_lease(began);
            let key = self.turn.store(self.id).key();
            let mut left: Vec<_> = versions
                .into_iter()
                .filter(|version| !locked.contains(version))
                .filter(|version| is_held || version.key != key || version.is_one_of_several())
                .collect();
            // S3 lists the newest version of a key first (S3 API, `ListObjectVersions`).
            let newest = left.iter().position(|version| version.key == key);
            let record = newest.map(|index| left.remove(index));
            if !left.is_empty() {
                for some in left.chunks(VERSIONS_PER_CALL) {
                    locked.extend(self.delete_versions(bucket, some).await?);
                }
                continue;
            }
            // Marked first, so that no older version shows when the record is gone.
            self.mark_deleted(bucket, &locked).await?;
            let Some(record) = record else {
                return Ok(locked.is_empty());
            };
            let kept = self.delete_versions(bucket, &[record]).await?;
            self.mark_deleted(bucket, &kept).await?;
            if !locked.is_empty() || !kept.is_empty() {
                return Ok(false);
            }
        }
    }

    /// Marks the keys of versions that stay as deleted.
    async fn mark_deleted(&self, bucket: &str, stay: &[ObjectVersion]) -> Result<(), BindingError> {
        if stay.is_empty() {
            return Ok(());
        }
        let keys: BTreeSet<&str> = stay.iter().map(|version| version.key.as_str()).collect();
        let versions = stay.len();
        warn!(bucket, versions, "versions under a retention lock are left");
        let marks = keys.into_iter().map(|key| ObjectVersion {
            key: key.to_owned(),
            id: None,
        });
        let marks: Vec<_> = marks.collect();
        match self.delete_versions(bucket, &marks).await?.first() {
            None => Ok(()),
            Some(ObjectVersion { key, .. }) => Err(BindingError::NotDeleted {
                object: format!("s3://{bucket}/{key}"),
            }),
        }
    }

    async fn delete_versions(
        &self,
        bucket: &str,
        versions: &[ObjectVersion],
    ) -> Result<Vec<ObjectVersion>, BindingError> {
        let delete = async |permit| self.aws.delete_versions(permit, bucket, versions).await;
        match self.turn.lease().act(delete).await {
            Err(RecordError::Aws(error)) if error.is_not_found() => Ok(Vec::new()),
            deleted => Ok(deleted?),
        }
    }

    /// Empties the own bucket and deletes it. A tick that is under way may write once more in between, so it is emptied
    /// again, until the invocation's deadline.
    pub(super) async fn delete_own_bucket(&self, bucket: &str) -> Result<(), BindingError> {
        let mut backoff = Backoff::short_at_first();
        loop {
            if !self.delete_objects(bucket, "").await? {
                warn!(
                    bucket,
                    "the bucket is left with the versions that are in it"
                );
                self.leaves_bucket.set(true);
                return Ok(());
            }
            let delete = async |permit| self.aws.delete_bucket(permit, bucket).await;
            match self.delete(delete).await {
                Err(error) if error.is(&["BucketNotEmpty"]) => {
                    self.turn.lease().expire();
                    info!(bucket, "not empty any more, emptying it again");
                    backoff.wait().await;
                }
                deleted => return deleted.map(|_| ()),
            }
        }
    }
}
