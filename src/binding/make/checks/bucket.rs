//! Checks that the bucket of the record can be used.

use crate::binding::desired::Desired;
use crate::binding::findings::{About, Findings, lost_name, no_policy};
use crate::binding::make::observed::{Observed, RecordBucket};

impl Findings {
    /// A bucket that cannot be used is always an error: without it there is no record.
    pub(super) fn check_bucket(&mut self, desired: &Desired, observed: &Observed) {
        let bucket = desired.bucket();
        let is_given = desired.properties.bucket_name.is_some();
        match &observed.bucket {
            RecordBucket::Refused(refused) => {
                let finding = match is_given {
                    true => format!(
                        "BucketName {bucket} cannot be used ({refused}); name a bucket of the function's \
                         account and region and allow the function to use it"
                    ),
                    false => lost_name(&bucket, refused),
                };
                self.add(About::Bucket, finding);
            }
            RecordBucket::Missing if is_given => self.add(
                About::Bucket,
                format!(
                    "BucketName {bucket} does not exist; name an existing bucket, or name none, nor one \
                     in the function's variable STATE_BUCKET, and one is made"
                ),
            ),
            RecordBucket::Own {
                policy: Err(refused),
                ..
            } => self.add(About::BucketPolicy, no_policy(&bucket, refused)),
            RecordBucket::Missing | RecordBucket::Given | RecordBucket::Own { .. } => {}
        }
    }
}
