//! From what was observed of a binding to sentences: what is wrong with it, and what to do about it. No I/O.

mod drift;
mod record;
mod remedy;
mod request;
mod targets;
#[cfg(test)]
mod tests;
mod ticks;

use super::observed::ObservedBinding;
use super::report::UNCERTAIN;
use remedy::BY_UPDATE;

/// Everything that is wrong, the most basic problem first.
pub(super) fn problems(observed: &ObservedBinding) -> Vec<String> {
    if let Some(problem) = record::no_binding_problem(observed) {
        return vec![problem];
    }
    if let Some(other) = ticks::other_function(observed) {
        let id = &observed.id;
        return vec![format!(
            "the rule {id} calls {other}, which is not this function: ask that one, or where it is the wrong one, {BY_UPDATE}"
        )];
    }
    let mut problems = Vec::new();
    problems.extend(record::record_problem(observed));
    problems.extend(request::request_problem(observed));
    if observed.may_serve() {
        problems.extend(ticks::rule_problem(observed));
        problems.extend(drift::problems(observed));
        problems.extend(ticks::failed_tick_problem(observed));
        problems.extend(ticks::silence_problem(observed));
        problems.extend(ticks::counting_problem(observed));
        problems.extend(ticks::dns_problem(observed));
        problems.extend(targets::problems(observed));
    }
    problems
}

/// Whether another function serves the binding.
pub(super) fn is_of_another_function(observed: &ObservedBinding) -> bool {
    ticks::other_function(observed).is_some()
}

/// Everything that is worth knowing but not wrong.
pub(super) fn notes(observed: &ObservedBinding) -> Vec<String> {
    let mut notes = Vec::new();
    notes.extend(request::under_way(observed));
    let record = observed.record.record();
    if record.is_some_and(|record| record.is_serving()) && observed.drift.is_none() {
        notes.push(format!(
            "what was made is not compared, for the record was made anew and does not know the properties: {BY_UPDATE}"
        ));
    }
    match observed.found() {
        Some(found) if !found.is_complete() => notes.push(format!(
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
    if let Some(Err(error)) = &observed.last_measured {
        notes.push(format!(
            "whether ticks come cannot be told, for the metric cannot be read: {error}"
        ));
    }
    notes.extend(ticks::orders_copy_note(observed));
    notes.extend(targets::notes(observed));
    notes
}

/// One sentence that begins with `well:`, or names every problem.
pub(super) fn verdict(observed: &ObservedBinding, problems: &[String]) -> String {
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
    if !observed.may_serve() {
        return request::under_way(observed).unwrap_or_default();
    }
    let addresses = observed.found().map_or(0, |found| found.addresses.len());
    let groups = observed.groups.len();
    let schedule = observed.rule.as_ref().map(|rule| rule.schedule.as_str());
    format!(
        "well: each address in DNS ({addresses}) is registered in each target group ({groups}) and none is unhealthy; \
         the rule calls the function by {}",
        schedule.unwrap_or_default()
    )
}
