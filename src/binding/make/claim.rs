//! How the binding's record is found, and the claim that comes before everything else that is made.

use super::former;
use super::making::Making;
use super::observe::find_record;
use crate::aws::api::Aws;
use crate::binding::error::BindingError;
use crate::discovery::Dns;
use crate::model::Rule;
use crate::record::{ClaimPurpose, ClaimResult, Located, RecordError, RuleEvent, StackView};
use crate::sync::{self, WhenDnsFails};

impl<A: Aws, D: Dns> Making<'_, '_, A, D> {
    /// Whether another delivery of this request may have caused an error, because it has claimed the record or has been
    /// answered.
    pub(super) async fn is_of_another_delivery(&self, error: &BindingError) -> bool {
        let is_verdict = matches!(
            error,
            BindingError::Record(
                RecordError::Answered(_)
                    | RecordError::Superseded
                    | RecordError::NotWanted { .. }
                    | RecordError::TakenOver
            )
        );
        if is_verdict || self.turn.has_claimed(&self.desired.id) {
            return false;
        }
        let caller = self.turn.caller();
        let record = match self.locate().await {
            Ok((located, _)) => located.record.map(|held| held.record),
            Err(_) => None,
        };
        record.is_some_and(|record| {
            let is_answered = record.answer_to(&caller.delivery.request).is_some();
            is_answered || record.has_open_claim_of(caller)
        })
    }

    /// Finds the record and the rule. Restores a lost record; if its bucket is gone too, only rebuilds it.
    pub(super) async fn locate(&self) -> Result<(Located, Option<Rule>), BindingError> {
        let Self {
            aws,
            dns,
            turn,
            desired,
            ..
        } = *self;
        let store = turn.store(&desired.id);
        loop {
            let (mut located, rule) = find_record(aws, &store, desired).await?;
            if let Some(unreadable) = located.unreadable {
                return Err(unreadable.why.into());
            }
            let event = RuleEvent::of_rule(rule.as_ref());
            if let Some(event) = event.filter(|event| located.is_lost(event)) {
                if located.empty.contains(&event.bucket) {
                    // Ticks search this bucket for the record.
                    sync::restore_record(aws, dns, &store, &event, WhenDnsFails::Wait).await?;
                    continue;
                }
                located.rebuilt =
                    sync::rebuild_record(aws, dns, &event, WhenDnsFails::Wait).await?;
            }
            return Ok((located, rule));
        }
    }

    /// Claims the former binding's record, if there is one, and then this binding's. `false` if everything has to
    /// be observed again.
    pub(super) async fn claim(
        &self,
        located: &Located,
        view: &StackView,
    ) -> Result<bool, BindingError> {
        let Self {
            aws, turn, desired, ..
        } = *self;
        if former::claim(aws, turn, desired, view).await? {
            return Ok(false);
        }
        let store = turn.store(&desired.id);
        let bucket = desired.bucket();
        let ports = &desired.ports();
        let claiming = ClaimPurpose::ToMake { ports };
        let claimed = turn.claim(&store, located, &bucket, view, claiming).await?;
        let ClaimResult::Claimed { made, waited } = claimed else {
            return Ok(false);
        };
        if made {
            // A Delete that came to its end before there was a record has left no trace in it: only CloudFormation
            // knows of it.
            let held = turn.last_known(&desired.id);
            let record = held.as_ref().map(|held| &held.record);
            self.check_wanted(turn.read_resource_again(view).await, record)
                .await?;
        }
        Ok(!waited)
    }
}
