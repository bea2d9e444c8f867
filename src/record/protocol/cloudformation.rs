//! What CloudFormation says of a stack and of one resource in it. It is asked and never believed at once, for
//! what it shows may lag.

use crate::aws::api::{AwsResult, Stack, StackResource, Stacks};
use crate::clock::{Clock, Timestamp};
use crate::log::chain;
use crate::names::BindingId;
use std::time::Duration;
use tracing::warn;

/// For how long CloudFormation must say the same before a request is refused: what it shows may lag.
pub const LAG: Duration = Duration::from_secs(10);

/// How long CloudFormation may take to answer. What is to be done can be done without its word.
const ASKING: Duration = Duration::from_secs(60);

/// How long lies between two looks meanwhile.
pub(super) const BETWEEN: Duration = Duration::from_secs(1);

/// A stack's resource, as CloudFormation's own requests name it.
#[derive(Debug, Clone, Copy)]
pub struct Asker<'a, A> {
    pub aws: &'a A,
    pub stack_id: &'a str,
    pub logical_id: &'a str,
}

/// What CloudFormation says of a stack and of one resource in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct View {
    /// `None` where it cannot be asked.
    pub stack: Option<Stack>,
    pub resource: Resource,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Resource {
    /// It cannot be asked: another account's stack, not allowed, or not known.
    #[default]
    Unknown,
    /// The stack is known, and has no such resource.
    Missing,
    Known(StackResource),
}

impl View {
    /// Whether the stack rolls back, where that is known.
    pub fn rollback(&self) -> Option<bool> {
        let stack = self.stack.as_ref();
        stack.map(|stack| stack.status.contains("ROLLBACK"))
    }

    /// Whether an Update is being rolled back, where that is known. A rollback that is over is none: it may be
    /// shown still when the next Update has begun.
    pub fn is_rolling_back(&self) -> Option<bool> {
        let stack = self.stack.as_ref();
        let rollback = self.rollback();
        rollback.map(|rolls_back| {
            rolls_back && stack.is_some_and(|stack| !stack.status.ends_with("ROLLBACK_COMPLETE"))
        })
    }

    /// Whether CloudFormation can be asked about the resource.
    pub const fn is_known(&self) -> bool {
        !matches!(self.resource, Resource::Unknown)
    }

    /// Whether the stack is known to roll back, or to have rolled back.
    pub(super) fn rolls_back(&self) -> bool {
        self.rollback() == Some(true)
    }

    /// Whether what the stack has begun leads to no rollback any more.
    pub fn is_past_rollback(&self) -> bool {
        let stack = self.stack.as_ref();
        stack.is_some_and(|stack| {
            stack.status.starts_with("DELETE")
                || stack.status == "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"
        })
    }

    /// Whether the stack is deleted, or is about to be.
    pub(super) fn leaves(&self) -> bool {
        let stack = self.stack.as_ref();
        stack.is_some_and(|stack| {
            stack.status.starts_with("DELETE") || stack.status.starts_with("ROLLBACK")
        })
    }

    /// Whether the resource has no id yet, which its request may have been answered with just now.
    pub fn is_nameless(&self) -> bool {
        matches!(&self.resource, Resource::Known(resource) if resource.physical_id.is_none())
    }

    /// Whether CloudFormation counts this binding as the resource's own.
    pub fn names(&self, id: &BindingId) -> bool {
        let physical_id = self.physical_id();
        physical_id.is_some_and(|physical_id| physical_id == id.to_string())
    }

    /// The id that CloudFormation knows the resource by; none where the resource is gone.
    pub fn physical_id(&self) -> Option<&str> {
        match &self.resource {
            Resource::Known(resource) if resource.status != "DELETE_COMPLETE" => {
                resource.physical_id.as_deref()
            }
            _ => None,
        }
    }
}

impl<A: Stacks> Asker<'_, A> {
    /// Asks CloudFormation once. What it does not say is unknown.
    pub async fn look(&self) -> View {
        let (stack, resource) = tokio::join!(self.stack(), self.resource());
        View { stack, resource }
    }

    /// The stack, where CloudFormation can be asked about it.
    pub async fn stack(&self) -> Option<Stack> {
        answered(self.aws.stack(self.stack_id)).await.flatten()
    }

    /// The resource.
    pub async fn resource(&self) -> Resource {
        let asked = self.aws.stack_resource(self.stack_id, self.logical_id);
        match answered(asked).await {
            Some(Some(resource)) => Resource::Known(resource),
            Some(None) => Resource::Missing,
            None => Resource::Unknown,
        }
    }

    /// What CloudFormation says, of which `view` is what it says now, once it says so, or has had the time for it
    /// since then.
    pub async fn says(
        &self,
        clock: &Clock,
        since: Timestamp,
        mut view: View,
        so: impl Fn(&View) -> bool,
    ) -> View {
        let mut asked = clock.now();
        while !so(&view) && asked.since(since) < LAG {
            tokio::time::sleep(BETWEEN).await;
            asked = clock.now();
            view = self.look().await;
        }
        view
    }
}

async fn answered<T>(asked: impl Future<Output = AwsResult<T>>) -> Option<T> {
    let error = match tokio::time::timeout(ASKING, asked).await {
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
