//! Observes what is left of a binding that is being deleted, by its id. Changes nothing.

use super::observed::{JustRead, RemainingResources, SearchPlaces};
use crate::aws::api::{Aws, Trouble, gather};
use crate::binding::error::BindingError;
use crate::binding::own::{may_be_own, own_target_groups};
use crate::log::chain;
use crate::model::Listener;
use crate::names::{BindingId, TAG};
use crate::record::Turn;
use std::collections::BTreeSet;
use tracing::warn;

/// Observes what carries the id. The rule and the record that were `just_read` are not read again.
///
/// # Errors
/// What AWS refuses.
pub(super) async fn observe<A: Aws>(
    aws: &A,
    turn: &Turn<'_, A>,
    id: &BindingId,
    own_bucket: &str,
    search_places: &mut SearchPlaces,
    just_read: Option<JustRead>,
) -> Result<RemainingResources, BindingError> {
    let (held, rule) = match just_read {
        Some(JustRead { held, rule }) => (held, Some(rule)),
        None => (turn.read(id).await?, None),
    };
    if let Some(held) = &held {
        search_places.ports.clone_from(&held.record.ports);
    }
    let rule = async {
        match rule {
            Some(rule) => Ok(rule),
            None => aws.rule(&id.rule()).await,
        }
    };
    let SearchPlaces {
        nlbs,
        others,
        ports,
        gone,
        uses_own_bucket: is_used,
    } = search_places;
    let names = ports.as_ref().map(|ports| id.target_groups(ports));
    let names = names.map(|names| {
        names
            .into_iter()
            .filter(|name| !gone.contains(name))
            .collect()
    });
    let (rule, groups, own) = tokio::join!(
        rule,
        own_target_groups(aws, id, names),
        aws.bucket_exists(own_bucket)
    );
    let (rule, groups) = (rule?, groups?);
    // S3 shows a bucket that was just made to one call and not to the next.
    let is_shown = held.as_ref().is_some_and(|held| held.bucket == own_bucket);
    *is_used |= is_shown;
    let has_own_bucket = match own {
        Err(error) if !*is_used && error.trouble == Trouble::Stays => {
            let error = chain(&error);
            warn!(
                error,
                bucket = own_bucket,
                "it is another account's, or it stays"
            );
            false
        }
        own => own? || is_shown,
    };
    let orders = held.iter().filter_map(|held| held.record.orders.as_ref());
    nlbs.extend(orders.map(|orders| orders.nlb_arn.clone()));
    let of_groups = groups.iter().flat_map(|group| &group.load_balancers);
    nlbs.extend(of_groups.cloned());
    Ok(RemainingResources {
        rule,
        listeners: own_listeners(aws, id, ports.as_ref(), nlbs, others).await?,
        groups,
        has_own_bucket,
        record: held.map(|held| (held.record, held.bucket)),
    })
}

/// The listeners that are a binding's by tag. The tags of a listener that is in `others` are not asked for again.
async fn own_listeners(
    aws: &impl Aws,
    id: &BindingId,
    ports: Option<&BTreeSet<u16>>,
    load_balancers: &BTreeSet<String>,
    others: &mut BTreeSet<String>,
) -> Result<Vec<Listener>, BindingError> {
    let listeners = gather(load_balancers.iter().map(|on| aws.listeners(on))).await?;
    let listeners = listeners.into_iter().flatten();
    let mut listeners: Vec<_> = listeners
        .filter(|listener| !others.contains(&listener.arn))
        .filter(|listener| may_be_own(id, ports, listener))
        .collect();
    let arns = listeners.iter().map(|listener| listener.arn.clone());
    let arns: Vec<_> = arns.collect();
    let tags = aws.elb_tags(&arns).await?;
    let leads_to_own =
        |listener: &Listener| listener.forwards_to.iter().any(|arn| id.made_group(arn));
    let id = id.to_string();
    let is_own =
        |listener: &Listener| tags.get(&listener.arn).and_then(|tags| tags.get(TAG)) == Some(&id);
    let foreign = listeners
        .iter()
        // AWS might not show yet an own listener or its tags: one that it does not know, or that forwards to an own
        // target group, is asked about again.
        .filter(|listener| tags.contains_key(&listener.arn) && !is_own(listener))
        .filter(|listener| !leads_to_own(listener));
    others.extend(foreign.map(|listener| listener.arn.clone()));
    listeners.retain(is_own);
    Ok(listeners)
}
