//! Rule 5 for one request: what it asks CloudFormation about its stack and its resource.

use super::turn::Turn;
use crate::aws::api::{Objects, Stacks};
use crate::names::BindingId;
use crate::permit::CALL_TIMEOUT;
use crate::record::data::Record;
use crate::record::error::RecordError;
use crate::record::protocol::{
    LeaseHolder, MeantBinding, ResourceStatus, StackReader, StackView, is_cancelled,
};

impl<'a, A: Objects + Stacks> Turn<'a, A> {
    fn stack_reader(&self) -> StackReader<'_, A> {
        StackReader {
            aws: self.aws,
            stack_id: &self.caller.stack_id,
            logical_id: &self.caller.logical_id,
        }
    }

    /// What CloudFormation shows now of the stack and the resource.
    pub async fn stack_view(&self) -> StackView {
        self.stack_reader().read().await
    }

    /// What CloudFormation shows now of the resource. If the resource is known, the stack is that of `view`, else it is
    /// read again.
    pub async fn read_resource_again(&self, view: &StackView) -> StackView {
        match self.stack_reader().resource().await {
            resource @ ResourceStatus::Known(_) => StackView {
                resource,
                ..view.clone()
            },
            _ => self.stack_view().await,
        }
    }

    /// What CloudFormation shows now of the stack.
    pub(super) async fn stack(&self) -> StackView {
        StackView {
            stack: self.stack_reader().stack().await,
            resource: ResourceStatus::Unknown,
        }
    }

    /// What CloudFormation shows in the end. `Ok` if it wants this request. `view` is what it shows now.
    ///
    /// # Errors
    /// What it shows in the end and the reason, if it does not want this request.
    pub async fn is_wanted(
        &self,
        id: &BindingId,
        record: Option<&Record>,
        view: StackView,
    ) -> Result<StackView, (StackView, String)> {
        let meant = MeantBinding {
            id,
            given: self.caller.physical_id.as_deref(),
            has_record: record.is_some(),
        };
        let kind = self.caller.kind;
        self.stack_reader()
            .is_wanted(&self.clock, kind, meant, view)
            .await
    }

    /// Waits until CloudFormation names a binding as the living one, 10 s at most, and gives what it then shows.
    pub async fn wait_until_living(&self, id: &BindingId, view: &StackView) -> StackView {
        let names = |view: &StackView| view.says_is_current(id);
        let now = self.clock.now();
        self.stack_reader()
            .wait_for(&self.clock, now, view.clone(), names)
            .await
    }

    /// Whether the stack is known not to roll back. What CloudFormation shows may lag, so this waits up to 10 s, but
    /// only once in each request.
    pub async fn will_not_roll_back(&self) -> bool {
        let asked = self.asked.get().unwrap_or_else(|| self.clock.now());
        self.asked.set(Some(asked));
        let is_clear = |view: &StackView| {
            view.stack.is_none() || view.is_rolling_back() == Some(true) || view.is_past_rollback()
        };
        let view = self.stack_view().await;
        let view = self
            .stack_reader()
            .wait_for(&self.clock, asked, view, is_clear)
            .await;
        view.rollback() == Some(false)
    }

    /// Stops an Update that was cancelled since it claimed the record. Its rollback is under way, and the orders must
    /// stay as they are.
    ///
    /// # Errors
    /// If it was cancelled, or if another request or delivery has claimed the record.
    pub async fn stop_if_rolled_back(&self, id: &BindingId) -> Result<(), RecordError> {
        let claim = self.last_known(id).and_then(|held| held.record.claim);
        let claim = claim.filter(|claim| is_cancelled(claim, Some(true)));
        let Some(claim) = claim else {
            return self.check_all_claims().await;
        };
        // If CloudFormation does not answer in time, the Update goes on.
        let stack = tokio::time::timeout(CALL_TIMEOUT, self.stack());
        let (held, view) = tokio::join!(self.lease().holder().confirm(), stack);
        held?;
        let rollback = view.ok().and_then(|view| view.is_rolling_back());
        match is_cancelled(&claim, rollback) {
            true => Err(RecordError::RolledBack),
            false => Ok(()),
        }
    }
}
