//! Rule 3: what another delivery of the same request has come to, which has taken this one over.

use super::turn::Turn;
use crate::aws::api::{Objects, Stacks};
use crate::names::BindingId;
use crate::progress;
use crate::record::data::{Outcome, Response, TAKEN_OVER};
use crate::record::error::RecordError;
use crate::record::protocol::ClaimedRecord;
use crate::record::storage::{Held, Store};
use std::time::Duration;

/// How long lies between two looks at what another delivery of the same request has come to.
const BETWEEN: Duration = Duration::from_secs(1);

/// What a request has come to that another delivery may have taken over.
enum Ending<'a, A> {
    Answered(Response),
    UnderWay {
        store: Store<'a, A>,
        held: Box<Held>,
    },
    /// No record is there, or one is another request's.
    Nothing,
}

impl<'a, A: Objects + Stacks> Turn<'a, A> {
    /// What another delivery of the same request, which has taken it over, answers; `None` where the record
    /// is not where it was, or another request has claimed it. `id` is the binding that the request is about.
    ///
    /// # Errors
    /// Where the record cannot be read.
    pub async fn of_another_delivery(
        &self,
        id: &BindingId,
    ) -> Result<Option<Response>, RecordError> {
        loop {
            match self.ending(id).await? {
                Ending::Answered(answer) => return Ok(Some(answer)),
                Ending::Nothing => return Ok(None),
                Ending::UnderWay { .. } => {
                    progress::note("waiting for what another delivery of this request comes to");
                    tokio::time::sleep(BETWEEN).await;
                }
            }
        }
    }

    /// Takes the claim over once more, with an answer: this delivery's time is over, and whether the other one
    /// still lives nobody can tell. Where it does, it stops at its next look and sends the same. Gives the
    /// answer that is put down then; `None` as above.
    ///
    /// # Errors
    /// Where the record cannot be read or written.
    pub async fn answers_for_another_delivery(
        &self,
        id: &BindingId,
        answer: &Response,
    ) -> Result<Option<Response>, RecordError> {
        loop {
            let (store, held) = match self.ending(id).await? {
                Ending::Answered(answer) => return Ok(Some(answer)),
                Ending::Nothing => return Ok(None),
                Ending::UnderWay { store, held } => (store, held),
            };
            let mut record = held.record.clone();
            if let Some(claim) = &mut record.claim {
                claim.mark = self.caller().mark.clone();
                let (answer, quiet_from) = (answer.clone(), self.clock().now() + TAKEN_OVER);
                claim.outcome = Some(Outcome { answer, quiet_from });
            }
            if store.replace(&held, record).await?.is_some() {
                return Ok(Some(answer.clone()));
            }
        }
    }

    /// What has become of the claims that this request had; the binding's own comes first.
    async fn ending(&self, id: &BindingId) -> Result<Ending<'a, A>, RecordError> {
        let mark = &self.caller().mark;
        let id = id.to_string();
        let mut claimed = self.lease().hold().all();
        claimed.sort_by_key(|claimed| claimed.store.owner() != id);
        for ClaimedRecord { store, last, .. } in claimed {
            // Where the binding has been taken away since, the former one's record still tells.
            let Some(held) = store.again(&last.bucket).await? else {
                continue;
            };
            if let Some(answer) = held.record.answer_to(&mark.request) {
                return Ok(Ending::Answered(answer.clone()));
            }
            let claim = held.record.claim.as_ref();
            if claim.is_none_or(|claim| claim.mark.request != mark.request) {
                return Ok(Ending::Nothing);
            }
            // One that it still has is not the one that it lost.
            if !held.record.is_held_by(mark) {
                let held = Box::new(held);
                return Ok(Ending::UnderWay { store, held });
            }
        }
        Ok(Ending::Nothing)
    }
}
