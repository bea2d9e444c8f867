//! Rule 9 of the record: an Update with another NLB makes another binding in place of the former one,
//! whose record it claims first and in whose record it notes its own id.
//!
//! CloudFormation deletes the former one after a success. Nobody but the next request for the former
//! one deletes the new one where the Update was never answered, or answered too late.

use super::desired::Desired;
use super::hints::{Hints, candidates};
use super::leaving::take_away as take_away_binding;
use super::{BindingAws, BindingError};
use crate::log::chain;
use crate::names::BindingId;
use crate::pause::Pause;
use crate::record::{
    Answer, Claiming, Hand, Located, Record, Replacement, RequestType, Resource, RuleEvent, Turn,
    View,
};
use std::time::Duration;
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
    let own = former.bucket(&desired.account);
    let mut pause = Pause::none_at_first();
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
        let claiming = Claiming::ToReplace { nlb_arn };
        match turn.claim(&store, &located, &own, view, claiming).await? {
            Hand::Again => pause.wait().await,
            Hand::Holds { waited, .. } => has_waited = waited,
        }
    }
    info!(%former, by = %desired.id, "the former binding is claimed, too");
    Ok(has_waited)
}

/// Finds the record of the binding that this one replaces.
async fn locate_former<A: BindingAws>(
    aws: &A,
    turn: &Turn<'_, A>,
    desired: &Desired,
    former: &BindingId,
) -> Result<Located, BindingError> {
    let said = desired.former.bucket.clone();
    locate(aws, turn, former, said, &former.bucket(&desired.account)).await
}

/// Finds another binding's record.
async fn locate<A: BindingAws>(
    aws: &A,
    turn: &Turn<'_, A>,
    id: &BindingId,
    said: Option<String>,
    own_bucket: &str,
) -> Result<Located, BindingError> {
    let rule = aws.rule(&id.rule()).await?;
    let ruled = RuleEvent::of_rule(rule.as_ref()).map(|event| event.bucket);
    let candidates = candidates(ruled, said, own_bucket);
    Ok(turn.store(id).locate(candidates).await?)
}

/// The answer that this request was given, where only the record of the binding that it replaced still has
/// it.
pub(super) async fn answer<A: BindingAws>(
    aws: &A,
    turn: &Turn<'_, A>,
    desired: &Desired,
) -> Result<Option<Answer>, BindingError> {
    let Some(former) = &desired.replaces else {
        return Ok(None);
    };
    let located = locate_former(aws, turn, desired, former).await?;
    let record = located.record.map(|held| held.record);
    let answer = record.and_then(|record| record.answer_to(&turn.caller().mark.request).cloned());
    Ok(answer)
}

/// For a Delete that finds no record: whether the binding that CloudFormation counts as the living one tells
/// of a later request, which makes the deleted one anew, in a bucket that the Delete does not know of.
///
/// # Errors
/// Where it does, and what AWS refuses.
pub(super) async fn is_not_made_anew<A: BindingAws>(
    aws: &A,
    turn: &Turn<'_, A>,
    id: &BindingId,
    account: &str,
    hints: &Hints,
    view: &View,
) -> Result<(), BindingError> {
    let living = view.physical_id().and_then(BindingId::parse);
    let Some(living) = living.filter(|living| living != id) else {
        return Ok(());
    };
    let own = living.bucket(account);
    let located = locate(aws, turn, &living, hints.bucket.clone(), &own).await?;
    let record = located.record.map(|held| held.record);
    let notes = |record: &Record| {
        let mut replaced = record.replaced.iter();
        replaced.any(|replaced| turn.replacement(replaced) == *id)
    };
    turn.judge(record.filter(notes).as_ref(), view)?;
    Ok(())
}

/// Takes away a binding that an Update before this request made in place of this one, in `time`. Failing in
/// that only warns: the note stays, and the next request tries again.
pub(super) async fn take_away<A: BindingAws>(
    aws: &A,
    turn: &Turn<'_, A>,
    id: &BindingId,
    account: &str,
    hints: &Hints,
    view: &View,
    time: Duration,
) {
    let taken = noted(aws, turn, id, account, hints, view);
    match tokio::time::timeout(time, taken).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => {
            let error = chain(&error);
            warn!(
                error,
                "a binding that was made in place of this one is left"
            );
        }
        Err(_) => {
            warn!("there is no time left to take away what was made in place of this binding")
        }
    }
}

async fn noted<A: BindingAws>(
    aws: &A,
    turn: &Turn<'_, A>,
    id: &BindingId,
    account: &str,
    hints: &Hints,
    view: &View,
) -> Result<(), BindingError> {
    let held = match turn.last(id) {
        // Who notes one has claimed the record.
        Some(held) if held.record.replaced.is_empty() => return Ok(()),
        _ => turn.read(id).await?,
    };
    let noted = held.map(|held| held.record.replaced).unwrap_or_default();
    let mut has_living = false;
    // The newest first, for that is the likeliest to live.
    for replaced in noted.iter().rev() {
        let by = turn.replacement(replaced);
        let bucket = hints.bucket.clone();
        // One at most lives.
        if !has_living && is_living(aws, turn, &by, replaced, account, bucket, view).await? {
            has_living = true;
            continue;
        }
        info!(binding = %by, "taking away what was made in place of this binding");
        take_away_binding(aws, turn, &by, account, hints, view).await?;
        turn.change(id, |record| record.forget(&replaced.nlb_arn))
            .await?;
    }
    Ok(())
}

/// Whether CloudFormation counts a noted binding as the resource's own.
async fn is_living<A: BindingAws>(
    aws: &A,
    turn: &Turn<'_, A>,
    by: &BindingId,
    replaced: &Replacement,
    account: &str,
    bucket: Option<String>,
    view: &View,
) -> Result<bool, BindingError> {
    // After a replacement that CloudFormation has taken, it deletes the former one; and what it shows then
    // may lag behind. An Update of the former one comes only where it has not taken it.
    let caller = turn.caller();
    if caller.kind != RequestType::Delete {
        // What this request itself replaces lives until CloudFormation has taken its answer.
        let is_replaced = caller.physical_id.as_deref() == Some(&by.to_string());
        return Ok(view.names(by) || is_replaced);
    }
    let view = turn.view_of_living(by, view).await;
    if matches!(view.resource, Resource::Known(_)) {
        return Ok(view.names(by));
    }
    if replaced.done {
        return Ok(true);
    }
    // Where Lambda stopped the Update between its two records, only the other one tells.
    let located = locate(aws, turn, by, bucket, &by.bucket(account)).await?;
    Ok(located.known().is_some_and(Record::serves))
}
