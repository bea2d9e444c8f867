//! How much a tick asks, writes and logs, by numbers of addresses and listeners, and how much a request asks: these
//! figures are the same on any machine, and AWS's bill and rate limits depend on them. `make bench` measures times.

use crate::support::{ELB, Fixture, SentResponse, TIMEOUT, is_reading};
use anyhow::{Context, Result};
use lab::{AlbSpec, InvocationResult, NlbSpec};
use serde_json::json;
use std::collections::BTreeMap;

const FIRST_PORT: usize = 8000;

/// A binding of so many listeners, with three addresses in DNS.
async fn bind_listeners(listeners: usize) -> Result<(Fixture, SentResponse)> {
    let ports = FIRST_PORT..FIRST_PORT + listeners;
    let mut alb = AlbSpec::new("orders");
    alb.ports = ports.clone().map(u16::try_from).collect::<Result<_, _>>()?;
    let fixture = Fixture::with(alb, NlbSpec::new("front")).await?;
    fixture.scale(3);
    let listeners: Vec<_> = ports.map(|port| json!({"Port": port})).collect();
    let properties = json!({"Listeners": listeners, "MaxLookupsPerInvocation": 200});
    let made = fixture.create(properties).await?;
    made.assert_success();
    Ok((fixture, made))
}

/// What one tick has cost: the function's calls and its DNS queries.
#[derive(Debug)]
struct TickCost {
    tick: InvocationResult,
    calls: BTreeMap<String, usize>,
    queries: usize,
}

async fn measure_tick(fixture: &Fixture, made: &SentResponse) -> Result<TickCost> {
    let input = fixture.rule_input(made).await?;
    fixture.lab.gateway().clear();
    let before = fixture.lab.dns().queries("orders");
    let tick = fixture.function.invoke(input, TIMEOUT).await?;
    tick.clone().success()?;
    Ok(TickCost {
        tick,
        calls: calls(fixture),
        queries: fixture.lab.dns().queries("orders") - before,
    })
}

/// The function's calls by operation.
fn calls(fixture: &Fixture) -> BTreeMap<String, usize> {
    let mut calls = BTreeMap::new();
    for call in fixture.function_calls() {
        *calls.entry(call.operation).or_default() += 1;
    }
    calls
}

fn counts<const N: usize>(counts: [(&str, usize); N]) -> BTreeMap<String, usize> {
    let counts = counts.map(|(operation, count)| (operation.to_owned(), count));
    counts.into()
}

/// The size of the record in bytes.
async fn record_size(fixture: &Fixture, made: &SentResponse) -> Result<usize> {
    let key = format!("{}/state.json", made.id());
    let head = fixture
        .s3()
        .head_object()
        .bucket(made.attribute("BucketName"))
        .key(key);
    let length = head.send().await?.content_length().context("a length")?;
    Ok(usize::try_from(length)?)
}

/// Addresses, and the lookups that a tick makes for them: with so many lookups the chance to miss an address is less
/// than one in a thousand.
const LOOKUPS: [(usize, usize); 3] = [(3, 1), (28, 32), (100, 140)];

#[tokio::test]
async fn a_steady_tick_costs_two_calls_and_one_a_listener_however_many_addresses() -> Result<()> {
    for listeners in [1, 2, 10] {
        let (fixture, made) = bind_listeners(listeners).await?;
        for (addresses, lookups) in LOOKUPS {
            fixture.scale(addresses);
            measure_tick(&fixture, &made).await?;
            let steady = measure_tick(&fixture, &made).await?;
            let expected = counts([
                ("DescribeTargetHealth", listeners),
                ("GetObject", 1),
                ("PutMetricData", 1),
            ]);
            assert_eq!(steady.calls, expected, "{addresses} addresses");
            assert_eq!(steady.queries, lookups, "{addresses} addresses");
        }
    }
    Ok(())
}

#[tokio::test]
async fn however_many_addresses_come_they_cost_one_write_and_one_call_a_listener() -> Result<()> {
    for listeners in [1, 10] {
        let (fixture, made) = bind_listeners(listeners).await?;
        for addresses in [28, 100] {
            fixture.scale(addresses);
            let changed = measure_tick(&fixture, &made).await?;
            let count = |operation| changed.calls.get(operation).copied().unwrap_or(0);
            assert_eq!(count("PutObject"), 1, "{changed:?}");
            assert_eq!(count("RegisterTargets"), listeners, "{changed:?}");
            let targets = made.target_groups();
            for (group, port) in targets.into_iter().zip(FIRST_PORT..) {
                let expected = fixture.expected(addresses, u16::try_from(port)?);
                assert_eq!(fixture.targets(group), expected);
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn an_address_costs_the_record_at_most_32_bytes_a_listener() -> Result<()> {
    // A target is `"255.255.255.255:65535":{},` at the longest.
    const BYTES_PER_TARGET: usize = 32;
    // The orders, the claim with its answer, sixteen ticks' times, and the names of the fields.
    const BYTES_OF_RECORD: usize = 2000;
    // A target group's ARN and port in the orders, its ARN again above its targets, and in the answer its ARN and
    // the listener's.
    const BYTES_PER_GROUP: usize = 700;
    for listeners in [1, 10] {
        let (fixture, made) = bind_listeners(listeners).await?;
        for addresses in [3, 28, 100] {
            fixture.scale(addresses);
            measure_tick(&fixture, &made).await?;
            let size = record_size(&fixture, &made).await?;
            let most =
                BYTES_OF_RECORD + listeners * (BYTES_PER_GROUP + addresses * BYTES_PER_TARGET);
            assert!(size <= most, "{addresses} addresses: {size} > {most} bytes");
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_steady_tick_logs_one_line_that_grows_by_an_address_and_not_by_a_listener() -> Result<()>
{
    // `"255.255.255.255",`
    const ADDRESS: usize = 18;
    const LINE: usize = 400;
    for listeners in [1, 10] {
        let (fixture, made) = bind_listeners(listeners).await?;
        for addresses in [3, 28, 100] {
            fixture.scale(addresses);
            measure_tick(&fixture, &made).await?;
            let steady = measure_tick(&fixture, &made).await?.tick;
            assert_eq!(steady.log.len(), 1, "{:#?}", steady.log);
            let most = LINE + addresses * ADDRESS;
            assert!(steady.log_size <= most, "{} > {most}", steady.log_size);
        }
    }
    Ok(())
}

/// How many calls a request made, how many of them of ELBv2, and how many of those only look.
async fn count_calls(
    fixture: &Fixture,
    request: impl Future<Output = Result<SentResponse>>,
) -> Result<(SentResponse, [usize; 3])> {
    fixture.lab.gateway().clear();
    let response = request.await?;
    response.assert_success();
    let calls = fixture.function_calls();
    let of_elb = calls.iter().filter(|call| call.service == ELB);
    let looks = of_elb.clone().filter(|call| is_reading(&call.operation));
    // The function never lists all target groups: in an account with thousands of them that takes many pages.
    let mut lists = of_elb.clone().filter(|call| {
        let (names, arns) = ("Names.member.1", "TargetGroupArns.member.1");
        let asks = call.operation == "DescribeTargetGroups";
        asks && call.param(names).is_empty() && call.param(arns).is_empty()
    });
    assert_eq!(lists.next().map(|call| &call.operation), None);
    Ok((response, [calls.len(), of_elb.count(), looks.count()]))
}

#[tokio::test]
async fn a_request_of_cloudformation_asks_as_little_as_it_can() -> Result<()> {
    let mut alb = AlbSpec::new("orders");
    alb.ports = vec![80, 81];
    let fixture = Fixture::with(alb, NlbSpec::new("front")).await?;
    fixture.scale(3);
    // An NLB may be that of many bindings.
    for port in 9000..9030 {
        fixture.given_group(&format!("theirs-{port}"), port).await?;
    }
    fixture.shows("CREATE_IN_PROGRESS", "CREATE_IN_PROGRESS", None);
    let (made, create) = count_calls(&fixture, fixture.create(json!({}))).await?;
    let id = Some(made.id());
    fixture.shows("UPDATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", id);
    let (_, nothing) = count_calls(&fixture, fixture.update(&made, json!({}))).await?;
    let two = json!({"Listeners": [{"Port": "80"}, {"Port": "81"}]});
    let (_, another) = count_calls(&fixture, fixture.update(&made, two.clone())).await?;
    fixture.shows("DELETE_IN_PROGRESS", "DELETE_IN_PROGRESS", id);
    let (_, delete) = count_calls(&fixture, fixture.delete(&made, two)).await?;
    assert_eq!(
        [create, nothing, another, delete],
        [[22, 8, 5], [20, 9, 9], [27, 12, 9], [26, 8, 4]]
    );
    Ok(())
}
