//! Rule 5: whether CloudFormation still wants a request. It is refused only after 10 s in which CloudFormation shows
//! the same, because what it shows may lag.

use super::cloudformation::{ResourceStatus, STATUS_INTERVAL, STATUS_LAG, StackReader, StackView};
use crate::aws::api::Stacks;
use crate::clock::Clock;
use crate::names::BindingId;
use crate::record::data::RequestType;
use tracing::info;

/// The binding that a request is about.
#[derive(Debug, Clone, Copy)]
pub struct MeantBinding<'a> {
    pub id: &'a BindingId,
    /// The physical id that the request names.
    pub given: Option<&'a str>,
    pub has_record: bool,
}

impl StackView {
    /// Whether the binding that a request names was replaced since. False in a rollback if that binding still has a
    /// record, because the rollback may go back to it.
    fn was_replaced(&self, meant: MeantBinding<'_>) -> bool {
        let living = self.physical_id().and_then(BindingId::parse);
        let living = living.map(|living| living.to_string());
        let given = meant.given;
        let is_over = self.rollback() == Some(false) || !meant.has_record;
        is_over && living.is_some() && given.is_some() && living.as_deref() != given
    }

    /// Why a request is not wanted. `None` if it is wanted.
    fn refusal(&self, kind: RequestType, meant: MeantBinding<'_>) -> Option<String> {
        let refused = |what: &str, status: &str| {
            Some(format!(
                "CloudFormation does not wait for this {kind:?} any more: the {what} is {status}"
            ))
        };
        match (&self.resource, kind) {
            (ResourceStatus::Known(resource), RequestType::Create) => {
                let is_wanted = resource.status == "CREATE_IN_PROGRESS";
                (!is_wanted).then(|| refused("resource", &resource.status))?
            }
            (ResourceStatus::Known(resource), RequestType::Update) if self.was_replaced(meant) => {
                let living = resource.physical_id.as_deref().unwrap_or_default();
                refused("resource", living)
            }
            (ResourceStatus::Known(resource), RequestType::Update) => {
                // A resource that is being created has nothing to update yet: this Update is of a former one.
                let is_new =
                    resource.status == "CREATE_IN_PROGRESS" && resource.physical_id.is_none();
                let is_wanted = resource.status.ends_with("_IN_PROGRESS")
                    && resource.status != "DELETE_IN_PROGRESS"
                    && !is_new;
                (!is_wanted).then(|| refused("resource", &resource.status))?
            }
            // A late second delivery of a Delete: the resource was made again since.
            (ResourceStatus::Known(resource), RequestType::Delete) => {
                let lives =
                    self.says_is_current(meant.id) && resource.status.ends_with("_COMPLETE");
                (lives && !self.is_leaving()).then(|| refused("resource", &resource.status))?
            }
            (
                ResourceStatus::Missing | ResourceStatus::Unknown,
                RequestType::Create | RequestType::Update,
            ) => {
                let stack = self.stack.as_ref()?;
                // A stack under way might not show yet what it has begun to make. A stack that cleans up makes nothing
                // more.
                let goes_on = stack.status.ends_with("_IN_PROGRESS");
                let makes = goes_on && !stack.status.ends_with("CLEANUP_IN_PROGRESS");
                let has_none = self.resource == ResourceStatus::Missing && !makes;
                let is_over = kind == RequestType::Create
                    && (self.is_leaving() || self.rollback() == Some(true));
                (has_none || is_over).then(|| refused("stack", &stack.status))?
            }
            (ResourceStatus::Missing | ResourceStatus::Unknown, RequestType::Delete) => None,
        }
    }
}

impl<A: Stacks> StackReader<'_, A> {
    /// What CloudFormation shows in the end. `Ok` if it wants the request. `view` is what it shows now.
    ///
    /// # Errors
    /// What it shows in the end and the reason, if it has not wanted the request for 10 s.
    pub async fn is_wanted(
        &self,
        clock: &Clock,
        kind: RequestType,
        meant: MeantBinding<'_>,
        mut view: StackView,
    ) -> Result<StackView, (StackView, String)> {
        let mut since = clock.now();
        // An answer counts from the time when it was asked for, because it may take long.
        let mut asked = since;
        loop {
            let Some(reason) = view.refusal(kind, meant) else {
                return Ok(view);
            };
            if asked.since(since) >= STATUS_LAG {
                info!(reason, "not wanted");
                return Err((view, reason));
            }
            tokio::time::sleep(STATUS_INTERVAL).await;
            asked = clock.now();
            let again = self.read().await;
            if again.resource != view.resource {
                since = clock.now();
            }
            view = again;
        }
    }
}

#[cfg(test)]
mod tests;
