//! A tick in place of the published function: there is no binding, and so no rule to ask whether
//! its orders still stand, and nobody who made a state before the first tick.
//!
//! The first tick makes the state, empty, and adopts into an empty one what the published function
//! knew. A state is never empty again after that: the files are read once.

use super::observe::{Observed, observe, state_key};
use super::state::State;
use super::{Caller, Outcome, STARTS, SyncAws, SyncError, TickInput, look, pass, start};
use crate::capabilities::{Objects, Targets, Written};
use crate::discovery::Discovery;
use crate::published::{Denied, adopt};
use tracing::info;

/// One tick by the orders of environment variables; `tick` is the event's id, the same for a
/// second delivery.
///
/// # Errors
/// As [`super::tick`], and a file of the published function that cannot be used.
pub async fn stand_in(
    aws: &impl SyncAws,
    discovery: &Discovery,
    input: &TickInput,
    tick: &str,
) -> Result<Outcome, SyncError> {
    let (found, observed) = look(start(discovery, input), open(aws, input)).await;
    let observed = observed?;
    pass(aws, input, tick, Caller::Environment, found?, observed).await
}

/// Observes, after there is a state that knows what the published function knew.
async fn open(aws: &(impl Targets + Objects), input: &TickInput) -> Result<Observed, SyncError> {
    for _ in 0..STARTS {
        let denied = match observe(aws, input).await {
            Ok(observed) if observed.is_first => None,
            Ok(observed) if observed.state != State::default() => return Ok(observed),
            Ok(observed) => {
                let groups = &input.target_groups;
                let adopted = adopt(aws, input, groups, Denied::IsMissing).await?;
                if adopted == observed.state {
                    return Ok(observed);
                }
                write(aws, input, &adopted, observed.etag.as_deref()).await?;
                continue;
            }
            // Whether it is missing shows when it is made.
            Err(SyncError::Aws(error)) if error.is_refused_object() => Some(error),
            Err(error) => return Err(error),
        };
        let made = write(aws, input, &State::default(), None).await?;
        match (made, denied) {
            (Written::Lost, Some(source)) => return Err(SyncError::StateRefused { source }),
            (Written::Lost, None) => {}
            (Written::Done, _) => info!(bucket = input.bucket, "the first tick: a state is made"),
        }
    }
    Err(SyncError::Contended {
        bucket: input.bucket.clone(),
    })
}

async fn write(
    aws: &impl Objects,
    input: &TickInput,
    state: &State,
    etag: Option<&str>,
) -> Result<Written, SyncError> {
    let body = state.to_body().map_err(SyncError::Unwritable)?;
    Ok(aws
        .write(&input.bucket, &state_key(input), body, etag)
        .await?)
}
