//! Rule 8 of the record: if a record is lost while its rule exists, it is rebuilt from the copy of the orders in the
//! rule. Restored means: rebuilt and written.

use super::error::SyncError;
use super::observe::{ProbableOrders, observe_dns_and_targets};
use crate::aws::api::Aws;
use crate::backoff::Backoff;
use crate::discovery::{Dns, DnsError};
use crate::log::chain;
use crate::progress;
use crate::record::{Record, RecordError, RuleEvent, Store, StoredRecord};
use std::collections::BTreeSet;
use std::future::ready;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::Instant;
use tracing::warn;

/// What to do if DNS does not show which targets are own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhenDnsFails {
    /// Fail: the next tick comes soon.
    Fail,
    /// Wait, and then go on without knowing: a request has to end.
    Wait,
}

/// How long a request waits for DNS that fails, before it goes on without.
const WAIT_FOR_DNS: Duration = Duration::from_secs(15);

/// Restores a lost record: rebuilds it, and writes it to the bucket that the rule names. `None` in the cases of
/// [`rebuild_record`].
///
/// # Errors
/// Those of [`rebuild_record`], and if the bucket is gone as well.
pub async fn restore_record<A: Aws>(
    aws: &A,
    dns: &impl Dns,
    store: &Store<'_, A>,
    event: &RuleEvent,
    when_dns_fails: WhenDnsFails,
) -> Result<Option<StoredRecord>, SyncError> {
    let Some(record) = rebuild_record(aws, dns, event, when_dns_fails).await? else {
        return Ok(None);
    };
    let RuleEvent { id, bucket, .. } = event;
    if let Some(held) = store.write(bucket, record, None).await? {
        return Ok(Some(held));
    }
    // Another invocation was faster, or the bucket is gone.
    match store.read_again(bucket).await? {
        None if aws.rule(&id.rule()).await?.is_some() => {
            let bucket = bucket.clone();
            Err(RecordError::NoBucket { bucket }.into())
        }
        held => Ok(held),
    }
}

/// Rebuilds the record that a binding has lost, for example by a lifecycle rule of the bucket, and does not write it.
/// `None` if the rule holds no copy of the orders, or is gone meanwhile.
///
/// # Errors
/// If the target groups cannot be read; in a tick also if DNS fails.
pub async fn rebuild_record<A: Aws>(
    aws: &A,
    dns: &impl Dns,
    event: &RuleEvent,
    when_dns_fails: WhenDnsFails,
) -> Result<Option<Record>, SyncError> {
    let RuleEvent { id, orders, .. } = event;
    let Some(orders) = orders else {
        return Ok(None);
    };
    let mut groups = orders.groups().into_iter();
    // In the groups that the binding made, all targets are own.
    let depends_on_dns = groups.any(|arn| !id.made_group(arn));
    let until = Instant::now() + WAIT_FOR_DNS;
    let mut backoff = Backoff::short_at_first();
    let mut addresses = BTreeSet::new();
    let registered = loop {
        let seen = observe_dns_and_targets(
            aws,
            dns,
            ProbableOrders::of(orders),
            &BTreeSet::new(),
            ready(addresses.clone()),
            oneshot::channel().0,
        )
        .await;
        let registered = seen.targets?;
        let reason = match seen.found {
            Ok(found) => {
                let reason = found.why_incomplete();
                addresses.extend(found.addresses);
                reason.or_else(|| (!found.certain).then_some(SyncError::Uncertain))
            }
            Err(error) => Some(error.into()),
        };
        let Some(reason) = reason.filter(|_| depends_on_dns) else {
            break registered;
        };
        let may_pass = !matches!(
            reason,
            SyncError::Dns(DnsError::NoAddresses { .. } | DnsError::Default { .. })
        );
        match when_dns_fails {
            WhenDnsFails::Fail if matches!(reason, SyncError::Cached | SyncError::Uncertain) => {
                break registered;
            }
            WhenDnsFails::Fail => return Err(reason),
            WhenDnsFails::Wait if may_pass && Instant::now() < until => {
                progress::note(format!(
                    "waiting until DNS tells which targets are own: {reason}"
                ));
                backoff.wait().await;
            }
            WhenDnsFails::Wait => {
                let error = chain(&reason);
                warn!(error, binding = %id, "nobody can tell which targets in given target groups are own");
                break registered;
            }
        }
    };
    let registered = registered.into_iter();
    let registered = registered.filter_map(|(arn, registered)| Some((arn, registered?)));
    let record = Record::rebuilt(id, orders, &registered.collect(), &addresses);
    // A Delete removes the rule before the record. It may have done so since the rule was read.
    if aws.rule(&id.rule()).await?.is_none() {
        return Ok(None);
    }
    let bucket = &event.bucket;
    warn!(binding = %id, bucket, "the record was lost; it is made anew from the rule's copy");
    Ok(Some(record))
}
