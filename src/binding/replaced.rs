//! Rule 9 of the record: an Update with another NLB makes another binding in place of the former one,
//! whose record it claims first and in whose record it notes its own id.
//!
//! CloudFormation deletes the former one after a success. Nobody but the next request for the former
//! one deletes the new one where the Update was never answered, or answered too late.

use super::desired::Desired;
use super::hints::{Hints, candidates};
use super::leaving::take_away as take_away_binding;
use super::{BindingAws, BindingError};
use crate::names::BindingId;
use crate::pause::Pause;
use crate::record::{Claiming, Hand, RequestType, Resource, RuleEvent, Turn, View};
use tracing::{info, warn};

/// Claims the record of the binding that this one replaces, where it replaces one. Whether that had to
/// be waited for, so that what was observed before has to be observed anew.
pub(super) async fn claim<A: BindingAws>(
    aws: &A,
    turn: &Turn<'_, A>,
    desired: &Desired,
    view: &View,
) -> Result<bool, BindingError> {
    let Some(former) = &desired.replaces else {
        return Ok(false);
    };
    let store = turn.store(former);
    let mut pause = Pause::none_at_first();
    let mut has_waited = false;
    while turn.read(former).await?.is_none() {
        let rule = aws.rule(&former.rule()).await?;
        let own = former.bucket(&desired.account);
        let ruled = RuleEvent::of_rule(rule.as_ref()).map(|event| event.bucket);
        let candidates = candidates(ruled, desired.former.bucket.clone(), &own);
        let located = store.locate(candidates).await?;
        if let Some(unreadable) = located.unreadable {
            return Err(unreadable.why.into());
        }
        if located.record.is_none() {
            warn!(%former, "the binding that is replaced has no record");
            return Ok(false);
        }
        let nlb_arn = &desired.properties.nlb_arn;
        let claiming = Claiming::ToReplace { nlb_arn };
        match turn.claim(&store, &located, &own, view, claiming).await? {
            Hand::Again => pause.wait().await,
            Hand::Holds { waited, .. } => has_waited = waited,
        }
    }
    info!(%former, by = %desired.id, "the former binding is claimed, too");
    Ok(has_waited)
}

/// Takes away a binding that an Update before this request made in place of this one. Failing in that
/// only warns: the note stays, and the next request tries again.
pub(super) async fn take_away<A: BindingAws>(
    aws: &A,
    turn: &Turn<'_, A>,
    desired: &Desired,
    view: &View,
) {
    let taken = noted(
        aws,
        turn,
        &desired.id,
        &desired.account,
        &desired.former,
        view,
    )
    .await;
    if let Err(error) = taken {
        let error = &error as &dyn std::error::Error;
        warn!(
            error,
            "a binding that was made in place of this one is left"
        );
    }
}

/// The same for a Delete.
pub(super) async fn noted<A: BindingAws>(
    aws: &A,
    turn: &Turn<'_, A>,
    id: &BindingId,
    account: &str,
    hints: &Hints,
    view: &View,
) -> Result<(), BindingError> {
    let held = turn.read(id).await?;
    let Some(replaced) = held.and_then(|held| held.record.replaced) else {
        return Ok(());
    };
    let by = &turn.replacement(&replaced);
    // After a replacement that CloudFormation has taken, it deletes the former one; and what it shows then
    // may lag behind. An Update of the former one comes only where it has not taken it.
    let is_living = match turn.caller().kind {
        RequestType::Delete => {
            let view = turn.view_of_living(by, view).await;
            view.names(by) || (view.resource == Resource::Unknown && replaced.done)
        }
        RequestType::Create | RequestType::Update => view.names(by),
    };
    if is_living {
        return Ok(());
    }
    info!(binding = %by, "taking away what was made in place of this binding");
    take_away_binding(aws, turn, by, account, hints, view).await?;
    turn.change(id, |record| record.replaced = None).await?;
    Ok(())
}
