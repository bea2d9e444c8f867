//! S3: buckets. S3 API, `CreateBucket`, `DeleteBucket` (only without objects), `GetBucketTagging`, `PutBucketPolicy`.
//!
//! Decides nothing about right and wrong: it calls the judge before it makes a change.

use super::call::{SimulatedAws, change, read, refused, rejected};
use crate::judge;
use crate::state::{Service, SimulatedBucket};
use alb_nlb_binding::aws::api::{AwsResult, Buckets, Trouble};
use alb_nlb_binding::model::Tags;
use alb_nlb_binding::permit::Permit;

impl Buckets for SimulatedAws {
    async fn bucket_exists(&self, bucket: &str) -> AwsResult<bool> {
        let wanted = bucket.to_owned();
        self.call(
            read(Service::S3, "HeadBucket"),
            bucket,
            move |world, process| {
                let mut s3 = world.s3.borrow_mut();
                Ok(s3
                    .visible(process.number, world.scheduler.now(), &wanted)
                    .is_some())
            },
        )
        .await
    }

    async fn create_bucket(&self, _: Permit, bucket: &str, tags: &Tags) -> AwsResult<()> {
        let (wanted, tags) = (bucket.to_owned(), tags.clone());
        self.call(
            change(Service::S3, "CreateBucket"),
            bucket,
            move |world, process| {
                judge::require_own_bucket(world, process, &wanted);
                let (mut s3, now) = (world.s3.borrow_mut(), world.scheduler.now());
                if s3.taken.get(&wanted).is_some_and(|until| *until > now) {
                    world
                        .coverage
                        .count("a bucket's name that was not free yet");
                    let (name, code) = ("CreateBucket", "OperationAborted");
                    return Err(refused(name, &wanted, code, Trouble::Passes));
                }
                let late = world.dice.chance(world.faults.rates().not_yet);
                s3.buckets.entry(wanted.clone()).or_insert_with(|| {
                    let until = now + world.dice.between(200, 3_000);
                    let unseen = late.then_some((process.number, until));
                    if late {
                        world.coverage.count("a bucket not yet visible");
                    }
                    SimulatedBucket {
                        tags: tags.clone(),
                        unseen,
                        ..SimulatedBucket::default()
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
            read(Service::S3, "GetBucketTagging"),
            bucket,
            move |world, process| {
                let gone = || rejected("GetBucketTagging", &wanted, "NoSuchBucket");
                let mut s3 = world.s3.borrow_mut();
                let bucket = s3
                    .visible(process.number, world.scheduler.now(), &wanted)
                    .ok_or_else(gone)?;
                Ok(bucket.tags.clone())
            },
        )
        .await
    }

    async fn put_bucket_tags(&self, _: Permit, bucket: &str, tags: &Tags) -> AwsResult<()> {
        let (wanted, tags) = (bucket.to_owned(), tags.clone());
        self.call(
            change(Service::S3, "PutBucketTagging"),
            bucket,
            move |world, process| {
                judge::require_own_bucket(world, process, &wanted);
                let gone = || rejected("PutBucketTagging", &wanted, "NoSuchBucket");
                let mut s3 = world.s3.borrow_mut();
                let bucket = s3
                    .visible(process.number, world.scheduler.now(), &wanted)
                    .ok_or_else(gone)?;
                bucket.tags = tags.clone();
                Ok(())
            },
        )
        .await
    }

    async fn bucket_policy(&self, bucket: &str) -> AwsResult<Option<String>> {
        let wanted = bucket.to_owned();
        self.call(
            read(Service::S3, "GetBucketPolicy"),
            bucket,
            move |world, process| {
                let gone = || rejected("GetBucketPolicy", &wanted, "NoSuchBucket");
                let mut s3 = world.s3.borrow_mut();
                let bucket = s3
                    .visible(process.number, world.scheduler.now(), &wanted)
                    .ok_or_else(gone)?;
                Ok(bucket.policy.clone())
            },
        )
        .await
    }

    async fn put_bucket_policy(&self, _: Permit, bucket: &str, policy: &str) -> AwsResult<()> {
        let (wanted, policy) = (bucket.to_owned(), policy.to_owned());
        self.call(
            change(Service::S3, "PutBucketPolicy"),
            bucket,
            move |world, process| {
                judge::require_own_bucket(world, process, &wanted);
                let gone = || rejected("PutBucketPolicy", &wanted, "NoSuchBucket");
                let mut s3 = world.s3.borrow_mut();
                let bucket = s3
                    .visible(process.number, world.scheduler.now(), &wanted)
                    .ok_or_else(gone)?;
                bucket.policy = Some(policy.clone());
                Ok(())
            },
        )
        .await
    }

    async fn delete_bucket(&self, _: Permit, bucket: &str) -> AwsResult<()> {
        let wanted = bucket.to_owned();
        self.call(
            change(Service::S3, "DeleteBucket"),
            bucket,
            move |world, process| {
                judge::require_own_bucket(world, process, &wanted);
                let mut s3 = world.s3.borrow_mut();
                match s3.buckets.get(&wanted) {
                    None => return Err(rejected("DeleteBucket", &wanted, "NoSuchBucket")),
                    Some(bucket) if !bucket.objects.is_empty() => {
                        return Err(rejected("DeleteBucket", &wanted, "BucketNotEmpty"));
                    }
                    Some(_) => s3.buckets.remove(&wanted),
                };
                if world.dice.chance(world.faults.rates().name_taken) {
                    let until = world.scheduler.now() + world.dice.between(5_000, 90_000);
                    s3.taken.insert(wanted.clone(), until);
                }
                Ok(())
            },
        )
        .await
    }
}
