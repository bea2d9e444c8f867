//! S3: objects with conditional writes. S3 API, `PutObject` (If-Match, If-None-Match), `GetObject`,
//! `DeleteObjects`; a bucket without versioning gives every object the version `null`.
//!
//! Decides nothing about right and wrong: it calls the judge before it makes a change.

use super::call::{SimulatedAws, change, read, rejected, write};
use crate::judge;
use crate::state::{Service, SimulatedObject};
use alb_nlb_binding::aws::api::{AwsResult, ObjectVersion, Objects, StoredObject, WriteOutcome};
use alb_nlb_binding::permit::Permit;

impl Objects for SimulatedAws {
    async fn read(&self, bucket: &str, key: &str) -> AwsResult<Option<StoredObject>> {
        let (wanted, key) = (bucket.to_owned(), key.to_owned());
        let resource = format!("s3://{bucket}/{key}");
        self.call(
            read(Service::S3, "GetObject"),
            &resource,
            move |world, process| {
                let mut s3 = world.s3.borrow_mut();
                let gone = || rejected("GetObject", &wanted, "NoSuchBucket");
                let found = s3
                    .visible(process.number, world.scheduler.now(), &wanted)
                    .map(|bucket| bucket.objects.get(&key));
                let object = found.flatten();
                judge::observe_record_read(world, process, &key, object);
                let object = found.ok_or_else(gone)?;
                Ok(object.map(|object| StoredObject {
                    body: object.body.clone(),
                    etag: object.etag.clone(),
                }))
            },
        )
        .await
    }

    async fn write(
        &self,
        bucket: &str,
        key: &str,
        body: Vec<u8>,
        etag: Option<&str>,
    ) -> AwsResult<WriteOutcome> {
        let (wanted, key, etag) = (bucket.to_owned(), key.to_owned(), etag.map(str::to_owned));
        let resource = format!("s3://{bucket}/{key}");
        self.call(
            write(Service::S3, "PutObject"),
            &resource,
            move |world, process| {
                judge::require_own_object(world, process, &wanted, &key);
                let mut s3 = world.s3.borrow_mut();
                let Some(bucket) = s3.visible(process.number, world.scheduler.now(), &wanted)
                else {
                    return Ok(WriteOutcome::Lost);
                };
                let object = SimulatedObject::new(body.clone());
                judge::observe_write_attempt(process, &object);
                let there = bucket.objects.get(&key).map(|object| &object.etag);
                if there != etag.as_ref() {
                    world.coverage.count("a conditional write that lost");
                    world.log(&process.name, "its condition does not hold".to_owned());
                    return Ok(WriteOutcome::Lost);
                }
                let etag = object.etag.clone();
                judge::observe_record_write(world, process, &key, &object);
                bucket.objects.insert(key.clone(), object);
                Ok(WriteOutcome::Done { etag })
            },
        )
        .await
    }

    async fn etag(&self, bucket: &str, key: &str) -> AwsResult<Option<String>> {
        let (wanted, key) = (bucket.to_owned(), key.to_owned());
        let resource = format!("s3://{bucket}/{key}");
        self.call(
            read(Service::S3, "HeadObject"),
            &resource,
            move |world, _| {
                let s3 = world.s3.borrow();
                let object = s3
                    .buckets
                    .get(&wanted)
                    .and_then(|bucket| bucket.objects.get(&key));
                Ok(object.map(|object| object.etag.clone()))
            },
        )
        .await
    }

    async fn versions(&self, bucket: &str, prefix: &str) -> AwsResult<Vec<ObjectVersion>> {
        let (wanted, prefix) = (bucket.to_owned(), prefix.to_owned());
        let resource = format!("s3://{bucket}/{prefix}*");
        self.call(
            read(Service::S3, "ListObjectVersions"),
            &resource,
            move |world, _| {
                let s3 = world.s3.borrow();
                let gone = || rejected("ListObjectVersions", &wanted, "NoSuchBucket");
                let objects = &s3.buckets.get(&wanted).ok_or_else(gone)?.objects;
                let keys = objects.keys().filter(|key| key.starts_with(&prefix));
                let id = || Some("null".to_owned());
                Ok(keys
                    .map(|key| ObjectVersion {
                        key: key.clone(),
                        id: id(),
                    })
                    .collect())
            },
        )
        .await
    }

    async fn delete_versions(
        &self,
        _: Permit,
        bucket: &str,
        versions: &[ObjectVersion],
    ) -> AwsResult<Vec<ObjectVersion>> {
        let (wanted, versions) = (bucket.to_owned(), versions.to_vec());
        self.call(
            change(Service::S3, "DeleteObjects"),
            bucket,
            move |world, process| {
                let mut s3 = world.s3.borrow_mut();
                let gone = || rejected("DeleteObjects", &wanted, "NoSuchBucket");
                let bucket = s3.buckets.get_mut(&wanted).ok_or_else(gone)?;
                for version in &versions {
                    judge::require_own_object(world, process, &wanted, &version.key);
                    judge::check_record_deletion(
                        world,
                        process,
                        &version.key,
                        bucket.objects.get(&version.key),
                    );
                    bucket.objects.remove(&version.key);
                }
                Ok(Vec::new())
            },
        )
        .await
    }
}
