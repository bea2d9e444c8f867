//! Ticks: what the function does each time the rule calls it.

use crate::support::{
    ELB, Fixture, SuccessLog as _, TIMEOUT, addresses_line, as_targets, binary, operations,
};
use anyhow::Result;
use lab::{DnsFailure, Fault, FaultKind};
use serde_json::json;

#[tokio::test]
async fn an_address_that_leaves_dns_goes_after_three_ticks_and_not_before() -> Result<()> {
    let (fixture, made) = Fixture::bound().await?;
    let group = made.attribute("TargetGroupArn");
    fixture.scale(2);
    for missed in 1..=2 {
        let tick = fixture.tick(&made).await?;
        assert_eq!(
            fixture.targets(group),
            fixture.expected(3, 80),
            "tick {missed}"
        );
        let gone = fixture.alb.addresses(3)[2].to_string();
        assert_eq!(
            addresses_line(&tick.success_log()?)["pending"],
            json!({ gone: missed })
        );
    }
    fixture.tick(&made).await?.success()?;
    assert_eq!(fixture.targets(group), fixture.expected(2, 80));
    Ok(())
}

#[tokio::test]
async fn failed_lookups_and_answers_without_addresses_remove_nothing_and_fail_loudly() -> Result<()>
{
    let (fixture, made) = Fixture::bound().await?;
    let group = made.attribute("TargetGroupArn");
    for failure in [
        DnsFailure::ServFail,
        DnsFailure::Refused,
        DnsFailure::NxDomain,
        DnsFailure::NoAddresses,
        DnsFailure::Silent,
    ] {
        fixture.lab.dns().fail("orders", failure);
        let tick = fixture.tick(&made).await?;
        let error = tick
            .result
            .expect_err("a failed lookup fails the tick")
            .to_string();
        assert!(error.contains("orders-"), "{error}");
    }
    fixture.lab.dns().fail("orders", None);
    fixture.scale(2);
    fixture.tick(&made).await?.success()?;
    fixture.tick(&made).await?.success()?;
    assert_eq!(fixture.targets(group), fixture.expected(3, 80));
    Ok(())
}

#[tokio::test]
async fn a_tick_some_of_whose_lookups_fail_registers_removes_nothing_and_fails() -> Result<()> {
    let (fixture, made) = Fixture::bound().await?;
    let group = made.attribute("TargetGroupArn");
    fixture.show_in_dns(fixture.alb.addresses_after(100, 28));
    for _ in 0..4 {
        fixture
            .lab
            .dns()
            .fail_after("orders", 1, DnsFailure::ServFail);
        let tick = fixture.tick(&made).await?;
        let error = tick
            .result
            .expect_err("a list that is not whole")
            .to_string();
        assert!(error.contains("DNS lookups failed"), "{error}");
    }
    let targets = fixture.targets(group);
    let former = fixture.expected(3, 80);
    assert!(
        former.iter().all(|target| targets.contains(target)),
        "{targets:?}"
    );
    assert!(targets.len() > former.len(), "what was seen is registered");
    Ok(())
}

#[tokio::test]
async fn a_foreign_target_survives() -> Result<()> {
    let (fixture, made) = Fixture::bound().await?;
    let group = made.attribute("TargetGroupArn");
    let foreign = fixture.foreign_address();
    fixture.register(group, foreign, 80).await?;
    fixture.scale(1);
    for _ in 0..4 {
        fixture.tick(&made).await?.success()?;
    }
    let own = fixture.alb.addresses(1)[0];
    assert_eq!(fixture.targets(group), as_targets(&[own, foreign], 80));
    Ok(())
}

#[tokio::test]
async fn a_second_delivery_of_one_tick_counts_once() -> Result<()> {
    let (fixture, made) = Fixture::bound().await?;
    fixture.scale(2);
    let input = fixture.rule_input(&made).await?;
    for _ in 0..5 {
        let tick = fixture
            .function
            .invoke_as("the-same-request", input.clone(), TIMEOUT);
        tick.await?.success()?;
    }
    let group = made.attribute("TargetGroupArn");
    assert_eq!(fixture.targets(group), fixture.expected(3, 80));
    Ok(())
}

#[tokio::test]
async fn an_address_that_comes_back_while_it_drains_is_registered_again() -> Result<()> {
    let (fixture, made) = Fixture::bound().await?;
    let group = made.attribute("TargetGroupArn");
    fixture.scale(2);
    for _ in 0..3 {
        fixture.tick(&made).await?.success()?;
    }
    assert_eq!(fixture.lab.targets(group).len(), 3, "one of them drains");
    fixture.scale(3);
    fixture.tick(&made).await?.success()?;
    assert_eq!(fixture.targets(group), fixture.expected(3, 80));
    Ok(())
}

#[tokio::test]
async fn a_record_that_cannot_be_read_fails_the_tick_and_changes_nothing() -> Result<()> {
    let (fixture, made) = Fixture::bound().await?;
    fixture.scale(5);
    let bucket = made.attribute("BucketName");
    let key = format!("{}/state.json", made.id());
    let denied = fixture.deny("s3", "GetObject");
    fixture.lab.gateway().clear();
    assert!(fixture.tick(&made).await?.result.is_err());
    assert_eq!(operations(&fixture.wiring_changes()), Vec::<&str>::new());
    fixture.allow(denied);

    let nonsense = fixture
        .s3()
        .put_object()
        .bucket(bucket)
        .key(&key)
        .body(b"{}".to_vec().into());
    nonsense.send().await?;
    let error = fixture
        .tick(&made)
        .await?
        .result
        .expect_err("unreadable")
        .to_string();
    assert!(error.contains("state.json"), "{error}");
    assert_eq!(
        fixture.targets(made.attribute("TargetGroupArn")),
        fixture.expected(3, 80)
    );
    Ok(())
}

#[tokio::test]
async fn a_record_that_cannot_be_saved_fails_the_tick_before_it_registers() -> Result<()> {
    let (fixture, made) = Fixture::bound().await?;
    fixture.scale(5);
    let denied = fixture.deny("s3", "PutObject");
    let tick = fixture.tick(&made).await?;
    let error = tick.result.expect_err("it may not write").to_string();
    assert!(error.contains("PutObject"), "{error}");
    let group = made.attribute("TargetGroupArn");
    assert_eq!(fixture.targets(group), fixture.expected(3, 80));
    fixture.allow(denied);
    fixture.tick(&made).await?.success()?;
    assert_eq!(fixture.targets(group), fixture.expected(5, 80));
    Ok(())
}

#[tokio::test]
async fn one_refused_target_keeps_no_other_out_and_is_reported() -> Result<()> {
    let (fixture, made) = Fixture::bound().await?;
    let group = made.attribute("TargetGroupArn");
    let mut addresses = fixture.alb.addresses(6);
    addresses[4] = "8.8.8.8".parse()?;
    fixture.show_in_dns(addresses.clone());
    let tick = fixture.tick(&made).await?;
    let error = tick.result.expect_err("a refusal is reported").to_string();
    assert!(
        error.contains("8.8.8.8:80") && error.contains("InvalidTarget"),
        "{error}"
    );
    addresses.remove(4);
    assert_eq!(fixture.targets(group), as_targets(&addresses, 80));
    Ok(())
}

#[tokio::test]
async fn where_registering_failed_nothing_is_deregistered() -> Result<()> {
    let (fixture, made) = Fixture::bound().await?;
    let group = made.attribute("TargetGroupArn");
    fixture.scale(2);
    fixture.tick(&made).await?.success()?;
    fixture.tick(&made).await?.success()?;
    fixture.show_in_dns(fixture.alb.addresses_after(3, 2));
    let denied = fixture.deny(ELB, "RegisterTargets");
    assert!(fixture.tick(&made).await?.result.is_err());
    assert_eq!(fixture.targets(group), fixture.expected(3, 80));
    fixture.allow(denied);
    fixture.tick(&made).await?.success()?;
    let gone = format!("{}:80", fixture.alb.addresses(3)[2]);
    assert!(!fixture.targets(group).contains(&gone));
    Ok(())
}

#[tokio::test]
async fn ownership_is_saved_before_anything_is_registered() -> Result<()> {
    let (fixture, made) = Fixture::bound().await?;
    fixture.scale(4);
    let input = fixture.rule_input(&made).await?;
    fixture.lab.gateway().clear();
    fixture.function.invoke(input, TIMEOUT).await?.success()?;
    let changes = fixture.changes();
    let at = |name: &str| {
        operations(&changes)
            .iter()
            .position(|operation| *operation == name)
    };
    assert!(at("PutObject") < at("RegisterTargets"), "{changes:?}");
    Ok(())
}

#[tokio::test]
async fn a_tick_that_loses_the_race_for_the_record_starts_over_and_loses_nothing() -> Result<()> {
    let (fixture, made) = Fixture::bound().await?;
    fixture.scale(2);
    let lost = FaultKind::Answer {
        status: 412,
        code: "PreconditionFailed".to_owned(),
        message: "At least one of the pre-conditions you specified did not hold".to_owned(),
    };
    fixture
        .lab
        .gateway()
        .inject(Fault::new("s3", "PutObject", lost).nth(1));
    let tick = fixture.tick(&made).await?;
    assert!(tick.mentions("starting over"));
    let gone = fixture.alb.addresses(3)[2].to_string();
    let lines = tick.success_log()?;
    assert_eq!(addresses_line(&lines)["pending"], json!({ gone: 1 }));
    Ok(())
}

#[tokio::test]
async fn a_metric_that_fails_is_logged_and_fails_nothing() -> Result<()> {
    let (fixture, made) = Fixture::bound().await?;
    fixture.deny("monitoring", "PutMetricData");
    let tick = fixture.tick(&made).await?;
    assert!(
        tick.mentions("the metric was not published"),
        "{:?}",
        tick.log
    );
    tick.success()?;
    Ok(())
}

#[tokio::test]
async fn a_function_set_to_warn_leaves_the_lists_out_of_its_log_and_keeps_what_went_wrong()
-> Result<()> {
    let (mut fixture, made) = Fixture::bound().await?;
    assert!(fixture.tick(&made).await?.mentions("\"addresses\""));
    fixture.function = fixture
        .lab
        .function_with(binary(), &[("LOG_LEVEL", "WARN")])
        .await?;
    fixture.deny("monitoring", "PutMetricData");
    let tick = fixture.tick(&made).await?;
    assert!(!tick.mentions("\"addresses\""), "{:?}", tick.log);
    assert!(
        tick.mentions("the metric was not published"),
        "{:?}",
        tick.log
    );
    tick.success()?;
    Ok(())
}

#[tokio::test]
async fn the_metric_counts_the_addresses_under_the_albs_name_and_can_be_turned_off() -> Result<()> {
    let (fixture, made) = Fixture::bound().await?;
    let published = fixture
        .lab
        .gateway()
        .calls_of("monitoring", "PutMetricData");
    let text = published
        .last()
        .expect("one was published")
        .params
        .to_string();
    for part in [
        "AlbNlbBinding",
        "LoadBalancerIPCount",
        "LoadBalancerName",
        "orders",
        "3",
    ] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
    let updated = fixture
        .update(&made, json!({"IpCountMetric": "false"}))
        .await?;
    updated.assert_success();
    fixture.lab.gateway().clear();
    fixture.tick(&made).await?.success()?;
    assert!(
        fixture
            .lab
            .gateway()
            .calls_of("monitoring", "PutMetricData")
            .is_empty()
    );
    Ok(())
}

#[tokio::test]
async fn an_event_of_no_role_is_refused_by_what_it_is() -> Result<()> {
    let fixture = Fixture::new().await?;
    for (event, expected) in [
        (json!({"Records": []}), "was given an object with Records"),
        (json!([1, 2]), "a list of 2"),
        (
            json!({"source": "aws.events", "detail-type": "Scheduled Event"}),
            "ALB_DNS_NAME: given nothing",
        ),
        (
            json!({"AlbNlbBinding": "alb-nlb-binding-0"}),
            "update the stack",
        ),
    ] {
        let invocation = fixture.function.invoke(event, TIMEOUT).await?;
        let error = invocation.result.expect_err("no role").to_string();
        assert!(error.contains(expected), "{error}");
    }
    Ok(())
}

#[tokio::test]
async fn with_too_few_lookups_to_be_certain_an_address_must_be_missing_for_longer() -> Result<()> {
    let fixture = Fixture::new().await?;
    fixture.scale(28);
    let made = fixture
        .create(json!({"MaxLookupsPerInvocation": "5"}))
        .await?;
    made.assert_success();
    // Five lookups do not show all 28 addresses, so an address that is missing may be live.
    for _ in 0..6 {
        let tick = fixture.tick(&made).await?;
        let line = addresses_line(&tick.success_log()?);
        assert_eq!(line["certain"], false);
        assert_eq!(line["removed"], json!([]));
    }
    Ok(())
}

#[tokio::test]
async fn a_given_target_group_that_is_gone_fails_the_tick_but_not_the_other_groups() -> Result<()> {
    let fixture = Fixture::new().await?;
    let theirs = fixture.given_group("theirs", 8000).await?;
    let both = json!({"Listeners": [{"Port": 80}, {"Port": 80, "TargetGroupArn": theirs}]});
    let made = fixture.create(both).await?;
    made.assert_success();
    let elb = fixture.elb();
    let listeners = elb
        .describe_listeners()
        .load_balancer_arn(&fixture.nlb.arn)
        .send()
        .await?;
    for listener in listeners
        .listeners()
        .iter()
        .filter(|listener| listener.port() == Some(8000))
    {
        elb.delete_listener()
            .listener_arn(listener.listener_arn().expect("an ARN"))
            .send()
            .await?;
    }
    elb.delete_target_group()
        .target_group_arn(&theirs)
        .send()
        .await?;
    fixture.scale(4);
    let error = fixture
        .tick(&made)
        .await?
        .result
        .expect_err("a group is gone")
        .to_string();
    assert!(error.contains(&theirs), "{error}");
    let group = made.attribute("TargetGroupArn");
    assert_eq!(fixture.targets(group), fixture.expected(4, 80));
    Ok(())
}
