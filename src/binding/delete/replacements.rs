//! Takes away the bindings that Updates with another NLB made in place of this one and that CloudFormation did not
//! accept, because such an Update was not answered in time. CloudFormation never deletes them, so the next request for
//! the former binding does. `make/former.rs` notes them.

use super::deleting::take_away;
use crate::aws::api::Aws;
use crate::binding::error::BindingError;
use crate::binding::hints::Hints;
use crate::binding::locate::locate;
use crate::log::chain;
use crate::names::BindingId;
use crate::record::{Record, Replacement, RequestType, ResourceStatus, StackView, Turn};
use std::time::Duration;
use tracing::{info, warn};

/// Takes away the bindings that earlier Updates made in place of this one, within `time`. A failure only warns: the
/// note in the record stays, and the next request tries again.
pub(in crate::binding) async fn take_away_replacements<A: Aws>(
    aws: &A,
    turn: &Turn<'_, A>,
    id: &BindingId,
    account: &str,
    hints: &Hints,
    view: &StackView,
    time: Duration,
) {
    let taken = delete_noted_replacements(aws, turn, id, account, hints, view);
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

async fn delete_noted_replacements<A: Aws>(
    aws: &A,
    turn: &Turn<'_, A>,
    id: &BindingId,
    account: &str,
    hints: &Hints,
    view: &StackView,
) -> Result<(), BindingError> {
    let held = match turn.last_known(id) {
        // Only a request that holds the record can note a replacement, and this one holds it.
        Some(held) if held.record.replaced.is_empty() => return Ok(()),
        _ => turn.read(id).await?,
    };
    let noted = held.map(|held| held.record.replaced).unwrap_or_default();
    let mut has_living = false;
    // The newest comes first, because it is the most likely to be the living one.
    for replaced in noted.iter().rev() {
        let by = turn.replacement(replaced);
        let bucket = hints.bucket.clone();
        // At most one is the living one.
        if !has_living && is_living(aws, turn, &by, replaced, account, bucket, view).await? {
            has_living = true;
            continue;
        }
        info!(binding = %by, "taking away what was made in place of this binding");
        take_away(aws, turn, &by, account, hints, view).await?;
        turn.change(id, |record| record.forget_replacement(&replaced.nlb_arn))
            .await?;
    }
    Ok(())
}

/// Whether CloudFormation names a noted binding as the living one, by the resource's physical id.
async fn is_living<A: Aws>(
    aws: &A,
    turn: &Turn<'_, A>,
    by: &BindingId,
    replaced: &Replacement,
    account: &str,
    bucket: Option<String>,
    view: &StackView,
) -> Result<bool, BindingError> {
    // CloudFormation deletes the former binding after it has accepted the replacement, and what it shows then may lag
    // behind. An Update of the former binding comes only if it has not accepted the replacement.
    let caller = turn.caller();
    if caller.kind != RequestType::Delete {
        // The binding that this request itself replaces lives until CloudFormation has accepted the response.
        let is_replaced = caller.physical_id.as_deref() == Some(&by.to_string());
        return Ok(view.says_is_current(by) || is_replaced);
    }
    let view = turn.wait_until_living(by, view).await;
    if matches!(view.resource, ResourceStatus::Known(_)) {
        return Ok(view.says_is_current(by));
    }
    if replaced.done {
        return Ok(true);
    }
    // If Lambda stopped the Update between the writes of its two records, only the replacement's record says that the
    // Update succeeded.
    let located = locate(aws, turn, by, bucket, &by.bucket(account)).await?;
    Ok(located.record_or_rebuilt().is_some_and(Record::is_serving))
}
