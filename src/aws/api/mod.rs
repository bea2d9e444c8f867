//! What is asked of AWS: one trait a service, which `sdk` implements one file a service, and [`Aws`], which is all of
//! them. Who needs no more than one of them asks for that one: [`Objects`], [`Targets`] and [`Stacks`].
//!
//! A call that changes something takes a permit, and is made once: the record's lease repeats it.
//! No SDK type appears here.

mod error;
mod response;

pub use error::{AwsError, AwsResult, TRIES, Trouble, is_in_use, unless_gone};
pub use response::{PutError, Responder, ResponseUrl};

use crate::clock::Timestamp;
use crate::model::{
    Attributes, Endpoint, HealthCheck, Listener, LoadBalancer, Registered, Rule, RuleTarget, Tags,
    TargetGroup, TargetHealth, registered,
};
use crate::permit::Permit;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use std::collections::BTreeMap;

/// How many calls of one kind are under way at once: AWS throttles an account that asks for fifty
/// target groups in one moment.
pub const CALLS_SIDE_BY_SIDE: usize = 10;

/// Does the same for many, some side by side, and gives the results in order.
///
/// # Errors
/// The first that any of them has.
pub async fn gather<T, E>(
    calls: impl IntoIterator<Item = impl Future<Output = Result<T, E>>>,
) -> Result<Vec<T>, E> {
    stream::iter(calls)
        .buffered(CALLS_SIDE_BY_SIDE)
        .try_collect()
        .await
}

pub trait LoadBalancers {
    /// Those that exist.
    async fn load_balancers(&self, arns: &[String]) -> AwsResult<Vec<LoadBalancer>>;
    async fn load_balancer_attributes(&self, arn: &str) -> AwsResult<Attributes>;
}

pub trait Listeners {
    /// All listeners of a load balancer; none where the load balancer does not exist.
    async fn listeners(&self, load_balancer: &str) -> AwsResult<Vec<Listener>>;
    async fn listener_attributes(&self, arn: &str) -> AwsResult<Attributes>;
    /// How many seconds without traffic a TCP listener holds a connection.
    async fn set_idle_timeout(&self, permit: Permit, arn: &str, seconds: u32) -> AwsResult<()>;
    /// Returns the new listener's ARN.
    async fn create_listener(
        &self,
        permit: Permit,
        load_balancer: &str,
        port: u16,
        target_group: &str,
        tags: &Tags,
    ) -> AwsResult<String>;
    /// Forwards to another target group, and from another port where one is given.
    async fn modify_listener(
        &self,
        permit: Permit,
        arn: &str,
        port: Option<u16>,
        target_group: &str,
    ) -> AwsResult<()>;
    async fn delete_listener(&self, permit: Permit, arn: &str) -> AwsResult<()>;
}

pub trait TargetGroups {
    /// Those that exist.
    async fn target_groups_called(&self, names: &[String]) -> AwsResult<Vec<TargetGroup>>;
    /// All whose name starts with `prefix`, which takes a look at every target group of the account.
    async fn target_groups_named(&self, prefix: &str) -> AwsResult<Vec<TargetGroup>>;
    /// `None` where it does not exist.
    async fn target_group(&self, arn: &str) -> AwsResult<Option<TargetGroup>>;
    async fn target_group_attributes(&self, arn: &str) -> AwsResult<Attributes>;
    /// An `ip`/TCP target group; returns its ARN.
    async fn create_target_group(
        &self,
        permit: Permit,
        name: &str,
        port: u16,
        vpc_id: &str,
        health_check: &HealthCheck,
        tags: &Tags,
    ) -> AwsResult<String>;
    async fn modify_health_check(
        &self,
        permit: Permit,
        arn: &str,
        health_check: &HealthCheck,
    ) -> AwsResult<()>;
    async fn modify_attributes(
        &self,
        permit: Permit,
        arn: &str,
        attributes: &Attributes,
    ) -> AwsResult<()>;
    async fn delete_target_group(&self, permit: Permit, arn: &str) -> AwsResult<()>;
}

pub trait Targets {
    /// Every target, also what is draining; `None` where the target group does not exist.
    async fn target_health(&self, target_group: &str) -> AwsResult<Option<Vec<TargetHealth>>>;
    /// What is registered; `None` where the target group does not exist.
    async fn registered(&self, target_group: &str) -> AwsResult<Option<Registered>> {
        let targets = self.target_health(target_group).await?;
        Ok(targets.map(registered))
    }
    /// One call; at most [`TARGETS_PER_CALL`] targets. `zone` is `all` for addresses outside
    /// the target group's VPC.
    async fn register(
        &self,
        permit: Permit,
        target_group: &str,
        targets: &[Endpoint],
        zone: Option<&str>,
    ) -> AwsResult<()>;
    /// One call; at most [`TARGETS_PER_CALL`] targets.
    async fn deregister(
        &self,
        permit: Permit,
        target_group: &str,
        targets: &Registered,
    ) -> AwsResult<()>;
}

/// How many targets one RegisterTargets or DeregisterTargets call carries at most.
pub const TARGETS_PER_CALL: usize = 200;

pub trait ElbTags {
    /// Tags of target groups and listeners by ARN; what does not exist is left out.
    async fn elb_tags(&self, arns: &[String]) -> AwsResult<BTreeMap<String, Tags>>;
    async fn add_elb_tags(&self, permit: Permit, arn: &str, tags: &Tags) -> AwsResult<()>;
}

pub trait Buckets {
    async fn bucket_exists(&self, bucket: &str) -> AwsResult<bool>;
    /// One that is there already and is the caller's own keeps its tags.
    async fn create_bucket(&self, permit: Permit, bucket: &str, tags: &Tags) -> AwsResult<()>;
    async fn bucket_tags(&self, bucket: &str) -> AwsResult<Tags>;
    async fn put_bucket_tags(&self, permit: Permit, bucket: &str, tags: &Tags) -> AwsResult<()>;
    /// `None` where it has no policy.
    async fn bucket_policy(&self, bucket: &str) -> AwsResult<Option<String>>;
    async fn put_bucket_policy(&self, permit: Permit, bucket: &str, policy: &str) -> AwsResult<()>;
    async fn delete_bucket(&self, permit: Permit, bucket: &str) -> AwsResult<()>;
}

/// An object as it was read, with what a conditional write needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    pub body: Vec<u8>,
    pub etag: String,
}

/// What became of a conditional write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Written {
    Done {
        etag: String,
    },
    /// Somebody else wrote or deleted the object since it was read: nothing was written.
    Lost,
}

pub trait Objects {
    /// `None` only where S3 says NoSuchKey; a missing bucket is an error, and so is an archived object.
    async fn read(&self, bucket: &str, key: &str) -> AwsResult<Option<Stored>>;
    /// Writes where the object still has `etag`, or where `None` is given, still does not exist.
    async fn write(
        &self,
        bucket: &str,
        key: &str,
        body: Vec<u8>,
        etag: Option<&str>,
    ) -> AwsResult<Written>;
    /// What a conditional write over an object that cannot be read needs; `None` where there is none.
    async fn etag(&self, bucket: &str, key: &str) -> AwsResult<Option<String>>;
    /// Every version and delete marker of the keys that start with `prefix`.
    async fn versions(&self, bucket: &str, prefix: &str) -> AwsResult<Vec<Version>>;
    /// Deletes them, at most [`VERSIONS_PER_CALL`]; gives those that it may not delete, such as versions
    /// under a retention lock (S3 guide, "Object Lock"). A key without a version is marked as deleted.
    async fn delete_versions(
        &self,
        permit: Permit,
        bucket: &str,
        versions: &[Version],
    ) -> AwsResult<Vec<Version>>;
}

/// One version of an object, or one delete marker.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    pub key: String,
    pub id: Option<String>,
}

impl Version {
    /// Whether it has an id of its own, as in a bucket with versions; what is written later has another.
    pub fn is_one_of_several(&self) -> bool {
        self.id.as_deref().is_some_and(|id| id != "null")
    }
}

/// How many versions one DeleteObjects call carries at most (S3 API).
pub const VERSIONS_PER_CALL: usize = 1000;

pub trait Rules {
    /// `None` where it does not exist.
    async fn rule(&self, name: &str) -> AwsResult<Option<Rule>>;
    /// The names of all rules whose name starts with `prefix`.
    async fn rules_named(&self, prefix: &str) -> AwsResult<Vec<String>>;
    async fn rule_tags(&self, arn: &str) -> AwsResult<Tags>;
    /// Makes or changes an enabled schedule rule; the tags count only for a new one.
    /// Returns its ARN.
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

pub trait Metrics {
    /// How many addresses the load balancer has in DNS now.
    async fn put_ip_count(&self, load_balancer: &str, count: usize) -> AwsResult<()>;
    /// When that was last put, in a minute of these; `None` where it was not.
    async fn last_ip_count(
        &self,
        load_balancer: &str,
        from: Timestamp,
        until: Timestamp,
    ) -> AwsResult<Option<Timestamp>>;
}

/// A stack, as far as CloudFormation does not tell a custom resource of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stack {
    pub tags: Tags,
    /// As in `UPDATE_ROLLBACK_IN_PROGRESS` (CloudFormation API, `Stack`, `StackStatus`).
    pub status: String,
}

/// One resource of a stack (CloudFormation API, `StackResourceDetail`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StackResource {
    pub physical_id: Option<String>,
    /// As in `CREATE_IN_PROGRESS`.
    pub status: String,
}

pub trait Stacks {
    /// `None` where this account has no such stack.
    async fn stack(&self, stack_id: &str) -> AwsResult<Option<Stack>>;
    /// `None` where the stack has no such resource; a stack that is not known is an error.
    async fn stack_resource(
        &self,
        stack_id: &str,
        logical_id: &str,
    ) -> AwsResult<Option<StackResource>>;
}

/// All that is asked of AWS.
pub trait Aws:
    LoadBalancers
    + Listeners
    + TargetGroups
    + Targets
    + ElbTags
    + Buckets
    + Objects
    + Rules
    + Metrics
    + Stacks
{
}
impl<T> Aws for T where
    T: LoadBalancers
        + Listeners
        + TargetGroups
        + Targets
        + ElbTags
        + Buckets
        + Objects
        + Rules
        + Metrics
        + Stacks
{
}
