//! Steps 1 to 3 of a tick, side by side: discover, registered, known before. Changes nothing.

use super::error::SyncError;
use crate::aws::api::{Targets, gather};
use crate::discovery::{self, Found, Search};
use crate::discovery::{Dns, DnsError};
use crate::model::{Registered, TargetGroupPort};
use crate::record::{Orders, StoredRecord};
use std::collections::{BTreeMap, BTreeSet};
use std::future::ready;
use std::net::IpAddr;
use tokio::sync::oneshot;

/// What steps 1 to 3 have found.
pub struct Observation {
    pub held: StoredRecord,
    pub orders: Orders,
    pub found: Found,
    /// By target group.
    pub registered: BTreeMap<String, Registered>,
    /// The target groups of the orders that do not exist.
    pub missing: Vec<String>,
}

impl Found {
    /// Why the list may lack addresses that later lookups may show. `None` if nothing says so.
    pub(super) fn why_incomplete(&self) -> Option<SyncError> {
        match self.is_complete() {
            true => self.is_cached.then_some(SyncError::Cached),
            false => Some(self.failed_lookups_error()),
        }
    }

    pub(super) fn failed_lookups_error(&self) -> SyncError {
        SyncError::LookupsFailed {
            failed: self.failed_lookups,
            lookups: self.lookups,
        }
    }
}

/// The orders that are probably in the record. DNS and the target groups are observed by them while the record is
/// read.
#[derive(Debug, Clone, Copy)]
pub struct ProbableOrders<'a> {
    pub orders: &'a Orders,
    /// How many addresses are expected; zero if that is not known.
    pub expected: usize,
}

impl<'a> ProbableOrders<'a> {
    /// No number of addresses is expected.
    pub(super) const fn of(orders: &'a Orders) -> Self {
        let expected = 0;
        Self { orders, expected }
    }
}

/// Observes by the probable orders while the record is read, and once more if the record has other orders. `None` if
/// there is no record. Target groups in `new` were made just now, so nothing is registered there. The number of
/// addresses that the probable orders lead to is sent to `count` as soon as DNS has answered.
pub(super) async fn observe(
    aws: &impl Targets,
    dns: &impl Dns,
    probable: Option<ProbableOrders<'_>>,
    new: &BTreeSet<String>,
    count: oneshot::Sender<usize>,
    read: impl Future<Output = Result<Option<(StoredRecord, Orders)>, SyncError>>,
) -> Result<Option<Observation>, SyncError> {
    let (send_known, known) = oneshot::channel();
    let read = async {
        let read = read.await;
        let held = read.as_ref().ok().and_then(Option::as_ref);
        // There is no receiver if the first lookup has failed, or if there are no probable orders.
        let _ = send_known.send(held.map(known_addresses).unwrap_or_default());
        read
    };
    let (seen, read) = match probable {
        Some(probable) => {
            let known = async { known.await.unwrap_or_default() };
            let seen = observe_dns_and_targets(aws, dns, probable, new, known, count);
            let (seen, read) = tokio::join!(seen, read);
            (Some((probable.orders, seen)), read)
        }
        None => (None, read.await),
    };
    let Some(read) = read? else {
        return Ok(None);
    };
    let seen = match seen {
        Some((probable, seen)) if *probable == read.1 => seen,
        _ => {
            let known = known_addresses(&read);
            let probable = ProbableOrders {
                orders: &read.1,
                expected: known.len(),
            };
            let count = oneshot::channel().0;
            observe_dns_and_targets(aws, dns, probable, new, ready(known), count).await
        }
    };
    let (found, targets) = (seen.found?, seen.targets?);
    let (held, orders) = read;
    let missing = targets
        .iter()
        .filter(|(_, registered)| registered.is_none());
    let missing = missing.map(|(arn, _)| arn.clone()).collect();
    let existing = targets
        .into_iter()
        .filter_map(|(arn, registered)| Some((arn, registered?)));
    Ok(Some(Observation {
        held,
        orders,
        found,
        registered: existing.collect(),
        missing,
    }))
}

fn known_addresses((held, orders): &(StoredRecord, Orders)) -> BTreeSet<IpAddr> {
    held.record.current_addresses_of(&orders.alb_dns_name)
}

pub(super) struct DnsAndTargets {
    pub(super) found: Result<Found, DnsError>,
    /// By target group; `None` if the group does not exist.
    pub(super) targets: Result<BTreeMap<String, Option<Registered>>, SyncError>,
}

/// Steps 1 and 2.
pub(super) async fn observe_dns_and_targets(
    aws: &impl Targets,
    dns: &impl Dns,
    probable: ProbableOrders<'_>,
    new: &BTreeSet<String>,
    known: impl Future<Output = BTreeSet<IpAddr>>,
    count: oneshot::Sender<usize>,
) -> DnsAndTargets {
    let ProbableOrders { orders, expected } = probable;
    let search = Search {
        dns_name: &orders.alb_dns_name,
        servers: &orders.dns_servers,
        max_lookups: orders.max_lookups,
        expected,
    };
    // Step 1, "discover".
    let discover = discovery::run(dns, search, known, count);
    // Step 2, "registered".
    let registered = registered_targets(aws, &orders.target_groups, new);
    let (found, targets) = tokio::join!(discover, registered);
    DnsAndTargets { found, targets }
}

async fn registered_targets(
    aws: &impl Targets,
    groups: &[TargetGroupPort],
    new: &BTreeSet<String>,
) -> Result<BTreeMap<String, Option<Registered>>, SyncError> {
    let arns: BTreeSet<&str> = groups.iter().map(|group| group.arn.as_str()).collect();
    let targets = gather(arns.into_iter().map(|arn| async move {
        let registered = match new.contains(arn) {
            true => Some(Registered::default()),
            false => aws.registered(arn).await?,
        };
        Ok::<_, SyncError>((arn.to_owned(), registered))
    }));
    Ok(targets.await?.into_iter().collect())
}
