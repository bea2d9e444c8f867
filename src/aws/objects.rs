//! S3: state objects, read and written under conditions, and deleted with all their versions.

use super::{Aws, failed, unusable};
use crate::capabilities::{Answer, Objects, Stored, Written};
use aws_sdk_s3::types::{Delete, ObjectIdentifier};

impl Objects for Aws {
    async fn read(&self, bucket: &str, key: &str) -> Answer<Option<Stored>> {
        let resource = format!("s3://{bucket}/{key}");
        let answer = self
            .s3
            .get_object()
            .bucket(bucket)
            .key(key)
            .send()
            .await
            .map_err(failed("GetObject", resource.clone()));
        let output = match answer {
            Ok(output) => output,
            Err(error) if error.is(&["NoSuchKey"]) => return Ok(None),
            Err(error) => return Err(error),
        };
        let etag = output
            .e_tag
            .ok_or_else(|| unusable("GetObject", resource.clone(), "the answer has no ETag"))?;
        let body = output
            .body
            .collect()
            .await
            .map_err(|error| unusable("GetObject", resource, error.to_string()))?
            .to_vec();
        Ok(Some(Stored { body, etag }))
    }

    async fn write(
        &self,
        bucket: &str,
        key: &str,
        body: Vec<u8>,
        etag: Option<&str>,
    ) -> Answer<Written> {
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
        let answer = call
            .send()
            .await
            .map_err(failed("PutObject", format!("s3://{bucket}/{key}")));
        match answer {
            Ok(_) => Ok(Written::Done),
            // S3 guide, "Conditional writes": 412 where the condition does not hold, 409 where
            // another write or delete was under way, 404 where the object or its bucket is gone.
            Err(error)
                if error.is(&[
                    "PreconditionFailed",
                    "ConditionalRequestConflict",
                    "NoSuchKey",
                    "NoSuchBucket",
                ]) =>
            {
                Ok(Written::Lost)
            }
            Err(error) => Err(error),
        }
    }

    async fn delete_all(&self, bucket: &str, prefix: &str) -> Answer<()> {
        let resource = format!("s3://{bucket}/{prefix}*");
        loop {
            let page = self
                .s3
                .list_object_versions()
                .bucket(bucket)
                .prefix(prefix)
                .send()
                .await
                .map_err(failed("ListObjectVersions", resource.clone()))?;
            let versions = page
                .versions
                .unwrap_or_default()
                .into_iter()
                .map(|version| (version.key, version.version_id));
            let markers = page
                .delete_markers
                .unwrap_or_default()
                .into_iter()
                .map(|marker| (marker.key, marker.version_id));
            let objects = versions
                .chain(markers)
                .filter_map(|(key, version)| {
                    ObjectIdentifier::builder()
                        .key(key?)
                        .set_version_id(version)
                        .build()
                        .ok()
                })
                .collect::<Vec<_>>();
            if objects.is_empty() {
                return Ok(());
            }
            self.delete_versions(bucket, &resource, objects).await?;
        }
    }
}

impl Aws {
    async fn delete_versions(
        &self,
        bucket: &str,
        resource: &str,
        objects: Vec<ObjectIdentifier>,
    ) -> Answer<()> {
        let delete = Delete::builder()
            .set_objects(Some(objects))
            .quiet(true)
            .build()
            .map_err(|error| unusable("DeleteObjects", resource, error.to_string()))?;
        let output = self
            .s3
            .delete_objects()
            .bucket(bucket)
            .delete(delete)
            .send()
            .await
            .map_err(failed("DeleteObjects", resource))?;
        // DeleteObjects answers 200 also where it deleted nothing.
        match output.errors.unwrap_or_default().first() {
            None => Ok(()),
            Some(error) => Err(unusable(
                "DeleteObjects",
                resource,
                format!(
                    "{}: {}: {}",
                    error.key().unwrap_or("an object"),
                    error.code().unwrap_or("no code"),
                    error.message().unwrap_or("no message")
                ),
            )),
        }
    }
}
