//! The mirror of make: takes away everything that carries a binding's id.
//!
//! Asks first whether the Delete is meant for what is there now. How a binding leaves is `leaving`'s.

mod apply;
mod given_targets;
mod leaving;
mod living;
mod observe;
mod plan;
mod replacements;
mod tombstone;

pub(super) use apply::Remover;
pub(super) use leaving::take_away;
pub(super) use replacements::take_away_replacements;

use super::error::BindingError;
use super::hints::Hints;
use crate::aws::api::Aws;
use crate::discovery::Dns;
use crate::names::BindingId;
use crate::record::{LAG, Turn};
use leaving::Leaving;
use tracing::info;

/// Delete. `is_invented` tells that the request's physical id is none of a binding's: one that
/// CloudFormation invented because a Create was never answered. Then the id that the request means is
/// meant, unless that is the living one.
///
/// # Errors
/// What AWS refuses; a repetition takes up where this one ended.
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
    let mut leaving = Leaving::new(id, account, hints);
    let (mut view, located) = tokio::join!(turn.view(), leaving.locate(aws, turn));
    if is_invented && view.is_nameless() {
        view = turn.view_of_living(id, &view).await;
    }
    if is_invented && view.names(id) {
        info!(binding = %id, "CloudFormation names this binding as the living one: nothing to delete");
        return Ok(());
    }
    let mut located = located?;
    if leaving.restores(aws, dns, turn, &located.0).await {
        located = leaving.locate(aws, turn).await?;
    }
    let record = located.0.record.as_ref().map(|held| &held.record);
    turn.judge(record, &view)?;
    // By then what CloudFormation shows cannot lead a Create any more that came before.
    let may_come_again = record.is_none_or(|record| record.is_of_a_create(began));
    if may_come_again && view.is_known() {
        leaving.stays_until(began + LAG.min(turn.caller().patience));
    }
    let view = match turn.is_wanted(id, record, view).await {
        Ok(view) => view,
        Err((_, reason)) => {
            info!(binding = %id, reason, "a late second delivery: nothing to delete");
            return Ok(());
        }
    };
    leaving.claim(aws, turn, &view, Some(located)).await?;
    let half = turn.caller().left() / 2;
    take_away_replacements(aws, turn, id, account, hints, &view, half).await;
    leaving.remove(aws, turn, &view).await
}
