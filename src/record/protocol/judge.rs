//! Rules 2, 3 and 4 of the record: whether a request may claim the binding, and for how long it then
//! waits. Pure.

use crate::clock::Timestamp;
use crate::record::data::{Claim, Digest, Former, Record, RequestType, Response, Signed};
use std::time::Duration;

/// How much two environments' clocks, and the order of two signatures, may be off.
const TOLERANCE: Duration = Duration::from_secs(2);

/// A request, as far as the order of requests goes by it.
#[derive(Debug, Clone)]
pub struct Asking<'a> {
    pub request: &'a str,
    pub kind: RequestType,
    pub signed: Option<Signed>,
    /// Its properties, and those before.
    pub wants: &'a Digest,
    pub wanted_before: &'a Digest,
    /// Whether the stack rolls back now, where that is known.
    pub rolls_back: Option<bool>,
}

/// What a request is to do about the record that it found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Claim it, and wait until what the former request does is done.
    Claim { wait: Wait },
    /// It has been answered: send the same again.
    Answered(Response),
    /// A later request has claimed the binding: do nothing.
    Superseded,
}

/// When the former request can have no effect any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    /// By that moment; there may have been none.
    Until(Timestamp),
    /// It has no answer yet: only the claim stops it, `TAKEN_OVER` after it was written.
    TakenOver,
}

impl Default for Wait {
    fn default() -> Self {
        Self::Until(Timestamp::default())
    }
}

/// Judges a request by the record.
pub fn judge(record: &Record, asking: &Asking<'_>) -> Verdict {
    if let Some(answer) = record.answer_to(asking.request) {
        return Verdict::Answered(answer.clone());
    }
    let claim_after = |wait| Verdict::Claim { wait };
    let Some(claim) = &record.claim else {
        return claim_after(Wait::default());
    };
    let wait = match &claim.outcome {
        Some(outcome) => Wait::Until(outcome.settled),
        None => Wait::TakenOver,
    };
    if claim.mark.request == asking.request {
        return match is_cancelled(claim, asking.rolls_back) {
            true => Verdict::Superseded,
            false => claim_after(wait),
        };
    }
    let known = |former: &Former| former.request == asking.request;
    if record.before.iter().any(known) {
        return Verdict::Superseded;
    }
    let order = order(asking.signed, claim.signed);
    if order == Order::Before {
        return Verdict::Superseded;
    }
    // The rollback has claimed the binding, and this is what it rolls back. What was signed after the
    // claim, or in the same second, is not; nor is it the rollback that goes on from what stood before it.
    // A rollback has to get through.
    let is_inverse = claim.is_inverse_of(asking.wants, asking.wanted_before);
    let is_update = asking.kind == RequestType::Update && claim.kind == RequestType::Update;
    let rolls_back = asking.rolls_back == Some(true) && claim.rolls_back == Some(true);
    let is_before =
        order == Order::JustBefore || (order == Order::Unknown && rolls_back && !claim.goes_on);
    match is_update && is_inverse && is_before {
        true => Verdict::Superseded,
        false => claim_after(wait),
    }
}

/// Whether an Update was sent before the stack began to roll back, so that its own rollback follows. What
/// may be that rollback itself is never taken for it, for what CloudFormation shows may lag behind.
pub fn is_cancelled(claim: &Claim, rolls_back: Option<bool>) -> bool {
    let is_forward = claim.kind == RequestType::Update && claim.goes_on;
    is_forward && claim.rolls_back == Some(false) && rolls_back == Some(true)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    /// By more than clocks may be off.
    Before,
    JustBefore,
    NotBefore,
    Unknown,
}

/// How a request stands to the claim, by the times in their response addresses.
fn order(asking: Option<Signed>, claim: Option<Signed>) -> Order {
    let (asking, claim) = match (asking, claim) {
        (Some(Signed::At(asking)), Some(Signed::At(claim)))
        | (Some(Signed::Until(asking)), Some(Signed::Until(claim))) => (asking, claim),
        _ => return Order::Unknown,
    };
    if claim.since(asking) > TOLERANCE {
        Order::Before
    } else if asking < claim {
        Order::JustBefore
    } else {
        Order::NotBefore
    }
}

#[cfg(test)]
mod tests;
