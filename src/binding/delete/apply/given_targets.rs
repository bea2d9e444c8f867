//! Deregisters own targets in a target group that the user gives, for Delete and for an Update that gives the group up.
//! Rules 7 and 11 of the record.
//!
//! Never touches a target that the record does not own.

use crate::aws::api::{Aws, TARGETS_PER_CALL};
use crate::binding::error::BindingError;
use crate::log::chain;
use crate::model::{Endpoint, Registered};
use crate::names::BindingId;
use crate::progress;
use crate::record::{FRESH_FOR, RecordError, StoredRecord, Turn, owned_by_others};
use tokio::time::Instant;
use tracing::{info, warn};

/// How often other bindings' records are read, because a reading that takes too long is out of date.
const READINGS: usize = 3;

/// Deregisters own targets in one group, and does so once more when no tick can be registering there any more.
///
/// # Errors
/// What AWS refuses; it is no error if a target or the group is gone already.
pub(super) async fn deregister_own_targets<A: Aws>(
    aws: &A,
    turn: &Turn<'_, A>,
    id: &BindingId,
    group: &str,
) -> Result<(), BindingError> {
    turn.change(id, |record| record.give_up(group)).await?;
    let mut quiet_from = None;
    loop {
        let Some(held) = turn.read(id).await? else {
            return Ok(());
        };
        match deregister_own(aws, turn, id, group, &held).await {
            Ok(()) => {}
            // A user who takes a group out of the properties may take the function's permission for it away as well.
            Err(error) if is_denied(&error) && !held.record.served_until_delete(group) => {
                let error = chain(&error);
                warn!(
                    error,
                    group, "own targets stay in a target group that is no longer served"
                );
                return Ok(());
            }
            Err(error) => return Err(error),
        }
        // No tick has begun to register here since the claim gave the group up.
        let quiet_from = *quiet_from.get_or_insert(held.record.quiet_from());
        if quiet_from <= turn.clock().now() {
            break;
        }
        progress::note("waiting until no tick can be registering any more");
        turn.clock().wait_until(quiet_from).await;
    }
    Ok(turn
        .change(id, |record| record.remove_own_targets(group))
        .await?)
}

/// Whether the function has no permission to read or change the group itself.
fn is_denied(error: &BindingError) -> bool {
    let (BindingError::Aws(error) | BindingError::Record(RecordError::Aws(error))) = error else {
        return false;
    };
    let of_group = ["DescribeTargetHealth", "DeregisterTargets"];
    error.is(&["AccessDenied"]) && of_group.contains(&error.operation)
}

/// Deregisters own targets, except those that another binding owns too.
async fn deregister_own<A: Aws>(
    aws: &A,
    turn: &Turn<'_, A>,
    id: &BindingId,
    group: &str,
    held: &StoredRecord,
) -> Result<(), BindingError> {
    let Some(own) = held.record.own.get(group).filter(|own| !own.is_empty()) else {
        return Ok(());
    };
    let Some(mut registered) = aws.registered(group).await? else {
        return Ok(());
    };
    registered.retain(|endpoint, _| own.contains_key(endpoint));
    let found = held.record.found.get(group);
    let is_found = |endpoint: &Endpoint| found.is_some_and(|found| found.contains(endpoint));
    // If the stack rolls back, targets that were there before the binding are to be there after it.
    if registered.keys().any(is_found) && !turn.will_not_roll_back().await {
        registered.retain(|endpoint, _| !is_found(endpoint));
    }
    if registered.is_empty() {
        return Ok(());
    }
    let mut readings = 1;
    let others = loop {
        let began = Instant::now();
        let others = owned_by_others(aws, id, group).await?;
        // If AWS stays slow, the last reading is used.
        if began.elapsed() < FRESH_FOR || readings == READINGS {
            break others;
        }
        readings += 1;
    };
    match others {
        Some(others) => registered.retain(|endpoint, _| !others.contains_key(endpoint)),
        None => {
            warn!(
                group,
                "own targets stay, for another binding's record cannot be read"
            );
            return Ok(());
        }
    }
    let targets: Vec<_> = registered.into_iter().collect();
    for some in targets.chunks(TARGETS_PER_CALL) {
        let some: Registered = some.iter().cloned().collect();
        info!(group, targets = some.len(), "deregistering own targets");
        let call = async |permit| aws.deregister(permit, group, &some).await;
        match turn.lease().act(call).await {
            Err(RecordError::Aws(error)) if error.is_not_found() => {}
            done => done?,
        }
    }
    Ok(())
}
