//! What CloudFormation's last request means for the binding. No I/O.

use crate::first_aid::observed::ObservedBinding;
use crate::record::{Phase, ResponseStatus};

/// A request that has begun and not ended, or one that failed and may yet be rolled back.
pub(super) fn under_way(observed: &ObservedBinding) -> Option<String> {
    let record = observed.record.record()?;
    if let Some(claim) = record.open_claim(observed.now) {
        let (kind, at) = (claim.kind, claim.at.rfc3339());
        return Some(match record.phase {
            Phase::Serving => format!(
                "{kind:?} has been under way since {at}: ticks register meanwhile and count nothing, and what is made is \
                 not compared"
            ),
            Phase::Making | Phase::Leaving => {
                format!("{kind:?} has been under way since {at}, and until then ticks do nothing")
            }
        });
    }
    let is_open = record.is_serving() && record.is_being_changed(observed.now);
    is_open.then(|| {
        "the last request failed, and may be rolled back yet: what is made is not compared meanwhile".to_owned()
    })
}

/// The problem if no request has had a success yet, or a Delete has not ended. A failed request is no problem of a
/// binding that serves: that one goes on as before.
pub(super) fn request_problem(observed: &ObservedBinding) -> Option<String> {
    let record = observed.record.record()?;
    let outcome = record
        .claim
        .as_ref()
        .and_then(|claim| claim.outcome.as_ref());
    let last = match outcome.map(|outcome| &outcome.answer) {
        None => "has not been answered".to_owned(),
        Some(answer) if answer.status == ResponseStatus::Failed => {
            format!("failed ({})", answer.reason)
        }
        Some(_) => "succeeded".to_owned(),
    };
    if record.open_claim(observed.now).is_some() {
        return None;
    }
    match record.phase {
        Phase::Serving => None,
        Phase::Making => Some(format!(
            "no request has had a success yet, so ticks do nothing; the last one {last}: mend what stopped it, and do it again"
        )),
        Phase::Leaving => Some(format!(
            "a Delete has begun, so ticks do nothing; it {last}: mend what stopped it, and delete again"
        )),
    }
}
