//! Rule 3: the outcome of a request is stored in its claim before the answer is sent.

use super::turn::Turn;
use crate::aws::api::{Objects, Stacks};
use crate::log::chain;
use crate::names::BindingId;
use crate::record::data::{Orders, Outcome, Phase, Response};
use crate::record::error::RecordError;
use serde_json::Value;
use std::collections::BTreeSet;
use tracing::warn;

/// What a request that succeeds writes into the record beside its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SuccessfulRequest {
    pub orders: Orders,
    /// The properties that the orders came from, as CloudFormation gave them.
    pub properties: Value,
    /// The listener ports for which the binding may have made target groups.
    pub ports: BTreeSet<u16>,
}

impl<'a, A: Objects + Stacks> Turn<'a, A> {
    /// Stores the answer in every record that this request has claimed. In the record of `id`, the binding that the
    /// request is about, the same write stores the new orders, if the request `serves` any. That record is written
    /// first, so if another record has the answer, this one has it too.
    ///
    /// # Errors
    /// If another request or delivery has claimed one of these records. Once the answer is in the record of `id`, a
    /// failure at another record only warns.
    pub async fn store_outcome(
        &self,
        id: &BindingId,
        answer: &Response,
        serves: Option<&SuccessfulRequest>,
    ) -> Result<(), RecordError> {
        let quiet_from = self.lease().quiet_from();
        if serves.is_some() {
            // If the claim to one record is lost already, a success must not be stored in the other one.
            self.check_all_claims().await?;
        }
        let mut claimed = self.lease().holder().ids();
        claimed.sort_by_key(|claimed| claimed != id);
        for claimed in &claimed {
            let served = serves.filter(|_| claimed == id);
            let write = self.change(claimed, |record| {
                if let Some(claim) = &mut record.claim {
                    let answer = answer.clone();
                    claim.outcome.get_or_insert(Outcome { answer, quiet_from });
                }
                record.arriving_from = None;
                for replaced in &mut record.replaced {
                    let is_by_this = self.replacement(replaced) == *id;
                    replaced.done |= is_by_this && serves.is_some();
                }
                if let Some(SuccessfulRequest {
                    orders,
                    properties,
                    ports,
                }) = served
                {
                    // Target groups that the binding has deleted have no own targets any more.
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
            match write.await {
                // The answer in the binding's own record counts.
                Err(error) if claimed != id && self.has_claimed(id) => {
                    let error = chain(&error);
                    warn!(
                        error,
                        "the answer is not in the record of the binding that is replaced"
                    );
                }
                written => written?,
            }
        }
        Ok(())
    }
}
