//! What is wrong with a binding, and what to do about it: from what was seen to sentences. Pure.

mod targets;
#[cfg(test)]
mod tests;
mod ticks;
mod wiring;

use super::sight::{RecordSight, Sight};
use crate::discovery::Found;
use crate::model::{Endpoint, HealthState, TargetGroupPort, TargetHealth};
use crate::record::{Phase, Status};
use std::collections::{BTreeMap, BTreeSet};

/// CloudFormation sends an Update only where a property changes.
const BY_UPDATE: &str = "an Update of the stack puts it right, with a change of any property, such as 51 for \
                         MaxLookupsPerInvocation";

/// What is wrong, the most basic first.
pub(super) fn problems(sight: &Sight) -> Vec<String> {
    if let Some(nothing) = nothing(sight) {
        return vec![nothing];
    }
    let mut problems = Vec::new();
    problems.extend(of_record(sight));
    problems.extend(of_request(sight));
    if sight.serves() {
        problems.extend(ticks::of_rule(sight));
        problems.extend(wiring::of_wiring(sight));
        problems.extend(ticks::of_last_tick(sight));
        problems.extend(ticks::of_silence(sight));
        problems.extend(ticks::of_dns(sight));
        problems.extend(targets::of_targets(sight));
    }
    problems
}

/// What is worth knowing and not wrong.
pub(super) fn notes(sight: &Sight) -> Vec<String> {
    let mut notes = Vec::new();
    let record = sight.record.record();
    let serving = record.filter(|record| record.serves());
    if let Some(claim) = serving.and_then(|record| record.open_claim(sight.now)) {
        let (kind, at) = (claim.kind, claim.at.rfc3339());
        notes.push(format!(
            "{kind:?} has been under way since {at}: ticks register meanwhile, and count nothing"
        ));
    }
    if let Some(Ok(found)) = &sight.dns {
        if found.is_cached {
            notes.push(
                "the DNS servers repeat themselves as a cache does, so addresses leave later than they might; name \
                 DnsServers that do not cache"
                    .to_owned(),
            );
        } else if !found.certain {
            notes.push(super::rehearsal::UNCERTAIN.to_owned());
        }
    }
    if let Some(Err(error)) = &sight.measured {
        notes.push(format!(
            "whether ticks come cannot be told, for the metric cannot be read: {error}"
        ));
    }
    for (arn, seen) in sight.in_dns() {
        let new = targets::named(seen, |target| target.state == HealthState::Initial);
        if !new.is_empty() {
            let new = targets::told(&new);
            notes.push(format!(
                "{new} in {arn} have just been registered and are being checked"
            ));
        }
    }
    notes
}

/// One sentence.
pub(super) fn verdict(sight: &Sight, problems: &[String]) -> String {
    match problems {
        [] => {}
        [problem] => return problem.clone(),
        problems => {
            return format!(
                "{} things are wrong: {}",
                problems.len(),
                problems.join("; ")
            );
        }
    }
    let found = sight.dns.as_ref().and_then(|dns| dns.as_ref().ok());
    let addresses = found.map_or(0, |found| found.addresses.len());
    let groups = sight.groups.len();
    let schedule = sight.rule.as_ref().map(|rule| rule.schedule.as_str());
    format!(
        "well: each address in DNS ({addresses}) is registered in each target group ({groups}) and none is unhealthy; \
         the rule calls the function by {}",
        schedule.unwrap_or_default()
    )
}

impl Sight {
    /// Whether it has had a success and no Delete has begun; without a record the rule stands in.
    fn serves(&self) -> bool {
        let record = self.record.record();
        record.is_none_or(|record| record.serves())
    }

    /// The ports that a group is served with.
    fn ports(&self, arn: &str) -> BTreeSet<u16> {
        let orders = self.orders.iter();
        let groups = orders.flat_map(|orders| &orders.target_groups);
        let groups = groups.filter(|group: &&TargetGroupPort| group.arn == arn);
        groups.map(|group| group.port).collect()
    }

    fn found(&self) -> Option<&Found> {
        self.dns.as_ref()?.as_ref().ok()
    }

    /// The targets of each group that are in DNS now: others are somebody else's, or about to leave.
    fn in_dns(&self) -> BTreeMap<&str, Vec<&TargetHealth>> {
        let Some(found) = self.found() else {
            return BTreeMap::new();
        };
        let groups = self.groups.iter();
        let groups = groups.filter_map(|(arn, targets)| {
            let targets = targets.as_ref().ok()?.as_ref()?;
            let ports = self.ports(arn);
            let is_wanted = |target: &&TargetHealth| {
                let Endpoint { address, port } = target.endpoint;
                ports.contains(&port) && found.addresses.contains(&address)
            };
            Some((arn.as_str(), targets.iter().filter(is_wanted).collect()))
        });
        groups.collect()
    }
}

fn nothing(sight: &Sight) -> Option<String> {
    let RecordSight::Gone { buckets, .. } = &sight.record else {
        return None;
    };
    if sight.rule.is_some() {
        return None;
    }
    let (id, buckets) = (&sight.id, list(buckets));
    Some(match sight.leftovers.as_slice() {
        [] => format!(
            "there is no binding {id} in this account and Region: no rule, no record in {buckets}, and no target group"
        ),
        leftovers => format!(
            "rule and record of {id} are gone, and so nothing keeps its targets; there are still {}: delete the \
             resource, or {BY_UPDATE}",
            leftovers.join(", ")
        ),
    })
}

fn of_record(sight: &Sight) -> Option<String> {
    let event = sight.event.as_ref();
    match &sight.record {
        RecordSight::There { .. } => None,
        RecordSight::Gone { buckets, missing } => {
            let ruled =
                event.filter(|event| event.orders.is_some() && !missing.contains(&event.bucket));
            let way = match ruled {
                Some(_) => "the next tick makes it anew by the rule's copy of the orders",
                None => BY_UPDATE,
            };
            let without = match missing.is_empty() {
                true => String::new(),
                false => format!(" (there is no bucket {})", list(missing)),
            };
            Some(format!(
                "the record is gone from {}{without}: {way}",
                list(buckets)
            ))
        }
        RecordSight::Unreadable { why } => Some(format!(
            "the record cannot be read, so ticks fail and change nothing ({why}): put a former version of the object \
             back, or delete the object, and it is made anew by the rule's copy of the orders"
        )),
        RecordSight::Hidden { why } => Some(format!(
            "the record cannot be looked at, so ticks fail and change nothing ({why}): let the function's role read \
             and write it"
        )),
    }
}

fn list(names: &BTreeSet<String>) -> String {
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    names.join(", ")
}

/// A binding that serves stands whatever its last request came to.
fn of_request(sight: &Sight) -> Option<String> {
    let record = sight.record.record()?;
    let outcome = record
        .claim
        .as_ref()
        .and_then(|claim| claim.outcome.as_ref());
    let last = match outcome.map(|outcome| &outcome.answer) {
        None => "has not been answered".to_owned(),
        Some(answer) if answer.status == Status::Failed => format!("failed ({})", answer.reason),
        Some(_) => "succeeded".to_owned(),
    };
    let way = match record.open_claim(sight.now) {
        Some(claim) => format!("it has been under way since {}", claim.at.rfc3339()),
        None => "mend what stopped it, and do it again".to_owned(),
    };
    match record.phase {
        Phase::Serving => None,
        Phase::Making => Some(format!(
            "no request has had a success yet, so ticks do nothing; the last one {last}: {way}"
        )),
        Phase::Leaving => Some(format!(
            "a Delete has begun, so ticks do nothing; it {last}: {way}"
        )),
    }
}
