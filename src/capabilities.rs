//! What the binding asks of AWS: one small trait a capability, so that each piece of work
//! says by its bounds what it may touch.
//!
//! No SDK type appears here; `aws` holds the one implementation that talks to AWS.

#![allow(async_fn_in_trait)] // Nothing here is spawned: one invocation is one task.

use crate::model::{
    Attributes, Endpoint, HealthCheck, Listener, LoadBalancer, Registered, Rule, RuleTarget, Tags,
    TargetGroup,
};
use futures_util::stream::{self, StreamExt, TryStreamExt};
use std::collections::BTreeMap;
use std::error::Error;

/// A call that AWS refused, or that did not reach it.
#[derive(Debug, thiserror::Error)]
#[error("{operation} on {resource} failed: {reason}")]
pub struct AwsError {
    pub operation: &'static str,
    pub resource: String,
    /// AWS's own error code, where an answer came.
    pub code: Option<String>,
    /// AWS's code and message, or how the call went wrong before there was an answer.
    pub reason: String,
    #[source]
    pub source: Box<dyn Error + Send + Sync>,
}

impl AwsError {
    /// Whether AWS answered with one of these codes.
    pub fn is(&self, codes: &[&str]) -> bool {
        self.code
            .as_deref()
            .is_some_and(|code| codes.contains(&code))
    }

    /// Whether S3 refuses an object. To a role without `s3:ListBucket` it says the same of one that
    /// does not exist (S3 API, `GetObject`).
    pub fn is_refused_object(&self) -> bool {
        self.operation == "GetObject" && self.is(&["AccessDenied"])
    }

    /// Whether AWS says that the thing asked for does not exist.
    pub fn is_not_found(&self) -> bool {
        self.is(&[
            "LoadBalancerNotFound",
            "ListenerNotFound",
            "TargetGroupNotFound",
            "NoSuchBucket",
            "NoSuchKey",
            "NoSuchTagSet",
            "NotFound",
            "ResourceNotFoundException",
        ])
    }
}

/// How many calls of one kind are under way at once: AWS throttles an account that asks for fifty
/// target groups in one moment.
pub const SIDE_BY_SIDE: usize = 8;

/// Does the same for many, some side by side, and gives the results in order.
///
/// # Errors
/// The first that any of them has.
pub async fn gather<T, E>(
    calls: impl IntoIterator<Item = impl Future<Output = Result<T, E>>>,
) -> Result<Vec<T>, E> {
    stream::iter(calls)
        .buffered(SIDE_BY_SIDE)
        .try_collect()
        .await
}

pub type Answer<T> = Result<T, AwsError>;

pub trait LoadBalancers {
    /// `None` where it does not exist.
    async fn load_balancer(&self, arn: &str) -> Answer<Option<LoadBalancer>>;
    async fn load_balancer_attributes(&self, arn: &str) -> Answer<Attributes>;
}

pub trait Listeners {
    /// All listeners of a load balancer; none where the load balancer does not exist.
    async fn listeners(&self, load_balancer: &str) -> Answer<Vec<Listener>>;
    async fn listener_attributes(&self, arn: &str) -> Answer<Attributes>;
    /// Returns the new listener's ARN.
    async fn create_listener(
        &self,
        load_balancer: &str,
        port: u16,
        target_group: &str,
        tags: &Tags,
    ) -> Answer<String>;
    async fn forward_listener(&self, arn: &str, target_group: &str) -> Answer<()>;
    async fn delete_listener(&self, arn: &str) -> Answer<()>;
}

pub trait TargetGroups {
    async fn target_groups_named(&self, prefix: &str) -> Answer<Vec<TargetGroup>>;
    /// `None` where it does not exist.
    async fn target_group(&self, arn: &str) -> Answer<Option<TargetGroup>>;
    async fn target_group_attributes(&self, arn: &str) -> Answer<Attributes>;
    /// An `ip`/TCP target group; returns its ARN.
    async fn create_target_group(
        &self,
        name: &str,
        port: u16,
        vpc_id: &str,
        health_check: &HealthCheck,
        tags: &Tags,
    ) -> Answer<String>;
    async fn modify_health_check(&self, arn: &str, health_check: &HealthCheck) -> Answer<()>;
    async fn modify_attributes(&self, arn: &str, attributes: &Attributes) -> Answer<()>;
    async fn delete_target_group(&self, arn: &str) -> Answer<()>;
}

pub trait Targets {
    /// `None` where the target group does not exist.
    async fn registered(&self, target_group: &str) -> Answer<Option<Registered>>;
    /// One call; at most [`TARGETS_PER_CALL`] targets. `zone` is `all` for addresses outside
    /// the target group's VPC.
    async fn register(
        &self,
        target_group: &str,
        targets: &[Endpoint],
        zone: Option<&str>,
    ) -> Answer<()>;
    /// One call; at most [`TARGETS_PER_CALL`] targets.
    async fn deregister(&self, target_group: &str, targets: &Registered) -> Answer<()>;
}

/// How many targets one RegisterTargets or DeregisterTargets call carries at most.
pub const TARGETS_PER_CALL: usize = 200;

pub trait ElbTags {
    /// Tags of target groups and listeners by ARN; what does not exist is left out.
    async fn elb_tags(&self, arns: &[String]) -> Answer<BTreeMap<String, Tags>>;
    async fn add_elb_tags(&self, arn: &str, tags: &Tags) -> Answer<()>;
}

pub trait Buckets {
    async fn bucket_exists(&self, bucket: &str) -> Answer<bool>;
    async fn create_bucket(&self, bucket: &str) -> Answer<()>;
    async fn bucket_tags(&self, bucket: &str) -> Answer<Tags>;
    async fn put_bucket_tags(&self, bucket: &str, tags: &Tags) -> Answer<()>;
    async fn delete_bucket(&self, bucket: &str) -> Answer<()>;
}

/// A state object as it was read, with what a conditional write needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    pub body: Vec<u8>,
    pub etag: String,
}

/// What became of a conditional write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    Done,
    /// Somebody else wrote or deleted the object since it was read: nothing was written.
    Lost,
}

pub trait Objects {
    /// `None` only where S3 says NoSuchKey; a missing bucket is an error.
    async fn read(&self, bucket: &str, key: &str) -> Answer<Option<Stored>>;
    /// Writes where the object still has `etag`, or where `None` is given, still does not exist.
    async fn write(
        &self,
        bucket: &str,
        key: &str,
        body: Vec<u8>,
        etag: Option<&str>,
    ) -> Answer<Written>;
    /// Deletes every version and delete marker of the keys that start with `prefix`.
    async fn delete_all(&self, bucket: &str, prefix: &str) -> Answer<()>;
}

pub trait Rules {
    /// `None` where it does not exist.
    async fn rule(&self, name: &str) -> Answer<Option<Rule>>;
    async fn rule_tags(&self, arn: &str) -> Answer<Tags>;
    /// Makes or changes an enabled schedule rule; the tags count only for a new one.
    async fn put_rule(&self, name: &str, schedule: &str, tags: &Tags) -> Answer<()>;
    async fn put_rule_target(&self, rule: &str, target: &RuleTarget) -> Answer<()>;
    async fn remove_rule_targets(&self, rule: &str, ids: &[String]) -> Answer<()>;
    async fn delete_rule(&self, rule: &str) -> Answer<()>;
    async fn tag_rule(&self, arn: &str, tags: &Tags) -> Answer<()>;
}

pub trait Metrics {
    /// How many addresses the load balancer has in DNS now.
    async fn put_ip_count(&self, load_balancer: &str, count: usize) -> Answer<()>;
}

/// What CloudFormation does not tell a custom resource of its stack.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stack {
    pub tags: Tags,
    /// Whether it is being deleted, or is deleted already.
    pub is_leaving: bool,
}

pub trait Stacks {
    /// `None` where this account has no such stack.
    async fn stack(&self, stack_id: &str) -> Answer<Option<Stack>>;
}
