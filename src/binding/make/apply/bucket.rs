//! The steps of the binding's own bucket: nothing is written into it before it has its tags and its policy.

use super::applier::Applier;
use crate::aws::api::{Aws, none_if_not_found};
use crate::binding::error::BindingError;
use crate::binding::findings::{lost_name, no_policy};
use crate::binding::make::plan;
use crate::discovery::Dns;
use crate::log::chain;
use crate::model::Tags;
use crate::record::{RecordError, ResourceKind};
use tracing::warn;

impl<A: Aws, D: Dns> Applier<'_, '_, A, D> {
    pub(super) async fn create_bucket(&self, bucket: &str) -> Result<(), BindingError> {
        let (lease, tags) = (self.turn.lease(), &self.checked.observed.tags);
        let create = async |permit| self.aws.create_bucket(permit, bucket, tags).await;
        let refused = match lease.act(create).await {
            Err(RecordError::Aws(error)) if error.is(&["BucketAlreadyExists"]) => {
                Some(lost_name(bucket, &error.reason))
            }
            Err(RecordError::Aws(error)) if error.is(&["AccessDenied"]) => Some(format!(
                "{error}; allow s3:CreateBucket and s3:TagResource on it, or give BucketName, or StateBucket of the \
                 provider's stack (the function's variable STATE_BUCKET), to use an existing bucket"
            )),
            created => {
                created?;
                None
            }
        };
        if let Some(reason) = refused {
            return Err(BindingError::OwnBucket { reason });
        }
        lease.just_made().add(ResourceKind::Bucket, bucket);
        // The response does not say whether S3 took the tags: a bucket that existed already keeps its own, and not
        // every implementation of S3 knows tags in this call. A bucket that is not shown yet was made with them.
        let present = none_if_not_found(self.aws.bucket_tags(bucket).await)?;
        let missing = present.and_then(|present| plan::bucket_tags(&present, tags));
        match missing {
            Some(tags) => self.tag_bucket(bucket, &tags).await,
            None => Ok(()),
        }
    }

    pub(super) async fn tag_bucket(&self, bucket: &str, tags: &Tags) -> Result<(), BindingError> {
        let tag = async |permit| self.aws.put_bucket_tags(permit, bucket, tags).await;
        Ok(self.turn.lease().act(tag).await?)
    }

    /// Nothing is written into a new bucket that allows requests without TLS, so a refusal fails the request. If the
    /// binding already uses this bucket, a refusal only warns, because nothing that serves depends on the policy.
    pub(super) async fn put_bucket_policy(
        &self,
        bucket: &str,
        policy: &str,
    ) -> Result<(), BindingError> {
        let put = async |permit| self.aws.put_bucket_policy(permit, bucket, policy).await;
        match self.turn.lease().act(put).await {
            Err(RecordError::Aws(error)) => {
                let reason = no_policy(bucket, &chain(&error));
                if !self.checked.uses_bucket_already {
                    return Err(BindingError::OwnBucket { reason });
                }
                warn!(reason, "the binding stands all the same");
                Ok(())
            }
            put => Ok(put?),
        }
    }
}
