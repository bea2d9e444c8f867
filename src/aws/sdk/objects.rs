//! S3: objects, which are read, written under conditions, and deleted with all their versions.
//!
//! Reads and writes are boxed: the SDK's futures nest some thirty deep, and together with the futures that wait for a
//! record they would nest deeper than the compiler allows.

use super::{Sdk, failed, refused_entry, unusable};
use crate::aws::api::{
    AwsError, AwsResult, ObjectVersion, Objects, StoredObject, TRIES, WriteOutcome,
};
use crate::backoff::Backoff;
use crate::permit::Permit;
use crate::progress;
use aws_sdk_s3::types::{Delete, ObjectIdentifier};

impl Objects for Sdk {
    async fn read(&self, bucket: &str, key: &str) -> AwsResult<Option<StoredObject>> {
        let resource = format!("s3://{bucket}/{key}");
        let mut backoff = Backoff::short_at_first();
        let mut tries = 1;
        loop {
            let get = Box::pin(self.s3.get_object().bucket(bucket).key(key).send());
            let output = match get.await.map_err(failed("GetObject", resource.clone())) {
                Ok(output) => output,
                Err(error) if error.is(&["NoSuchKey"]) => return Ok(None),
                Err(error) => return Err(error),
            };
            let etag = output
                .e_tag
                .ok_or_else(|| unusable("GetObject", resource.clone(), "the answer has no ETag"))?;
            // The SDK's own retries end where the body begins.
            match output.body.collect().await {
                Ok(body) => {
                    let body = body.to_vec();
                    return Ok(Some(StoredObject { body, etag }));
                }
                Err(source) => {
                    let error = AwsError {
                        reason: "the answer was cut off".to_owned(),
                        source: Some(Box::new(source)),
                        ..AwsError::no_answer("GetObject", resource.clone())
                    };
                    if tries == TRIES {
                        return Err(error);
                    }
                    progress::note_retry(error.operation, error.to_string());
                    backoff.wait().await;
                    tries += 1;
                }
            }
        }
    }

    async fn write(
        &self,
        bucket: &str,
        key: &str,
        body: Vec<u8>,
        etag: Option<&str>,
    ) -> AwsResult<WriteOutcome> {
        let resource = format!("s3://{bucket}/{key}");
        let call = self
            .s3
            .put_object()
            .bucket(bucket)
            .key(key)
            .content_type("application/json")
            .body(body.into());
        let call = match etag {
            Some(etag) => call.if_match(etag),
            None => call.if_none_match("*"),
        };
        let answer = Box::pin(call.send())
            .await
            .map_err(failed("PutObject", resource.clone()));
        match answer {
            Ok(output) => {
                let etag = output.e_tag;
                let etag = etag.ok_or_else(|| unusable("PutObject", resource, "no ETag"))?;
                Ok(WriteOutcome::Done { etag })
            }
            // S3 guide, "Conditional writes": 412 if the condition does not hold, 404 if the object or its
            // bucket is gone. The SDK repeats the call after 409, if another write or delete was under way.
            Err(error) if error.is(&["PreconditionFailed", "NoSuchKey", "NoSuchBucket"]) => {
                Ok(WriteOutcome::Lost)
            }
            Err(error) => Err(error),
        }
    }

    async fn etag(&self, bucket: &str, key: &str) -> AwsResult<Option<String>> {
        let resource = format!("s3://{bucket}/{key}");
        let head = Box::pin(self.s3.head_object().bucket(bucket).key(key).send());
        match head.await.map_err(failed("HeadObject", resource)) {
            Ok(head) => Ok(head.e_tag),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn versions(&self, bucket: &str, prefix: &str) -> AwsResult<Vec<ObjectVersion>> {
        let mut found = Vec::new();
        let (mut key, mut version) = (None, None);
        loop {
            let page = self
                .s3
                .list_object_versions()
                .bucket(bucket)
                .prefix(prefix)
                .set_key_marker(key)
                .set_version_id_marker(version)
                .send()
                .await
                .map_err(failed(
                    "ListObjectVersions",
                    format!("s3://{bucket}/{prefix}*"),
                ))?;
            let versions = page.versions.unwrap_or_default().into_iter();
            let versions = versions.map(|version| (version.key, version.version_id));
            let markers = page.delete_markers.unwrap_or_default().into_iter();
            let markers = markers.map(|marker| (marker.key, marker.version_id));
            let all = versions.chain(markers);
            found.extend(all.filter_map(|(key, id)| Some(ObjectVersion { key: key?, id })));
            if page.is_truncated != Some(true) {
                return Ok(found);
            }
            (key, version) = (page.next_key_marker, page.next_version_id_marker);
        }
    }

    async fn delete_versions(
        &self,
        _: Permit,
        bucket: &str,
        versions: &[ObjectVersion],
    ) -> AwsResult<Vec<ObjectVersion>> {
        let resource = format!("s3://{bucket}");
        let objects = versions.iter().map(|version| {
            let object = ObjectIdentifier::builder().key(&version.key);
            object.set_version_id(version.id.clone()).build()
        });
        let delete = objects
            .collect::<Result<Vec<_>, _>>()
            .and_then(|objects| {
                let delete = Delete::builder().set_objects(Some(objects));
                delete.quiet(true).build()
            })
            .map_err(|error| unusable("DeleteObjects", resource.clone(), error.to_string()))?;
        let output = self
            .s3_once
            .delete_objects()
            .bucket(bucket)
            .delete(delete)
            .send()
            .await
            .map_err(failed("DeleteObjects", resource.clone()))?;
        // DeleteObjects answers 200 even if it deleted nothing.
        let mut left = Vec::new();
        for error in output.errors.unwrap_or_default() {
            let key = error.key.unwrap_or_default();
            match error.code.as_deref() {
                // A version under a retention lock has this code too (S3 guide, "Object Lock").
                Some("AccessDenied") => left.push(ObjectVersion {
                    key,
                    id: error.version_id,
                }),
                Some("NoSuchKey" | "NoSuchVersion") => {}
                code => {
                    let code = code.unwrap_or("no code").to_owned();
                    let message = error.message.unwrap_or_default();
                    let resource = format!("{resource}/{key}");
                    return Err(refused_entry("DeleteObjects", resource, code, &message));
                }
            }
        }
        Ok(left)
    }
}
