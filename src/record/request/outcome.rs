//! How a request's turn with the record ends: rule 3, the outcome put down before it is sent; and what
//! another delivery of the same request has come to.

use super::turn::Turn;
use crate::aws::api::{Objects, Stacks};
use crate::log::chain;
use crate::names::BindingId;
use crate::record::data::{Orders, Outcome, Phase, Response};
use crate::record::error::RecordError;
use serde_json::Value;
use std::collections::BTreeSet;
use tracing::warn;

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
        let quiet_from = self.lease().quiet_from();
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
                    claim.outcome.get_or_insert(Outcome { answer, quiet_from });
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
}
