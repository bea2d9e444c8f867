//! The steps of the binding's own bucket, which come before the claim. A given bucket is the user's.

use super::policy;
use super::tags::missing;
use crate::binding::desired::Desired;
use crate::binding::make::observed::{Observed, RecordBucket};
use crate::binding::step::Step;
use crate::model::Tags;

pub(super) fn plan_bucket(desired: &Desired, observed: &Observed, steps: &mut Vec<Step>) {
    if desired.properties.bucket_name.is_some() {
        return;
    }
    let bucket = desired.own_bucket();
    let present = match &observed.bucket {
        RecordBucket::Own { tags, policy } => {
            if let Some(tags) = bucket_tags(tags, &observed.tags) {
                let bucket = bucket.clone();
                steps.push(Step::TagBucket { bucket, tags });
            }
            policy.as_ref().map(Option::as_deref)
        }
        _ => {
            let bucket = bucket.clone();
            steps.push(Step::CreateBucket { bucket });
            Ok(None)
        }
    };
    // A policy that cannot be read may have statements of others: the checks have found it.
    if let Ok(present) = present
        && let Some(policy) = policy::with_tls_only(present, &desired.own_bucket_arn())
    {
        steps.push(Step::PutBucketPolicy { bucket, policy });
    }
}

/// All tags to put, if any is missing: PutBucketTagging replaces all tags, so those that others set are put
/// again.
pub fn bucket_tags(present: &Tags, wanted: &Tags) -> Option<Tags> {
    let mut tags = present.clone();
    tags.extend(missing(present, wanted)?);
    Some(tags)
}
