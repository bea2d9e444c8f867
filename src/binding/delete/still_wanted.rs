//! Answers a Delete: first whether it is meant for the binding that is there now, then the steps of `deleting`.

use super::deleting::Deletion;
use super::replacements::take_away_replacements;
use crate::aws::api::Aws;
use crate::binding::error::BindingError;
use crate::binding::hints::Hints;
use crate::discovery::Dns;
use crate::names::BindingId;
use crate::record::{STATUS_LAG, Turn};
use tracing::info;

/// Deletes a binding. `is_invented`: the request's physical id is not a binding's, because CloudFormation invents one
/// if a Create was never answered. Then the Delete is for the id that follows from the request, unless
/// CloudFormation names that one as the living binding.
///
/// # Errors
/// What AWS refuses; a repetition continues where this request ended.
pub async fn delete<A: Aws>(
    aws: &A,
    dns: &impl Dns,
    turn: &Turn<'_, A>,
    id: &BindingId,
    account: &str,
    hints: &Hints,
    is_invented: bool,
) -> Result<(), BindingError> {
    let began = turn.clock().now();
    let mut deletion = Deletion::new(id, account, hints);
    let (mut view, located) = tokio::join!(turn.stack_view(), deletion.locate(aws, turn));
    if is_invented && view.has_no_physical_id() {
        view = turn.wait_until_living(id, &view).await;
    }
    if is_invented && view.says_is_current(id) {
        info!(binding = %id, "CloudFormation names this binding as the living one: nothing to delete");
        return Ok(());
    }
    let mut located = located?;
    if deletion
        .restore_lost_record(aws, dns, turn, &located.0)
        .await
    {
        located = deletion.locate(aws, turn).await?;
    }
    let record = located.0.record.as_ref().map(|held| &held.record);
    turn.judge(record, &view)?;
    // For as long as what CloudFormation shows may lag, it may show an earlier Create as wanted.
    let may_come_again = record.is_none_or(|record| record.may_be_running_create(began));
    if may_come_again && view.is_known() {
        deletion.stay_until(began + STATUS_LAG.min(turn.caller().patience));
    }
    let view = match turn.is_wanted(id, record, view).await {
        Ok(view) => view,
        Err((_, reason)) => {
            info!(binding = %id, reason, "a late second delivery: nothing to delete");
            return Ok(());
        }
    };
    deletion.claim(aws, turn, &view, Some(located)).await?;
    let half = turn.caller().left() / 2;
    take_away_replacements(aws, turn, id, account, hints, &view, half).await;
    deletion.remove(aws, turn, &view).await
}
