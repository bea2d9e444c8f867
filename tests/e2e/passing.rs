//! What passes is waited for: what AWS says for a moment holds nothing up, and what it does not get over is
//! told by the call that waited.

use crate::support::{Answer, Bench, binary};
use anyhow::Result;
use aws_sdk_elasticloadbalancingv2::types;
use lab::{AlbSpec, DnsFailure, Fault, NlbSpec, What};
use serde_json::{Value, json};
use std::time::Duration;

const ELB: &str = "elasticloadbalancing";

/// So many calls of an operation are answered like this, from `first` on.
fn answers(
    bench: &Bench,
    (service, operation, status, code): (&str, &str, u16, &str),
    calls: std::ops::RangeInclusive<usize>,
) {
    for nth in calls {
        let answer = What::Answer {
            status,
            code: code.to_owned(),
            message: "for a moment".to_owned(),
        };
        let fault = Fault::new(service, operation, answer);
        let fault = fault.by(bench.function.access_key()).nth(nth);
        bench.lab.gateway().inject(fault);
    }
}

/// With every step that a Create may have.
fn everything() -> Value {
    json!({"Listeners": [{
        "Port": "80",
        "IdleTimeoutSeconds": "400",
        "TargetGroupAttributes": [{"Key": "preserve_client_ip.enabled", "Value": "true"}],
    }]})
}

async fn assert_gone(bench: &Bench, made: &Answer) -> Result<()> {
    bench.delete(made, everything()).await?.assert_success();
    assert_eq!(bench.leftovers(made.id()).await?, [""; 0]);
    Ok(())
}

#[tokio::test]
async fn what_aws_does_not_know_yet_of_what_was_just_made_is_waited_for() -> Result<()> {
    let bench = Bench::new().await?;
    bench.scale(3);
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
        // The Delete asks for it; the Create knows it.
        (("s3", "HeadBucket", 404, "NotFound"), 1..=3),
        // The first is before there is a bucket.
        (("s3", "GetObject", 404, "NoSuchBucket"), 1..=5),
        (
            ("events", "PutTargets", 400, "ResourceNotFoundException"),
            1..=2,
        ),
    ] {
        answers(&bench, answer, calls);
        let made = bench.create(everything()).await?;
        made.assert_success();
        bench.lab.gateway().clear_faults();
        let targets = bench.targets(made.attribute("TargetGroupArn"));
        assert_eq!(targets, bench.expected(3, 80), "{answer:?}");
        assert_gone(&bench, &made).await?;
    }
    Ok(())
}

/// A listener that goes, and one that AWS shows to one call and not to the next.
#[tokio::test]
async fn a_listener_that_aws_does_not_know_while_it_is_looked_at_fails_nothing() -> Result<()> {
    let (bench, made) = Bench::bound().await?;
    let group = made.attribute("TargetGroupArn");
    for (operation, calls) in [
        ("DescribeTags", 1..=2),
        ("DescribeListenerAttributes", 1..=1),
        ("DescribeListeners", 1..=3),
    ] {
        let answer = (ELB, operation, 400, "ListenerNotFound");
        answers(&bench, answer, calls);
        let updated = bench
            .update(&made, json!({"Schedule": "rate(2 minutes)"}))
            .await?;
        updated.assert_success();
        bench.lab.gateway().clear_faults();
        assert_eq!(updated.attribute("TargetGroupArn"), group, "{operation}");
        assert_eq!(
            updated.attribute("ListenerArn"),
            made.attribute("ListenerArn")
        );
        bench.update(&made, json!({})).await?.assert_success();
    }
    assert_gone(&bench, &made).await
}

/// Its target group is in use until the listener goes, which only a second look shows.
#[tokio::test]
async fn a_listener_that_aws_does_not_show_a_delete_at_first_goes_all_the_same() -> Result<()> {
    let (bench, made) = Bench::bound().await?;
    let not_shown = (ELB, "DescribeListeners", 400, "LoadBalancerNotFound");
    answers(&bench, not_shown, 1..=1);
    bench.delete(&made, json!({})).await?.assert_success();
    assert_eq!(bench.leftovers(made.id()).await?, [""; 0]);
    let deletes = bench.lab.gateway().calls_of(ELB, "DeleteTargetGroup");
    assert!(deletes.len() > 1, "{deletes:?}");
    Ok(())
}

#[tokio::test]
async fn what_is_busy_with_the_same_thing_is_waited_for() -> Result<()> {
    let bench = Bench::new().await?;
    bench.scale(3);
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
        // What is read is judged by the same table.
        (
            (ELB, "DescribeLoadBalancers", 400, "TooManyRequests"),
            1..=9,
        ),
        (("events", "DescribeRule", 400, busy), 1..=1),
        (("s3", "GetObject", 409, "OperationAborted"), 1..=1),
        (("s3", "GetObject", 400, "RequestTimeout"), 1..=1),
    ] {
        answers(&bench, answer, calls);
        let made = bench.create(everything()).await?;
        made.assert_success();
        assert_gone(&bench, &made).await?;
        bench.lab.gateway().clear_faults();
    }
    Ok(())
}

/// Throttling that outlasts what the SDK would wait for, of what is read and of what is changed.
#[tokio::test]
async fn throttling_is_waited_for_until_the_deadline_and_told_where_it_lasts() -> Result<()> {
    let bench = Bench::new().await?;
    for (service, operation, code) in [
        (ELB, "DescribeLoadBalancers", "Throttling"),
        ("s3", "GetObject", "SlowDown"),
        ("events", "PutRule", "ThrottlingException"),
    ] {
        let fault = Fault::new(service, operation, What::Throttle);
        let fault = bench.lab.gateway().inject(fault);
        let failed = bench
            .create_within(json!({}), Duration::from_secs(8))
            .await?;
        failed.assert_failed(&["not done within", operation, code]);
        assert!(bench.lab.gateway().hits(fault) > 3, "{operation}");
        bench.lab.gateway().clear_faults();
        bench.delete(&failed, json!({})).await?.assert_success();
    }
    Ok(())
}

#[tokio::test]
async fn a_quota_of_eventbridge_is_no_throttling() -> Result<()> {
    let bench = Bench::new().await?;
    answers(
        &bench,
        ("events", "PutRule", 400, "LimitExceededException"),
        1..=9,
    );
    let failed = bench.create(json!({})).await?;
    failed.assert_failed(&["PutRule", "LimitExceededException: for a moment"]);
    assert!(
        !failed.reason().contains("not done within"),
        "{}",
        failed.reason()
    );
    let puts = bench.lab.gateway().calls_of("events", "PutRule");
    assert_eq!(puts.len(), 1);
    Ok(())
}

#[tokio::test]
async fn a_create_waits_while_dns_fails_or_is_silent() -> Result<()> {
    for failure in [DnsFailure::ServFail, DnsFailure::Silent] {
        let bench = Bench::new().await?;
        bench.scale(12);
        bench.lab.dns().fail("orders", failure);
        let create = bench.create(json!({}));
        let mend = async {
            tokio::time::sleep(Duration::from_secs(4)).await;
            bench.lab.dns().fail("orders", None);
        };
        let (made, ()) = tokio::join!(create, mend);
        let made = made?;
        made.assert_success();
        assert_eq!(made.attribute("IpCount"), "12", "{failure:?}");
    }
    Ok(())
}

/// A template may make it beside the binding.
#[tokio::test]
async fn a_listener_of_the_alb_that_is_made_while_a_create_runs_is_waited_for() -> Result<()> {
    let mut alb = AlbSpec::new("orders");
    alb.ports = vec![443];
    let bench = Bench::with(alb, NlbSpec::new("front")).await?;
    bench.scale(3);
    let short = bench
        .create_within(json!({}), Duration::from_secs(8))
        .await?;
    short.assert_failed(&["not done within", "AlbPort 80", "it has HTTP 443"]);
    let elb = aws_sdk_elasticloadbalancingv2::Client::new(&bench.lab.aws());
    let response = types::FixedResponseActionConfig::builder().status_code("200");
    let action = types::Action::builder()
        .r#type(types::ActionTypeEnum::FixedResponse)
        .fixed_response_config(response.build());
    let listener = elb
        .create_listener()
        .load_balancer_arn(&bench.pair.alb.arn)
        .protocol(types::ProtocolEnum::Http)
        .port(80)
        .default_actions(action.build());
    let later = async {
        tokio::time::sleep(Duration::from_secs(3)).await;
        listener.send().await
    };
    let (made, listener) = tokio::join!(bench.create(json!({})), later);
    listener?;
    let made = made?;
    made.assert_success();
    bench.ticks(&made, 1).await?;
    Ok(())
}

#[tokio::test]
async fn an_own_bucket_name_that_another_account_has_is_told_with_the_way_out() -> Result<()> {
    let bench = Bench::new().await?;
    answers(
        &bench,
        ("s3", "CreateBucket", 409, "BucketAlreadyExists"),
        1..=1,
    );
    let failed = bench.create(json!({})).await?;
    failed.assert_failed(&["BucketAlreadyExists", "give BucketName", "STATE_BUCKET"]);
    // Of a bucket that is another account's, S3 says so of everything.
    let theirs = format!("{}-000000000000", failed.id());
    for operation in ["GetObject", "HeadObject", "HeadBucket"] {
        let fault = Fault::new("s3", operation, What::Deny).on(&theirs);
        bench.lab.gateway().inject(fault);
    }
    bench.delete(&failed, json!({})).await?.assert_success();
    let failed = bench.create(json!({})).await?;
    failed.assert_failed(&["AccessDenied", "give BucketName", "STATE_BUCKET"]);
    bench.given_bucket("our-bucket").await?;
    let given = json!({"BucketName": "our-bucket"});
    let made = bench.create(given.clone()).await?;
    made.assert_success();
    bench.delete(&made, given).await?.assert_success();
    assert_eq!(bench.keys("our-bucket").await?, [""; 0]);
    Ok(())
}

#[tokio::test]
async fn the_functions_state_bucket_is_used_where_properties_name_none() -> Result<()> {
    let mut bench = Bench::new().await?;
    bench.scale(3);
    bench.given_bucket("shared-state").await?;
    let function = bench
        .lab
        .function_with(binary(), &[("STATE_BUCKET", "shared-state")]);
    bench.function = function.await?;
    let given = "arn:aws:s3:::shared-state".to_owned();
    bench
        .role
        .lock()
        .expect("no panic")
        .given_buckets
        .insert(given);
    let made = bench.create(json!({})).await?;
    made.assert_success();
    assert_eq!(made.attribute("BucketName"), "shared-state");
    bench.ticks(&made, 1).await?;
    bench.delete(&made, json!({})).await?.assert_success();
    assert_eq!(bench.keys("shared-state").await?, [""; 0]);
    assert_eq!(bench.leftovers(made.id()).await?, [""; 0]);
    Ok(())
}
