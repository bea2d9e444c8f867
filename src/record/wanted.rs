//! Rule 5 of the record: whether CloudFormation still wants what a request asks for. It is asked, and
//! where it says no, once more and again for ten seconds, for what it shows may lag behind.

use super::request::RequestType;
use crate::aws::api::{AwsResult, Stack, StackResource, Stacks};
use crate::clock::{Clock, Timestamp};
use crate::log::chain;
use crate::names::BindingId;
use std::time::Duration;
use tracing::{info, warn};

/// For how long CloudFormation must say the same before a request is refused: what it shows may lag.
pub const LAG: Duration = Duration::from_secs(10);

/// How long CloudFormation may take to answer. What is to be done can be done without its word.
const ASKING: Duration = Duration::from_secs(60);

/// How long lies between two looks meanwhile.
const BETWEEN: Duration = Duration::from_secs(1);

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

/// The binding that a request is about.
#[derive(Debug, Clone, Copy)]
pub struct Meant<'a> {
    pub id: &'a BindingId,
    /// The physical id that the request came with.
    pub given: Option<&'a str>,
    pub has_record: bool,
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
    fn rolls_back(&self) -> bool {
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
    fn leaves(&self) -> bool {
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

    /// Whether the binding that a request came with has been replaced since. A rollback may go back to it
    /// where it still has a record.
    fn has_replaced(&self, meant: Meant<'_>) -> bool {
        let living = self.physical_id().and_then(BindingId::parse);
        let living = living.map(|living| living.to_string());
        let given = meant.given;
        let is_over = self.rollback() == Some(false) || !meant.has_record;
        is_over && living.is_some() && given.is_some() && living.as_deref() != given
    }

    /// Why a request is not wanted, where it is not.
    fn refuses(&self, kind: RequestType, meant: Meant<'_>) -> Option<String> {
        let refused = |what: &str, status: &str| {
            Some(format!(
                "CloudFormation does not wait for this {kind:?} any more: the {what} is {status}"
            ))
        };
        match (&self.resource, kind) {
            (Resource::Known(resource), RequestType::Create) => {
                let is_wanted = resource.status == "CREATE_IN_PROGRESS";
                (!is_wanted).then(|| refused("resource", &resource.status))?
            }
            (Resource::Known(resource), RequestType::Update) if self.has_replaced(meant) => {
                let living = resource.physical_id.as_deref().unwrap_or_default();
                refused("resource", living)
            }
            (Resource::Known(resource), RequestType::Update) => {
                // One that is just being created has nothing to be updated yet: it was made again.
                let is_new =
                    resource.status == "CREATE_IN_PROGRESS" && resource.physical_id.is_none();
                let is_wanted = resource.status.ends_with("_IN_PROGRESS")
                    && resource.status != "DELETE_IN_PROGRESS"
                    && !is_new;
                (!is_wanted).then(|| refused("resource", &resource.status))?
            }
            // A late second delivery: the resource has been made again since.
            (Resource::Known(resource), RequestType::Delete) => {
                let lives = self.names(meant.id) && resource.status.ends_with("_COMPLETE");
                (lives && !self.leaves()).then(|| refused("resource", &resource.status))?
            }
            (Resource::Missing | Resource::Unknown, RequestType::Create | RequestType::Update) => {
                let stack = self.stack.as_ref()?;
                // A stack that goes on may not show yet what it has begun to make. Once it cleans up it makes
                // nothing more.
                let goes_on = stack.status.ends_with("_IN_PROGRESS");
                let makes = goes_on && !stack.status.ends_with("CLEANUP_IN_PROGRESS");
                let has_none = self.resource == Resource::Missing && !makes;
                let is_over = kind == RequestType::Create && (self.leaves() || self.rolls_back());
                (has_none || is_over).then(|| refused("stack", &stack.status))?
            }
            (Resource::Missing | Resource::Unknown, RequestType::Delete) => None,
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

    /// `Err` with the reason, where CloudFormation has said for ten seconds that it does not want
    /// this; else what it last said.
    pub async fn wants(
        &self,
        clock: &Clock,
        kind: RequestType,
        meant: Meant<'_>,
        mut view: View,
    ) -> Result<View, (View, String)> {
        let mut since = clock.now();
        // What is said counts from when it was asked, for an answer may take its time.
        let mut asked = since;
        loop {
            let Some(reason) = view.refuses(kind, meant) else {
                return Ok(view);
            };
            if asked.since(since) >= LAG {
                info!(reason, "not wanted");
                return Err((view, reason));
            }
            tokio::time::sleep(BETWEEN).await;
            asked = clock.now();
            let again = self.look().await;
            if again.resource != view.resource {
                since = clock.now();
            }
            view = again;
        }
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

#[cfg(test)]
mod tests;
