//! Whether what DNS shows is registered, and how it fares. Pure.

use super::BY_UPDATE;
use crate::first_aid::observed::Sight;
use crate::model::{Endpoint, HealthState, TargetHealth};
use std::collections::BTreeSet;

/// How many targets are named before it is only said how many there are.
const NAMED: usize = 5;

pub(super) fn of_targets(sight: &Sight) -> Vec<String> {
    let mut problems = Vec::new();
    for (arn, seen) in &sight.groups {
        match seen {
            Err(error) => {
                problems.push(format!("the targets of {arn} cannot be looked at: {error}"))
            }
            // The wiring tells.
            Ok(None) if matches!(sight.wiring, Some(Ok(_))) => {}
            Ok(None) => problems.push(format!(
                "the target group {arn} does not exist, so ticks fail: {BY_UPDATE}"
            )),
            Ok(Some(targets)) => {
                let targets = sight.wanted(arn, targets);
                problems.extend(not_registered(sight, arn, &targets));
                problems.extend(not_healthy(arn, &targets));
            }
        }
    }
    problems
}

/// What is only noted of them.
pub(super) fn notes(sight: &Sight) -> Vec<String> {
    let mut notes = Vec::new();
    for (arn, seen) in &sight.groups {
        let Ok(Some(targets)) = seen else {
            continue;
        };
        let targets = sight.wanted(arn, targets);
        let new = named(&targets, |target| target.state == HealthState::Initial);
        if !new.is_empty() {
            let new = told(&new);
            notes.push(format!(
                "{new} in {arn} have just been registered and are being checked"
            ));
        }
        let (new, _) = missing(sight, arn, &targets);
        if !new.is_empty() {
            let new = told(&new);
            notes.push(format!(
                "{new} are new in DNS: the next tick registers them in {arn}"
            ));
        }
    }
    notes
}

/// What is in DNS and not registered: what no tick has seen yet, and the rest.
fn missing(sight: &Sight, arn: &str, targets: &[&TargetHealth]) -> (Vec<String>, Vec<String>) {
    let registered = targets
        .iter()
        .filter(|target| target.state != HealthState::Draining);
    let registered: BTreeSet<_> = registered.map(|target| target.endpoint).collect();
    let seen = sight.found().map(|found| &found.addresses);
    let ports = sight.ports(arn);
    let wanted = seen.into_iter().flatten().flat_map(|address| {
        let address = *address;
        ports.iter().map(move |port| Endpoint {
            address,
            port: *port,
        })
    });
    let missing = wanted.filter(|endpoint| !registered.contains(endpoint));
    let record = sight.record.record();
    let own = record.and_then(|record| record.own.get(arn));
    let is_new = |endpoint: &Endpoint| own.is_some_and(|own| !own.contains_key(endpoint));
    let (new, rest): (Vec<_>, Vec<_>) = missing.partition(is_new);
    let texts = |endpoints: Vec<Endpoint>| endpoints.iter().map(ToString::to_string).collect();
    (texts(new), texts(rest))
}

fn not_registered(sight: &Sight, arn: &str, targets: &[&TargetHealth]) -> Option<String> {
    let (_, missing) = missing(sight, arn, targets);
    (!missing.is_empty()).then(|| {
        format!(
            "{} targets that DNS shows are not registered in {arn} ({}): the next tick registers them; where it does \
             not, the log tells why",
            missing.len(),
            told(&missing)
        )
    })
}

fn not_healthy(arn: &str, targets: &[&TargetHealth]) -> Vec<String> {
    let mut problems = Vec::new();
    let all = targets.len();
    let unhealthy = named(targets, |target| {
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
            told(&unhealthy)
        ));
    }
    let unused = named(targets, |target| target.state == HealthState::Unused);
    if !unused.is_empty() {
        problems.push(format!(
            "{} of {all} targets in {arn} are unused ({}): no listener of the NLB leads to the group, or the target is \
             in an Availability Zone that the NLB lacks",
            unused.len(),
            told(&unused)
        ));
    }
    problems
}

/// Targets in such a state, each with AWS's words for it.
fn named(targets: &[&TargetHealth], is: impl Fn(&TargetHealth) -> bool) -> Vec<String> {
    let targets = targets.iter().filter(|target| is(target));
    let told = targets.map(|target| match &target.reason {
        Some(reason) => format!("{} {} {reason}", target.endpoint, target.state),
        None => format!("{} {}", target.endpoint, target.state),
    });
    told.collect()
}

fn told(texts: &[String]) -> String {
    let mut told = texts
        .iter()
        .take(NAMED)
        .cloned()
        .collect::<Vec<_>>()
        .join(", ");
    if texts.len() > NAMED {
        told.push_str(", …");
    }
    told
}
