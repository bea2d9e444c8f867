//! Whether the addresses in DNS are registered, and whether their targets are healthy. No I/O.

use super::remedy::BY_UPDATE;
use crate::first_aid::observed::ObservedBinding;
use crate::model::{Endpoint, HealthState, TargetHealth};
use std::collections::BTreeSet;

/// How many targets a sentence names. Of the others it gives only the number.
const MOST_NAMED: usize = 5;

pub(super) fn problems(observed: &ObservedBinding) -> Vec<String> {
    let mut problems = Vec::new();
    for (arn, targets_or_error) in &observed.groups {
        match targets_or_error {
            Err(error) => {
                problems.push(format!("the targets of {arn} cannot be looked at: {error}"))
            }
            // The drift says that the group is gone.
            Ok(None) if matches!(observed.drift, Some(Ok(_))) => {}
            Ok(None) => problems.push(format!(
                "the target group {arn} does not exist, so ticks fail: {BY_UPDATE}"
            )),
            Ok(Some(targets)) => {
                let targets = observed.expected(arn, targets);
                problems.extend(not_registered(observed, arn, &targets));
                problems.extend(not_healthy(arn, &targets));
            }
        }
    }
    problems
}

/// The targets that are new, which is no problem.
pub(super) fn notes(observed: &ObservedBinding) -> Vec<String> {
    let mut notes = Vec::new();
    for (arn, targets_or_error) in &observed.groups {
        let Ok(Some(targets)) = targets_or_error else {
            continue;
        };
        let targets = observed.expected(arn, targets);
        let new = describe(&targets, |target| target.state == HealthState::Initial);
        if !new.is_empty() {
            let new = first_few(&new);
            notes.push(format!(
                "{new} in {arn} have just been registered and are being checked"
            ));
        }
        let (new, _) = missing(observed, arn, &targets);
        if !new.is_empty() {
            let new = first_few(&new);
            notes.push(format!(
                "{new} are new in DNS: the next tick registers them in {arn}"
            ));
        }
    }
    notes
}

/// The targets that DNS shows and that are not registered: first those that no tick has seen yet, then the rest.
fn missing(
    observed: &ObservedBinding,
    arn: &str,
    targets: &[&TargetHealth],
) -> (Vec<String>, Vec<String>) {
    let registered = targets
        .iter()
        .filter(|target| target.state != HealthState::Draining);
    let registered: BTreeSet<_> = registered.map(|target| target.endpoint).collect();
    let addresses = observed.found().map(|found| &found.addresses);
    let ports = observed.ports(arn);
    let expected = addresses.into_iter().flatten().flat_map(|address| {
        let address = *address;
        ports.iter().map(move |port| Endpoint {
            address,
            port: *port,
        })
    });
    let missing = expected.filter(|endpoint| !registered.contains(endpoint));
    let record = observed.record.record();
    let own = record.and_then(|record| record.own.get(arn));
    let is_new = |endpoint: &Endpoint| own.is_some_and(|own| !own.contains_key(endpoint));
    let (new, rest): (Vec<_>, Vec<_>) = missing.partition(is_new);
    let texts = |endpoints: Vec<Endpoint>| endpoints.iter().map(ToString::to_string).collect();
    (texts(new), texts(rest))
}

fn not_registered(
    observed: &ObservedBinding,
    arn: &str,
    targets: &[&TargetHealth],
) -> Option<String> {
    let (_, missing) = missing(observed, arn, targets);
    (!missing.is_empty()).then(|| {
        format!(
            "{} targets that DNS shows are not registered in {arn} ({}): the next tick registers them; where it does \
             not, the log tells why",
            missing.len(),
            first_few(&missing)
        )
    })
}

fn not_healthy(arn: &str, targets: &[&TargetHealth]) -> Vec<String> {
    let mut problems = Vec::new();
    let all = targets.len();
    let unhealthy = describe(targets, |target| {
        !matches!(
            target.state,
            HealthState::Healthy
                | HealthState::Initial
                | HealthState::Draining
                | HealthState::Unused
        )
    });
    if !unhealthy.is_empty() {
        problems.push(format!(
            "{} of {all} targets in {arn} are not healthy ({}): first see whether the security group of what is behind \
             the NLB lets the NLB in, on the targets' port and on that of the health check; then whether it answers there",
            unhealthy.len(),
            first_few(&unhealthy)
        ));
    }
    let unused = describe(targets, |target| target.state == HealthState::Unused);
    if !unused.is_empty() {
        problems.push(format!(
            "{} of {all} targets in {arn} are unused ({}): no listener of the NLB leads to the group, or the target is \
             in an Availability Zone that the NLB lacks",
            unused.len(),
            first_few(&unused)
        ));
    }
    problems
}

/// Targets in such a state, each with AWS's words for it.
fn describe(targets: &[&TargetHealth], is: impl Fn(&TargetHealth) -> bool) -> Vec<String> {
    let targets = targets.iter().filter(|target| is(target));
    let first_few = targets.map(|target| match &target.reason {
        Some(reason) => format!("{} {} {reason}", target.endpoint, target.state),
        None => format!("{} {}", target.endpoint, target.state),
    });
    first_few.collect()
}

fn first_few(texts: &[String]) -> String {
    let mut first_few = texts
        .iter()
        .take(MOST_NAMED)
        .cloned()
        .collect::<Vec<_>>()
        .join(", ");
    if texts.len() > MOST_NAMED {
        first_few.push_str(", …");
    }
    first_few
}
