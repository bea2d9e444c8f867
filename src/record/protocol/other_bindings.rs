//! Rule 11: own targets in a given group that another binding owns as well. They stay registered until they are due to
//! leave by that binding's count as well, and also when this binding is deleted.
//!
//! Other bindings are found by their rules, which say where their records are. This only reads.

use crate::aws::api::{Objects, Rules, gather};
use crate::log::chain;
use crate::model::Endpoint;
use crate::names::{BindingId, PREFIX};
use crate::record::data::RuleEvent;
use crate::record::error::RecordError;
use crate::record::storage::{Candidate, Store};
use std::collections::BTreeMap;
use tracing::warn;

/// The targets that other bindings own in a given group, each with whether one of them still wants it there, which
/// means that it is not due to leave by that one's count. `None` if another binding's record cannot be read, because
/// then any target may be that one's own.
///
/// # Errors
/// If the rules cannot be listed or read.
pub async fn owned_by_others(
    aws: &(impl Objects + Rules),
    id: &BindingId,
    group: &str,
) -> Result<Option<BTreeMap<Endpoint, bool>>, RecordError> {
    let names = aws.rules_with_prefix(PREFIX).await?;
    let others = names.into_iter().filter(|name| *name != id.rule());
    let owned = gather(others.map(|name| owned_by(aws, name, group))).await?;
    let owned: Option<Vec<_>> = owned.into_iter().collect();
    Ok(owned.map(|owned| {
        let mut targets = BTreeMap::new();
        for (endpoint, is_wanted) in owned.into_iter().flatten() {
            *targets.entry(endpoint).or_default() |= is_wanted;
        }
        targets
    }))
}

async fn owned_by(
    aws: &(impl Objects + Rules),
    name: String,
    group: &str,
) -> Result<Option<BTreeMap<Endpoint, bool>>, RecordError> {
    let none = Ok(Some(BTreeMap::new()));
    let rule = aws.rule(&name).await?;
    let Some(event) = RuleEvent::of_rule(rule.as_ref()) else {
        return none;
    };
    if !event.names_group(group) {
        return none;
    }
    let store = Store::new(aws, event.id.to_string());
    let is_known_used = true;
    let bucket = event.bucket;
    let located = match store
        .locate([Candidate {
            bucket,
            is_known_used,
        }])
        .await
    {
        Ok(located) => located,
        Err(error) => {
            let error = chain(&error);
            warn!(error, other = name, group, "it may own targets there");
            return Ok(None);
        }
    };
    if let Some(held) = located.record {
        return Ok(Some(held.record.own_targets_wanted(group)));
    }
    // A binding that has just been deleted removed its rule before its record.
    let rule = aws.rule(&name).await?;
    if located.unreadable.is_none() && RuleEvent::of_rule(rule.as_ref()).is_none() {
        return none;
    }
    warn!(
        other = name,
        group, "its record is lost or cannot be read; it may own targets there"
    );
    Ok(None)
}
