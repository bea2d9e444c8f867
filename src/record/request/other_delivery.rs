//! Rule 3: another delivery of the same request has taken this one over, and both must answer the same.

use super::turn::Turn;
use crate::aws::api::{Objects, Stacks};
use crate::names::BindingId;
use crate::progress;
use crate::record::data::{Outcome, Response, TAKEOVER_WAIT};
use crate::record::error::RecordError;
use crate::record::protocol::ClaimedRecord;
use crate::record::storage::{Store, StoredRecord};
use std::time::Duration;

/// The time between two reads of the record, until the other delivery has stored its answer.
const ANSWER_INTERVAL: Duration = Duration::from_secs(1);

/// How far the other delivery is.
enum OtherDelivery<'a, A> {
    Answered(Response),
    /// It has claimed this record and has stored no answer yet.
    UnderWay {
        store: Store<'a, A>,
        held: Box<StoredRecord>,
    },
    /// There is no record, or another request has claimed it.
    Nothing,
}

impl<'a, A: Objects + Stacks> Turn<'a, A> {
    /// Waits for the answer of the other delivery. `None` if the record is gone, or if another request has
    /// claimed it. `id` is the binding that the request is about.
    ///
    /// # Errors
    /// If the record cannot be read.
    pub async fn wait_for_other_delivery(
        &self,
        id: &BindingId,
    ) -> Result<Option<Response>, RecordError> {
        loop {
            match self.other_delivery(id).await? {
                OtherDelivery::Answered(answer) => return Ok(Some(answer)),
                OtherDelivery::Nothing => return Ok(None),
                OtherDelivery::UnderWay { .. } => {
                    progress::note("waiting for what another delivery of this request comes to");
                    tokio::time::sleep(ANSWER_INTERVAL).await;
                }
            }
        }
    }

    /// Takes the claim back and stores this answer, because the time of this delivery is over and nobody can tell
    /// whether the other one still runs. If it runs, it stops at its next look and sends the same answer. Gives the
    /// answer that is stored in the end; `None` in the cases of [`Self::wait_for_other_delivery`].
    ///
    /// # Errors
    /// If the record cannot be read or written.
    pub async fn answer_for_other_delivery(
        &self,
        id: &BindingId,
        answer: &Response,
    ) -> Result<Option<Response>, RecordError> {
        loop {
            let (store, held) = match self.other_delivery(id).await? {
                OtherDelivery::Answered(answer) => return Ok(Some(answer)),
                OtherDelivery::Nothing => return Ok(None),
                OtherDelivery::UnderWay { store, held } => (store, held),
            };
            let mut record = held.record.clone();
            if let Some(claim) = &mut record.claim {
                claim.delivery = self.caller().delivery.clone();
                let (answer, quiet_from) = (answer.clone(), self.clock().now() + TAKEOVER_WAIT);
                claim.outcome = Some(Outcome { answer, quiet_from });
            }
            if store.replace(&held, record).await?.is_some() {
                return Ok(Some(answer.clone()));
            }
        }
    }

    /// Reads the records that this request had claimed, that of `id` first.
    async fn other_delivery(&self, id: &BindingId) -> Result<OtherDelivery<'a, A>, RecordError> {
        let delivery = &self.caller().delivery;
        let id = id.to_string();
        let mut claimed = self.lease().holder().all();
        claimed.sort_by_key(|claimed| claimed.store.owner() != id);
        for ClaimedRecord { store, last, .. } in claimed {
            // If the binding is gone, the record of the binding that it replaced still has the answer.
            let Some(held) = store.read_again(&last.bucket).await? else {
                continue;
            };
            if let Some(answer) = held.record.answer_to(&delivery.request) {
                return Ok(OtherDelivery::Answered(answer.clone()));
            }
            let claim = held.record.claim.as_ref();
            if claim.is_none_or(|claim| claim.delivery.request != delivery.request) {
                return Ok(OtherDelivery::Nothing);
            }
            // A record that this delivery still holds is not the one that was taken over.
            if !held.record.is_held_by(delivery) {
                let held = Box::new(held);
                return Ok(OtherDelivery::UnderWay { store, held });
            }
        }
        Ok(OtherDelivery::Nothing)
    }
}
