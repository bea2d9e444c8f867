//! Whether ticks come, and whether they succeed. No I/O.

use super::remedy::BY_UPDATE;
use crate::clock::Timestamp;
use crate::first_aid::observed::{METRIC_WINDOW, ObservedBinding};
use crate::record::RULE_TARGET;
use std::time::Duration;

/// How long CloudWatch may take to show a value of the metric.
const METRIC_DELAY: Duration = Duration::from_secs(600);

/// The ARN of the function that the rule calls, if that is not this one.
pub(super) fn other_function(observed: &ObservedBinding) -> Option<&str> {
    let mut targets = observed.rule.as_ref()?.targets.iter();
    let target = targets.find(|target| target.id == RULE_TARGET)?;
    (target.arn != observed.function_arn).then_some(&target.arn)
}

pub(super) fn rule_problem(observed: &ObservedBinding) -> Option<String> {
    let (id, region) = (&observed.id, &observed.region);
    let Some(rule) = &observed.rule else {
        return Some(format!(
            "the rule {id} is gone, so no tick comes: {BY_UPDATE}"
        ));
    };
    if !rule.enabled {
        return Some(format!(
            "the rule {id} is disabled, so no tick comes: enable it by aws events enable-rule --region {region} --name \
             {id}"
        ));
    }
    if !rule.targets.iter().any(|target| target.id == RULE_TARGET) {
        return Some(format!(
            "the rule {id} calls nothing, so no tick comes: {BY_UPDATE}"
        ));
    }
    match observed.event.as_ref().is_some_and(|event| event.id == *id) {
        true => None,
        false => Some(format!(
            "the rule {id} gives the function what is no binding's input, so ticks fail: {BY_UPDATE}"
        )),
    }
}

/// This is only a note: ticks serve what the record says, and another copy costs them only a second read.
pub(super) fn orders_copy_note(observed: &ObservedBinding) -> Option<String> {
    let copy = observed.event.as_ref()?.orders.as_ref()?;
    let differs = observed
        .record
        .record()?
        .orders_in_force()
        .is_some_and(|orders| orders != copy);
    (differs && !observed.is_being_changed()).then(|| {
        format!(
            "the rule's copy of the orders is another one than the record's, by which ticks go: {BY_UPDATE}"
        )
    })
}

/// How long ticks may leave no trace: two intervals of a schedule of minutes, and CloudWatch's delay. `None` for another
/// schedule, or if the metric is not read that far back.
fn longest_silence(observed: &ObservedBinding) -> Option<Duration> {
    let rule = observed.rule.as_ref().filter(|rule| rule.enabled)?;
    let silence = interval(&rule.schedule)?.checked_mul(2)? + METRIC_DELAY;
    (silence <= METRIC_WINDOW).then_some(silence)
}

/// The metric shows when a tick or a request last got an answer of DNS.
pub(super) fn silence_problem(observed: &ObservedBinding) -> Option<String> {
    let Some(Ok(last)) = &observed.last_measured else {
        return None;
    };
    let since = observed.record.record()?.claim.as_ref()?.at;
    let silent = observed.now.since(last.unwrap_or_default().max(since));
    (silent > longest_silence(observed)?).then(|| {
        format!(
            "the metric has had no value for {} minutes, so it seems that no tick comes: where the rule has just been \
             enabled, wait; else see whether the function's policy lets EventBridge call it, whether it is throttled, and \
             what its log says",
            silent.as_secs() / 60
        )
    })
}

/// Each tick counts the addresses that are missing from DNS, unless it fails before it can write.
pub(super) fn counting_problem(observed: &ObservedBinding) -> Option<String> {
    let record = observed.record.record()?;
    let is_quiet = record.open_claim(observed.now).is_none() && observed.found()?.certain;
    // An address that the record does not know any more stays only because another binding wants it.
    let known = record.current_addresses();
    let pending = observed.next_tick.as_ref()?.pending.keys();
    let pending = pending.filter(|address| known.contains(address)).count();
    if !is_quiet || pending == 0 {
        return None;
    }
    let counted = record
        .counted
        .last()
        .and_then(|tick| Timestamp::named(tick));
    let claimed = record.claim.as_ref().map(|claim| claim.at);
    let last = counted
        .unwrap_or_default()
        .max(claimed.unwrap_or_default())
        .max(record.ticked);
    let silent = observed.now.since(last);
    (silent > longest_silence(observed)?).then(|| {
        format!(
            "{pending} addresses are missing from DNS, and for {} minutes no tick has counted that: ticks come too late, \
             or fail before they write, and the log tells why",
            silent.as_secs() / 60
        )
    })
}

/// The time between two ticks; `None` unless the schedule is a rate of minutes.
fn interval(schedule: &str) -> Option<Duration> {
    let rate = schedule.strip_prefix("rate(")?;
    let minutes = rate.strip_suffix(" minutes)");
    let minutes = minutes.or_else(|| rate.strip_suffix(" minute)"))?;
    let minutes: u64 = minutes.parse().ok()?;
    Some(Duration::from_secs(minutes.checked_mul(60)?))
}

pub(super) fn failed_tick_problem(observed: &ObservedBinding) -> Option<String> {
    let failure = observed.record.record()?.failed.as_ref()?;
    let (at, reason) = (failure.at.rfc3339(), &failure.reason);
    let remedy = REMEDIES.iter().find(|(code, _)| reason.contains(code));
    let remedy = remedy.map_or("the log has all of it", |(_, remedy)| remedy);
    Some(format!(
        "the last tick that had something to do failed at {at}: {reason}; {remedy}, and the next tick tries again"
    ))
}

/// What to do if AWS refuses a tick's call with this code (ELBv2 API, `RegisterTargets`, `DeregisterTargets`).
const REMEDIES: [(&str, &str); 4] = [
    ("AccessDenied", "let the function's role do that"),
    ("TooMany", "raise that quota, or make room"),
    (
        "InvalidTarget",
        "see whether the addresses are where the NLB takes targets from: private ones, and of its VPC unless they are \
         registered for all zones",
    ),
    (
        "TargetGroupNotFound",
        "make the target group again, or change the properties",
    ),
];

pub(super) fn dns_problem(observed: &ObservedBinding) -> Option<String> {
    let Some(Err(error)) = &observed.dns else {
        return None;
    };
    let name = observed
        .orders
        .as_ref()
        .map(|orders| orders.alb_dns_name.as_str());
    Some(format!(
        "{error}: ticks fail, so nothing leaves and nothing new comes; see whether {} still has addresses, and \
         whether the function reaches those servers",
        name.unwrap_or_default()
    ))
}
