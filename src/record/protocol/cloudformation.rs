//! Rule 5: what CloudFormation shows of a stack and of one resource in it. What it shows may lag by seconds. This only
//! reads.

use crate::aws::api::{AwsResult, Stack, StackResource, Stacks};
use crate::clock::{Clock, Timestamp};
use crate::log::chain;
use crate::names::BindingId;
use std::time::Duration;
use tracing::warn;

/// For how long CloudFormation must show the same before a request is refused.
pub const STATUS_LAG: Duration = Duration::from_secs(10);

/// How long CloudFormation may take to answer. Without its answer the request goes on.
const STATUS_TIMEOUT: Duration = Duration::from_secs(60);

/// The time between two reads of the status.
pub(super) const STATUS_INTERVAL: Duration = Duration::from_secs(1);

/// Reads the status of a stack and of one resource in it, which a request of CloudFormation names.
#[derive(Debug, Clone, Copy)]
pub struct StackReader<'a, A> {
    pub aws: &'a A,
    pub stack_id: &'a str,
    pub logical_id: &'a str,
}

/// What CloudFormation shows of a stack and of one resource in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StackView {
    /// `None` if CloudFormation cannot be asked.
    pub stack: Option<Stack>,
    pub resource: ResourceStatus,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum ResourceStatus {
    /// CloudFormation cannot be asked: the stack is of another account, the call is denied, or there was no answer.
    #[default]
    Unknown,
    /// The stack has no such resource.
    Missing,
    Known(StackResource),
}

impl StackView {
    /// Whether the stack rolls back or has rolled back. `None` if that is not known.
    pub fn rollback(&self) -> Option<bool> {
        let stack = self.stack.as_ref();
        stack.map(|stack| stack.status.contains("ROLLBACK"))
    }

    /// Whether the stack rolls back now. `None` if that is not known. A rollback that is complete does not count:
    /// CloudFormation may still show it when the next Update has begun.
    pub fn is_rolling_back(&self) -> Option<bool> {
        let stack = self.stack.as_ref();
        let rollback = self.rollback();
        rollback.map(|rolls_back| {
            rolls_back && stack.is_some_and(|stack| !stack.status.ends_with("ROLLBACK_COMPLETE"))
        })
    }

    /// Whether CloudFormation can be asked about the resource.
    pub const fn is_known(&self) -> bool {
        !matches!(self.resource, ResourceStatus::Unknown)
    }

    /// Whether no rollback can follow any more.
    pub fn is_past_rollback(&self) -> bool {
        let stack = self.stack.as_ref();
        stack.is_some_and(|stack| {
            stack.status.starts_with("DELETE")
                || stack.status == "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"
        })
    }

    /// Whether the stack is deleted or being deleted, or takes its creation back.
    pub(super) fn is_leaving(&self) -> bool {
        let stack = self.stack.as_ref();
        stack.is_some_and(|stack| {
            stack.status.starts_with("DELETE") || stack.status.starts_with("ROLLBACK")
        })
    }

    /// Whether the resource has no physical id yet. The answer that gives the id may be under way.
    pub fn has_no_physical_id(&self) -> bool {
        matches!(&self.resource, ResourceStatus::Known(resource) if resource.physical_id.is_none())
    }

    /// Whether CloudFormation names this binding as the living one.
    pub fn says_is_current(&self, id: &BindingId) -> bool {
        let physical_id = self.physical_id();
        physical_id.is_some_and(|physical_id| physical_id == id.to_string())
    }

    /// The physical id of the resource. `None` if the resource is gone or not known, or has no id yet.
    pub fn physical_id(&self) -> Option<&str> {
        match &self.resource {
            ResourceStatus::Known(resource) if resource.status != "DELETE_COMPLETE" => {
                resource.physical_id.as_deref()
            }
            _ => None,
        }
    }
}

impl<A: Stacks> StackReader<'_, A> {
    /// Reads the stack and the resource once.
    pub async fn read(&self) -> StackView {
        let (stack, resource) = tokio::join!(self.stack(), self.resource());
        StackView { stack, resource }
    }

    /// Reads the stack. `None` if CloudFormation cannot be asked.
    pub async fn stack(&self) -> Option<Stack> {
        answer_in_time(self.aws.stack(self.stack_id))
            .await
            .flatten()
    }

    /// Reads the resource.
    pub async fn resource(&self) -> ResourceStatus {
        let asked = self.aws.stack_resource(self.stack_id, self.logical_id);
        match answer_in_time(asked).await {
            Some(Some(resource)) => ResourceStatus::Known(resource),
            Some(None) => ResourceStatus::Missing,
            None => ResourceStatus::Unknown,
        }
    }

    /// Reads until CloudFormation shows what is waited for, [`STATUS_LAG`] after `since` at most. `view` is what it
    /// shows now.
    pub async fn wait_for(
        &self,
        clock: &Clock,
        since: Timestamp,
        mut view: StackView,
        is_shown: impl Fn(&StackView) -> bool,
    ) -> StackView {
        let mut asked = clock.now();
        while !is_shown(&view) && asked.since(since) < STATUS_LAG {
            tokio::time::sleep(STATUS_INTERVAL).await;
            asked = clock.now();
            view = self.read().await;
        }
        view
    }
}

async fn answer_in_time<T>(asked: impl Future<Output = AwsResult<T>>) -> Option<T> {
    let error = match tokio::time::timeout(STATUS_TIMEOUT, asked).await {
        Ok(Ok(answer)) => return Some(answer),
        Ok(Err(error)) => chain(&error),
        Err(_) => "no answer in time".to_owned(),
    };
    warn!(
        error,
        "CloudFormation cannot be asked, so it is taken at its word"
    );
    None
}
