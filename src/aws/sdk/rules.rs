//! EventBridge: the schedule rule on the default event bus.

use super::{Sdk, failed, refused_entry, unusable};
use crate::aws::api::{AwsError, AwsResult, Rules};
use crate::model::{Rule, RuleTarget, SCHEDULED_TIME, Tags};
use crate::permit::Permit;
use aws_sdk_eventbridge::error::BuildError;
use aws_sdk_eventbridge::types::{InputTransformer, RetryPolicy, RuleState, Tag, Target};

impl Rules for Sdk {
    async fn rule(&self, name: &str) -> AwsResult<Option<Rule>> {
        let described = self
            .events
            .describe_rule()
            .name(name)
            .send()
            .await
            .map_err(failed("DescribeRule", name));
        let described = match described {
            Ok(described) => described,
            Err(error) if error.is_not_found() => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut targets = Vec::new();
        let mut next = None;
        loop {
            let page = self
                .events
                .list_targets_by_rule()
                .rule(name)
                .set_next_token(next)
                .send()
                .await
                .map_err(failed("ListTargetsByRule", name));
            let page = match page {
                Ok(page) => page,
                Err(error) if error.is_not_found() => return Ok(None),
                Err(error) => return Err(error),
            };
            targets.extend(
                page.targets
                    .unwrap_or_default()
                    .into_iter()
                    .map(|target| RuleTarget {
                        id: target.id,
                        arn: target.arn,
                        template: match target.input_transformer {
                            Some(transformer) => transformer.input_template,
                            None => target.input.unwrap_or_default(),
                        },
                    }),
            );
            next = page.next_token;
            if next.is_none() {
                break;
            }
        }
        Ok(Some(Rule {
            arn: described.arn.unwrap_or_default(),
            schedule: described.schedule_expression.unwrap_or_default(),
            enabled: described.state == Some(RuleState::Enabled),
            targets,
        }))
    }

    async fn rules_with_prefix(&self, prefix: &str) -> AwsResult<Vec<String>> {
        let mut names = Vec::new();
        let mut next = None;
        loop {
            let page = self
                .events
                .list_rules()
                .name_prefix(prefix)
                .set_next_token(next)
                .send()
                .await
                .map_err(failed("ListRules", format!("{prefix}*")))?;
            let rules = page.rules.unwrap_or_default().into_iter();
            names.extend(rules.filter_map(|rule| rule.name));
            next = page.next_token;
            if next.is_none() {
                return Ok(names);
            }
        }
    }

    async fn rule_tags(&self, arn: &str) -> AwsResult<Tags> {
        let output = self
            .events
            .list_tags_for_resource()
            .resource_arn(arn)
            .send()
            .await
            .map_err(failed("ListTagsForResource", arn))?;
        Ok(output
            .tags
            .unwrap_or_default()
            .into_iter()
            .map(|tag| (tag.key, tag.value))
            .collect())
    }

    async fn put_rule(
        &self,
        _: Permit,
        name: &str,
        schedule: &str,
        tags: &Tags,
    ) -> AwsResult<String> {
        let output = self
            .events_once
            .put_rule()
            .name(name)
            .description(
                "Keeps an NLB's targets equal to an ALB's addresses (Custom::AlbNlbBinding)",
            )
            .schedule_expression(schedule)
            .state(RuleState::Enabled)
            .set_tags(Some(tag_list("PutRule", name, tags)?))
            .send()
            .await
            .map_err(failed("PutRule", name))?;
        Ok(output.rule_arn.unwrap_or_default())
    }

    async fn put_rule_target(&self, _: Permit, rule: &str, target: &RuleTarget) -> AwsResult<()> {
        // A tick is of no use after a minute, and several late ticks at once would count several misses in one moment.
        let retry = RetryPolicy::builder()
            .maximum_event_age_in_seconds(60)
            .maximum_retry_attempts(3)
            .build();
        let (time, path) = SCHEDULED_TIME;
        let transformer = InputTransformer::builder()
            .input_paths_map(time, path)
            .input_template(&target.template)
            .build()
            .map_err(incomplete("PutTargets", rule))?;
        let target = Target::builder()
            .id(&target.id)
            .arn(&target.arn)
            .input_transformer(transformer)
            .retry_policy(retry)
            .build()
            .map_err(incomplete("PutTargets", rule))?;
        let output = self
            .events_once
            .put_targets()
            .rule(rule)
            .targets(target)
            .send()
            .await
            .map_err(failed("PutTargets", rule))?;
        let entries = output.failed_entries.unwrap_or_default();
        let reason = entries
            .first()
            .map(|entry| (entry.error_code.as_deref(), entry.error_message.as_deref()));
        check_entries("PutTargets", rule, output.failed_entry_count, reason)
    }

    async fn remove_rule_targets(&self, _: Permit, rule: &str, ids: &[String]) -> AwsResult<()> {
        let output = self
            .events_once
            .remove_targets()
            .rule(rule)
            .set_ids(Some(ids.to_vec()))
            .send()
            .await
            .map_err(failed("RemoveTargets", rule))?;
        let entries = output.failed_entries.unwrap_or_default();
        let reason = entries
            .first()
            .map(|entry| (entry.error_code.as_deref(), entry.error_message.as_deref()));
        check_entries("RemoveTargets", rule, output.failed_entry_count, reason)
    }

    async fn delete_rule(&self, _: Permit, rule: &str) -> AwsResult<()> {
        self.events_once
            .delete_rule()
            .name(rule)
            .send()
            .await
            .map_err(failed("DeleteRule", rule))?;
        Ok(())
    }

    async fn tag_rule(&self, _: Permit, arn: &str, tags: &Tags) -> AwsResult<()> {
        self.events_once
            .tag_resource()
            .resource_arn(arn)
            .set_tags(Some(tag_list("TagResource", arn, tags)?))
            .send()
            .await
            .map_err(failed("TagResource", arn))?;
        Ok(())
    }
}

/// EventBridge reports entries that failed inside an answer that succeeded.
fn check_entries(
    operation: &'static str,
    rule: &str,
    failed_entries: i32,
    first: Option<(Option<&str>, Option<&str>)>,
) -> AwsResult<()> {
    if failed_entries == 0 && first.is_none() {
        return Ok(());
    }
    let (code, message) = first.unwrap_or_default();
    let code = code.unwrap_or("no code").to_owned();
    let message = message.unwrap_or("no message");
    Err(refused_entry(operation, rule, code, message))
}

fn tag_list(operation: &'static str, resource: &str, tags: &Tags) -> AwsResult<Vec<Tag>> {
    tags.iter()
        .map(|(key, value)| Tag::builder().key(key).value(value).build())
        .collect::<Result<_, _>>()
        .map_err(incomplete(operation, resource))
}

fn incomplete(operation: &'static str, resource: &str) -> impl FnOnce(BuildError) -> AwsError {
    let resource = resource.to_owned();
    move |error| unusable(operation, resource, error.to_string())
}
