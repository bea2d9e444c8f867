//! Rule 5 of the record: a request changes something only while CloudFormation still wants its binding.

use super::former;
use super::making::Making;
use crate::aws::api::Aws;
use crate::binding::delete::take_away;
use crate::binding::error::BindingError;
use crate::binding::hints::Hints;
use crate::discovery::Dns;
use crate::log::chain;
use crate::record::{Record, RecordError, Response, StackView};
use tracing::{info, warn};

impl<A: Aws, D: Dns> Making<'_, '_, A, D> {
    /// Asks CloudFormation whether the binding is still wanted. If it is not, takes away what this request has made.
    ///
    /// # Errors
    /// If the binding is not wanted or another delivery has been answered, and what AWS refuses.
    pub(super) async fn check_wanted(
        &self,
        view: StackView,
        record: Option<&Record>,
    ) -> Result<StackView, BindingError> {
        let Self {
            aws, turn, desired, ..
        } = *self;
        let (view, reason) = match turn.is_wanted(&desired.id, record, view).await {
            Ok(view) => return Ok(view),
            Err(refused) => refused,
        };
        self.check_unanswered().await?;
        let is_own_work = match record {
            Some(record) => record.claim.as_ref().is_some_and(|claim| {
                claim.made && claim.delivery.request == turn.caller().delivery.request
            }),
            None => !view.says_is_current(&desired.id),
        };
        if is_own_work {
            info!("taking away what this request has made");
            let hints = Hints::of(&desired.properties);
            let taken = take_away(aws, turn, &desired.id, &desired.account, &hints, &view);
            Box::pin(taken).await?;
        }
        Err(RecordError::NotWanted { reason }.into())
    }

    /// Another delivery may have been answered since the record was read. If the binding has been taken away since,
    /// only the record of the former binding has the answer.
    async fn check_unanswered(&self) -> Result<(), RecordError> {
        match self.stored_answer().await {
            Ok(Some(answer)) => Err(RecordError::Answered(Box::new(answer))),
            Ok(None) => Ok(()),
            Err(error) => {
                let error = chain(&error);
                warn!(
                    error,
                    "whether this request has been answered cannot be told"
                );
                Ok(())
            }
        }
    }

    async fn stored_answer(&self) -> Result<Option<Response>, BindingError> {
        let (located, _) = self.locate().await?;
        let request = &self.turn.caller().delivery.request;
        match located
            .record_or_rebuilt()
            .and_then(|record| record.answer_to(request))
        {
            Some(answer) => Ok(Some(answer.clone())),
            None => former::stored_answer(self.aws, self.turn, self.desired).await,
        }
    }
}
