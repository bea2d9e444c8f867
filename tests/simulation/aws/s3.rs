//! S3: buckets and objects with conditional writes. S3 API, `PutObject` (If-Match, If-None-Match),
//! `GetObject`, `DeleteObjects`; a bucket without versioning gives every object the version `null`.
//!
//! Keeps no versions. A body's ETag follows from the body, so the same body has the same again.

use super::{SimulatedAws, changes, missing, reads, writes};
use crate::lambda::Process;
use crate::weather::Service::S3 as Service;
use crate::weather::refused;
use crate::world::World;
use alb_nlb_binding::aws::api::{AwsResult, Buckets, Objects, Stored, Trouble, Version, Written};
use alb_nlb_binding::model::Tags;
use alb_nlb_binding::permit::Permit;
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

#[derive(Default)]
pub struct S3 {
    pub buckets: BTreeMap<String, Bucket>,
    /// Until when the name of a deleted bucket cannot be had again (S3 knowledge center, "OperationAborted").
    pub taken: BTreeMap<String, u64>,
}

#[derive(Default)]
pub struct Bucket {
    pub tags: Tags,
    pub policy: Option<String>,
    pub objects: BTreeMap<String, Object>,
    /// Whether a user made it.
    pub is_given: bool,
    /// Who made it, and until when S3 may not show it to the next calls (seen in terraform-provider-aws 10068).
    pub unseen: Option<(u64, u64)>,
}

impl S3 {
    /// A bucket, unless S3 does not show it yet to the process that has just made it. Others come later.
    fn seen(&mut self, world: &World, process: &Process, bucket: &str) -> Option<&mut Bucket> {
        let found = self.buckets.get_mut(bucket)?;
        let hidden = |(maker, until)| maker == process.number && world.stage.now() < until;
        (!found.unseen.is_some_and(hidden)).then_some(found)
    }
}

#[derive(Debug, Clone)]
pub struct Object {
    pub body: Vec<u8>,
    pub etag: String,
}

impl Object {
    pub fn new(body: Vec<u8>) -> Self {
        let mut hasher = DefaultHasher::new();
        body.hash(&mut hasher);
        let etag = format!("\"{:016x}\"", hasher.finish());
        Self { body, etag }
    }
}

impl Buckets for SimulatedAws {
    async fn bucket_exists(&self, bucket: &str) -> AwsResult<bool> {
        let wanted = bucket.to_owned();
        self.call(
            reads(Service, "HeadBucket"),
            bucket,
            move |world, process| {
                let mut s3 = world.s3.borrow_mut();
                Ok(s3.seen(world, process, &wanted).is_some())
            },
        )
        .await
    }

    async fn create_bucket(&self, _: Permit, bucket: &str, tags: &Tags) -> AwsResult<()> {
        let (wanted, tags) = (bucket.to_owned(), tags.clone());
        self.call(
            changes(Service, "CreateBucket"),
            bucket,
            move |world, process| {
                world.judge.touches_bucket(world, process, &wanted);
                let (mut s3, now) = (world.s3.borrow_mut(), world.stage.now());
                if s3.taken.get(&wanted).is_some_and(|until| *until > now) {
                    world.tally.count("a bucket's name that was not free yet");
                    let (name, code) = ("CreateBucket", "OperationAborted");
                    return Err(refused(name, &wanted, code, Trouble::Passes));
                }
                let late = world.dice.chance(world.weather.climate().not_yet);
                s3.buckets.entry(wanted.clone()).or_insert_with(|| {
                    let until = now + world.dice.between(200, 3_000);
                    let unseen = late.then_some((process.number, until));
                    if late {
                        world.tally.count("a bucket not yet visible");
                    }
                    Bucket {
                        tags: tags.clone(),
                        unseen,
                        ..Bucket::default()
                    }
                });
                Ok(())
            },
        )
        .await
    }

    async fn bucket_tags(&self, bucket: &str) -> AwsResult<Tags> {
        let wanted = bucket.to_owned();
        self.call(
            reads(Service, "GetBucketTagging"),
            bucket,
            move |world, process| {
                let gone = || missing("GetBucketTagging", &wanted, "NoSuchBucket");
                let mut s3 = world.s3.borrow_mut();
                let bucket = s3.seen(world, process, &wanted).ok_or_else(gone)?;
                Ok(bucket.tags.clone())
            },
        )
        .await
    }

    async fn put_bucket_tags(&self, _: Permit, bucket: &str, tags: &Tags) -> AwsResult<()> {
        let (wanted, tags) = (bucket.to_owned(), tags.clone());
        self.call(
            changes(Service, "PutBucketTagging"),
            bucket,
            move |world, process| {
                world.judge.touches_bucket(world, process, &wanted);
                let gone = || missing("PutBucketTagging", &wanted, "NoSuchBucket");
                let mut s3 = world.s3.borrow_mut();
                let bucket = s3.seen(world, process, &wanted).ok_or_else(gone)?;
                bucket.tags = tags.clone();
                Ok(())
            },
        )
        .await
    }

    async fn bucket_policy(&self, bucket: &str) -> AwsResult<Option<String>> {
        let wanted = bucket.to_owned();
        self.call(
            reads(Service, "GetBucketPolicy"),
            bucket,
            move |world, process| {
                let gone = || missing("GetBucketPolicy", &wanted, "NoSuchBucket");
                let mut s3 = world.s3.borrow_mut();
                let bucket = s3.seen(world, process, &wanted).ok_or_else(gone)?;
                Ok(bucket.policy.clone())
            },
        )
        .await
    }

    async fn put_bucket_policy(&self, _: Permit, bucket: &str, policy: &str) -> AwsResult<()> {
        let (wanted, policy) = (bucket.to_owned(), policy.to_owned());
        self.call(
            changes(Service, "PutBucketPolicy"),
            bucket,
            move |world, process| {
                world.judge.touches_bucket(world, process, &wanted);
                let gone = || missing("PutBucketPolicy", &wanted, "NoSuchBucket");
                let mut s3 = world.s3.borrow_mut();
                let bucket = s3.seen(world, process, &wanted).ok_or_else(gone)?;
                bucket.policy = Some(policy.clone());
                Ok(())
            },
        )
        .await
    }

    async fn delete_bucket(&self, _: Permit, bucket: &str) -> AwsResult<()> {
        let wanted = bucket.to_owned();
        self.call(
            changes(Service, "DeleteBucket"),
            bucket,
            move |world, process| {
                world.judge.touches_bucket(world, process, &wanted);
                let mut s3 = world.s3.borrow_mut();
                match s3.buckets.get(&wanted) {
                    None => return Err(missing("DeleteBucket", &wanted, "NoSuchBucket")),
                    Some(bucket) if !bucket.objects.is_empty() => {
                        return Err(missing("DeleteBucket", &wanted, "BucketNotEmpty"));
                    }
                    Some(_) => s3.buckets.remove(&wanted),
                };
                if world.dice.chance(world.weather.climate().name_taken) {
                    let until = world.stage.now() + world.dice.between(5_000, 90_000);
                    s3.taken.insert(wanted.clone(), until);
                }
                Ok(())
            },
        )
        .await
    }
}

impl Objects for SimulatedAws {
    async fn read(&self, bucket: &str, key: &str) -> AwsResult<Option<Stored>> {
        let (wanted, key) = (bucket.to_owned(), key.to_owned());
        let resource = format!("s3://{bucket}/{key}");
        self.call(
            reads(Service, "GetObject"),
            &resource,
            move |world, process| {
                let mut s3 = world.s3.borrow_mut();
                let gone = || missing("GetObject", &wanted, "NoSuchBucket");
                let found = s3
                    .seen(world, process, &wanted)
                    .map(|bucket| bucket.objects.get(&key));
                let object = found.flatten();
                world.judge.reads_object(world, process, &key, object);
                let object = found.ok_or_else(gone)?;
                Ok(object.map(|object| Stored {
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
    ) -> AwsResult<Written> {
        let (wanted, key, etag) = (bucket.to_owned(), key.to_owned(), etag.map(str::to_owned));
        let resource = format!("s3://{bucket}/{key}");
        self.call(
            writes(Service, "PutObject"),
            &resource,
            move |world, process| {
                world.judge.touches_object(world, process, &wanted, &key);
                let mut s3 = world.s3.borrow_mut();
                let Some(bucket) = s3.seen(world, process, &wanted) else {
                    return Ok(Written::Lost);
                };
                let object = Object::new(body.clone());
                world.judge.tries_to_write(process, &object);
                let there = bucket.objects.get(&key).map(|object| &object.etag);
                if there != etag.as_ref() {
                    world.tally.count("a conditional write that lost");
                    world.tell(process, || "its condition does not hold".to_owned());
                    return Ok(Written::Lost);
                }
                let etag = object.etag.clone();
                world.judge.writes_object(world, process, &key, &object);
                bucket.objects.insert(key.clone(), object);
                Ok(Written::Done { etag })
            },
        )
        .await
    }

    async fn etag(&self, bucket: &str, key: &str) -> AwsResult<Option<String>> {
        let (wanted, key) = (bucket.to_owned(), key.to_owned());
        let resource = format!("s3://{bucket}/{key}");
        self.call(reads(Service, "HeadObject"), &resource, move |world, _| {
            let s3 = world.s3.borrow();
            let object = s3
                .buckets
                .get(&wanted)
                .and_then(|bucket| bucket.objects.get(&key));
            Ok(object.map(|object| object.etag.clone()))
        })
        .await
    }

    async fn versions(&self, bucket: &str, prefix: &str) -> AwsResult<Vec<Version>> {
        let (wanted, prefix) = (bucket.to_owned(), prefix.to_owned());
        let resource = format!("s3://{bucket}/{prefix}*");
        self.call(
            reads(Service, "ListObjectVersions"),
            &resource,
            move |world, _| {
                let s3 = world.s3.borrow();
                let gone = || missing("ListObjectVersions", &wanted, "NoSuchBucket");
                let objects = &s3.buckets.get(&wanted).ok_or_else(gone)?.objects;
                let keys = objects.keys().filter(|key| key.starts_with(&prefix));
                let id = || Some("null".to_owned());
                Ok(keys
                    .map(|key| Version {
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
        versions: &[Version],
    ) -> AwsResult<Vec<Version>> {
        let (wanted, versions) = (bucket.to_owned(), versions.to_vec());
        self.call(
            changes(Service, "DeleteObjects"),
            bucket,
            move |world, process| {
                let mut s3 = world.s3.borrow_mut();
                let gone = || missing("DeleteObjects", &wanted, "NoSuchBucket");
                let bucket = s3.buckets.get_mut(&wanted).ok_or_else(gone)?;
                for version in &versions {
                    world
                        .judge
                        .touches_object(world, process, &wanted, &version.key);
                    world.judge.deletes_object(
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
