//! One run of lookups, side by side, until the list is complete or certain enough.
//!
//! Makes no more lookups than it may; only if no server has answered any of them, it makes one more elsewhere.

use super::dns::{Dns, DnsError, DnsQuery, FIRST_ANSWER_TIMEOUT};
use super::found::Found;
use super::sampling::Sampling;
use super::stopping_rule::{ADDRESSES_PER_ANSWER, lookups_needed};
use crate::log::chain;
use futures_util::stream::{FuturesUnordered, StreamExt};
use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::pin::{Pin, pin};
use tokio::sync::oneshot;
use tokio::time::Instant;

/// Lookups under way at once. Each costs the function a socket; the zone's four servers share them.
const LOOKUPS_SIDE_BY_SIDE: usize = 48;

/// What to look up.
#[derive(Debug, Clone, Copy)]
pub struct Search<'a> {
    pub dns_name: &'a str,
    /// The servers to ask; if there are none, the run finds them.
    pub servers: &'a [SocketAddr],
    pub max_lookups: usize,
    /// How many addresses the caller expects; zero if it does not know.
    pub expected: usize,
}

/// Looks a name up until the list is complete or certain, or `max_lookups` are made.
///
/// `known` gives the addresses that were known before this run. It may take its time: lookups that are needed in
/// any case are made meanwhile. The number of addresses found is sent to `count` as soon as no more lookups seem to
/// be needed, which may be before `known` is there.
///
/// The lookups for as many addresses as this process remembers, or else as are expected, all begin at once. If
/// one answer may hold all addresses, the first lookup is made alone, because most such runs need no other.
///
/// # Errors
/// If no server gives an address.
pub async fn run<D: Dns>(
    dns: &D,
    search: Search<'_>,
    known: impl Future<Output = BTreeSet<IpAddr>>,
    count: oneshot::Sender<usize>,
) -> Result<Found, DnsError> {
    let Search {
        dns_name,
        servers,
        max_lookups,
        expected,
    } = search;
    let remembered = dns.remembered(dns_name);
    let expected = match remembered.len() {
        0 => expected,
        remembered => remembered,
    };
    let mut run = Run {
        reading_known: pin!(known),
        known: None,
        remembered,
        count: Some(count),
        unanswered: 0,
    };
    let all_at_once = async {
        if expected < ADDRESSES_PER_ANSWER {
            return None;
        }
        let query = dns.query(dns_name, servers).await?;
        let sampling = Sampling::new(max_lookups, query.server_count());
        let lookups = lookups_needed(0, expected).min(max_lookups);
        run.finish(&query, sampling, lookups).await
    };
    let found = match all_at_once.await {
        Some(found) => found,
        None => {
            let (query, first) = dns.first_lookup(dns_name, servers).await?;
            let sampling = Sampling::new(max_lookups, query.server_count());
            let mut sampling = sampling.with_earlier_lookups(run.unanswered);
            sampling.begin_lookup();
            sampling.add_answer(first);
            let finished = run.finish(&query, sampling, 0).await;
            finished.ok_or_else(|| query.no_answer())?
        }
    };
    if found.certain {
        dns.remember(dns_name, &found.addresses);
    }
    Ok(found)
}

/// What both attempts of a run share: all lookups at once, and if no server answers these, one lookup first.
struct Run<'a, K> {
    reading_known: Pin<&'a mut K>,
    /// What was known before this run, once `reading_known` has given it.
    known: Option<BTreeSet<IpAddr>>,
    remembered: BTreeSet<IpAddr>,
    count: Option<oneshot::Sender<usize>>,
    /// The lookups of an attempt that no server has answered in time.
    unanswered: usize,
}

impl<K: Future<Output = BTreeSet<IpAddr>>> Run<'_, K> {
    /// Begins `lookups` lookups at once, and then as many more as the answers show to be needed. `None` if no
    /// server gives a first answer in time.
    async fn finish(
        &mut self,
        query: &impl DnsQuery,
        mut sampling: Sampling,
        lookups: usize,
    ) -> Option<Found> {
        let Self {
            reading_known,
            known,
            remembered,
            count,
            unanswered,
        } = self;
        let mut under_way = FuturesUnordered::new();
        let mut failure = None;
        let first_answer_by = Instant::now() + FIRST_ANSWER_TIMEOUT;
        for _ in 0..lookups.min(LOOKUPS_SIDE_BY_SIDE) {
            under_way.push(query.lookup(sampling.begin_lookup(), BTreeSet::new()));
        }
        let (known, assessment) = loop {
            let known_so_far = known.as_ref().unwrap_or(remembered);
            let assessment = sampling.assess(known_so_far);
            let is_done = under_way.is_empty()
                && assessment.more_lookups == 0
                && sampling.address_count() > 0;
            if assessment.is_complete || is_done {
                send(count, sampling.address_count());
                if known.is_some() {
                    break (known_so_far, assessment);
                }
            }
            // What was known may show that no more lookups are needed.
            let waits_for_known = known.is_none() && sampling.has_only_short_answers();
            // If no server has answered yet, more lookups do not help.
            let waits_for_answer = sampling.address_count() == 0 && sampling.lookups() > 0;
            let free = match waits_for_known || waits_for_answer {
                true => 0,
                false => LOOKUPS_SIDE_BY_SIDE.saturating_sub(under_way.len()),
            };
            let last = sampling.servers_to_ask_last(&assessment);
            for _ in 0..assessment.more_lookups.min(free) {
                under_way.push(query.lookup(sampling.begin_lookup(), last.clone()));
            }
            if known.is_some() && under_way.is_empty() {
                break (known_so_far, assessment);
            }
            tokio::select! {
                addresses = reading_known.as_mut(), if known.is_none() => *known = Some(addresses),
                Some(answer) = under_way.next() => match answer {
                    Ok(answer) => sampling.add_answer(answer),
                    Err(error) => {
                        sampling.add_failure();
                        failure = Some(error);
                    }
                },
                () = tokio::time::sleep_until(first_answer_by), if sampling.address_count() == 0 => {
                    break (known_so_far, assessment);
                }
            }
        };
        if sampling.address_count() == 0 {
            *unanswered = sampling.lookups();
            return None;
        }
        let found = sampling.into_found(known, &assessment);
        if !assessment.caches.is_empty() {
            let known = found.addresses.union(known).count();
            query.warn_of_caches(&assessment.caches, known);
        }
        send(count, found.addresses.len());
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

/// Sends the count, once. The receiver may have stopped waiting.
fn send(sender: &mut Option<oneshot::Sender<usize>>, count: usize) {
    if let Some(sender) = sender.take() {
        let _ = sender.send(count);
    }
}
