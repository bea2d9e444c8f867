//! Rule 9 of the record: an Update with another NLB makes another binding in place of the former one. It claims the
//! former binding's record first, and notes its own id there. CloudFormation deletes the former binding after a
//! success; else `delete/replacements.rs` takes away what the note names.

use crate::aws::api::Aws;
use crate::backoff::Backoff;
use crate::binding::desired::Desired;
use crate::binding::error::BindingError;
use crate::binding::locate::locate;
use crate::names::BindingId;
use crate::record::{ClaimPurpose, ClaimResult, Located, Response, StackView, Turn};
use tracing::{info, warn};

/// Claims the record of the binding that this one replaces, if it replaces one. Returns whether the claim had to wait.
/// If so, everything that was observed is out of date.
pub(super) async fn claim<A: Aws>(
    aws: &A,
    turn: &Turn<'_, A>,
    desired: &Desired,
    view: &StackView,
) -> Result<bool, BindingError> {
    let Some(former) = &desired.replaces else {
        return Ok(false);
    };
    let store = turn.store(former);
    let own = former.bucket(&desired.account);
    let mut backoff = Backoff::none_at_first();
    let mut has_waited = false;
    while turn.read(former).await?.is_none() {
        let located = locate_former(aws, turn, desired, former).await?;
        if let Some(unreadable) = located.unreadable {
            return Err(unreadable.why.into());
        }
        if located.record.is_none() {
            warn!(%former, "the binding that is replaced has no record");
            return Ok(false);
        }
        let nlb_arn = &desired.properties.nlb_arn;
        let claiming = ClaimPurpose::ToReplace { nlb_arn };
        match turn.claim(&store, &located, &own, view, claiming).await? {
            ClaimResult::WrittenByAnother => backoff.wait().await,
            ClaimResult::Claimed { waited, .. } => has_waited = waited,
        }
    }
    info!(%former, by = %desired.id, "the former binding is claimed, too");
    Ok(has_waited)
}

/// Finds the record of the binding that this one replaces.
async fn locate_former<A: Aws>(
    aws: &A,
    turn: &Turn<'_, A>,
    desired: &Desired,
    former: &BindingId,
) -> Result<Located, BindingError> {
    let named = desired.former.bucket.clone();
    locate(aws, turn, former, named, &former.bucket(&desired.account)).await
}

/// The response that this request was given, from the record of the former binding.
pub(super) async fn stored_answer<A: Aws>(
    aws: &A,
    turn: &Turn<'_, A>,
    desired: &Desired,
) -> Result<Option<Response>, BindingError> {
    let Some(former) = &desired.replaces else {
        return Ok(None);
    };
    let located = locate_former(aws, turn, desired, former).await?;
    let record = located.record.map(|held| held.record);
    let answer =
        record.and_then(|record| record.answer_to(&turn.caller().delivery.request).cloned());
    Ok(answer)
}
