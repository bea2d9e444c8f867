//! S3: the bucket that a binding makes for its record.

use super::{Sdk, failed, unusable};
use crate::aws::api::{AwsResult, Buckets};
use crate::model::Tags;
use crate::permit::Permit;
use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration, Tag, Tagging};

impl Buckets for Sdk {
    async fn bucket_exists(&self, bucket: &str) -> AwsResult<bool> {
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

    async fn create_bucket(&self, _: Permit, bucket: &str, tags: &Tags) -> AwsResult<()> {
        // us-east-1 is the default and must not be named (S3 API, CreateBucket).
        let region = (self.region != "us-east-1").then_some(self.region.as_str());
        let configuration = CreateBucketConfiguration::builder()
            .set_location_constraint(region.map(BucketLocationConstraint::from))
            .set_tags(Some(tag_set("CreateBucket", bucket, tags)?))
            .build();
        let answer = self
            .s3_once
            .create_bucket()
            .bucket(bucket)
            .create_bucket_configuration(configuration)
            .send()
            .await
            .map_err(failed("CreateBucket", bucket));
        match answer {
            Ok(_) => Ok(()),
            Err(error) if error.is(&["BucketAlreadyOwnedByYou"]) => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn bucket_tags(&self, bucket: &str) -> AwsResult<Tags> {
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

    async fn put_bucket_tags(&self, _: Permit, bucket: &str, tags: &Tags) -> AwsResult<()> {
        let operation = "PutBucketTagging";
        let tags = Tagging::builder()
            .set_tag_set(Some(tag_set(operation, bucket, tags)?))
            .build()
            .map_err(|error| unusable(operation, bucket, error.to_string()))?;
        self.s3_once
            .put_bucket_tagging()
            .bucket(bucket)
            .tagging(tags)
            .send()
            .await
            .map_err(failed(operation, bucket))?;
        Ok(())
    }

    async fn bucket_policy(&self, bucket: &str) -> AwsResult<Option<String>> {
        let answer = self
            .s3
            .get_bucket_policy()
            .bucket(bucket)
            .send()
            .await
            .map_err(failed("GetBucketPolicy", bucket));
        match answer {
            Ok(output) => Ok(output.policy),
            Err(error) if error.is(&["NoSuchBucketPolicy"]) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn put_bucket_policy(&self, _: Permit, bucket: &str, policy: &str) -> AwsResult<()> {
        self.s3_once
            .put_bucket_policy()
            .bucket(bucket)
            .policy(policy)
            .send()
            .await
            .map_err(failed("PutBucketPolicy", bucket))?;
        Ok(())
    }

    async fn delete_bucket(&self, _: Permit, bucket: &str) -> AwsResult<()> {
        self.s3_once
            .delete_bucket()
            .bucket(bucket)
            .send()
            .await
            .map_err(failed("DeleteBucket", bucket))?;
        Ok(())
    }
}

fn tag_set(operation: &'static str, bucket: &str, tags: &Tags) -> AwsResult<Vec<Tag>> {
    let tags = tags.iter();
    let tags = tags.map(|(key, value)| Tag::builder().key(key).value(value).build());
    tags.collect::<Result<_, _>>()
        .map_err(|error| unusable(operation, bucket, error.to_string()))
}
