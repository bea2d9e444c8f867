//! Whether ticks come, and what they meet. Pure.

use super::BY_UPDATE;
use crate::first_aid::sight::Sight;
use crate::record::{RULE_TARGET, RuleEvent};

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
