//! The bucket that a binding makes: it has its tags from the start, and denies requests without TLS before anything
//! is written into it.

use crate::first_aid::{status, texts};
use crate::record::BindingStack;
use crate::support::{Fixture, SentResponse, operations};
use anyhow::Result;
use aws_sdk_s3::error::ProvideErrorMetadata;
use lab::{Fault, FaultKind};
use serde_json::{Value, json};

/// The bucket's policy; null if it has none.
async fn policy(fixture: &Fixture, bucket: &str) -> Result<Value> {
    match fixture.s3().get_bucket_policy().bucket(bucket).send().await {
        Ok(got) => Ok(serde_json::from_str(got.policy().unwrap_or_default())?),
        Err(error) if error.code() == Some("NoSuchBucketPolicy") => Ok(Value::Null),
        Err(error) => Err(error.into()),
    }
}

/// The policy that a new bucket gets.
fn own_policy(bucket: &str) -> Value {
    let arn = format!("arn:aws:s3:::{bucket}");
    json!({"Version": "2012-10-17", "Statement": [{
        "Sid": "DenyRequestsWithoutTls",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [arn, format!("{arn}/*")],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }]})
}

async fn delete_policy(fixture: &Fixture, made: &SentResponse) -> Result<String> {
    let bucket = made.attribute("BucketName").to_owned();
    let delete = fixture.s3().delete_bucket_policy().bucket(&bucket);
    delete.send().await?;
    Ok(bucket)
}

async fn assert_delete_leaves_nothing(fixture: &Fixture, made: &SentResponse) -> Result<()> {
    fixture.delete(made, json!({})).await?.assert_success();
    assert_eq!(fixture.leftovers(made.id()).await?, [""; 0]);
    Ok(())
}

#[track_caller]
fn assert_warned(response: &SentResponse, text: &str) {
    let log = &response.invocation.log;
    let warns = |line: &Value| line["level"] == "WARN" && line.to_string().contains(text);
    assert!(log.iter().any(warns), "{text}: {log:#?}");
}

async fn tags(fixture: &Fixture, bucket: &str) -> Result<String> {
    let tags = fixture.s3().get_bucket_tagging().bucket(bucket);
    Ok(format!("{:?}", tags.send().await?.tag_set()))
}

#[tokio::test]
async fn a_new_bucket_is_never_without_tags_and_holds_nothing_before_it_has_its_policy()
-> Result<()> {
    let (fixture, made) = Fixture::bound().await?;
    let bucket = made.attribute("BucketName");
    assert!(tags(&fixture, bucket).await?.contains(made.id()));
    assert_eq!(policy(&fixture, bucket).await?, own_policy(bucket));
    let mut calls = fixture.wiring_changes();
    calls.retain(|call| call.service == "s3");
    assert_eq!(
        operations(&calls)[..3],
        ["CreateBucket", "PutBucketPolicy", "PutObject"]
    );
    assert!(calls[0].params["Tags"].to_string().contains(made.id()));
    assert_delete_leaves_nothing(&fixture, &made).await
}

/// Another emulator of S3 may ignore the tags, and a bucket may have been there already.
#[tokio::test]
async fn where_createbucket_took_no_tags_they_are_put_at_once() -> Result<()> {
    let fixture = Fixture::new().await?;
    let none = FaultKind::Answer {
        status: 404,
        code: "NoSuchTagSet".to_owned(),
        message: "The TagSet does not exist".to_owned(),
    };
    let gateway = fixture.lab.gateway();
    gateway.inject(Fault::new("s3", "GetBucketTagging", none).nth(1));
    let made = fixture.create(json!({})).await?;
    made.assert_success();
    let put = gateway.calls_of("s3", "PutBucketTagging");
    assert_eq!(put.len(), 1, "{put:?}");
    let bucket = made.attribute("BucketName");
    assert!(tags(&fixture, bucket).await?.contains(made.id()));
    assert_delete_leaves_nothing(&fixture, &made).await
}

#[tokio::test]
async fn a_create_that_is_killed_before_the_policy_and_run_again_completes_with_it() -> Result<()> {
    let stack = BindingStack::new().await?;
    stack.shows_creating();
    let create = stack.create(json!({}));
    let hold = stack.holds("s3", "PutBucketPolicy");
    stack.injects(Fault::new("s3", "PutBucketPolicy", FaultKind::CutOff).nth(1));
    create
        .killed_at(&hold, stack.another_environment().await?)
        .await?;
    let made = stack.succeeds(&create).await?;
    let bucket = made.attribute("BucketName");
    assert_eq!(policy(&stack.fixture, bucket).await?, own_policy(bucket));
    Ok(())
}

#[tokio::test]
async fn an_update_puts_a_policy_that_is_gone_back_and_leaves_statements_of_others() -> Result<()> {
    let (fixture, made) = Fixture::bound().await?;
    let bucket = delete_policy(&fixture, &made).await?;
    let status = status(&fixture, &made).await?;
    let told = texts(&status, "Problems").join("\n");
    assert!(
        told.contains("does not deny requests without TLS"),
        "{told}"
    );
    fixture.update(&made, json!({})).await?.assert_success();
    assert_eq!(policy(&fixture, &bucket).await?, own_policy(&bucket));

    let theirs = json!({"Sid": "Theirs", "Effect": "Deny", "Principal": "*",
        "Action": "s3:PutBucketAcl", "Resource": format!("arn:aws:s3:::{bucket}")});
    let changed = json!({"Version": "2012-10-17", "Statement": [theirs]}).to_string();
    let put = fixture.s3().put_bucket_policy().bucket(&bucket);
    put.policy(changed).send().await?;
    fixture.update(&made, json!({})).await?.assert_success();
    let both = policy(&fixture, &bucket).await?;
    let own = &own_policy(&bucket)["Statement"][0];
    assert_eq!(both["Statement"], json!([theirs, own]));

    fixture.lab.gateway().clear();
    fixture.update(&made, json!({})).await?.assert_success();
    // The first write claims the record, and the second one has the answer.
    assert_eq!(
        operations(&fixture.wiring_changes()),
        ["PutObject", "PutObject"]
    );
    assert_delete_leaves_nothing(&fixture, &made).await
}

#[tokio::test]
async fn a_create_that_may_not_put_the_policy_fails_with_the_permission_and_leaves_nothing()
-> Result<()> {
    let fixture = Fixture::new().await?;
    fixture.deny("s3", "PutBucketPolicy");
    let failed = fixture.create(json!({})).await?;
    failed.assert_failed(&["AccessDenied", "without TLS", "allow", "s3:PutBucketPolicy"]);
    let changes = fixture.wiring_changes();
    assert_eq!(operations(&changes), ["CreateBucket", "PutBucketPolicy"]);
    // The next Create finds the bucket there, and fails as well.
    fixture.deny("s3", "GetBucketPolicy");
    let failed = fixture.create(json!({})).await?;
    failed.assert_failed(&["without TLS", "allow s3:GetBucketPolicy"]);
    assert_delete_leaves_nothing(&fixture, &failed).await
}

#[tokio::test]
async fn a_binding_that_stands_is_updated_and_deleted_also_where_its_policy_is_denied() -> Result<()>
{
    let (fixture, made) = Fixture::bound().await?;
    let bucket = delete_policy(&fixture, &made).await?;
    fixture.deny("s3", "PutBucketPolicy");
    let schedule = json!({"Schedule": "rate(2 minutes)"});
    let updated = fixture.update(&made, schedule).await?;
    updated.assert_success();
    assert_warned(&updated, "s3:PutBucketPolicy");
    // The function puts no policy that it could not read before, for it may have statements of others.
    fixture.deny("s3", "GetBucketPolicy");
    fixture.lab.gateway().clear();
    let updated = fixture.update(&made, json!({})).await?;
    updated.assert_success();
    assert_warned(&updated, "s3:GetBucketPolicy");
    let put = fixture.lab.gateway().calls_of("s3", "PutBucketPolicy");
    assert_eq!(put.len(), 0, "{put:?}");
    assert_eq!(policy(&fixture, &bucket).await?, Value::Null);
    assert_delete_leaves_nothing(&fixture, &made).await
}

#[tokio::test]
async fn an_update_that_makes_a_bucket_without_its_policy_fails_and_is_rolled_back() -> Result<()> {
    let fixture = Fixture::new().await?;
    fixture.given_bucket("their-bucket").await?;
    let given = json!({"BucketName": "their-bucket"});
    let made = fixture.create(given.clone()).await?;
    made.assert_success();
    fixture.deny("s3", "PutBucketPolicy");
    for _ in 0..2 {
        let failed = fixture.update(&made, json!({})).await?;
        failed.assert_failed(&["without TLS", "s3:PutBucketPolicy"]);
    }
    let back = fixture.update(&made, given).await?;
    back.assert_success();
    assert_eq!(back.attribute("BucketName"), "their-bucket");
    assert_delete_leaves_nothing(&fixture, &made).await
}
