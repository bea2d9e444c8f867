//! Own targets in target groups that the user gives: how they are taken out, by Delete and by an Update
//! that gives a group up. Rules 7 and 11 of the record.
//!
//! Never touches a target that the record does not own.

use crate::aws::api::{Aws, TARGETS_PER_CALL};
use crate::binding::error::BindingError;
use crate::log::chain;
use crate::model::{Endpoint, Registered};
use crate::names::BindingId;
use crate::progress;
use crate::record::{FRESH, Held, RecordError, Turn, owned_by_others};
use tokio::time::Instant;
use tracing::{info, warn};

/// How often other bindings' records are looked at because a look took too long to be believed.
const LOOKS: usize = 3;

/// Takes own targets out of one group, and looks once more when no tick can be registering there any
/// more. What is gone already is fine.
pub(super) async fn take_out<A: Aws>(
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
        match once(aws, turn, id, group, &held).await {
            Ok(()) => {}
            // Who takes a group from the properties may take the grant with it.
            Err(error) if is_denied(&error) && !held.record.served_last(group) => {
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
    Ok(turn.change(id, |record| record.let_go_of(group)).await?)
}

/// Whether the group itself may not be looked at or touched.
fn is_denied(error: &BindingError) -> bool {
    let (BindingError::Aws(error) | BindingError::Record(RecordError::Aws(error))) = error else {
        return false;
    };
    let of_group = ["DescribeTargetHealth", "DeregisterTargets"];
    error.is(&["AccessDenied"]) && of_group.contains(&error.operation)
}

async fn once<A: Aws>(
    aws: &A,
    turn: &Turn<'_, A>,
    id: &BindingId,
    group: &str,
    held: &Held,
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
    // Where the stack rolls back, what was there before the binding is to be there after it.
    if registered.keys().any(is_found) && !turn.goes_on().await {
        registered.retain(|endpoint, _| !is_found(endpoint));
    }
    if registered.is_empty() {
        return Ok(());
    }
    let mut looks = 1;
    let others = loop {
        let began = Instant::now();
        let others = owned_by_others(aws, id, group).await?;
        // Where AWS is slow for longer, the last look has to do.
        if began.elapsed() < FRESH || looks == LOOKS {
            break others;
        }
        looks += 1;
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
