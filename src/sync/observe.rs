//! What a tick looks at besides DNS: the registered targets and the state; and the state's
//! conditional write.

use super::plan::Plan;
use super::state::{State, StateError};
use super::{SyncError, TickInput};
use crate::binding::BindingId;
use crate::capabilities::{Objects, Targets, Written, gather};
use crate::model::Registered;
use std::collections::BTreeMap;

/// One look at AWS.
pub(super) struct Observed {
    pub(super) registered: BTreeMap<String, Registered>,
    pub(super) state: State,
    pub(super) etag: Option<String>,
    /// Groups of the orders that do not exist any more; the others are served all the same.
    pub(super) missing_groups: Vec<String>,
    /// Whether there is no state object yet.
    pub(super) is_first: bool,
}

pub(super) async fn observe(
    aws: &(impl Targets + Objects),
    input: &TickInput,
) -> Result<Observed, SyncError> {
    let arns = input.target_groups.iter().map(|(arn, _)| arn.as_str());
    let groups = gather(arns.map(|arn| group(aws, arn)));
    let key = state_key(input);
    let stored = async { Ok(aws.read(&input.bucket, &key).await?) };
    let (groups, stored) = tokio::try_join!(groups, stored)?;

    let is_first = stored.is_none();
    let (state, etag) = match stored {
        Some(stored) => {
            let state = State::parse(&stored.body).map_err(|source| unreadable(input, source))?;
            (state, Some(stored.etag))
        }
        None => (State::default(), None),
    };
    let mut registered: BTreeMap<_, _> = groups.into_iter().collect();
    let missing_groups = registered
        .iter()
        .filter(|(_, found)| found.is_none())
        .map(|(arn, _)| arn.clone())
        .collect();
    // Groups that left the properties while own targets were still in them.
    let former = state
        .targets
        .keys()
        .filter(|arn| !registered.contains_key(*arn));
    let former: Vec<_> = gather(former.map(|arn| group(aws, arn))).await?;
    registered.extend(former);
    Ok(Observed {
        registered: registered
            .into_iter()
            .filter_map(|(arn, found)| Some((arn, found?)))
            .collect(),
        state,
        etag,
        is_first,
        missing_groups,
    })
}

async fn group(aws: &impl Targets, arn: &str) -> Result<(String, Option<Registered>), SyncError> {
    Ok((arn.to_owned(), aws.registered(arn).await?))
}

/// Writes what the plan remembers, if anything, unless somebody else wrote since.
pub(super) async fn save(
    aws: &impl Objects,
    input: &TickInput,
    plan: &Plan,
    etag: Option<&str>,
) -> Result<Written, SyncError> {
    let Some(state) = &plan.state else {
        return Ok(Written::Done);
    };
    let body = state.to_body().map_err(SyncError::Unwritable)?;
    let key = state_key(input);
    Ok(aws.write(&input.bucket, &key, body, etag).await?)
}

pub(super) fn state_key(input: &TickInput) -> String {
    match BindingId::parse(&input.alb_nlb_binding) {
        Some(id) => id.state_key(),
        None => format!("{}/state.json", input.alb_nlb_binding),
    }
}

fn unreadable(input: &TickInput, source: StateError) -> SyncError {
    SyncError::State {
        bucket: input.bucket.clone(),
        key: state_key(input),
        source,
    }
}
