//! What is left of a binding that leaves, looked at by its id. Changes nothing.

use crate::aws::api::{Aws, Trouble, gather};
use crate::binding::error::BindingError;
use crate::binding::own::{may_be_own, own_groups};
use crate::log::chain;
use crate::model::{Listener, Rule, TargetGroup};
use crate::names::{BindingId, TAG};
use crate::record::{Held, Record, Turn};
use std::collections::BTreeSet;
use tracing::warn;

/// What is left of a binding.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Remains {
    pub(super) rule: Option<Rule>,
    pub(super) listeners: Vec<Listener>,
    pub(super) groups: Vec<TargetGroup>,
    pub(super) has_own_bucket: bool,
    /// The tombstone, and the bucket that it is in.
    pub(super) record: Option<(Record, String)>,
}

/// What is known of where to look. Looks add to it.
#[derive(Debug, Default)]
pub(super) struct Whereabouts {
    /// NLBs that its listeners may be on.
    pub(super) nlbs: BTreeSet<String>,
    /// Listeners of others on them.
    others: BTreeSet<String>,
    /// The ports that its target groups may be of; `None` where only a look at every one of the account tells.
    ports: Option<BTreeSet<u16>>,
    /// The names of those that were taken away under this claim.
    pub(super) gone: BTreeSet<String>,
    /// Whether the record was seen in the own bucket, so that this is nobody else's.
    uses_own_bucket: bool,
}

impl Whereabouts {
    pub(super) fn on(nlbs: impl Iterator<Item = String>) -> Self {
        Self {
            nlbs: nlbs.collect(),
            ..Self::default()
        }
    }
}

/// What the tombstone was written by: nobody but this request has acted since.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) rule: Option<Rule>,
    pub(super) held: Option<Held>,
}

impl Remains {
    /// Looks at what carries the id, as far as it was not `seen` just now.
    pub(super) async fn observe<A: Aws>(
        aws: &A,
        turn: &Turn<'_, A>,
        id: &BindingId,
        own_bucket: &str,
        whereabouts: &mut Whereabouts,
        seen: Option<Seen>,
    ) -> Result<Self, BindingError> {
        let (held, rule) = match seen {
            Some(Seen { held, rule }) => (held, Some(rule)),
            None => (turn.read(id).await?, None),
        };
        if let Some(held) = &held {
            whereabouts.ports.clone_from(&held.record.ports);
        }
        let rule = async {
            match rule {
                Some(rule) => Ok(rule),
                None => aws.rule(&id.rule()).await,
            }
        };
        let Whereabouts {
            nlbs,
            others,
            ports,
            gone,
            uses_own_bucket: is_used,
        } = whereabouts;
        let names = ports.as_ref().map(|ports| id.target_groups(ports));
        let names = names.map(|names| {
            names
                .into_iter()
                .filter(|name| !gone.contains(name))
                .collect()
        });
        let (rule, groups, own) = tokio::join!(
            rule,
            own_groups(aws, id, names),
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
        Ok(Self {
            rule,
            listeners: own_listeners(aws, id, ports.as_ref(), nlbs, others).await?,
            groups,
            has_own_bucket,
            record: held.map(|held| (held.record, held.bucket)),
        })
    }
}

/// The listeners that are a binding's by tag. Those that are `others'` are no more asked about.
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
        // AWS may not show yet what an own one is tagged with.
        .filter(|listener| tags.contains_key(&listener.arn) && !is_own(listener))
        .filter(|listener| !leads_to_own(listener));
    others.extend(foreign.map(|listener| listener.arn.clone()));
    listeners.retain(is_own);
    Ok(listeners)
}
