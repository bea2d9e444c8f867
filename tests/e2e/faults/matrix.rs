//! The matrix: every call that an event of a binding's life makes goes wrong in every way. The calls are recorded
//! from an event that nothing goes wrong with.

use super::scenario::{Expects, FaultScenario, FaultedEvent, play_all};
use super::shared_lab::SharedLab;
use super::site::Site;
use crate::support::{TIMEOUT, is_reading};
use anyhow::{Context, Result};
use lab::{Call, Fault, FaultKind};
use std::collections::BTreeMap;
use std::time::Duration;

/// For an event with a call that fails for good: while AWS throttles it, the function tries until this deadline;
/// after other failures it gives up in about half of that time.
const FAILING_DEADLINE: Duration = Duration::from_secs(20);

/// Records the calls of an event that nothing goes wrong with, then lets each of them go wrong.
pub async fn play(event: FaultedEvent) -> Result<()> {
    let wanted = std::env::var("FAULT").unwrap_or_default();
    if !wanted.starts_with(event.name) && !event.name.starts_with(&wanted) {
        return Ok(());
    }
    let shared = SharedLab::new().await?;
    let recording = scenario(event, "nothing", Vec::new(), Expects::Success, TIMEOUT);
    let mut site = Site::new(&shared).await?;
    let calls = recording.play(&mut site).await;
    let calls = calls.context("without a fault")?;
    play_all(&shared, scenarios(event, &calls)).await
}

fn scenarios(event: FaultedEvent, calls: &[Call]) -> Vec<FaultScenario> {
    let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    let mut scenarios = Vec::new();
    for call in calls {
        let (service, operation) = (call.service.as_str(), call.operation.as_str());
        let nth = counts.entry((service, operation)).or_default();
        *nth += 1;
        let nth = *nth;
        // An event does not fail because the metric does.
        let fails = |reason: &str| match operation {
            "PutMetricData" => Expects::Either,
            // If CloudFormation cannot be asked, the request itself is enough.
            "DescribeStacks" | "DescribeStackResource" => Expects::Either,
            // What a replacement may have left behind is only warned of.
            "GetObject" => Expects::Warning {
                reason: reason.to_owned(),
                warning: "made in place of this one is left".to_owned(),
            },
            // The binding serves without its bucket's policy, so that is only warned of.
            "GetBucketPolicy" => Expects::Warning {
                reason: reason.to_owned(),
                warning: "cannot be made to deny requests without TLS".to_owned(),
            },
            // A response to HEAD has no body, so no error code. A bucket without a record may be another account's.
            "HeadBucket" if !reason.is_empty() => Expects::Warning {
                reason: "HTTP status 403".to_owned(),
                warning: "it is another account's, or it stays".to_owned(),
            },
            _ => Expects::Failure(reason.to_owned()),
        };
        let fault = |what| Fault::new(service, operation, what);
        let scenario = |how: &str, fault, expects, deadline| {
            let name = format!("{service}/{operation}/{nth}/{how}");
            scenario(event, &name, vec![fault], expects, deadline)
        };
        for what in [
            FaultKind::Throttle,
            FaultKind::ServerError,
            FaultKind::CutOff,
        ] {
            let how = format!("{what:?}");
            let fault = fault(what).from(nth);
            // Any reason will do, for the deadline may come first.
            scenarios.push(scenario(&how, fault, fails(""), FAILING_DEADLINE));
        }
        let deny = fault(FaultKind::Deny).nth(nth);
        scenarios.push(scenario("Deny", deny, fails(operation), TIMEOUT));
        // For a call that only reads, a lost answer is the same as a call that was cut off.
        if !is_reading(operation) {
            let lose = fault(FaultKind::LoseAnswer).nth(nth);
            scenarios.push(scenario("LoseAnswer", lose, Expects::Success, TIMEOUT));
        }
    }
    // Every call fails once, all in one run: the SDK's retries hide each of these failures from the function, so a
    // run for each call would show no more.
    for what in [FaultKind::Throttle, FaultKind::CutOff] {
        let name = format!("every/call/once/{what:?}");
        let faults = counts.keys();
        let faults = faults
            .map(|(service, operation)| Fault::new(service, operation, what.clone()).every_other());
        let faults = faults.collect();
        scenarios.push(scenario(event, &name, faults, Expects::Success, TIMEOUT));
    }
    // Those with the short deadline begin first, for they wait until it.
    scenarios.sort_by_key(|scenario| scenario.deadline);
    scenarios
}

fn scenario(
    event: FaultedEvent,
    name: &str,
    faults: Vec<Fault>,
    expects: Expects,
    deadline: Duration,
) -> FaultScenario {
    FaultScenario {
        name: format!("{}/{name}", event.name),
        event,
        faults,
        expects,
        deadline,
    }
}
