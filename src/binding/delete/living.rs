//! Whether the binding that CloudFormation counts as the living one tells of a later request. Changes nothing.

use crate::aws::api::Aws;
use crate::binding::error::BindingError;
use crate::binding::hints::Hints;
use crate::binding::locate::locate;
use crate::names::BindingId;
use crate::record::{Record, Turn, View};

/// For a Delete that finds no record: whether the binding that CloudFormation counts as the living one tells
/// of a later request, which makes the deleted one anew, in a bucket that the Delete does not know of.
///
/// # Errors
/// Where it does, and what AWS refuses.
pub(super) async fn is_not_made_anew<A: Aws>(
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
