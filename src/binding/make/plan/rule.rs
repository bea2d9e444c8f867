//! The steps of the rule that calls ticks.

use super::tags::missing;
use crate::binding::desired::Desired;
use crate::binding::make::checks::Checked;
use crate::binding::step::Step;
use crate::record::{RULE_TARGET, RuleEvent};
use std::collections::BTreeMap;

pub(super) fn plan_rule(desired: &Desired, checked: &Checked<'_>, steps: &mut Vec<Step>) {
    let observed = checked.observed;
    let schedule = &desired.properties.schedule;
    let is_to_put = match &observed.rule {
        Some(rule) => rule.schedule != *schedule || !rule.enabled,
        None => true,
    };
    if is_to_put {
        steps.push(Step::PutRule {
            schedule: schedule.clone(),
        });
    }
    if observed.rule.is_some()
        && let Some(tags) = missing(&observed.rule_tags, &observed.tags)
    {
        steps.push(Step::TagRule { tags });
    }
    let targets = observed.rule.iter().flat_map(|rule| &rule.targets);
    let mut targets = targets.filter(|target| target.id == RULE_TARGET);
    let record = observed.record.as_ref();
    let known = record.map_or(0, |(record, _)| checked.backend.addresses_known_by(record));
    let event = RuleEvent::of_rule(observed.rule.as_ref());
    // A number in the rule that is too large costs a new process some lookups only, so it stays.
    let expected = event.map_or(0, |event| event.addresses).max(known);
    let wanted = desired.rule_target(checked, &BTreeMap::new(), expected);
    let is_right = targets.any(|target| Some(target) == wanted.as_ref());
    if !is_right {
        steps.push(Step::PutRuleTarget);
    }
}
