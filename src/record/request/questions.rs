//! Rule 5 carried out: what a request asks CloudFormation.

use super::turn::Turn;
use crate::aws::api::{Objects, Stacks};
use crate::names::BindingId;
use crate::record::data::Record;
use crate::record::protocol::{Asker, MeantBinding, Resource, View};

impl<'a, A: Objects + Stacks> Turn<'a, A> {
    fn asker(&self) -> Asker<'_, A> {
        Asker {
            aws: self.aws,
            stack_id: &self.caller.stack_id,
            logical_id: &self.caller.logical_id,
        }
    }

    /// What CloudFormation says now.
    pub async fn view(&self) -> View {
        self.asker().look().await
    }

    /// What CloudFormation says of the resource now; of the stack as in `view`, unless it is the stack that
    /// tells.
    pub async fn view_again(&self, view: &View) -> View {
        match self.asker().resource().await {
            resource @ Resource::Known(_) => View {
                resource,
                ..view.clone()
            },
            _ => self.view().await,
        }
    }

    /// What CloudFormation says of the stack now.
    pub(super) async fn stack(&self) -> View {
        View {
            stack: self.asker().stack().await,
            resource: Resource::Unknown,
        }
    }

    /// Rule 5.
    ///
    /// # Errors
    /// `Err` with what CloudFormation says by then and the reason, where it does not want this request.
    pub async fn is_wanted(
        &self,
        id: &BindingId,
        record: Option<&Record>,
        view: View,
    ) -> Result<View, (View, String)> {
        let meant = MeantBinding {
            id,
            given: self.caller.physical_id.as_deref(),
            has_record: record.is_some(),
        };
        let kind = self.caller.kind;
        self.asker().is_wanted(&self.clock, kind, meant, view).await
    }

    /// What CloudFormation says once it names a binding as the living one; it may lag behind.
    pub async fn view_of_living(&self, id: &BindingId, view: &View) -> View {
        let names = |view: &View| view.names(id);
        let now = self.clock.now();
        self.asker()
            .wait_for(&self.clock, now, view.clone(), names)
            .await
    }

    /// Whether the stack is known not to roll back, also by what CloudFormation may show later only. That is
    /// waited for once.
    pub async fn goes_on(&self) -> bool {
        let asked = self.asked.get().unwrap_or_else(|| self.clock.now());
        self.asked.set(Some(asked));
        let is_clear = |view: &View| {
            view.stack.is_none() || view.is_rolling_back() == Some(true) || view.is_past_rollback()
        };
        let view = self.view().await;
        let view = self
            .asker()
            .wait_for(&self.clock, asked, view, is_clear)
            .await;
        view.rollback() == Some(false)
    }
}
