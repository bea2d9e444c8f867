//! What is asked of S3.

use super::error::AwsResult;
use crate::model::Tags;
use crate::permit::Permit;

/// The bucket that a binding makes for its record.
pub trait Buckets {
    async fn bucket_exists(&self, bucket: &str) -> AwsResult<bool>;
    /// Creates a bucket. One that the account has already keeps its tags.
    async fn create_bucket(&self, permit: Permit, bucket: &str, tags: &Tags) -> AwsResult<()>;
    async fn bucket_tags(&self, bucket: &str) -> AwsResult<Tags>;
    async fn put_bucket_tags(&self, permit: Permit, bucket: &str, tags: &Tags) -> AwsResult<()>;
    /// `None` if the bucket has no policy.
    async fn bucket_policy(&self, bucket: &str) -> AwsResult<Option<String>>;
    async fn put_bucket_policy(&self, permit: Permit, bucket: &str, policy: &str) -> AwsResult<()>;
    async fn delete_bucket(&self, permit: Permit, bucket: &str) -> AwsResult<()>;
}

/// An object as it was read, and the ETag that a conditional write of it needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredObject {
    pub body: Vec<u8>,
    pub etag: String,
}

/// How a conditional write ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WriteOutcome {
    Done {
        etag: String,
    },
    /// Nothing was written, because somebody else has written or deleted the object since it was read, or because S3
    /// does not know the bucket.
    Lost,
}

/// Objects, which are written under conditions only.
pub trait Objects {
    /// `None` only if S3 says NoSuchKey. A missing bucket is an error, and so is an archived object.
    async fn read(&self, bucket: &str, key: &str) -> AwsResult<Option<StoredObject>>;
    /// Writes only if the object still has this `etag`, or with `None` only if it still does not exist (S3 guide,
    /// "Conditional writes").
    async fn write(
        &self,
        bucket: &str,
        key: &str,
        body: Vec<u8>,
        etag: Option<&str>,
    ) -> AwsResult<WriteOutcome>;
    /// The ETag that a conditional write over an unreadable object needs; `None` if there is no object.
    async fn etag(&self, bucket: &str, key: &str) -> AwsResult<Option<String>>;
    /// Every version and delete marker of the keys that start with `prefix`.
    async fn versions(&self, bucket: &str, prefix: &str) -> AwsResult<Vec<ObjectVersion>>;
    /// Deletes at most [`VERSIONS_PER_CALL`] versions. Gives those that S3 refuses to delete, such as versions under a
    /// retention lock (S3 guide, "Object Lock"). A key without a version gets a delete marker.
    async fn delete_versions(
        &self,
        permit: Permit,
        bucket: &str,
        versions: &[ObjectVersion],
    ) -> AwsResult<Vec<ObjectVersion>>;
}

/// One version of an object, or one delete marker.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ObjectVersion {
    pub key: String,
    pub id: Option<String>,
}

impl ObjectVersion {
    /// Whether the version has an id of its own, which needs a bucket with versioning: a later write gets another id.
    pub fn is_one_of_several(&self) -> bool {
        self.id.as_deref().is_some_and(|id| id != "null")
    }
}

/// How many versions a call of DeleteObjects may have (S3 API).
pub const VERSIONS_PER_CALL: usize = 1000;
