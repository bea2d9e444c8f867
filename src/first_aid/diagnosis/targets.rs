//! Whether what DNS shows is registered, and how it fares. Pure.

use crate::first_aid::sight::Sight;
use crate::model::{Endpoint, HealthState, TargetHealth};
use std::collections::BTreeSet;

/// How many targets are named before it is only said how many there are.
const NAMED: usize = 5;

pub(super) fn of_targets(sight: &Sight) -> Vec<String> {
    let mut problems = Vec::new();
    let wanted = sight.in_dns();
    for (arn, seen) in &sight.groups {
        match seen {
            Err(error) => problems.push(format!("the targets of {arn} cannot be looked at: {error}")),
            // Of one that the binding makes the wiring tells.
            Ok(None) if sight.id.made_group(arn) && matches!(sight.wiring, Some(Ok(_))) => {}
            Ok(None) => problems.push(format!(
                "the target group {arn} does not exist, so ticks fail: make it again, or change the properties"
            )),
            Ok(Some(_)) => {
                let targets = wanted.get(arn.as_str()).map_or(&[][..], Vec::as_slice);
                problems.extend(of_group(sight, arn, targets));
            }
        }
    }
    problems
}

/// `targets` are those in DNS.
fn of_group(sight: &Sight, arn: &str, targets: &[&TargetHealth]) -> Vec<String> {
    let mut problems = Vec::new();
    let Some(found) = sight.found() else {
        return problems;
    };
    let registered = targets
        .iter()
        .filter(|target| target.state != HealthState::Draining);
    let registered: BTreeSet<_> = registered.map(|target| target.endpoint).collect();
    let ports = sight.ports(arn);
    let wanted = found.addresses.iter().flat_map(|address| {
        let address = *address;
        ports.iter().map(move |port| Endpoint {
            address,
            port: *port,
        })
    });
    let wanted: Vec<_> = wanted.collect();
    let missing = wanted
        .iter()
        .filter(|endpoint| !registered.contains(endpoint));
    let missing: Vec<_> = missing.map(ToString::to_string).collect();
    if !missing.is_empty() {
        problems.push(format!(
            "{} of {} targets that DNS shows are not registered in {arn} ({}): the next tick registers them; where it \
             does not, the log tells why",
            missing.len(),
            wanted.len(),
            told(&missing)
        ));
    }
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
            "{} of {} targets in {arn} are not healthy ({}): first see whether the security group of what is behind the \
             NLB lets the NLB in, on the targets' port and on that of the health check; then whether it answers there",
            unhealthy.len(),
            targets.len(),
            told(&unhealthy)
        ));
    }
    let unused = named(targets, |target| target.state == HealthState::Unused);
    if !unused.is_empty() {
        problems.push(format!(
            "{} of {} targets in {arn} are unused ({}): no listener of the NLB leads to the group, or the target is in \
             an Availability Zone that the NLB lacks",
            unused.len(),
            targets.len(),
            told(&unused)
        ));
    }
    problems
}

/// Targets in such a state, each with AWS's words for it.
pub(super) fn named<'a>(
    targets: impl AsRef<[&'a TargetHealth]>,
    is: impl Fn(&TargetHealth) -> bool,
) -> Vec<String> {
    let targets = targets.as_ref().iter().filter(|target| is(target));
    let told = targets.map(|target| match &target.reason {
        Some(reason) => format!("{} {} {reason}", target.endpoint, target.state),
        None => format!("{} {}", target.endpoint, target.state),
    });
    told.collect()
}

pub(super) fn told(texts: &[String]) -> String {
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
