//! The environment variables: what each does, and what the function says of bad ones.

use super::{LegacySetUp, function};
use crate::support::{ELB, Fixture, TIMEOUT, operations};
use anyhow::Result;
use lab::{AlbSpec, NlbSpec};
use serde_json::json;

#[tokio::test]
async fn a_scheduled_event_registers_what_is_in_dns() -> Result<()> {
    let set_up = LegacySetUp::new().await?;
    set_up.ticks(1).await?;
    set_up.assert_registered(3);
    let state = "alb-nlb-binding/orders/";
    let keys = set_up.fixture.keys(super::BUCKET).await?;
    assert_eq!(keys.len(), 1, "{keys:?}");
    assert!(
        keys[0].starts_with(state) && keys[0].ends_with("/80/state.json"),
        "{keys:?}"
    );
    Ok(())
}

/// The event that docs/console.md and docs/migrate.md tell users to call the function with. It has no id.
#[tokio::test]
async fn the_event_of_the_consoles_test_is_a_tick_too() -> Result<()> {
    let set_up = LegacySetUp::new().await?;
    let event = json!({"detail-type": "Scheduled Event"});
    set_up.function.invoke(event, TIMEOUT).await?.success()?;
    set_up.assert_registered(3);
    Ok(())
}

#[tokio::test]
async fn the_variables_that_may_be_left_out_have_the_published_templates_defaults() -> Result<()> {
    let set_up = LegacySetUp::with(&[
        ("MAX_LOOKUP_PER_INVOCATION", "-"),
        ("INVOCATIONS_BEFORE_DEREGISTRATION", "-"),
        ("CW_METRIC_FLAG_IP_COUNT", "-"),
    ])
    .await?;
    set_up.fixture.scale(100);
    let before = set_up.fixture.lab.dns().queries("orders");
    set_up.ticks(1).await?;
    assert_eq!(set_up.fixture.lab.dns().queries("orders") - before, 50);
    let operations_of_first = operations(&set_up.calls()).join(" ");
    assert!(
        operations_of_first.contains("PutMetricData"),
        "{operations_of_first}"
    );
    set_up.fixture.scale(2);
    // The 50 lookups might not have shown the two addresses that stay.
    let known = set_up.targets();
    set_up.ticks(2).await?;
    let still = set_up.targets();
    assert!(known.iter().all(|target| still.contains(target)));
    set_up.ticks(1).await?;
    set_up.assert_registered(2);
    Ok(())
}

#[tokio::test]
async fn the_variables_that_are_given_count() -> Result<()> {
    let set_up = LegacySetUp::with(&[
        ("MAX_LOOKUP_PER_INVOCATION", "7"),
        ("INVOCATIONS_BEFORE_DEREGISTRATION", "1"),
        ("CW_METRIC_FLAG_IP_COUNT", "fAlse"),
    ])
    .await?;
    set_up.fixture.scale(28);
    let before = set_up.fixture.lab.dns().queries("orders");
    set_up.ticks(1).await?;
    assert_eq!(set_up.fixture.lab.dns().queries("orders") - before, 7);
    set_up.fixture.scale(2);
    set_up.ticks(1).await?;
    set_up.assert_registered(2);
    assert!(!operations(&set_up.calls()).contains(&"PutMetricData"));
    Ok(())
}

#[tokio::test]
async fn an_alb_in_another_vpc_needs_a_zone_and_the_same_vpc_needs_none() -> Result<()> {
    for (same_vpc, own_vpc, zone) in [("FALSE", true, Some("all")), ("True", false, None)] {
        let mut nlb = NlbSpec::new("front");
        nlb.own_vpc = own_vpc;
        let fixture = Fixture::with(AlbSpec::new("orders"), nlb).await?;
        let set_up = LegacySetUp::of(fixture, &[("SAME_VPC", same_vpc)]).await?;
        set_up.ticks(1).await?;
        let calls = set_up.fixture.lab.gateway();
        let [registration] = &calls.calls_of(ELB, "RegisterTargets")[..] else {
            panic!("one registration");
        };
        for target in registration.members("Targets") {
            assert_eq!(target.get("AvailabilityZone").map(String::as_str), zone);
        }
        set_up.assert_registered(3);
    }
    Ok(())
}

#[tokio::test]
async fn the_metric_has_the_albs_name_and_a_namespace_that_cloudwatch_takes() -> Result<()> {
    let set_up = LegacySetUp::new().await?;
    set_up.ticks(1).await?;
    let put = set_up
        .fixture
        .lab
        .gateway()
        .calls_of("monitoring", "PutMetricData");
    let [put] = &put[..] else {
        panic!("one metric, not {put:?}");
    };
    assert_eq!(put.param("Namespace"), "AlbNlbBinding");
    let datum = &put.params["MetricData"][0];
    assert_eq!(datum["MetricName"], "LoadBalancerIPCount");
    let dimension = json!([{"Name": "LoadBalancerName", "Value": "orders"}]);
    assert_eq!(datum["Dimensions"], dimension);
    Ok(())
}

#[tokio::test]
async fn bad_and_missing_variables_are_all_named_and_nothing_is_asked_of_aws() -> Result<()> {
    let set_up = LegacySetUp::with(&[
        ("ALB_DNS_NAME", "-"),
        ("ALB_LISTENER", "https"),
        ("S3_BUCKET", "Their Bucket"),
        ("NLB_TG_ARN", "front-80"),
        ("MAX_LOOKUP_PER_INVOCATION", "many"),
        ("INVOCATIONS_BEFORE_DEREGISTRATION", "0"),
        ("CW_METRIC_FLAG_IP_COUNT", "1"),
        ("SAME_VPC", "no"),
    ])
    .await?;
    let tick = set_up.tick().await?;
    let error = tick.result.expect_err("nothing is right").to_string();
    for expected in [
        "ALB_DNS_NAME: given nothing",
        "ALB_LISTENER: given \\\"https\\\", allowed is a port from 1 to 65535",
        "S3_BUCKET: given \\\"Their Bucket\\\"",
        "NLB_TG_ARN: given \\\"front-80\\\"",
        "MAX_LOOKUP_PER_INVOCATION: given \\\"many\\\", allowed is a whole number from 1 to 1000",
        "INVOCATIONS_BEFORE_DEREGISTRATION: given \\\"0\\\"",
        "CW_METRIC_FLAG_IP_COUNT: given \\\"1\\\", allowed is true or false",
        "SAME_VPC: given \\\"no\\\", allowed is true or false",
    ] {
        assert!(error.contains(expected), "{expected} is not in {error}");
    }
    assert!(set_up.calls().is_empty());
    Ok(())
}

#[tokio::test]
async fn a_bucket_that_does_not_exist_is_named() -> Result<()> {
    let set_up = LegacySetUp::with(&[("S3_BUCKET", "no-such-bucket")]).await?;
    let tick = set_up.tick().await?;
    let error = tick.result.expect_err("no bucket").to_string();
    assert!(error.contains("no-such-bucket"), "{error}");
    assert!(error.contains("does not exist"), "{error}");
    assert!(set_up.targets().is_empty());
    Ok(())
}

#[tokio::test]
async fn with_the_published_functions_variables_a_binding_is_still_a_binding() -> Result<()> {
    let mut fixture = Fixture::new().await?;
    fixture.scale(3);
    let theirs = fixture.given_group("theirs", 8000).await?;
    // It runs with the access key of a binding's function, whose role is the provider's.
    let key = [
        ("AWS_ACCESS_KEY_ID", lab::FUNCTION_ACCESS_KEY),
        ("S3_BUCKET", "no-such-bucket"),
    ];
    fixture.function = function(&fixture, &theirs, &key).await?;
    let made = fixture.create(json!({})).await?;
    made.assert_success();
    fixture.scale(4);
    fixture.tick(&made).await?.success()?;
    assert_eq!(
        fixture.targets(made.attribute("TargetGroupArn")),
        fixture.expected(4, 80)
    );
    assert!(fixture.targets(&theirs).is_empty());
    Ok(())
}
