//! What is asked of EventBridge.

use super::error::AwsResult;
use crate::model::{Rule, RuleTarget, Tags};
use crate::permit::Permit;

/// Schedule rules of the default event bus.
pub trait Rules {
    /// `None` if the rule does not exist.
    async fn rule(&self, name: &str) -> AwsResult<Option<Rule>>;
    /// The names of all rules whose name starts with `prefix`.
    async fn rules_with_prefix(&self, prefix: &str) -> AwsResult<Vec<String>>;
    async fn rule_tags(&self, arn: &str) -> AwsResult<Tags>;
    /// Makes or changes a rule and enables it; returns its ARN. AWS takes the tags only for a new rule.
    async fn put_rule(
        &self,
        permit: Permit,
        name: &str,
        schedule: &str,
        tags: &Tags,
    ) -> AwsResult<String>;
    async fn put_rule_target(
        &self,
        permit: Permit,
        rule: &str,
        target: &RuleTarget,
    ) -> AwsResult<()>;
    async fn remove_rule_targets(
        &self,
        permit: Permit,
        rule: &str,
        ids: &[String],
    ) -> AwsResult<()>;
    async fn delete_rule(&self, permit: Permit, rule: &str) -> AwsResult<()>;
    async fn tag_rule(&self, permit: Permit, arn: &str, tags: &Tags) -> AwsResult<()>;
}
