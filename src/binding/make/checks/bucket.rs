//! Whether the bucket of the record can be used.

use crate::binding::desired::Desired;
use crate::binding::findings::{About, Findings, lost_name, no_policy};
use crate::binding::make::observed::Observed;

impl Findings {
    /// Without a bucket there is no record that could tell what stands.
    pub(super) fn check_bucket(&mut self, desired: &Desired, observed: &Observed) {
        let bucket = desired.bucket();
        let is_given = desired.properties.bucket_name.is_some();
        if let Some(refused) = &observed.bucket_refused {
            let finding = match is_given {
                true => format!(
                    "BucketName {bucket} cannot be used ({refused}); name a bucket of the function's \
                     account and region and allow the function to use it"
                ),
                false => lost_name(&bucket, refused),
            };
            self.add(About::Bucket, finding);
        } else if is_given && !observed.bucket_exists {
            self.add(
                About::Bucket,
                format!(
                    "BucketName {bucket} does not exist; name an existing bucket, or name none, nor one \
                     in the function's variable STATE_BUCKET, and one is made"
                ),
            );
        }
        if let Some(refused) = &observed.bucket_policy_refused {
            self.add(About::BucketPolicy, no_policy(&bucket, refused));
        }
    }
}
