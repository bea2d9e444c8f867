//! What is wrong with a binding, and what to do about it: from what was seen to sentences. Pure.

mod targets;
#[cfg(test)]
mod tests;
mod ticks;
mod wiring;

use super::observed::{RecordSight, Sight};
use crate::discovery::Found;
use crate::first_aid::report::UNCERTAIN;
use crate::model::{Endpoint, TargetGroupPort, TargetHealth};
use crate::record::{Phase, Status};
use std::collections::BTreeSet;
use std::net::IpAddr;

/// CloudFormation sends an Update only where a property changes.
const BY_UPDATE: &str = "an Update of the stack puts it right, with a change of any property, such as 51 for \
                         MaxLookupsPerInvocation";

/// What is wrong, the most basic first.
pub(super) fn problems(sight: &Sight) -> Vec<String> {
    if let Some(nothing) = nothing(sight) {
        return vec![nothing];
    }
    if let Some(other) = ticks::of_another(sight) {
        let id = &sight.id;
        return vec![format!(
            "the rule {id} calls {other}, which is not this function: ask that one, or where it is the wrong one, {BY_UPDATE}"
        )];
    }
    let mut problems = Vec::new();
    problems.extend(of_record(sight));
    problems.extend(of_request(sight));
    if sight.may_serve() {
        problems.extend(ticks::of_rule(sight));
        problems.extend(wiring::of_wiring(sight));
        problems.extend(ticks::of_last_tick(sight));
        problems.extend(ticks::of_silence(sight));
        problems.extend(ticks::of_counting(sight));
        problems.extend(ticks::of_dns(sight));
        problems.extend(targets::of_targets(sight));
    }
    problems
}

/// Whether the binding is another function's.
pub(super) fn is_of_another(sight: &Sight) -> bool {
    ticks::of_another(sight).is_some()
}

/// What is worth knowing and not wrong.
pub(super) fn notes(sight: &Sight) -> Vec<String> {
    let mut notes = Vec::new();
    notes.extend(under_way(sight));
    let record = sight.record.record();
    if record.is_some_and(|record| record.serves()) && sight.wiring.is_none() {
        notes.push(format!(
            "what was made is not compared, for the record was made anew and does not know the properties: {BY_UPDATE}"
        ));
    }
    match sight.found() {
        Some(found) if !found.is_whole() => notes.push(format!(
            "{} of {} lookups failed, so a tick would count nothing now",
            found.failed_lookups, found.lookups
        )),
        Some(found) if found.is_cached => notes.push(
            "the DNS servers repeat themselves as a cache does, so addresses leave later than they might; name \
             DnsServers that do not cache"
                .to_owned(),
        ),
        Some(found) if !found.certain => notes.push(UNCERTAIN.to_owned()),
        _ => {}
    }
    if let Some(Err(error)) = &sight.measured {
        notes.push(format!(
            "whether ticks come cannot be told, for the metric cannot be read: {error}"
        ));
    }
    notes.extend(ticks::note_of_rule(sight));
    notes.extend(targets::notes(sight));
    notes
}

/// What CloudFormation has begun and not ended.
fn under_way(sight: &Sight) -> Option<String> {
    let record = sight.record.record()?;
    if let Some(claim) = record.open_claim(sight.now) {
        let (kind, at) = (claim.kind, claim.at.rfc3339());
        return Some(match record.phase {
            Phase::Serving => format!(
                "{kind:?} has been under way since {at}: ticks register meanwhile and count nothing, and what is made is \
                 not compared"
            ),
            Phase::Making | Phase::Leaving => {
                format!("{kind:?} has been under way since {at}, and until then ticks do nothing")
            }
        });
    }
    let is_open = record.serves() && record.is_being_changed(sight.now);
    is_open.then(|| {
        "the last request failed, and may be rolled back yet: what is made is not compared meanwhile".to_owned()
    })
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
    if !sight.may_serve() {
        return under_way(sight).unwrap_or_default();
    }
    let addresses = sight.found().map_or(0, |found| found.addresses.len());
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
    pub(super) fn may_serve(&self) -> bool {
        let record = self.record.record();
        record.is_none_or(|record| record.serves())
    }

    /// Whether a request has begun to change what is there, and ticks do not know of it yet.
    fn is_being_changed(&self) -> bool {
        let record = self.record.record();
        record.is_some_and(|record| record.is_being_changed(self.now))
    }

    /// The ports that a group is served with; none of one that is being given up.
    fn ports(&self, arn: &str) -> BTreeSet<u16> {
        let served = self.orders.iter().flat_map(|orders| {
            let record = self.record.record();
            let served = record.map(|record| record.looked_after(orders, self.now));
            served.unwrap_or_else(|| orders.target_groups.clone())
        });
        let groups = served.filter(|group: &TargetGroupPort| group.arn == arn);
        groups.map(|group| group.port).collect()
    }

    fn found(&self) -> Option<&Found> {
        self.dns.as_ref()?.as_ref().ok()
    }

    /// What is to be registered: the addresses in DNS, or where that is silent those that are known.
    fn addresses(&self) -> BTreeSet<IpAddr> {
        let known = || self.record.record().map(|record| record.known());
        let found = self.found().map(|found| found.addresses.clone());
        found.or_else(known).unwrap_or_default()
    }

    /// Those targets of a group: others are somebody else's, or about to leave.
    fn wanted<'a>(&self, arn: &str, targets: &'a [TargetHealth]) -> Vec<&'a TargetHealth> {
        let (ports, addresses) = (self.ports(arn), self.addresses());
        let is_wanted = |target: &&TargetHealth| {
            let Endpoint { address, port } = target.endpoint;
            ports.contains(&port) && addresses.contains(&address)
        };
        targets.iter().filter(is_wanted).collect()
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
            "there is no binding {id} in this account and Region, as far as can be seen: no rule, no target group, and no \
             record in {buckets} (of a bucket that only BucketName names nobody but the rule tells)"
        ),
        leftovers => format!(
            "the rule of {id} is gone, so no tick comes, and no record is in {buckets} (of a bucket that only BucketName \
             names nobody but the rule tells); there are still {}: delete the resource, or {BY_UPDATE}",
            leftovers.join(", ")
        ),
    })
}

fn of_record(sight: &Sight) -> Option<String> {
    let copy = sight.event.as_ref().filter(|event| event.orders.is_some());
    match &sight.record {
        RecordSight::There { .. } => None,
        RecordSight::Gone { buckets, missing } => {
            let own = sight.id.bucket(&sight.account);
            let given = missing.iter().find(|bucket| **bucket != own);
            let copy = copy.filter(|event| !missing.contains(&event.bucket));
            let way = match (given, copy) {
                (Some(bucket), _) => {
                    format!("make the bucket {bucket} again, or name another one by BucketName")
                }
                (None, Some(_)) => {
                    "the next tick makes it anew by the rule's copy of the orders".to_owned()
                }
                (None, None) => BY_UPDATE.to_owned(),
            };
            Some(format!("the record is gone from {}: {way}", list(buckets)))
        }
        RecordSight::Unreadable { why } => {
            let or_anew = match copy {
                Some(_) => {
                    ", or delete the object, and it is made anew by the rule's copy of the orders"
                }
                None => "",
            };
            Some(format!(
                "the record cannot be read, so ticks fail and change nothing ({why}): deploy the function that wrote it \
                 where it is of another version; else put a former version of the object back{or_anew}"
            ))
        }
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
    if record.open_claim(sight.now).is_some() {
        return None;
    }
    match record.phase {
        Phase::Serving => None,
        Phase::Making => Some(format!(
            "no request has had a success yet, so ticks do nothing; the last one {last}: mend what stopped it, and do it again"
        )),
        Phase::Leaving => Some(format!(
            "a Delete has begun, so ticks do nothing; it {last}: mend what stopped it, and delete again"
        )),
    }
}
