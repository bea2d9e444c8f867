//! Takes away what Updates with another NLB made in place of a binding, where CloudFormation has not taken it: nobody but
//! the next request for the former binding does, for such an Update was never answered, or answered too late.

use super::leaving::take_away;
use crate::aws::api::Aws;
use crate::binding::error::BindingError;
use crate::binding::hints::Hints;
use crate::binding::locate::locate;
use crate::log::chain;
use crate::names::BindingId;
use crate::record::{Record, Replacement, RequestType, Resource, Turn, View};
use std::time::Duration;
use tracing::{info, warn};

/// Takes away a binding that an Update before this request made in place of this one, in `time`. Failing in
/// that only warns: the note stays, and the next request tries again.
pub(in crate::binding) async fn take_away_replacements<A: Aws>(
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

async fn noted<A: Aws>(
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
        take_away(aws, turn, &by, account, hints, view).await?;
        turn.change(id, |record| record.forget(&replaced.nlb_arn))
            .await?;
    }
    Ok(())
}

/// Whether CloudFormation counts a noted binding as the resource's own.
async fn is_living<A: Aws>(
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
