//! How a request's turn with the record ends: rule 3, the outcome put down before it is sent; and what
//! another delivery of the same request has come to.

use super::body::Phase;
use super::error::RecordError;
use super::holds::Claimed;
use super::located::Held;
use super::orders::Orders;
use super::request::TAKEN_OVER;
use super::request::{Outcome, Response};
use super::store::Store;
use super::turn::Turn;
use crate::aws::api::{Objects, Stacks};
use crate::log::chain;
use crate::names::BindingId;
use crate::progress;
use serde_json::Value;
use std::collections::BTreeSet;
use std::time::Duration;
use tracing::warn;

/// How long lies between two looks at what another delivery of the same request has come to.
const BETWEEN: Duration = Duration::from_secs(1);

/// What a binding serves from a success on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Served {
    pub orders: Orders,
    /// The properties that they came of, as CloudFormation gave them.
    pub properties: Value,
    /// The ports that its target groups may be of.
    pub ports: BTreeSet<u16>,
}

impl<'a, A: Objects + Stacks> Turn<'a, A> {
    /// Rule 3: puts the answer down in every record that is claimed, before it is sent; and with a
    /// success that `serves`, what ticks go by from now on, all in one write. `id` is the binding that the
    /// request is about. Its record comes first: another one that has the answer then means that it has it.
    ///
    /// # Errors
    /// Where somebody else has claimed one of them.
    pub async fn conclude(
        &self,
        id: &BindingId,
        answer: &Response,
        serves: Option<&Served>,
    ) -> Result<(), RecordError> {
        let settled = self.lease().settled();
        if serves.is_some() {
            // A success of one record is not to stand where the other's claim is lost already.
            self.holds_all().await?;
        }
        let mut claimed = self.lease().hold().ids();
        claimed.sort_by_key(|claimed| claimed != id);
        for claimed in &claimed {
            let served = serves.filter(|_| claimed == id);
            let put_down = self.change(claimed, |record| {
                if let Some(claim) = &mut record.claim {
                    let answer = answer.clone();
                    claim.outcome.get_or_insert(Outcome { answer, settled });
                }
                record.arriving_from = None;
                for replaced in &mut record.replaced {
                    let is_by_this = self.replacement(replaced) == *id;
                    replaced.done |= is_by_this && serves.is_some();
                }
                if let Some(Served {
                    orders,
                    properties,
                    ports,
                }) = served
                {
                    // Of target groups that the binding has taken away nothing is own any more.
                    let groups = orders.groups();
                    record
                        .own
                        .retain(|arn, _| groups.contains(arn.as_str()) || !claimed.made_group(arn));
                    let own = &record.own;
                    record
                        .found
                        .retain(|arn, _| groups.contains(arn.as_str()) || own.contains_key(arn));
                    record.orders = Some(orders.clone());
                    record.properties = Some(properties.clone());
                    record.ports = Some(ports.clone());
                    record.phase = Phase::Serving;
                }
            });
            match put_down.await {
                // What the binding's own record says is the answer.
                Err(error) if claimed != id && self.holds(id) => {
                    let error = chain(&error);
                    warn!(
                        error,
                        "the answer is not in the record of the binding that is replaced"
                    );
                }
                put_down => put_down?,
            }
        }
        Ok(())
    }

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
                let (answer, settled) = (answer.clone(), self.clock().now() + TAKEN_OVER);
                claim.outcome = Some(Outcome { answer, settled });
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
        for Claimed { store, last, .. } in claimed {
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
