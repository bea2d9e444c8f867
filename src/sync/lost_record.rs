//! Rule 8 of the record: one that is lost while its rule stands is made anew from the rule's copy of the orders.

use super::error::SyncError;
use super::observe::{Guess, look};
use crate::aws::api::Aws;
use crate::backoff::Backoff;
use crate::discovery::{Dns, DnsError};
use crate::log::chain;
use crate::progress;
use crate::record::{Held, Record, RecordError, RuleEvent, Store};
use std::collections::BTreeSet;
use std::future::ready;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::Instant;
use tracing::warn;

/// What follows where DNS does not show which targets are own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unseen {
    /// A tick fails, and the next one comes soon.
    Fails,
    /// A request waits until that passes, and then goes on without.
    IsWaitedFor,
}

/// How long DNS that fails is waited for where a request can go on without.
const FAILING: Duration = Duration::from_secs(15);

/// Writes a lost record anew, where the rule says that it was.
///
/// # Errors
/// As [`anew`], and where the bucket is gone as well.
pub async fn make_anew<A: Aws>(
    aws: &A,
    dns: &impl Dns,
    store: &Store<'_, A>,
    event: &RuleEvent,
    unseen: Unseen,
) -> Result<Option<Held>, SyncError> {
    let Some(record) = anew(aws, dns, event, unseen).await? else {
        return Ok(None);
    };
    let RuleEvent { id, bucket, .. } = event;
    if let Some(held) = store.write(bucket, record, None).await? {
        return Ok(Some(held));
    }
    // Somebody else was faster, or the bucket is gone.
    match store.again(bucket).await? {
        None if aws.rule(&id.rule()).await?.is_some() => {
            let bucket = bucket.clone();
            Err(RecordError::NoBucket { bucket }.into())
        }
        held => Ok(held),
    }
}

/// The record of a binding that has lost it while its rule stands, as by a lifecycle rule of the bucket:
/// made anew from the rule's copy of the orders, and not written yet. `None` where there is no copy, and
/// where the rule is gone meanwhile.
///
/// # Errors
/// Where the target groups cannot be looked at, or DNS in a tick.
pub async fn anew<A: Aws>(
    aws: &A,
    dns: &impl Dns,
    event: &RuleEvent,
    unseen: Unseen,
) -> Result<Option<Record>, SyncError> {
    let RuleEvent { id, orders, .. } = event;
    let Some(orders) = orders else {
        return Ok(None);
    };
    let mut groups = orders.groups().into_iter();
    let depends_on_dns = groups.any(|arn| !id.made_group(arn));
    let until = Instant::now() + FAILING;
    let mut backoff = Backoff::short_at_first();
    let mut addresses = BTreeSet::new();
    let registered = loop {
        let seen = look(
            aws,
            dns,
            Guess::of(orders),
            &BTreeSet::new(),
            ready(addresses.clone()),
            oneshot::channel().0,
        )
        .await;
        let registered = seen.targets?;
        let doubt = match seen.found {
            Ok(found) => {
                let doubt = found.doubted();
                addresses.extend(found.addresses);
                doubt.or_else(|| (!found.certain).then_some(SyncError::Uncertain))
            }
            Err(error) => Some(error.into()),
        };
        let Some(doubt) = doubt.filter(|_| depends_on_dns) else {
            break registered;
        };
        let passes = !matches!(
            doubt,
            SyncError::Dns(DnsError::NoAddresses { .. } | DnsError::Default { .. })
        );
        match unseen {
            Unseen::Fails if matches!(doubt, SyncError::Cached | SyncError::Uncertain) => {
                break registered;
            }
            Unseen::Fails => return Err(doubt),
            Unseen::IsWaitedFor if passes && Instant::now() < until => {
                progress::note(format!(
                    "waiting until DNS tells which targets are own: {doubt}"
                ));
                backoff.wait().await;
            }
            Unseen::IsWaitedFor => {
                let error = chain(&doubt);
                warn!(error, binding = %id, "nobody can tell which targets in given target groups are own");
                break registered;
            }
        }
    };
    let registered = registered.into_iter();
    let registered = registered.filter_map(|(arn, registered)| Some((arn, registered?)));
    let record = Record::made_anew(id, orders, &registered.collect(), &addresses);
    // A Delete takes the rule away before the record, which may have been seen in this order, too.
    if aws.rule(&id.rule()).await?.is_none() {
        return Ok(None);
    }
    let bucket = &event.bucket;
    warn!(binding = %id, bucket, "the record was lost; it is made anew from the rule's copy");
    Ok(Some(record))
}
