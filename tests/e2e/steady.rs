//! What a tick waits for, what it does not wait for, and that it asks nothing twice. No test measures time, because
//! it differs between machines.

use crate::support::{
    ELB, Fixture, SentResponse, SuccessLog as _, TIMEOUT, addresses_line, binary, operations,
};
use anyhow::Result;
use lab::{DnsFailure, Fault, FaultKind, HeldCalls};
use serde_json::{Value, json};

/// The calls that one tick made, in the order of their names, and how many DNS queries.
async fn cost_of_tick(fixture: &Fixture, input: &Value) -> Result<(Vec<String>, usize)> {
    fixture.lab.gateway().clear();
    let before = fixture.lab.dns().queries("orders");
    fixture
        .function
        .invoke(input.clone(), TIMEOUT)
        .await?
        .success()?;
    let calls = fixture.function_calls();
    let mut names: Vec<_> = operations(&calls).into_iter().map(str::to_owned).collect();
    names.sort_unstable();
    Ok((names, fixture.lab.dns().queries("orders") - before))
}

#[tokio::test]
async fn a_steady_tick_makes_three_calls_and_up_to_seven_addresses_one_query() -> Result<()> {
    let (fixture, made) = Fixture::bound().await?;
    let input = fixture.rule_input(&made).await?;
    for addresses in [1, 7] {
        fixture.show_in_dns(fixture.alb.addresses(addresses));
        // After these ticks the addresses that are gone have left the group.
        for _ in 0..4 {
            fixture.tick(&made).await?.success()?;
        }
        let (calls, queries) = cost_of_tick(&fixture, &input).await?;
        assert_eq!(
            calls,
            ["DescribeTargetHealth", "GetObject", "PutMetricData"],
            "{addresses} addresses"
        );
        assert_eq!(queries, 1, "{addresses} addresses");
    }
    Ok(())
}

#[tokio::test]
async fn as_many_queries_are_made_as_certainty_needs_and_none_more() -> Result<()> {
    let fixture = Fixture::new().await?;
    let made = fixture
        .create(json!({"MaxLookupsPerInvocation": 200}))
        .await?;
    made.assert_success();
    let input = fixture.rule_input(&made).await?;
    for (addresses, expected) in [(28, 32), (56, 73), (100, 140)] {
        let was = fixture.targets(made.attribute("TargetGroupArn")).len();
        fixture.scale(addresses);
        // The first tick finds the new addresses, and the second one knows them already.
        for added in [addresses - was, 0] {
            let before = fixture.lab.dns().queries("orders");
            let tick = fixture.function.invoke(input.clone(), TIMEOUT).await?;
            assert_eq!(fixture.lab.dns().queries("orders") - before, expected);
            let line = addresses_line(&tick.success_log()?);
            assert_eq!(line["lookups"], expected);
            assert_eq!(line["certain"], true);
            let doubt = line["doubt"].as_f64().expect("a number");
            assert!(0.0 < doubt && doubt < 0.001, "{line}");
            assert_eq!(line["addresses"].as_array().map(Vec::len), Some(addresses));
            assert_eq!(line["added"].as_array().map(Vec::len), Some(added));
        }
    }
    Ok(())
}

#[tokio::test]
async fn ticks_open_no_connections_that_an_earlier_one_left_open() -> Result<()> {
    let (fixture, made) = Fixture::bound().await?;
    let input = fixture.rule_input(&made).await?;
    cost_of_tick(&fixture, &input).await?;
    let before = fixture.lab.gateway().connections();
    for _ in 0..5 {
        cost_of_tick(&fixture, &input).await?;
    }
    assert_eq!(fixture.lab.gateway().connections(), before);
    Ok(())
}

fn hold(fixture: &Fixture, service: &str, operation: &str) -> HeldCalls {
    let hold = HeldCalls::default();
    let fault = Fault::new(service, operation, FaultKind::Hold(hold.clone()));
    fixture.lab.gateway().inject(fault);
    hold
}

/// Runs a tick and another future at the same time, and gives the tick's log. Neither may hang.
async fn tick_beside(
    fixture: &Fixture,
    made: &SentResponse,
    looking_on: impl Future<Output = ()>,
) -> Result<Vec<Value>> {
    let input = fixture.rule_input(made).await?;
    let both = async { tokio::join!(fixture.function.invoke(input, TIMEOUT), looking_on) };
    let (tick, ()) = tokio::time::timeout(TIMEOUT, both).await?;
    tick?.success_log()
}

#[tokio::test]
async fn dns_target_health_and_the_record_are_asked_side_by_side() -> Result<()> {
    let (fixture, made) = Fixture::bound().await?;
    let health = hold(&fixture, ELB, "DescribeTargetHealth");
    let known = hold(&fixture, "s3", "GetObject");
    let dns = fixture.lab.dns();
    // None of the three has an answer before all of them are asked.
    dns.fail("orders", DnsFailure::Silent);
    let before = dns.queries("orders");
    tick_beside(&fixture, &made, async {
        health.arrived(1).await;
        known.arrived(1).await;
        while dns.queries("orders") == before {
            tokio::task::yield_now().await;
        }
        dns.fail("orders", None);
        health.release();
        known.release();
    })
    .await?;
    Ok(())
}

#[tokio::test]
async fn lookups_that_are_needed_in_any_case_do_not_wait_for_aws() -> Result<()> {
    let (fixture, made) = Fixture::bound().await?;
    fixture.scale(28);
    let health = hold(&fixture, ELB, "DescribeTargetHealth");
    let dns = fixture.lab.dns();
    let before = dns.queries("orders");
    let log = tick_beside(&fixture, &made, async {
        health.arrived(1).await;
        while dns.queries("orders") - before < 32 {
            tokio::task::yield_now().await;
        }
        health.release();
    })
    .await?;
    assert_eq!(addresses_line(&log)["lookups"], 32);
    Ok(())
}

#[tokio::test]
async fn the_metric_and_the_targets_do_not_wait_for_each_other() -> Result<()> {
    let (fixture, made) = Fixture::bound().await?;
    fixture.scale(4);
    let metric = hold(&fixture, "monitoring", "PutMetricData");
    let saved = hold(&fixture, "s3", "PutObject");
    let register = hold(&fixture, ELB, "RegisterTargets");
    tick_beside(&fixture, &made, async {
        metric.arrived(1).await;
        saved.arrived(1).await;
        saved.release();
        // The metric is still without an answer.
        register.arrived(1).await;
        register.release();
        metric.release();
    })
    .await?;
    let group = made.attribute("TargetGroupArn");
    assert_eq!(fixture.targets(group), fixture.expected(4, 80));
    Ok(())
}

#[tokio::test]
async fn the_metric_leaves_when_dns_has_answered_and_waits_for_nothing_of_aws() -> Result<()> {
    let (fixture, made) = Fixture::bound().await?;
    for addresses in [3, 28] {
        fixture.scale(addresses);
        // After the first tick the function knows how many there are.
        fixture.tick(&made).await?.success()?;
        let health = hold(&fixture, ELB, "DescribeTargetHealth");
        let known = hold(&fixture, "s3", "GetObject");
        let metric = hold(&fixture, "monitoring", "PutMetricData");
        tick_beside(&fixture, &made, async {
            metric.arrived(1).await;
            metric.release();
            health.release();
            known.release();
        })
        .await?;
        let metrics = fixture
            .lab
            .gateway()
            .calls_of("monitoring", "PutMetricData");
        let last = metrics
            .last()
            .map(|call| call.params["MetricData"][0]["Value"].as_f64());
        assert_eq!(last, Some(Some(addresses as f64)));
    }
    Ok(())
}

/// A tick of 28 addresses asks for all of them before anybody has answered.
async fn asks_for_28_at_once(fixture: &Fixture, made: &SentResponse) -> Result<()> {
    let dns = fixture.lab.dns();
    dns.fail("orders", DnsFailure::Silent);
    let before = dns.queries("orders");
    let log = tick_beside(fixture, made, async {
        // DNS is silent, so none of these queries has an answer.
        while dns.queries("orders") - before < 32 {
            tokio::task::yield_now().await;
        }
        dns.fail("orders", None);
    })
    .await?;
    assert_eq!(
        addresses_line(&log)["addresses"].as_array().map(Vec::len),
        Some(28)
    );
    Ok(())
}

#[tokio::test]
async fn a_function_that_knows_how_many_there_are_asks_for_all_of_them_at_once() -> Result<()> {
    let (fixture, made) = Fixture::bound().await?;
    fixture.scale(28);
    fixture.ticks(&made, 2).await?;
    asks_for_28_at_once(&fixture, &made).await
}

#[tokio::test]
async fn a_process_that_has_just_started_asks_for_as_many_as_there_were_at_the_last_update()
-> Result<()> {
    let (mut fixture, made) = Fixture::bound().await?;
    fixture.scale(28);
    fixture.ticks(&made, 1).await?;
    fixture.update(&made, json!({})).await?.assert_success();
    fixture.function = fixture.lab.function(binary()).await?;
    asks_for_28_at_once(&fixture, &made).await?;
    // The rule's target is not put again, for its number of addresses is right.
    fixture.lab.gateway().clear();
    fixture.update(&made, json!({})).await?.assert_success();
    let puts = fixture.lab.gateway().calls_of("events", "PutTargets");
    assert!(puts.is_empty(), "{puts:#?}");
    Ok(())
}
