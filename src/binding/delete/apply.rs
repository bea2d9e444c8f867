//! Taking away, one thing at a time: what Delete is made of, and how an Update ends.
//!
//! What is gone already is fine. Nothing here looks for things: only what a plan names goes.

use super::given_targets;
use crate::aws::api::{Aws, AwsResult, Trouble, VERSIONS_PER_CALL, Version};
use crate::backoff::Backoff;
use crate::binding::error::BindingError;
use crate::binding::step::Removal;
use crate::log::chain;
use crate::names::BindingId;
use crate::permit::Permit;
use crate::progress;
use crate::record::{RecordError, Turn};
use std::cell::Cell;
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::time::Instant;
use tracing::{info, warn};

/// Who takes away, and by what leave.
pub(in crate::binding) struct Remover<'a, 't, A> {
    pub(in crate::binding) aws: &'a A,
    pub(in crate::binding) turn: &'a Turn<'t, A>,
    pub(in crate::binding) id: &'a BindingId,
    /// Whether the own bucket had to be left.
    pub(in crate::binding) leaves_bucket: Cell<bool>,
    /// For how long what is in use is tried again.
    pub(in crate::binding) in_use_for: Duration,
}

impl<A: Aws> Remover<'_, '_, A> {
    /// Whether it was there, as far as AWS tells: it may not know yet what was just made.
    pub(in crate::binding) async fn remove(&self, removal: &Removal) -> Result<bool, BindingError> {
        info!(step = %removal, "doing");
        progress::note(removal.to_string());
        let Self { aws, turn, id, .. } = self;
        match removal {
            Removal::RuleTargets { ids } => {
                let remove = async |permit| aws.remove_rule_targets(permit, &id.rule(), ids).await;
                self.act(remove).await
            }
            Removal::Rule => {
                self.act(async |permit| aws.delete_rule(permit, &id.rule()).await)
                    .await
            }
            Removal::Targets { target_group } => {
                given_targets::take_out(*aws, turn, id, target_group).await?;
                Ok(true)
            }
            Removal::Listener { arn, .. } => {
                self.act(async |permit| aws.delete_listener(permit, arn).await)
                    .await
            }
            Removal::TargetGroup { arn, .. } => {
                self.act(async |permit| aws.delete_target_group(permit, arn).await)
                    .await
            }
            Removal::Stub { bucket } => self.stub(bucket).await.map(|()| true),
            Removal::Record { bucket } => {
                self.objects(bucket, &id.key_prefix()).await?;
                Ok(true)
            }
            Removal::Bucket { bucket } => self.bucket(bucket).await.map(|()| true),
        }
    }

    /// What is gone already needs no deleting. Whether it was there.
    async fn act(&self, call: impl AsyncFn(Permit) -> AwsResult<()>) -> Result<bool, BindingError> {
        let began = Instant::now();
        let call = async |permit| {
            let mut answer = call(permit).await;
            if let Err(error) = &mut answer
                && error.is_in_use()
                && began.elapsed() >= self.in_use_for
            {
                error.trouble = Trouble::Stays;
            }
            answer
        };
        match self.turn.lease().act(call).await {
            Err(RecordError::Aws(error)) if error.is_not_found() => Ok(false),
            done => {
                done?;
                Ok(true)
            }
        }
    }

    /// Nothing depends on a stub once nobody is sent to it, so where it may not be deleted it stays.
    async fn stub(&self, bucket: &str) -> Result<(), BindingError> {
        match self.objects(bucket, &self.id.key_prefix()).await {
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
        let gone = |record: &mut crate::record::Record| {
            record.elsewhere.remove(bucket);
        };
        Ok(self.turn.change(self.id, gone).await?)
    }

    /// Deletes every version of what starts with `prefix`, the record itself last; but for those under a
    /// retention lock: of these keys at least nothing is there any more for those who do not ask for a
    /// version. Whether all went.
    async fn objects(&self, bucket: &str, prefix: &str) -> Result<bool, BindingError> {
        let mut locked = Vec::new();
        let mut backoff = Backoff::none_at_first();
        loop {
            backoff.wait().await;
            let versions = match self.aws.versions(bucket, prefix).await {
                Err(error) if error.is_not_found() => return Ok(true),
                versions => versions?,
            };
            // Each pass looks anew: where the record is gone, what is there under its key is another's.
            let began = Instant::now();
            let is_held = self.turn.read(self.id).await?.is_some();
            self.turn.has_looked(began);
            let key = self.turn.store(self.id).key();
            let mut left: Vec<_> = versions
                .into_iter()
                .filter(|version| !locked.contains(version))
                .filter(|version| is_held || version.key != key || version.is_one_of_several())
                .collect();
            // Of one key the newest comes first (S3 API, `ListObjectVersions`).
            let newest = left.iter().position(|version| version.key == key);
            let record = newest.map(|index| left.remove(index));
            if !left.is_empty() {
                for some in left.chunks(VERSIONS_PER_CALL) {
                    locked.extend(self.delete_versions(bucket, some).await?);
                }
                continue;
            }
            // Marked first, so that no older version shows when the record is gone.
            self.mark(bucket, &locked).await?;
            let Some(record) = record else {
                return Ok(locked.is_empty());
            };
            let kept = self.delete_versions(bucket, &[record]).await?;
            self.mark(bucket, &kept).await?;
            if !locked.is_empty() || !kept.is_empty() {
                return Ok(false);
            }
        }
    }

    /// Marks the keys of versions that stay as deleted.
    async fn mark(&self, bucket: &str, stay: &[Version]) -> Result<(), BindingError> {
        if stay.is_empty() {
            return Ok(());
        }
        let keys: BTreeSet<&str> = stay.iter().map(|version| version.key.as_str()).collect();
        let versions = stay.len();
        warn!(bucket, versions, "versions under a retention lock are left");
        let marks = keys.into_iter().map(|key| Version {
            key: key.to_owned(),
            id: None,
        });
        let marks: Vec<_> = marks.collect();
        match self.delete_versions(bucket, &marks).await?.first() {
            None => Ok(()),
            Some(Version { key, .. }) => Err(BindingError::NotDeleted {
                object: format!("s3://{bucket}/{key}"),
            }),
        }
    }

    async fn delete_versions(
        &self,
        bucket: &str,
        versions: &[Version],
    ) -> Result<Vec<Version>, BindingError> {
        let delete = async |permit| self.aws.delete_versions(permit, bucket, versions).await;
        match self.turn.lease().act(delete).await {
            Err(RecordError::Aws(error)) if error.is_not_found() => Ok(Vec::new()),
            deleted => Ok(deleted?),
        }
    }

    /// A tick under way may write once more after the bucket was emptied, so it is emptied again. The
    /// invocation's deadline ends that.
    async fn bucket(&self, bucket: &str) -> Result<(), BindingError> {
        let mut backoff = Backoff::short_at_first();
        loop {
            if !self.objects(bucket, "").await? {
                warn!(
                    bucket,
                    "the bucket is left with the versions that are in it"
                );
                self.leaves_bucket.set(true);
                return Ok(());
            }
            let delete = async |permit| self.aws.delete_bucket(permit, bucket).await;
            match self.act(delete).await {
                Err(error) if error.is(&["BucketNotEmpty"]) => {
                    self.turn.lease().doubt();
                    info!(bucket, "not empty any more, emptying it again");
                    backoff.wait().await;
                }
                deleted => return deleted.map(|_| ()),
            }
        }
    }
}
