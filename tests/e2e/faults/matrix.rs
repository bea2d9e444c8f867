//! The matrix: every call that an event of a binding's life makes, gone wrong in every way.
//! Which calls there are is recorded, not typed.

use super::scenario::{Expects, LifecycleEvent, Scenario, play_all};
use super::shared_lab::SharedLab;
use super::site::Site;
use crate::support::{TIMEOUT, is_reading};
use anyhow::{Context, Result};
use lab::{Call, Fault, What};
use std::collections::BTreeMap;
use std::time::Duration;

/// For an event with a call that fails for good. Where AWS throttles, the deadline ends it; else the function
/// gives up first, about half the time.
const FAILING_DEADLINE: Duration = Duration::from_secs(20);

/// Records the calls of an event that nothing goes wrong with, then lets each of them go wrong.
pub async fn play(event: LifecycleEvent) -> Result<()> {
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

fn scenarios(event: LifecycleEvent, calls: &[Call]) -> Vec<Scenario> {
    let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    let mut scenarios = Vec::new();
    for call in calls {
        let (service, operation) = (call.service.as_str(), call.operation.as_str());
        let nth = counts.entry((service, operation)).or_default();
        *nth += 1;
        let nth = *nth;
        // A metric is worth no failure.
        let fails = |reason: &str| match operation {
            "PutMetricData" => Expects::Either,
            // CloudFormation's word for a request is enough where it cannot be asked.
            "DescribeStacks" | "DescribeStackResource" => Expects::Either,
            // What a replacement left behind is worth no failure either.
            "GetObject" => Expects::Warning {
                reason: reason.to_owned(),
                warning: "made in place of this one is left".to_owned(),
            },
            // Nothing that serves depends on it.
            "GetBucketPolicy" => Expects::Warning {
                reason: reason.to_owned(),
                warning: "cannot be made to deny requests without TLS".to_owned(),
            },
            // The answer to a HEAD has no words. A bucket that holds no record may be another account's.
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
        for what in [What::Throttle, What::ServerError, What::CutOff] {
            let how = format!("{what:?}");
            let fault = fault(what).from(nth);
            // With whatever reason, for the deadline may come first.
            scenarios.push(scenario(&how, fault, fails(""), FAILING_DEADLINE));
        }
        let deny = fault(What::Deny).nth(nth);
        scenarios.push(scenario("Deny", deny, fails(operation), TIMEOUT));
        // The lost answer of a call that only reads is a call that was cut off.
        if !is_reading(operation) {
            let lose = fault(What::LoseAnswer).nth(nth);
            scenarios.push(scenario("LoseAnswer", lose, Expects::Success, TIMEOUT));
        }
    }
    // Every call once, in one run: what the SDK's retries hide from the function they hide each
    // time, so that this is as good as a run for each call.
    for what in [What::Throttle, What::CutOff] {
        let name = format!("every/call/once/{what:?}");
        let faults = counts.keys();
        let faults = faults
            .map(|(service, operation)| Fault::new(service, operation, what.clone()).every_other());
        let faults = faults.collect();
        scenarios.push(scenario(event, &name, faults, Expects::Success, TIMEOUT));
    }
    // Those that wait longest begin first.
    scenarios.sort_by_key(|scenario| scenario.deadline);
    scenarios
}

fn scenario(
    event: LifecycleEvent,
    name: &str,
    faults: Vec<Fault>,
    expects: Expects,
    deadline: Duration,
) -> Scenario {
    Scenario {
        name: format!("{}/{name}", event.name),
        event,
        faults,
        expects,
        deadline,
    }
}
