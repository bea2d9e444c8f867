//! Rule 5 of the record: whether CloudFormation still wants what a request asks for. It is asked, and
//! where it says no, once more and again for ten seconds, for what it shows may lag behind.

use super::cloudformation::{Asker, BETWEEN, LAG, Resource, View};
use crate::aws::api::Stacks;
use crate::clock::Clock;
use crate::names::BindingId;
use crate::record::data::RequestType;
use tracing::info;

/// The binding that a request is about.
#[derive(Debug, Clone, Copy)]
pub struct Meant<'a> {
    pub id: &'a BindingId,
    /// The physical id that the request came with.
    pub given: Option<&'a str>,
    pub has_record: bool,
}

impl View {
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

#[cfg(test)]
mod tests;
