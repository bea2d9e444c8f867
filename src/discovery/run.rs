//! One run of lookups, side by side, until the list is complete or certain enough.
//!
//! Never asks more often than it is allowed to, but once where all of that was in vain, and says whether it found
//! enough.

use super::dns::{Dns, DnsError, DnsQuery, FIRST_CONTACT};
use super::sampling::{Found, Sampling};
use super::stopping_rule::{ADDRESSES_PER_ANSWER, lookups_needed};
use crate::log::chain;
use futures_util::stream::{FuturesUnordered, StreamExt};
use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::pin::{Pin, pin};
use tokio::sync::oneshot;
use tokio::time::Instant;

/// Lookups under way at once. At one function's end it costs a socket each; at the other end they
/// are spread over the four servers of the zone.
const LOOKUPS_SIDE_BY_SIDE: usize = 48;

/// What to ask for.
#[derive(Debug, Clone, Copy)]
pub struct Search<'a> {
    pub dns_name: &'a str,
    /// To ask these; where there are none, it is found out whom.
    pub servers: &'a [SocketAddr],
    pub max_lookups: usize,
    /// How many addresses are expected; zero where nobody knows.
    pub expected: usize,
}

/// Asks until the list is complete or certain, or the allowance is used up. `known` tells, as soon as it can,
/// which addresses were known before this run; what is needed in any case is asked meanwhile. How many addresses
/// there are is told as soon as that is known, which may be earlier.
///
/// As many addresses as this process remembers of the name, or else as are expected, are asked for at once; where
/// one answer may hold them all, the first lookup comes alone, for after it most runs are done.
///
/// # Errors
/// Where no server gives an address.
pub async fn run<D: Dns>(
    dns: &D,
    wanted: Search<'_>,
    known: impl Future<Output = BTreeSet<IpAddr>>,
    told: oneshot::Sender<usize>,
) -> Result<Found, DnsError> {
    let Search {
        dns_name,
        servers,
        max_lookups,
        expected,
    } = wanted;
    let remembered = dns.remembered(dns_name);
    let expected = match remembered.len() {
        0 => expected,
        remembered => remembered,
    };
    let mut asking = Asking {
        known: pin!(known),
        before: None,
        remembered,
        told: Some(told),
        in_vain: 0,
    };
    let at_once = async {
        if expected < ADDRESSES_PER_ANSWER {
            return None;
        }
        let query = dns.whom(dns_name, servers).await?;
        let sampling = Sampling::new(max_lookups, query.servers());
        let at_once = lookups_needed(0, expected).min(max_lookups);
        asking.finish(&query, sampling, at_once).await
    };
    let found = match at_once.await {
        Some(found) => found,
        None => {
            let (query, first) = dns.ask(dns_name, servers).await?;
            let sampling = Sampling::new(max_lookups, query.servers());
            let mut sampling = sampling.made_before(asking.in_vain);
            sampling.begin();
            sampling.take(first);
            let finished = asking.finish(&query, sampling, 0).await;
            finished.ok_or_else(|| query.silent())?
        }
    };
    if found.certain {
        dns.remember(dns_name, &found.addresses);
    }
    Ok(found)
}

/// A run under way.
struct Asking<'a, K> {
    known: Pin<&'a mut K>,
    /// What was known before this run, once that is told.
    before: Option<BTreeSet<IpAddr>>,
    remembered: BTreeSet<IpAddr>,
    told: Option<oneshot::Sender<usize>>,
    /// Lookups that nobody answered in time.
    in_vain: usize,
}

impl<K: Future<Output = BTreeSet<IpAddr>>> Asking<'_, K> {
    /// Asks so often at once, and then as often as the answers want it. `None` where those who were to be asked
    /// first do not answer.
    async fn finish(
        &mut self,
        query: &impl DnsQuery,
        mut sampling: Sampling,
        at_once: usize,
    ) -> Option<Found> {
        let Self {
            known,
            before,
            remembered,
            told,
            in_vain,
        } = self;
        let mut under_way = FuturesUnordered::new();
        let mut failure = None;
        let contact_by = Instant::now() + FIRST_CONTACT;
        for _ in 0..at_once.min(LOOKUPS_SIDE_BY_SIDE) {
            under_way.push(query.again(sampling.begin(), BTreeSet::new()));
        }
        let (known, judgement) = loop {
            let so_far = before.as_ref().unwrap_or(remembered);
            let judgement = sampling.judge(so_far);
            let is_done = under_way.is_empty() && judgement.wanted == 0 && sampling.count() > 0;
            if judgement.is_complete || is_done {
                tell(told, sampling.count());
                if before.is_some() {
                    break (so_far, judgement);
                }
            }
            let is_enough = before.is_none() && sampling.is_short();
            // Where nobody has answered yet, others are asked instead.
            let is_in_vain = sampling.count() == 0 && sampling.lookups() > 0;
            let free = match is_enough || is_in_vain {
                true => 0,
                false => LOOKUPS_SIDE_BY_SIDE.saturating_sub(under_way.len()),
            };
            let last = sampling.last(&judgement);
            for _ in 0..judgement.wanted.min(free) {
                under_way.push(query.again(sampling.begin(), last.clone()));
            }
            if before.is_some() && under_way.is_empty() {
                break (so_far, judgement);
            }
            tokio::select! {
                addresses = known.as_mut(), if before.is_none() => *before = Some(addresses),
                Some(answer) = under_way.next() => match answer {
                    Ok(answer) => sampling.take(answer),
                    Err(error) => {
                        sampling.take_failure();
                        failure = Some(error);
                    }
                },
                () = tokio::time::sleep_until(contact_by), if sampling.count() == 0 => break (so_far, judgement),
            }
        };
        if sampling.count() == 0 {
            *in_vain = sampling.lookups();
            return None;
        }
        let found = sampling.found(known, &judgement);
        if !judgement.caches.is_empty() {
            query.warn_of(&judgement.caches, found.addresses.union(known).count());
        }
        tell(told, found.addresses.len());
        if let Some(error) = failure {
            let (failed, lookups) = (found.failed_lookups, found.lookups);
            let error = chain(&error);
            tracing::warn!(
                error,
                failed,
                lookups,
                "lookups failed, the last of them so"
            );
        }
        Some(found)
    }
}

/// Nobody may listen any more.
fn tell(told: &mut Option<oneshot::Sender<usize>>, count: usize) {
    if let Some(told) = told.take() {
        let _ = told.send(count);
    }
}
