//! What is asked of Elastic Load Balancing (ELBv2).

use super::error::AwsResult;
use crate::model::{
    Attributes, Endpoint, HealthCheck, Listener, LoadBalancer, Registered, Tags, TargetGroup,
    TargetHealth, registered,
};
use crate::permit::Permit;
use std::collections::BTreeMap;

/// Both load balancers, which are only read.
pub trait LoadBalancers {
    /// Those of the load balancers that exist.
    async fn load_balancers(&self, arns: &[String]) -> AwsResult<Vec<LoadBalancer>>;
    async fn load_balancer_attributes(&self, arn: &str) -> AwsResult<Attributes>;
}

/// The listeners of both load balancers. Only an NLB's are changed.
pub trait Listeners {
    /// All listeners of a load balancer; none if the load balancer does not exist.
    async fn listeners(&self, load_balancer: &str) -> AwsResult<Vec<Listener>>;
    async fn listener_attributes(&self, arn: &str) -> AwsResult<Attributes>;
    /// Sets after how many seconds without traffic a TCP listener forgets a connection.
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
    /// Makes a listener forward to another target group, and listen on another port if one is given.
    async fn modify_listener(
        &self,
        permit: Permit,
        arn: &str,
        port: Option<u16>,
        target_group: &str,
    ) -> AwsResult<()>;
    async fn delete_listener(&self, permit: Permit, arn: &str) -> AwsResult<()>;
}

/// Target groups of type `ip`.
pub trait TargetGroups {
    /// Those of the target groups with these names that exist.
    async fn target_groups_by_name(&self, names: &[String]) -> AwsResult<Vec<TargetGroup>>;
    /// All whose name starts with `prefix`. AWS has no such filter, so every target group of the account is read.
    async fn target_groups_with_prefix(&self, prefix: &str) -> AwsResult<Vec<TargetGroup>>;
    /// `None` if it does not exist.
    async fn target_group(&self, arn: &str) -> AwsResult<Option<TargetGroup>>;
    async fn target_group_attributes(&self, arn: &str) -> AwsResult<Attributes>;
    /// Creates an `ip`/TCP target group; returns its ARN.
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

/// The targets of a target group.
pub trait Targets {
    /// Every target, also a draining one; `None` if the target group does not exist.
    async fn target_health(&self, target_group: &str) -> AwsResult<Option<Vec<TargetHealth>>>;
    /// The registered targets, without draining ones; `None` if the target group does not exist.
    async fn registered(&self, target_group: &str) -> AwsResult<Option<Registered>> {
        let targets = self.target_health(target_group).await?;
        Ok(targets.map(registered))
    }
    /// Registers at most [`TARGETS_PER_CALL`] targets by one call. `zone` is `all` for addresses outside of the target
    /// group's VPC.
    async fn register(
        &self,
        permit: Permit,
        target_group: &str,
        targets: &[Endpoint],
        zone: Option<&str>,
    ) -> AwsResult<()>;
    /// Deregisters at most [`TARGETS_PER_CALL`] targets by one call.
    async fn deregister(
        &self,
        permit: Permit,
        target_group: &str,
        targets: &Registered,
    ) -> AwsResult<()>;
}

/// How many targets a call of RegisterTargets or DeregisterTargets may have.
pub const TARGETS_PER_CALL: usize = 200;

/// The tags of target groups and listeners.
pub trait ElbTags {
    /// Tags by ARN; a target group or listener that does not exist is left out.
    async fn elb_tags(&self, arns: &[String]) -> AwsResult<BTreeMap<String, Tags>>;
    async fn add_elb_tags(&self, permit: Permit, arn: &str, tags: &Tags) -> AwsResult<()>;
}
