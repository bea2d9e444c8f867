//! How a request's turn with the record ends: rule 3, the outcome put down before it is sent; and what
//! another delivery of the same request has come to.

use super::RecordError;
use super::body::Phase;
use super::orders::Orders;
use super::request::{Answer, Outcome};
use super::turn::Turn;
use crate::capabilities::{Objects, Stacks};
use crate::names::BindingId;
use crate::progress;
use std::time::Duration;

/// How long lies between two looks at what another delivery of the same request has come to.
const BETWEEN: Duration = Duration::from_secs(1);

impl<A: Objects + Stacks> Turn<'_, A> {
    /// Rule 3: puts the answer down in every record that is claimed, before it is sent; and with a
    /// success that `serves`, what ticks go by from now on, all in one write. `id` is the binding that the
    /// request is about. Its record comes first: another one that has the answer then means that it has it.
    ///
    /// # Errors
    /// Where somebody else has claimed one of them.
    pub async fn conclude(
        &self,
        id: &BindingId,
        answer: &Answer,
        serves: Option<&Orders>,
    ) -> Result<(), RecordError> {
        let settled = self.lease().settled();
        let mut claimed = self.lease().hold().ids();
        claimed.sort_by_key(|claimed| claimed != id);
        for claimed in &claimed {
            let orders = serves.filter(|_| claimed == id);
            self.change(claimed, |record| {
                if let Some(claim) = &mut record.claim {
                    let answer = answer.clone();
                    claim.outcome.get_or_insert(Outcome { answer, settled });
                }
                record.arriving_from = None;
                if let Some(replaced) = &mut record.replaced {
                    let is_by_this = self.replacement(replaced) == *id;
                    replaced.done |= is_by_this && serves.is_some();
                }
                if let Some(orders) = orders {
                    // Of target groups that the binding has taken away nothing is own any more.
                    let groups = orders.groups();
                    record
                        .own
                        .retain(|arn, _| groups.contains(arn.as_str()) || !claimed.made_group(arn));
                    record.orders = Some(orders.clone());
                    record.phase = Phase::Serving;
                }
            })
            .await?;
        }
        Ok(())
    }

    /// What another delivery of the same request, which has taken it over, comes to; `id` is the binding that
    /// the request is about.
    ///
    /// # Errors
    /// Where the record cannot be read.
    pub async fn of_another_delivery(&self, id: &BindingId) -> Result<Ending, RecordError> {
        let claims = self.lease().hold();
        // Where it did not come to claim the binding's own record, it claimed the former one's.
        let former = || claims.all().into_iter().next();
        let Some(claimed) = claims.of(&id.to_string()).or_else(former) else {
            return Ok(Ending::Unknown);
        };
        let request = &self.caller().mark.request;
        loop {
            let Some(held) = claimed.store.again(&claimed.last.bucket).await? else {
                return Ok(Ending::Gone);
            };
            if let Some(answer) = held.record.answer_to(request) {
                return Ok(Ending::Answered(answer.clone()));
            }
            let claim = held.record.claim.as_ref();
            if claim.is_none_or(|claim| claim.mark.request != *request) {
                return Ok(Ending::Unknown);
            }
            progress::note("waiting for what another delivery of this request comes to");
            tokio::time::sleep(BETWEEN).await;
        }
    }
}

/// What became of a request that another delivery has taken over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    Answered(Answer),
    /// The record is gone, as after a Delete.
    Gone,
    /// Another request has claimed the binding.
    Unknown,
}
