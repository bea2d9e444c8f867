//! The gateway: what it records, what it passes on, and what it lets go wrong. A fault would hit every test that
//! shares a lab, so each test has its own.

use std::time::Duration;

use anyhow::Result;
use aws_sdk_cloudformation::error::ProvideErrorMetadata;
use aws_sdk_cloudwatch::types::{Dimension, MetricDatum};
use aws_sdk_s3::primitives::ByteStream;
use lab::{Fault, FaultKind, Lab};
use serde_json::json;

/// A caller that faults hit.
fn elb(lab: &Lab) -> aws_sdk_elasticloadbalancingv2::Client {
    aws_sdk_elasticloadbalancingv2::Client::new(&lab.aws_as("someone"))
}

#[tokio::test]
async fn calls_are_recorded_with_what_matters_of_them() -> Result<()> {
    let lab = Lab::start().await?;
    let s3 = aws_sdk_s3::Client::new(&lab.aws_as("someone"));
    s3.create_bucket().bucket("bucket").send().await?;
    let put = || {
        let body = ByteStream::from_static(b"{}");
        s3.put_object()
            .bucket("bucket")
            .key("a/b.json")
            .body(body)
            .if_none_match("*")
            .send()
    };
    put().await?;
    assert_eq!(
        put().await.expect_err("it exists").code(),
        Some("PreconditionFailed")
    );
    let metric = MetricDatum::builder().metric_name("Count").value(28.0);
    let metric = metric
        .dimensions(Dimension::builder().name("Name").value("alb").build())
        .build();
    let cloudwatch = aws_sdk_cloudwatch::Client::new(&lab.aws_as("someone"));
    cloudwatch
        .put_metric_data()
        .namespace("Own")
        .metric_data(metric)
        .send()
        .await?;
    aws_sdk_eventbridge::Client::new(&lab.aws())
        .list_rules()
        .send()
        .await?;

    let puts = lab.gateway().calls_of("s3", "PutObject");
    assert_eq!(
        (puts[0].status, puts[0].error.as_deref()),
        (Some(200), None)
    );
    assert_eq!(
        (puts[1].status, puts[1].error.as_deref()),
        (Some(412), Some("PreconditionFailed"))
    );
    assert_eq!(
        (puts[0].param("Bucket"), puts[0].param("Key")),
        ("bucket", "a/b.json")
    );
    assert_eq!(
        (
            puts[0].headers["if-none-match"].as_str(),
            puts[0].source.as_str()
        ),
        ("*", "someone")
    );
    let metrics = lab.gateway().calls_of("monitoring", "PutMetricData");
    assert_eq!(
        metrics[0].params["MetricData"][0]["Dimensions"],
        json!([{"Name": "Name", "Value": "alb"}])
    );
    assert_eq!(metrics[0].params["MetricData"][0]["Value"], 28.0);
    assert_eq!(lab.gateway().calls_of("events", "ListRules").len(), 0);
    assert_eq!(
        lab.gateway().calls().last().map(|call| call.source.clone()),
        Some(lab::LAB_ACCESS_KEY.to_owned())
    );
    lab.gateway().clear();
    assert_eq!(lab.gateway().calls().len(), 0);
    Ok(())
}

#[tokio::test]
async fn a_denial_is_in_the_protocol_of_each_service() -> Result<()> {
    let lab = Lab::start().await?;
    let aws = lab.aws_as("someone");
    let deny = |service, operation| {
        lab.gateway()
            .inject(Fault::new(service, operation, FaultKind::Deny))
    };
    let fault = deny("elasticloadbalancing", "DescribeLoadBalancers");
    deny("s3", "GetObject");
    deny("events", "PutRule");
    deny("monitoring", "PutMetricData");
    deny("cloudformation", "DescribeStacks");
    let balancers = elb(&lab).describe_load_balancers().send().await;
    assert_eq!(balancers.expect_err("denied").code(), Some("AccessDenied"));
    let object = aws_sdk_s3::Client::new(&aws)
        .get_object()
        .bucket("bucket")
        .key("key")
        .send()
        .await;
    assert_eq!(object.expect_err("denied").code(), Some("AccessDenied"));
    let rule = aws_sdk_eventbridge::Client::new(&aws)
        .put_rule()
        .name("rule")
        .send()
        .await;
    assert_eq!(
        rule.expect_err("denied").code(),
        Some("AccessDeniedException")
    );
    let metric = aws_sdk_cloudwatch::Client::new(&aws)
        .put_metric_data()
        .namespace("Own")
        .send()
        .await;
    assert_eq!(metric.expect_err("denied").code(), Some("AccessDenied"));
    let stacks = aws_sdk_cloudformation::Client::new(&aws)
        .describe_stacks()
        .send()
        .await;
    assert_eq!(stacks.expect_err("denied").code(), Some("AccessDenied"));
    assert_eq!(lab.gateway().hits(fault), 1);

    // No fault hits the lab itself, and none hits anybody once the faults are cleared.
    aws_sdk_elasticloadbalancingv2::Client::new(&lab.aws())
        .describe_load_balancers()
        .send()
        .await?;
    lab.gateway().clear_faults();
    elb(&lab).describe_load_balancers().send().await?;
    Ok(())
}

#[tokio::test]
async fn a_throttled_a_failed_and_a_cut_off_call_are_tried_again_by_the_sdk() -> Result<()> {
    let lab = Lab::start().await?;
    for what in [
        FaultKind::Throttle,
        FaultKind::ServerError,
        FaultKind::CutOff,
    ] {
        let fault = lab
            .gateway()
            .inject(Fault::new("elasticloadbalancing", "DescribeLoadBalancers", what).nth(1));
        lab.gateway().clear();
        elb(&lab).describe_load_balancers().send().await?;
        assert_eq!(
            lab.gateway()
                .calls_of("elasticloadbalancing", "DescribeLoadBalancers")
                .len(),
            2
        );
        assert_eq!(lab.gateway().hits(fault), 1);
        lab.gateway().remove_fault(fault);
    }
    Ok(())
}

#[tokio::test]
async fn a_lost_answer_is_of_a_call_that_was_carried_out_and_a_cut_off_one_was_not() -> Result<()> {
    let lab = Lab::start().await?;
    let once = aws_sdk_s3::config::retry::RetryConfig::disabled();
    let config = aws_sdk_s3::config::Builder::from(&lab.aws_as("someone"))
        .retry_config(once)
        .build();
    let s3 = aws_sdk_s3::Client::from_conf(config);
    for (what, bucket, exists) in [
        (FaultKind::LoseAnswer, "lost", true),
        (FaultKind::CutOff, "cut", false),
    ] {
        lab.gateway().inject(Fault::new("s3", "CreateBucket", what));
        assert!(s3.create_bucket().bucket(bucket).send().await.is_err());
        lab.gateway().clear_faults();
        assert_eq!(
            s3.head_bucket().bucket(bucket).send().await.is_ok(),
            exists,
            "{bucket}"
        );
    }
    let statuses: Vec<_> = lab
        .gateway()
        .calls_of("s3", "CreateBucket")
        .iter()
        .map(|call| call.status)
        .collect();
    assert_eq!(statuses, [Some(200), None]);
    Ok(())
}

#[tokio::test]
async fn the_nth_call_is_answered_as_told_and_a_delay_adds_to_it() -> Result<()> {
    let lab = Lab::start().await?;
    let gone = FaultKind::Answer {
        status: 400,
        code: "LoadBalancerNotFound".to_owned(),
        message: "gone".to_owned(),
    };
    let operation = "DescribeLoadBalancers";
    lab.gateway()
        .inject(Fault::new("elasticloadbalancing", operation, gone).nth(2));
    let delay = lab.gateway().inject(Fault::new(
        "elasticloadbalancing",
        operation,
        FaultKind::Delay(Duration::from_millis(1)),
    ));
    let elb = elb(&lab);
    elb.describe_load_balancers().send().await?;
    let error = elb
        .describe_load_balancers()
        .send()
        .await
        .expect_err("the second one");
    assert_eq!(
        (error.code(), error.message()),
        (Some("LoadBalancerNotFound"), Some("gone"))
    );
    elb.describe_load_balancers().send().await?;
    assert_eq!(lab.gateway().hits(delay), 3);
    Ok(())
}

#[tokio::test]
async fn every_call_takes_the_set_time_at_least() -> Result<()> {
    let lab = Lab::start().await?;
    let delay = Duration::from_millis(100);
    lab.gateway().set_delay(delay);
    elb(&lab).describe_load_balancers().send().await?;
    let calls = lab.gateway().calls_by("someone");
    assert!(calls[0].took >= delay, "{:?}", calls[0].took);
    Ok(())
}

#[tokio::test]
async fn what_is_remembered_is_forgotten_when_something_changes() -> Result<()> {
    let lab = Lab::start().await?;
    lab.gateway().remember_answers(true);
    let s3 = aws_sdk_s3::Client::new(&lab.aws_as("someone"));
    s3.create_bucket().bucket("bucket").send().await?;
    for body in ["first", "second"] {
        let put = s3.put_object().bucket("bucket").key("key");
        put.body(body.as_bytes().to_vec().into()).send().await?;
        for _ in 0..2 {
            let object = s3.get_object().bucket("bucket").key("key").send().await?;
            assert_eq!(object.body.collect().await?.to_vec(), body.as_bytes());
        }
    }
    Ok(())
}

#[tokio::test]
async fn too_many_calls_of_elb_at_once_are_throttled_and_those_of_others_are_not() -> Result<()> {
    let lab = Lab::start().await?;
    lab.gateway().limit_rates(1.0);
    let config = lab.aws_as("someone").into_builder();
    let once = aws_config::retry::RetryConfig::disabled();
    let config = config.retry_config(once).build();
    let elb = aws_sdk_elasticloadbalancingv2::Client::new(&config);
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..200 {
        calls.spawn(elb.describe_load_balancers().send());
    }
    let refused = calls.join_all().await.into_iter().filter_map(Result::err);
    let codes: Vec<_> = refused
        .map(|error| error.code().map(str::to_owned))
        .collect();
    assert!(!codes.is_empty());
    assert!(
        codes
            .iter()
            .all(|code| code.as_deref() == Some("Throttling"))
    );
    let s3 = aws_sdk_s3::Client::new(&config);
    s3.list_buckets().send().await?;
    Ok(())
}

#[tokio::test]
async fn elbv2_takes_twenty_names_a_call() -> Result<()> {
    let lab = Lab::start().await?;
    let asked = async |count: usize| {
        let names = (0..count).map(|number| format!("group-{number}"));
        let asked = elb(&lab)
            .describe_target_groups()
            .set_names(Some(names.collect()));
        let refused = asked.send().await.expect_err("there are none");
        refused.code().map(str::to_owned)
    };
    assert_eq!(asked(20).await.as_deref(), Some("TargetGroupNotFound"));
    assert_eq!(asked(21).await.as_deref(), Some("ValidationError"));
    Ok(())
}
