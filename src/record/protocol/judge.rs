//! Rules 2, 3 and 4: whether a request may claim the record, and how long it then waits. Pure.

use crate::clock::Timestamp;
use crate::record::data::{
    Claim, FormerRequest, PropertiesDigest, Record, RequestType, Response, Signed,
};
use std::time::Duration;

/// Rule 4: a request that is older than the claim by more than this is superseded. Clocks may be off by as much.
const TOLERANCE: Duration = Duration::from_secs(2);

/// The request that is to be judged.
#[derive(Debug, Clone)]
pub struct NewRequest<'a> {
    pub request: &'a str,
    pub kind: RequestType,
    pub signed: Option<Signed>,
    /// Its properties, and the properties before it.
    pub wants: &'a PropertiesDigest,
    pub wanted_before: &'a PropertiesDigest,
    /// Whether the stack rolls back now. `None` if that is not known.
    pub rolls_back: Option<bool>,
}

/// What a request must do about the record that it found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Claim the record, and then wait until the former request can have no effect any more.
    Claim { wait: Wait },
    /// Send this answer again, because the request was answered already.
    Answered(Response),
    /// Do nothing, because a later request has claimed the record.
    Superseded,
}

/// How long to wait until the former request can have no effect any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    /// Until this moment, which may have passed.
    Until(Timestamp),
    /// `TAKEOVER_WAIT` after the claim: the former request has no answer yet, and only the new claim stops it.
    AfterTakeover,
}

impl Default for Wait {
    fn default() -> Self {
        Self::Until(Timestamp::default())
    }
}

/// Judges a request by the record.
pub fn judge(record: &Record, new: &NewRequest<'_>) -> Verdict {
    if let Some(answer) = record.answer_to(new.request) {
        return Verdict::Answered(answer.clone());
    }
    let claim_after = |wait| Verdict::Claim { wait };
    let Some(claim) = &record.claim else {
        return claim_after(Wait::default());
    };
    let wait = match &claim.outcome {
        Some(outcome) => Wait::Until(outcome.quiet_from),
        None => Wait::AfterTakeover,
    };
    if claim.delivery.request == new.request {
        return match is_cancelled(claim, new.rolls_back) {
            true => Verdict::Superseded,
            false => claim_after(wait),
        };
    }
    let known = |former: &FormerRequest| former.request == new.request;
    if record.before.iter().any(known) {
        return Verdict::Superseded;
    }
    let age = age(new.signed, claim.signed);
    if age == Age::Older {
        return Verdict::Superseded;
    }
    // An Update that is the inverse of the claim may be the one that the claim, a rollback, takes back: then it is
    // superseded. It is not if it was signed after the claim's request or in the same second. If the times cannot be
    // compared, it is superseded only if the stack rolls back now and did so at the claim, and the claim asked for
    // nothing new. In doubt it goes on, because a rollback must get through.
    let is_inverse = claim.is_inverse_of(new.wants, new.wanted_before);
    let is_update = new.kind == RequestType::Update && claim.kind == RequestType::Update;
    let rolls_back = new.rolls_back == Some(true) && claim.rolls_back == Some(true);
    let is_before =
        age == Age::SlightlyOlder || (age == Age::Unknown && rolls_back && !claim.goes_on);
    match is_update && is_inverse && is_before {
        true => Verdict::Superseded,
        false => claim_after(wait),
    }
}

/// Rule 4: whether an Update was cancelled: the stack began to roll back after the Update had claimed the record, so
/// its own rollback follows. An Update that may be the rollback itself is never treated as cancelled, because what
/// CloudFormation shows may lag.
pub fn is_cancelled(claim: &Claim, rolls_back: Option<bool>) -> bool {
    let is_forward = claim.kind == RequestType::Update && claim.goes_on;
    is_forward && claim.rolls_back == Some(false) && rolls_back == Some(true)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Age {
    /// Older by more than [`TOLERANCE`].
    Older,
    SlightlyOlder,
    NotOlder,
    Unknown,
}

/// How old a request is compared with that of the claim, by the times in their response addresses.
fn age(new: Option<Signed>, claim: Option<Signed>) -> Age {
    let (new, claim) = match (new, claim) {
        (Some(Signed::At(new)), Some(Signed::At(claim)))
        | (Some(Signed::Until(new)), Some(Signed::Until(claim))) => (new, claim),
        _ => return Age::Unknown,
    };
    if claim.since(new) > TOLERANCE {
        Age::Older
    } else if new < claim {
        Age::SlightlyOlder
    } else {
        Age::NotOlder
    }
}

#[cfg(test)]
mod tests;
