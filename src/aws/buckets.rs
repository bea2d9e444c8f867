//! S3: the bucket that a binding makes for its record.

use super::{Aws, failed, unusable};
use crate::capabilities::{Answer, Buckets};
use crate::model::Tags;
use crate::permit::Permit;
use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration, Tag, Tagging};

impl Buckets for Aws {
    async fn bucket_exists(&self, bucket: &str) -> Answer<bool> {
        let answer = self
            .s3
            .head_bucket()
            .bucket(bucket)
            .send()
            .await
            .map_err(failed("HeadBucket", bucket));
        match answer {
            Ok(_) => Ok(true),
            Err(error) if error.is_not_found() => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn create_bucket(&self, _: Permit, bucket: &str) -> Answer<()> {
        // us-east-1 is the default and must not be named (S3 API, CreateBucket).
        let place = (self.region != "us-east-1").then(|| {
            CreateBucketConfiguration::builder()
                .location_constraint(BucketLocationConstraint::from(self.region.as_str()))
                .build()
        });
        let answer = self
            .s3_once
            .create_bucket()
            .bucket(bucket)
            .set_create_bucket_configuration(place)
            .send()
            .await
            .map_err(failed("CreateBucket", bucket));
        match answer {
            Ok(_) => Ok(()),
            Err(error) if error.is(&["BucketAlreadyOwnedByYou"]) => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn bucket_tags(&self, bucket: &str) -> Answer<Tags> {
        let answer = self
            .s3
            .get_bucket_tagging()
            .bucket(bucket)
            .send()
            .await
            .map_err(failed("GetBucketTagging", bucket));
        match answer {
            Ok(output) => Ok(output
                .tag_set
                .into_iter()
                .map(|tag| (tag.key, tag.value))
                .collect()),
            Err(error) if error.is(&["NoSuchTagSet"]) => Ok(Tags::new()),
            Err(error) => Err(error),
        }
    }

    async fn put_bucket_tags(&self, _: Permit, bucket: &str, tags: &Tags) -> Answer<()> {
        let tags = tags
            .iter()
            .map(|(key, value)| Tag::builder().key(key).value(value).build())
            .collect::<Result<Vec<_>, _>>()
            .and_then(|tags| Tagging::builder().set_tag_set(Some(tags)).build())
            .map_err(|error| unusable("PutBucketTagging", bucket, error.to_string()))?;
        self.s3_once
            .put_bucket_tagging()
            .bucket(bucket)
            .tagging(tags)
            .send()
            .await
            .map_err(failed("PutBucketTagging", bucket))?;
        Ok(())
    }

    async fn delete_bucket(&self, _: Permit, bucket: &str) -> Answer<()> {
        self.s3_once
            .delete_bucket()
            .bucket(bucket)
            .send()
            .await
            .map_err(failed("DeleteBucket", bucket))?;
        Ok(())
    }
}
