//! S3 as the state of bindings needs it: conditional writes and deletes, archived and locked objects,
//! and calls that are carried out although their caller has hung up.

use std::time::Duration;

use anyhow::{Context, Result};
use aws_sdk_s3::Client;
use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::operation::put_object::builders::PutObjectFluentBuilder;
use aws_sdk_s3::primitives::DateTime;
use aws_sdk_s3::types::{
    BucketVersioningStatus, Delete, ObjectIdentifier, ObjectLockMode, VersioningConfiguration,
};
use lab::{Fault, FaultKind, HeldCalls, Lab};

const KEY: &str = "it/state.json";

async fn client() -> Result<(Lab, Client)> {
    let lab = Lab::start().await?;
    let once = aws_sdk_s3::config::retry::RetryConfig::disabled();
    let config = aws_sdk_s3::config::Builder::from(&lab.aws_as("someone"));
    Ok((lab, Client::from_conf(config.retry_config(once).build())))
}

fn put(s3: &Client, bucket: &str, body: &str) -> PutObjectFluentBuilder {
    let body = body.as_bytes().to_vec();
    s3.put_object().bucket(bucket).key(KEY).body(body.into())
}

/// The code of a put's error, or `OK`.
async fn outcome(put: PutObjectFluentBuilder) -> String {
    let done = put.send().await;
    let code = done
        .err()
        .map(|error| error.code().unwrap_or("none").to_owned());
    code.unwrap_or_else(|| "OK".to_owned())
}

async fn etag(s3: &Client, bucket: &str) -> Result<String> {
    let head = s3.head_object().bucket(bucket).key(KEY).send().await?;
    Ok(head.e_tag().context("an ETag")?.to_owned())
}

async fn until(is_so: impl Fn() -> bool) -> Result<()> {
    let waiting = async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    Ok(tokio::time::timeout(Duration::from_secs(60), waiting).await?)
}

#[tokio::test]
async fn a_write_happens_only_on_its_condition_with_versions_and_without() -> Result<()> {
    let (_lab, s3) = client().await?;
    for bucket in ["plain", "versioned"] {
        s3.create_bucket().bucket(bucket).send().await?;
        if bucket == "versioned" {
            let enabled =
                VersioningConfiguration::builder().status(BucketVersioningStatus::Enabled);
            let request = s3.put_bucket_versioning().bucket(bucket);
            request
                .versioning_configuration(enabled.build())
                .send()
                .await?;
        }
        let new = || put(&s3, bucket, "new").if_none_match("*");
        assert_eq!(
            outcome(put(&s3, bucket, "x").if_match("\"none\"")).await,
            "NoSuchKey"
        );
        assert_eq!(outcome(new()).await, "OK");
        assert_eq!(outcome(new()).await, "PreconditionFailed");
        let first = etag(&s3, bucket).await?;
        assert_eq!(
            outcome(put(&s3, bucket, "next").if_match(&first)).await,
            "OK"
        );
        assert_eq!(
            outcome(put(&s3, bucket, "late").if_match(&first)).await,
            "PreconditionFailed"
        );
        let delete = || s3.delete_object().bucket(bucket).key(KEY);
        let late = delete()
            .if_match(&first)
            .send()
            .await
            .expect_err("another one");
        assert_eq!(late.code(), Some("PreconditionFailed"));

        // Of many callers that saw the same version, one writes.
        let seen = etag(&s3, bucket).await?;
        let racers = (0..20).map(|number| put(&s3, bucket, &number.to_string()).if_match(&seen));
        let racers: tokio::task::JoinSet<_> = racers.map(outcome).collect();
        let outcomes = racers.join_all().await;
        let written = outcomes.iter().filter(|outcome| *outcome == "OK").count();
        assert_eq!(written, 1, "{outcomes:?}");

        delete().if_match(etag(&s3, bucket).await?).send().await?;
        // The object is gone, or under a delete marker, which is the same to the caller.
        assert_eq!(
            outcome(put(&s3, bucket, "x").if_match(&seen)).await,
            "NoSuchKey"
        );
        assert_eq!(outcome(new()).await, "OK");
    }
    Ok(())
}

#[tokio::test]
async fn a_call_is_carried_out_also_when_its_caller_has_hung_up() -> Result<()> {
    let (lab, s3) = client().await?;
    s3.create_bucket().bucket("bucket").send().await?;
    let hold = HeldCalls::default();
    let held = lab
        .gateway()
        .inject(Fault::new("s3", "PutObject", FaultKind::Hold(hold.clone())));
    let sent = tokio::spawn(put(&s3, "bucket", "late").send());
    hold.arrived(1).await;
    sent.abort();
    assert!(sent.await.is_err_and(|error| error.is_cancelled()));
    lab.gateway().remove_fault(held);
    assert_eq!(
        outcome(put(&s3, "bucket", "in between").if_none_match("*")).await,
        "OK"
    );
    let between = etag(&s3, "bucket").await?;
    hold.release();
    until(|| lab.gateway().calls_of("s3", "PutObject").len() == 2).await?;
    assert_ne!(etag(&s3, "bucket").await?, between);

    // A call that is only slow is carried out as well.
    let delay = FaultKind::Delay(Duration::from_secs(1));
    let fault = Fault::new("s3", "DeleteObject", delay);
    let slow = lab.gateway().inject(fault);
    let sent = tokio::spawn(s3.delete_object().bucket("bucket").key(KEY).send());
    until(|| lab.gateway().hits(slow) == 1).await?;
    sent.abort();
    assert!(sent.await.is_err_and(|error| error.is_cancelled()));
    until(|| !lab.gateway().calls_of("s3", "DeleteObject").is_empty()).await?;
    assert!(etag(&s3, "bucket").await.is_err());
    Ok(())
}

#[tokio::test]
async fn an_archived_object_is_there_but_cannot_be_read() -> Result<()> {
    let (lab, s3) = client().await?;
    s3.create_bucket().bucket("bucket").send().await?;
    put(&s3, "bucket", "{}").send().await?;
    lab.gateway().inject(Fault::new(
        "s3",
        "GetObject",
        FaultKind::Answer {
            status: 403,
            code: "InvalidObjectState".to_owned(),
            message: "The operation is not valid for the object's storage class".to_owned(),
        },
    ));
    let read = s3.get_object().bucket("bucket").key(KEY).send().await;
    let refused = read.expect_err("archived");
    assert_eq!(refused.code(), Some("InvalidObjectState"));
    assert!(refused.into_service_error().is_invalid_object_state());
    etag(&s3, "bucket").await?;
    Ok(())
}

#[tokio::test]
async fn a_locked_version_is_an_error_inside_a_success() -> Result<()> {
    let (lab, s3) = client().await?;
    let create = s3.create_bucket().bucket("locked");
    create.object_lock_enabled_for_bucket(true).send().await?;
    let free = put(&s3, "locked", "free").send().await?;
    let until = DateTime::from(std::time::SystemTime::now() + Duration::from_secs(3600));
    let locked = put(&s3, "locked", "locked").object_lock_mode(ObjectLockMode::Governance);
    let locked = locked.object_lock_retain_until_date(until).send().await?;
    let [free, locked] =
        [&free, &locked].map(|put| put.version_id().unwrap_or_default().to_owned());

    let of = |version: &str| {
        let object = ObjectIdentifier::builder().key(KEY).version_id(version);
        object.build()
    };
    let delete = Delete::builder()
        .objects(of(&free)?)
        .objects(of(&locked)?)
        .build()?;
    let delete = || {
        s3.delete_objects()
            .bucket("locked")
            .delete(delete.clone())
            .send()
    };
    let deleted = delete().await?;
    let errors: Vec<_> = deleted
        .errors()
        .iter()
        .map(|error| (error.version_id(), error.code()))
        .collect();
    assert_eq!(errors, [(Some(locked.as_str()), Some("AccessDenied"))]);
    let left = s3.list_object_versions().bucket("locked").send().await?;
    let left: Vec<_> = left
        .versions()
        .iter()
        .filter_map(|version| version.version_id())
        .collect();
    assert_eq!(left, [locked.as_str()]);

    // A test can let the same happen to versions that are not locked.
    lab.gateway().inject(Fault::new(
        "s3",
        "DeleteObjects",
        FaultKind::Body(format!(
            "<DeleteResult><Deleted><Key>{KEY}</Key><VersionId>{locked}</VersionId></Deleted>\
             <Error><Key>{KEY}</Key><VersionId>{free}</VersionId><Code>AccessDenied</Code>\
             <Message>Access Denied</Message></Error></DeleteResult>"
        )),
    ));
    let told = delete().await?;
    assert_eq!(told.deleted()[0].version_id(), Some(locked.as_str()));
    assert_eq!(told.errors()[0].version_id(), Some(free.as_str()));
    assert_eq!(told.errors()[0].code(), Some("AccessDenied"));
    Ok(())
}
