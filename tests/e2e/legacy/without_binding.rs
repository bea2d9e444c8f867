//! Ticks without a binding: they do right what the published function did wrong.

use super::{ACCESS_KEY, BUCKET, LegacySetUp, function};
use crate::support::{ELB, TIMEOUT, as_targets, operations};
use anyhow::Result;
use lab::{DnsFailure, Fault, FaultKind};
use std::time::Duration;

#[tokio::test]
async fn a_steady_tick_asks_dns_once_and_aws_three_times_and_changes_nothing() -> Result<()> {
    let set_up = LegacySetUp::new().await?;
    set_up.ticks(1).await?;
    let lab = &set_up.fixture.lab;
    lab.gateway().clear();
    let before = lab.dns().queries("orders");
    set_up.ticks(1).await?;
    let calls = set_up.calls();
    let mut operations = operations(&calls);
    operations.sort_unstable();
    assert_eq!(
        operations,
        ["DescribeTargetHealth", "GetObject", "PutMetricData"]
    );
    assert_eq!(lab.dns().queries("orders") - before, 1);
    Ok(())
}

#[tokio::test]
async fn an_address_that_leaves_dns_goes_after_three_ticks() -> Result<()> {
    let set_up = LegacySetUp::new().await?;
    set_up.ticks(1).await?;
    set_up.fixture.scale(2);
    set_up.ticks(2).await?;
    set_up.assert_registered(3);
    set_up.ticks(1).await?;
    set_up.assert_registered(2);
    Ok(())
}

#[tokio::test]
async fn an_address_that_comes_back_while_it_drains_is_registered_again() -> Result<()> {
    let set_up = LegacySetUp::new().await?;
    set_up.ticks(1).await?;
    set_up.fixture.scale(2);
    set_up.ticks(3).await?;
    assert_eq!(
        set_up.fixture.lab.targets(&set_up.group).len(),
        3,
        "one drains"
    );
    set_up.fixture.scale(3);
    set_up.ticks(1).await?;
    set_up.assert_registered(3);
    Ok(())
}

#[tokio::test]
async fn a_foreign_target_stays() -> Result<()> {
    let set_up = LegacySetUp::new().await?;
    let foreign = set_up.fixture.foreign_address();
    set_up.fixture.register(&set_up.group, foreign, 80).await?;
    set_up.ticks(5).await?;
    let mut all = set_up.fixture.alb.addresses(3);
    all.push(foreign);
    assert_eq!(set_up.targets(), as_targets(&all, 80));
    Ok(())
}

#[tokio::test]
async fn dns_without_an_answer_or_an_address_fails_the_tick_and_counts_nothing() -> Result<()> {
    let set_up = LegacySetUp::new().await?;
    set_up.ticks(1).await?;
    for failure in [DnsFailure::ServFail, DnsFailure::NoAddresses] {
        set_up.fixture.lab.dns().fail("orders", failure);
        for _ in 0..3 {
            let tick = set_up.tick().await?;
            let error = tick.result.expect_err("a failed lookup").to_string();
            assert!(error.contains("internal-orders-"), "{error}");
        }
    }
    set_up.fixture.lab.dns().fail("orders", None);
    set_up.fixture.scale(2);
    set_up.ticks(2).await?;
    set_up.assert_registered(3);
    Ok(())
}

#[tokio::test]
async fn a_call_that_aws_refuses_fails_the_invocation() -> Result<()> {
    for (service, operation) in [
        ("s3", "PutObject"),
        (ELB, "DescribeTargetHealth"),
        (ELB, "RegisterTargets"),
    ] {
        let set_up = LegacySetUp::new().await?;
        let fault = Fault::new(service, operation, FaultKind::Deny).by(ACCESS_KEY);
        set_up.fixture.lab.gateway().inject(fault);
        let tick = set_up.tick().await?;
        let error = tick.result.expect_err(operation).to_string();
        assert!(error.contains("AccessDenied"), "{error}");
        assert!(set_up.targets().is_empty(), "{operation}");
    }
    Ok(())
}

/// The published function kept one list for one ALB, so that the functions of two ports counted
/// each miss twice.
#[tokio::test]
async fn two_functions_with_one_bucket_do_not_count_each_others_misses() -> Result<()> {
    let set_up = LegacySetUp::new().await?;
    let secure = set_up.fixture.given_group("front-443", 443).await?;
    let port = [("ALB_LISTENER", "443")];
    let other = function(&set_up.fixture, &secure, &port).await?;
    let both = async || {
        set_up.tick().await?.success()?;
        let tick = other.invoke(set_up.event()?, TIMEOUT).await?;
        tick.success()
    };
    both().await?;
    set_up.fixture.scale(2);
    both().await?;
    both().await?;
    set_up.assert_registered(3);
    assert_eq!(
        set_up.fixture.targets(&secure),
        set_up.fixture.expected(3, 443)
    );
    both().await?;
    set_up.assert_registered(2);
    assert_eq!(
        set_up.fixture.targets(&secure),
        set_up.fixture.expected(2, 443)
    );
    assert_eq!(set_up.fixture.keys(BUCKET).await?.len(), 2);
    Ok(())
}

/// EventBridge delivers an event at least once, and Lambda gives each delivery another request id.
#[tokio::test]
async fn an_event_that_comes_twice_counts_once() -> Result<()> {
    let set_up = LegacySetUp::new().await?;
    set_up.ticks(1).await?;
    set_up.fixture.scale(2);
    let event = set_up.event()?;
    for _ in 0..5 {
        let tick = set_up.function.invoke(event.clone(), TIMEOUT).await?;
        tick.success()?;
    }
    set_up.assert_registered(3);
    Ok(())
}

#[tokio::test]
async fn two_ticks_at_once_lose_no_update() -> Result<()> {
    let set_up = LegacySetUp::new().await?;
    set_up.ticks(1).await?;
    let other = function(&set_up.fixture, &set_up.group, &[]).await?;
    other.invoke(set_up.event()?, TIMEOUT).await?.success()?;
    let gateway = set_up.fixture.lab.gateway();
    // The first tick has read the record, and is delayed while the second one reads and writes it.
    let held = Fault::new("s3", "PutObject", FaultKind::Delay(Duration::from_secs(3)));
    let held = gateway.inject(held.nth(1).by(ACCESS_KEY));
    set_up.fixture.scale(5);
    let first = set_up.function.invoke(set_up.event()?, TIMEOUT);
    let second = async {
        while gateway.hits(held) == 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        set_up.fixture.scale(7);
        other.invoke(set_up.event()?, TIMEOUT).await
    };
    let (first, second) = tokio::join!(first, second);
    let first = first?;
    assert!(first.mentions("starting over"), "{first:?}");
    first.success()?;
    second?.success()?;
    set_up.assert_registered(7);
    // The record has what both ticks knew: all of it leaves by the usual count.
    set_up.fixture.scale(1);
    set_up.ticks(3).await?;
    set_up.assert_registered(1);
    Ok(())
}
