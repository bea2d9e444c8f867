//! Steps 1 to 3 of a tick: what is in DNS, what is registered, and what was known before, side by
//! side. Changes nothing.

use super::error::SyncError;
use crate::aws::api::{Targets, gather};
use crate::discovery::{self, Found, Search};
use crate::discovery::{Dns, DnsError};
use crate::model::{Registered, TargetGroupPort};
use crate::record::{Held, Orders};
use std::collections::{BTreeMap, BTreeSet};
use std::future::ready;
use std::net::IpAddr;
use tokio::sync::oneshot;

/// What there is to go by.
pub struct Observation {
    pub held: Held,
    pub orders: Orders,
    pub found: Found,
    /// By target group.
    pub registered: BTreeMap<String, Registered>,
    /// Target groups of the orders that do not exist.
    pub missing: Vec<String>,
}

impl Found {
    /// Why what was seen in DNS may not be all, where asking again may show more.
    pub(super) fn doubted(&self) -> Option<SyncError> {
        match self.is_whole() {
            true => self.is_cached.then_some(SyncError::Cached),
            false => Some(self.lookups_failed()),
        }
    }

    pub(super) fn lookups_failed(&self) -> SyncError {
        SyncError::LookupsFailed {
            failed: self.failed_lookups,
            lookups: self.lookups,
        }
    }
}

/// What is looked at before the record is read.
#[derive(Debug, Clone, Copy)]
pub struct Guess<'a> {
    pub orders: &'a Orders,
    /// How many addresses are expected; zero where nobody knows.
    pub expected: usize,
}

impl<'a> Guess<'a> {
    pub(super) const fn of(orders: &'a Orders) -> Self {
        let expected = 0;
        Self { orders, expected }
    }
}

/// A record, with the orders that it gives.
pub type Read = Option<(Held, Orders)>;

/// Looks by the orders that most probably stand, while `read` reads the record; and looks anew where
/// the record gives others. `None` where it gives none. In target groups that are `new` nothing is
/// registered. How many addresses the guess leads to is `told` as soon as DNS has answered.
pub(super) async fn observe(
    aws: &impl Targets,
    dns: &impl Dns,
    guess: Option<Guess<'_>>,
    new: &BTreeSet<String>,
    told: oneshot::Sender<usize>,
    read: impl Future<Output = Result<Read, SyncError>>,
) -> Result<Option<Observation>, SyncError> {
    let (tell, known) = oneshot::channel();
    let read = async {
        let read = read.await;
        let held = read.as_ref().ok().and_then(Option::as_ref);
        // Nobody listens where the first lookup failed, or where nobody has guessed.
        let _ = tell.send(held.map(known_addresses).unwrap_or_default());
        read
    };
    let (seen, read) = match guess {
        Some(guess) => {
            let known = async { known.await.unwrap_or_default() };
            let (seen, read) = tokio::join!(look(aws, dns, guess, new, known, told), read);
            (Some((guess.orders, seen)), read)
        }
        None => (None, read.await),
    };
    let Some(read) = read? else {
        return Ok(None);
    };
    let seen = match seen {
        Some((guess, seen)) if *guess == read.1 => seen,
        _ => {
            let (told, _) = oneshot::channel();
            let known = known_addresses(&read);
            let guess = Guess {
                orders: &read.1,
                expected: known.len(),
            };
            look(aws, dns, guess, new, ready(known), told).await
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

fn known_addresses((held, orders): &(Held, Orders)) -> BTreeSet<IpAddr> {
    held.record.known_of(&orders.alb_dns_name)
}

pub(super) struct DnsAndTargets {
    pub(super) found: Result<Found, DnsError>,
    /// `None` where a group does not exist.
    pub(super) targets: Result<BTreeMap<String, Option<Registered>>, SyncError>,
}

/// Looks at DNS and at the target groups.
pub(super) async fn look(
    aws: &impl Targets,
    dns: &impl Dns,
    guess: Guess<'_>,
    new: &BTreeSet<String>,
    known: impl Future<Output = BTreeSet<IpAddr>>,
    told: oneshot::Sender<usize>,
) -> DnsAndTargets {
    let Guess { orders, expected } = guess;
    let wanted = Search {
        dns_name: &orders.alb_dns_name,
        servers: &orders.dns_servers,
        max_lookups: orders.max_lookups,
        expected,
    };
    let discover = discovery::run(dns, wanted, known, told);
    let (found, targets) = tokio::join!(discover, targets(aws, &orders.target_groups, new));
    DnsAndTargets { found, targets }
}

async fn targets(
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
