//! The state object over a binding's life: made empty, given what an earlier function knew, taken to
//! another bucket, and looked after so that a Delete that runs during a Create is noticed.
//!
//! Never forgets a target: where two buckets hold a state, what either owns is kept.

use super::orders::FormerBucket;
use super::{BindingError, BindingId};
use crate::capabilities::{Answer, AwsError, Objects, Stored, Written};
use crate::published::{self, Denied};
use crate::sync::state::State;
use crate::sync::{SyncError, TickInput};
use tracing::warn;

/// How often a merge starts over because a tick wrote the state in between.
const STARTS: usize = 5;

/// Makes an empty state, unless there is one.
pub(super) async fn create(
    aws: &impl Objects,
    id: &BindingId,
    bucket: &str,
) -> Result<(), BindingError> {
    let body = State::default().to_body().map_err(BindingError::Json)?;
    aws.write(bucket, &id.state_key(), body, None).await?;
    Ok(())
}

/// Adds to the state in `to` what only the state in `from` knows.
pub(super) async fn copy(
    aws: &impl Objects,
    id: &BindingId,
    from: &FormerBucket,
    to: &str,
) -> Result<(), BindingError> {
    let read = aws.read(&from.name, &id.state_key()).await;
    let Some(former) = tolerate(read, from.surely)?.flatten() else {
        return Ok(());
    };
    merge(aws, id, &parse(&from.name, &former)?, to).await
}

/// Adds to the state what an earlier function knew of `groups`.
pub(super) async fn adopt(
    aws: &impl Objects,
    id: &BindingId,
    input: &TickInput,
    groups: &[(String, u16)],
) -> Result<(), BindingError> {
    let former = published::adopt(aws, input, groups, Denied::Fails).await?;
    merge(aws, id, &former, &input.bucket).await
}

/// A state was made before, so one that is not there was taken away by a Delete.
async fn merge(
    aws: &impl Objects,
    id: &BindingId,
    former: &State,
    to: &str,
) -> Result<(), BindingError> {
    let key = id.state_key();
    for _ in 0..STARTS {
        let Some(stored) = aws.read(to, &key).await? else {
            return Err(SyncError::Deleted.into());
        };
        let mut state = parse(to, &stored)?;
        if !state.adopt(former) {
            return Ok(());
        }
        let body = state.to_body().map_err(BindingError::Json)?;
        if aws.write(to, &key, body, Some(&stored.etag)).await? == Written::Done {
            return Ok(());
        }
    }
    Err(BindingError::Contended {
        bucket: to.to_owned(),
    })
}

/// Whether the state is still there; only Delete takes it away.
pub(super) async fn exists(aws: &impl Objects, id: &BindingId, bucket: &str) -> Answer<bool> {
    match aws.read(bucket, &id.state_key()).await {
        Err(error) if error.is_not_found() => Ok(false),
        read => Ok(read?.is_some()),
    }
}

pub(super) fn parse(bucket: &str, stored: &Stored) -> Result<State, BindingError> {
    State::parse(&stored.body).map_err(|source| BindingError::State {
        bucket: bucket.to_owned(),
        source,
    })
}

/// What is gone holds nothing. A bucket that only properties name, and that refuses the function,
/// was never used: the request that named it failed there.
pub(super) fn tolerate<T>(answer: Answer<T>, surely_used: bool) -> Result<Option<T>, AwsError> {
    const PASSING: [&str; 6] = [
        "InternalError",
        "RequestTimeout",
        "ServiceUnavailable",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
    ];
    match answer {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) if !surely_used && error.code.is_some() && !error.is(&PASSING) => {
            let error = &error as &dyn std::error::Error;
            warn!(error, "a bucket that was never used");
            Ok(None)
        }
        Err(error) => Err(error),
    }
}
