//! Whether ticks come, and what they meet. Pure.

use super::BY_UPDATE;
use crate::clock::Timestamp;
use crate::first_aid::observed::{MEASURED_WITHIN, Sight};
use crate::record::RULE_TARGET;
use std::time::Duration;

/// How long it takes until CloudWatch shows what it was given.
const SHOWN_WITHIN: Duration = Duration::from_secs(600);

/// The function that the rule calls, where it is another one than this.
pub(super) fn of_another(sight: &Sight) -> Option<&str> {
    let mut targets = sight.rule.as_ref()?.targets.iter();
    let target = targets.find(|target| target.id == RULE_TARGET)?;
    (target.arn != sight.function_arn).then_some(&target.arn)
}

pub(super) fn of_rule(sight: &Sight) -> Option<String> {
    let (id, region) = (&sight.id, &sight.region);
    let Some(rule) = &sight.rule else {
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
    match sight.event.as_ref().is_some_and(|event| event.id == *id) {
        true => None,
        false => Some(format!(
            "the rule {id} gives the function what is no binding's input, so ticks fail: {BY_UPDATE}"
        )),
    }
}

/// The record decides, so a tick only looks twice.
pub(super) fn note_of_rule(sight: &Sight) -> Option<String> {
    let copy = sight.event.as_ref()?.orders.as_ref()?;
    let differs = sight
        .record
        .record()?
        .served()
        .is_some_and(|orders| orders != copy);
    (differs && !sight.is_being_changed()).then(|| {
        format!(
            "the rule's copy of the orders is another one than the record's, by which ticks go: {BY_UPDATE}"
        )
    })
}

/// How long ticks may leave no trace, where it is known when they should come: of a schedule of minutes.
fn patience(sight: &Sight) -> Option<Duration> {
    let rule = sight.rule.as_ref().filter(|rule| rule.enabled)?;
    let waits = interval(&rule.schedule)?.checked_mul(2)? + SHOWN_WITHIN;
    (waits <= MEASURED_WITHIN).then_some(waits)
}

/// The metric tells when a tick, or a request, last had an answer of DNS.
pub(super) fn of_silence(sight: &Sight) -> Option<String> {
    let Some(Ok(last)) = &sight.measured else {
        return None;
    };
    let since = sight.record.record()?.claim.as_ref()?.at;
    let silent = sight.now.since(last.unwrap_or_default().max(since));
    (silent > patience(sight)?).then(|| {
        format!(
            "the metric has had no value for {} minutes, so it seems that no tick comes: where the rule has just been \
             enabled, wait; else see whether the function's policy lets EventBridge call it, whether it is throttled, and \
             what its log says",
            silent.as_secs() / 60
        )
    })
}

/// What is missing from DNS is counted by each tick, unless that fails before it can write.
pub(super) fn of_counting(sight: &Sight) -> Option<String> {
    let record = sight.record.record()?;
    let is_quiet = record.open_claim(sight.now).is_none() && sight.found()?.certain;
    // What is due and stays is wanted by another binding.
    let known = record.known();
    let pending = sight.next_tick.as_ref()?.pending.keys();
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
    let silent = sight.now.since(last);
    (silent > patience(sight)?).then(|| {
        format!(
            "{pending} addresses are missing from DNS, and for {} minutes no tick has counted that: ticks come too late, \
             or fail before they write, and the log tells why",
            silent.as_secs() / 60
        )
    })
}

/// The time between two ticks of a schedule of minutes.
fn interval(schedule: &str) -> Option<Duration> {
    let rate = schedule.strip_prefix("rate(")?;
    let minutes = rate.strip_suffix(" minutes)");
    let minutes = minutes.or_else(|| rate.strip_suffix(" minute)"))?;
    let minutes: u64 = minutes.parse().ok()?;
    Some(Duration::from_secs(minutes.checked_mul(60)?))
}

pub(super) fn of_last_tick(sight: &Sight) -> Option<String> {
    let failure = sight.record.record()?.failed.as_ref()?;
    let (at, reason) = (failure.at.rfc3339(), &failure.reason);
    let way = WAYS.iter().find(|(code, _)| reason.contains(code));
    let way = way.map_or("the log has all of it", |(_, way)| way);
    Some(format!(
        "the last tick that had something to do failed at {at}: {reason}; {way}, and the next tick tries again"
    ))
}

/// What to do about AWS's codes for what a tick may not do (ELBv2 API, RegisterTargets and DeregisterTargets).
const WAYS: [(&str, &str); 4] = [
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

pub(super) fn of_dns(sight: &Sight) -> Option<String> {
    let Some(Err(error)) = &sight.dns else {
        return None;
    };
    let name = sight
        .orders
        .as_ref()
        .map(|orders| orders.alb_dns_name.as_str());
    Some(format!(
        "{error}: ticks fail, so nothing leaves and nothing new comes; see whether {} still has addresses, and \
         whether the function reaches those servers",
        name.unwrap_or_default()
    ))
}
