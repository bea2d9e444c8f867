//! Whether ticks come, and what they meet. Pure.

use super::BY_UPDATE;
use crate::first_aid::sight::{MEASURED_WITHIN, Sight};
use crate::record::{RULE_TARGET, RuleEvent};
use std::time::Duration;

/// How long it takes until CloudWatch shows what it was given.
const SHOWN_WITHIN: Duration = Duration::from_secs(600);

pub(super) fn of_rule(sight: &Sight) -> Option<String> {
    let id = &sight.id;
    let Some(rule) = &sight.rule else {
        return Some(format!(
            "the rule {id} is gone, so no tick comes: {BY_UPDATE}"
        ));
    };
    if !rule.enabled {
        return Some(format!(
            "the rule {id} is disabled, so no tick comes: enable it by aws events enable-rule --name {id}"
        ));
    }
    let mut targets = rule.targets.iter();
    let Some(target) = targets.find(|target| target.id == RULE_TARGET) else {
        return Some(format!(
            "the rule {id} calls nothing, so no tick comes: {BY_UPDATE}"
        ));
    };
    if target.arn != sight.function_arn {
        return Some(format!(
            "the rule {id} calls {}, which is not this function: {BY_UPDATE}",
            target.arn
        ));
    }
    let is_right = |event: &RuleEvent| {
        let is_copied = event.orders.is_none() || event.orders == sight.orders;
        event.id == *id && is_copied
    };
    match sight.event.as_ref().is_some_and(is_right) {
        true => None,
        false => Some(format!(
            "the rule {id} gives the function another input than the record has orders: {BY_UPDATE}"
        )),
    }
}

/// Of a schedule of minutes it is known when a tick should have come, and the metric tells when one last did.
pub(super) fn of_silence(sight: &Sight) -> Option<String> {
    let Some(Ok(last)) = &sight.measured else {
        return None;
    };
    let rule = sight.rule.as_ref().filter(|rule| rule.enabled)?;
    let waits = interval(&rule.schedule)? * 2 + SHOWN_WITHIN;
    if waits > MEASURED_WITHIN {
        return None;
    }
    let since = sight.record.record()?.claim.as_ref()?.at;
    let last = last.unwrap_or_default().max(since);
    let silent = sight.now.since(last);
    (silent > waits).then(|| {
        format!(
            "for {} minutes no tick has had an answer of DNS, though the rule is to call the function by {}: see whether \
             the function's policy lets EventBridge call it, whether it is throttled, and what its log says",
            silent.as_secs() / 60,
            rule.schedule
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
    let at = failure.at.rfc3339();
    Some(format!(
        "the last tick that had something to do failed at {at}: {}; each tick tries again, and the log has all of it",
        failure.reason
    ))
}

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
