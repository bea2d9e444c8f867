//! Temporary refusals: the function waits until they end. If they do not end, it names the call that it waited for.

use crate::support::{ELB, Fixture, SentResponse, binary};
use anyhow::Result;
use aws_sdk_elasticloadbalancingv2::types;
use lab::{AlbSpec, DnsFailure, Fault, FaultKind, NlbSpec};
use serde_json::{Value, json};
use std::time::Duration;

/// AWS answers some of the calls of an operation, by their numbers, with this status and code.
fn answer_calls(
    fixture: &Fixture,
    (service, operation, status, code): (&str, &str, u16, &str),
    calls: std::ops::RangeInclusive<usize>,
) {
    for nth in calls {
        let answer = FaultKind::Answer {
            status,
            code: code.to_owned(),
            message: "for a moment".to_owned(),
        };
        let fault = Fault::new(service, operation, answer);
        let fault = fault.by(fixture.function.access_key()).nth(nth);
        fixture.lab.gateway().inject(fault);
    }
}

/// Properties with which a Create has every step that it can have.
fn every_step() -> Value {
    json!({"Listeners": [{
        "Port": "80",
        "IdleTimeoutSeconds": "400",
        "TargetGroupAttributes": [{"Key": "preserve_client_ip.enabled", "Value": "true"}],
    }]})
}

async fn assert_delete_leaves_nothing(fixture: &Fixture, made: &SentResponse) -> Result<()> {
    fixture.delete(made, every_step()).await?.assert_success();
    assert_eq!(fixture.leftovers(made.id()).await?, [""; 0]);
    Ok(())
}

#[tokio::test]
async fn what_aws_does_not_know_yet_of_what_was_just_made_is_waited_for() -> Result<()> {
    let fixture = Fixture::new().await?;
    fixture.scale(3);
    for (answer, calls) in [
        (
            (
                ELB,
                "ModifyTargetGroupAttributes",
                400,
                "TargetGroupNotFound",
            ),
            1..=3,
        ),
        (
            (ELB, "DescribeTargetHealth", 400, "TargetGroupNotFound"),
            1..=3,
        ),
        ((ELB, "RegisterTargets", 400, "TargetGroupNotFound"), 1..=3),
        ((ELB, "CreateListener", 400, "TargetGroupNotFound"), 1..=3),
        (
            (ELB, "ModifyListenerAttributes", 400, "ListenerNotFound"),
            1..=3,
        ),
        (("s3", "GetBucketTagging", 404, "NoSuchBucket"), 1..=3),
        (("s3", "PutBucketPolicy", 404, "NoSuchBucket"), 1..=3),
        (("s3", "PutObject", 404, "NoSuchBucket"), 1..=3),
        // Only the Delete asks whether the bucket is there.
        (("s3", "HeadBucket", 404, "NotFound"), 1..=3),
        // The first of these calls comes before the bucket is made.
        (("s3", "GetObject", 404, "NoSuchBucket"), 1..=5),
        (
            ("events", "PutTargets", 400, "ResourceNotFoundException"),
            1..=2,
        ),
    ] {
        answer_calls(&fixture, answer, calls);
        let made = fixture.create(every_step()).await?;
        made.assert_success();
        fixture.lab.gateway().clear_faults();
        let targets = fixture.targets(made.attribute("TargetGroupArn"));
        assert_eq!(targets, fixture.expected(3, 80), "{answer:?}");
        assert_delete_leaves_nothing(&fixture, &made).await?;
    }
    Ok(())
}

/// As when somebody deletes the listener, or AWS shows it to one call and not to the next.
#[tokio::test]
async fn a_listener_that_aws_does_not_know_while_it_is_looked_at_fails_nothing() -> Result<()> {
    let (fixture, made) = Fixture::bound().await?;
    let group = made.attribute("TargetGroupArn");
    for (operation, calls) in [
        ("DescribeTags", 1..=2),
        ("DescribeListenerAttributes", 1..=1),
        ("DescribeListeners", 1..=3),
    ] {
        let answer = (ELB, operation, 400, "ListenerNotFound");
        answer_calls(&fixture, answer, calls);
        let updated = fixture
            .update(&made, json!({"Schedule": "rate(2 minutes)"}))
            .await?;
        updated.assert_success();
        fixture.lab.gateway().clear_faults();
        assert_eq!(updated.attribute("TargetGroupArn"), group, "{operation}");
        assert_eq!(
            updated.attribute("ListenerArn"),
            made.attribute("ListenerArn")
        );
        fixture.update(&made, json!({})).await?.assert_success();
    }
    assert_delete_leaves_nothing(&fixture, &made).await
}

/// The Delete cannot delete the target group while the listener forwards to it, so it looks for listeners again.
#[tokio::test]
async fn a_listener_that_aws_does_not_show_a_delete_at_first_goes_all_the_same() -> Result<()> {
    let (fixture, made) = Fixture::bound().await?;
    let not_shown = (ELB, "DescribeListeners", 400, "LoadBalancerNotFound");
    answer_calls(&fixture, not_shown, 1..=1);
    fixture.delete(&made, json!({})).await?.assert_success();
    assert_eq!(fixture.leftovers(made.id()).await?, [""; 0]);
    let deletes = fixture.lab.gateway().calls_of(ELB, "DeleteTargetGroup");
    assert!(deletes.len() > 1, "{deletes:?}");
    Ok(())
}

#[tokio::test]
async fn what_is_busy_with_the_same_thing_is_waited_for() -> Result<()> {
    let fixture = Fixture::new().await?;
    fixture.scale(3);
    let busy = "ConcurrentModificationException";
    for (answer, calls) in [
        (("s3", "CreateBucket", 409, "OperationAborted"), 1..=3),
        (("s3", "PutBucketPolicy", 409, "OperationAborted"), 1..=2),
        (("s3", "PutObject", 409, "OperationAborted"), 1..=2),
        (
            ("s3", "PutObject", 409, "ConditionalRequestConflict"),
            1..=2,
        ),
        (("s3", "DeleteBucket", 409, "OperationAborted"), 1..=2),
        (("events", "PutRule", 400, busy), 1..=1),
        (("events", "PutTargets", 400, busy), 1..=1),
        (("events", "RemoveTargets", 400, busy), 1..=1),
        (("events", "DeleteRule", 400, busy), 1..=1),
        ((ELB, "DeleteTargetGroup", 400, "ResourceInUse"), 1..=2),
        ((ELB, "DeleteListener", 400, "ResourceInUse"), 1..=1),
        ((ELB, "CreateTargetGroup", 429, "TooManyRequests"), 1..=1),
        // The function waits for reads just as it does for changes.
        (
            (ELB, "DescribeLoadBalancers", 400, "TooManyRequests"),
            1..=9,
        ),
        (("events", "DescribeRule", 400, busy), 1..=1),
        (("s3", "GetObject", 409, "OperationAborted"), 1..=1),
        (("s3", "GetObject", 400, "RequestTimeout"), 1..=1),
    ] {
        answer_calls(&fixture, answer, calls);
        let made = fixture.create(every_step()).await?;
        made.assert_success();
        assert_delete_leaves_nothing(&fixture, &made).await?;
        fixture.lab.gateway().clear_faults();
    }
    Ok(())
}

/// The function waits for longer than the SDK's retries do, for reads and for changes.
#[tokio::test]
async fn throttling_is_waited_for_until_the_deadline_and_told_where_it_lasts() -> Result<()> {
    let fixture = Fixture::new().await?;
    for (service, operation, code) in [
        (ELB, "DescribeLoadBalancers", "Throttling"),
        ("s3", "GetObject", "SlowDown"),
        ("events", "PutRule", "ThrottlingException"),
    ] {
        let fault = Fault::new(service, operation, FaultKind::Throttle);
        let fault = fixture.lab.gateway().inject(fault);
        let failed = fixture
            .create_within(json!({}), Duration::from_secs(8))
            .await?;
        failed.assert_failed(&["not done within", operation, code]);
        assert!(fixture.lab.gateway().hits(fault) > 3, "{operation}");
        fixture.lab.gateway().clear_faults();
        fixture.delete(&failed, json!({})).await?.assert_success();
    }
    Ok(())
}

#[tokio::test]
async fn a_quota_of_eventbridge_is_no_throttling() -> Result<()> {
    let fixture = Fixture::new().await?;
    answer_calls(
        &fixture,
        ("events", "PutRule", 400, "LimitExceededException"),
        1..=9,
    );
    let failed = fixture.create(json!({})).await?;
    failed.assert_failed(&["PutRule", "LimitExceededException: for a moment"]);
    assert!(
        !failed.reason().contains("not done within"),
        "{}",
        failed.reason()
    );
    let puts = fixture.lab.gateway().calls_of("events", "PutRule");
    assert_eq!(puts.len(), 1);
    Ok(())
}

#[tokio::test]
async fn a_create_waits_while_dns_fails_or_is_silent() -> Result<()> {
    for failure in [DnsFailure::ServFail, DnsFailure::Silent] {
        let fixture = Fixture::new().await?;
        fixture.scale(12);
        fixture.lab.dns().fail("orders", failure);
        let create = fixture.create(json!({}));
        let mend = async {
            tokio::time::sleep(Duration::from_secs(4)).await;
            fixture.lab.dns().fail("orders", None);
        };
        let (made, ()) = tokio::join!(create, mend);
        let made = made?;
        made.assert_success();
        assert_eq!(made.attribute("IpCount"), "12", "{failure:?}");
    }
    Ok(())
}

/// A template may make the listener at the same time as the binding.
#[tokio::test]
async fn a_listener_of_the_alb_that_is_made_while_a_create_runs_is_waited_for() -> Result<()> {
    let mut alb = AlbSpec::new("orders");
    alb.ports = vec![443];
    let fixture = Fixture::with(alb, NlbSpec::new("front")).await?;
    fixture.scale(3);
    let short = fixture
        .create_within(json!({}), Duration::from_secs(8))
        .await?;
    short.assert_failed(&["not done within", "AlbPort 80", "it has HTTP 443"]);
    let elb = fixture.elb();
    let response = types::FixedResponseActionConfig::builder().status_code("200");
    let action = types::Action::builder()
        .r#type(types::ActionTypeEnum::FixedResponse)
        .fixed_response_config(response.build());
    let listener = elb
        .create_listener()
        .load_balancer_arn(&fixture.alb.arn)
        .protocol(types::ProtocolEnum::Http)
        .port(80)
        .default_actions(action.build());
    let later = async {
        tokio::time::sleep(Duration::from_secs(3)).await;
        listener.send().await
    };
    let (made, listener) = tokio::join!(fixture.create(json!({})), later);
    listener?;
    let made = made?;
    made.assert_success();
    fixture.ticks(&made, 1).await?;
    Ok(())
}

#[tokio::test]
async fn an_own_bucket_name_that_another_account_has_is_told_with_the_way_out() -> Result<()> {
    let fixture = Fixture::new().await?;
    answer_calls(
        &fixture,
        ("s3", "CreateBucket", 409, "BucketAlreadyExists"),
        1..=1,
    );
    let failed = fixture.create(json!({})).await?;
    failed.assert_failed(&["BucketAlreadyExists", "give BucketName", "STATE_BUCKET"]);
    // S3 denies every call on a bucket of another account.
    let theirs = format!("{}-000000000000", failed.id());
    for operation in ["GetObject", "HeadObject", "HeadBucket"] {
        let fault = Fault::new("s3", operation, FaultKind::Deny).on(&theirs);
        fixture.lab.gateway().inject(fault);
    }
    fixture.delete(&failed, json!({})).await?.assert_success();
    let failed = fixture.create(json!({})).await?;
    failed.assert_failed(&["AccessDenied", "give BucketName", "STATE_BUCKET"]);
    fixture.given_bucket("our-bucket").await?;
    let given = json!({"BucketName": "our-bucket"});
    let made = fixture.create(given.clone()).await?;
    made.assert_success();
    fixture.delete(&made, given).await?.assert_success();
    assert_eq!(fixture.keys("our-bucket").await?, [""; 0]);
    Ok(())
}

#[tokio::test]
async fn the_functions_state_bucket_is_used_where_properties_name_none() -> Result<()> {
    let mut fixture = Fixture::new().await?;
    fixture.scale(3);
    fixture.given_bucket("shared-state").await?;
    let function = fixture
        .lab
        .function_with(binary(), &[("STATE_BUCKET", "shared-state")]);
    fixture.function = function.await?;
    let given = "arn:aws:s3:::shared-state".to_owned();
    fixture
        .role
        .lock()
        .expect("no panic")
        .given_buckets
        .insert(given);
    let made = fixture.create(json!({})).await?;
    made.assert_success();
    assert_eq!(made.attribute("BucketName"), "shared-state");
    fixture.ticks(&made, 1).await?;
    fixture.delete(&made, json!({})).await?.assert_success();
    assert_eq!(fixture.keys("shared-state").await?, [""; 0]);
    assert_eq!(fixture.leftovers(made.id()).await?, [""; 0]);
    Ok(())
}
