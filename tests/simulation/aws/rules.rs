//! EventBridge: rules and their targets. EventBridge API, `PutRule`, `PutTargets` (a missing rule:
//! ResourceNotFoundException), `DeleteRule` (only without targets).
//!
//! Decides nothing about right and wrong: it calls the judge before it makes a change.

use super::call::{SimulatedAws, change, read, rejected};
use crate::judge;
use crate::state::Service::Events;
use crate::state::SimulatedRule;
use alb_nlb_binding::aws::api::{AwsResult, Rules};
use alb_nlb_binding::model::{Rule, RuleTarget, Tags};
use alb_nlb_binding::permit::Permit;

impl Rules for SimulatedAws {
    async fn rule(&self, name: &str) -> AwsResult<Option<Rule>> {
        let wanted = name.to_owned();
        self.call(read(Events, "DescribeRule"), name, move |world, _| {
            let rules = world.rules.borrow();
            Ok(rules.get(&wanted).map(|held| held.rule.clone()))
        })
        .await
    }

    async fn rules_with_prefix(&self, prefix: &str) -> AwsResult<Vec<String>> {
        let wanted = prefix.to_owned();
        self.call(read(Events, "ListRules"), prefix, move |world, _| {
            let rules = world.rules.borrow();
            Ok(rules
                .keys()
                .filter(|name| name.starts_with(&wanted))
                .cloned()
                .collect())
        })
        .await
    }

    async fn rule_tags(&self, arn: &str) -> AwsResult<Tags> {
        let wanted = arn.to_owned();
        self.call(read(Events, "ListTagsForResource"), arn, move |world, _| {
            let rules = world.rules.borrow();
            let found = rules.values().find(|held| held.rule.arn == wanted);
            let gone = || rejected("ListTagsForResource", &wanted, "ResourceNotFoundException");
            found.map(|held| held.tags.clone()).ok_or_else(gone)
        })
        .await
    }

    async fn put_rule(
        &self,
        _: Permit,
        name: &str,
        schedule: &str,
        tags: &Tags,
    ) -> AwsResult<String> {
        let (wanted, schedule, tags) = (name.to_owned(), schedule.to_owned(), tags.clone());
        self.call(change(Events, "PutRule"), name, move |world, process| {
            judge::require_own_rule(world, process, &wanted);
            let mut rules = world.rules.borrow_mut();
            let arn = format!("arn:aws:events:eu-central-1:123456789012:rule/{wanted}");
            let held = rules
                .entry(wanted.clone())
                .or_insert_with(|| SimulatedRule {
                    rule: Rule {
                        arn: arn.clone(),
                        schedule: String::new(),
                        enabled: true,
                        targets: Vec::new(),
                    },
                    tags: tags.clone(),
                });
            held.rule.schedule.clone_from(&schedule);
            held.rule.enabled = true;
            Ok(arn)
        })
        .await
    }

    async fn put_rule_target(&self, _: Permit, rule: &str, target: &RuleTarget) -> AwsResult<()> {
        let target = target.clone();
        self.change_targets(rule, "PutTargets", move |targets| {
            targets.retain(|other| other.id != target.id);
            targets.push(target.clone());
        })
        .await
    }

    async fn remove_rule_targets(&self, _: Permit, rule: &str, ids: &[String]) -> AwsResult<()> {
        let ids = ids.to_vec();
        let remove =
            move |targets: &mut Vec<RuleTarget>| targets.retain(|target| !ids.contains(&target.id));
        self.change_targets(rule, "RemoveTargets", remove).await
    }

    async fn delete_rule(&self, _: Permit, rule: &str) -> AwsResult<()> {
        let wanted = rule.to_owned();
        self.call(change(Events, "DeleteRule"), rule, move |world, process| {
            judge::require_own_rule(world, process, &wanted);
            judge::check_rule_deletion(world, process, &wanted);
            let mut rules = world.rules.borrow_mut();
            if rules
                .get(&wanted)
                .is_some_and(|held| !held.rule.targets.is_empty())
            {
                return Err(rejected("DeleteRule", &wanted, "ValidationException"));
            }
            rules.remove(&wanted);
            Ok(())
        })
        .await
    }

    async fn tag_rule(&self, _: Permit, arn: &str, tags: &Tags) -> AwsResult<()> {
        let (wanted, tags) = (arn.to_owned(), tags.clone());
        self.call(change(Events, "TagResource"), arn, move |world, process| {
            let name = wanted.rsplit('/').next().unwrap_or_default();
            judge::require_own_rule(world, process, name);
            let mut rules = world.rules.borrow_mut();
            let gone = || rejected("TagResource", &wanted, "ResourceNotFoundException");
            rules
                .get_mut(name)
                .ok_or_else(gone)?
                .tags
                .extend(tags.clone());
            Ok(())
        })
        .await
    }
}

impl SimulatedAws {
    async fn change_targets(
        &self,
        rule: &str,
        name: &'static str,
        edit: impl Fn(&mut Vec<RuleTarget>) + 'static,
    ) -> AwsResult<()> {
        let wanted = rule.to_owned();
        self.call(change(Events, name), rule, move |world, process| {
            judge::require_own_rule(world, process, &wanted);
            if name == "RemoveTargets" {
                judge::check_rule_deletion(world, process, &wanted);
            }
            let mut rules = world.rules.borrow_mut();
            let gone = || rejected(name, &wanted, "ResourceNotFoundException");
            edit(&mut rules.get_mut(&wanted).ok_or_else(gone)?.rule.targets);
            Ok(())
        })
        .await
    }
}
