//! One run of lookups, side by side, until the list is complete or certain enough.
//!
//! Never asks more often than it is allowed to, and says whether it found enough.

use super::DiscoveryError;
use super::authority::fully_qualified;
use super::certainty::{ADDRESSES_PER_ANSWER, lookups_needed};
use super::server::Server;
use futures_util::stream::{FuturesUnordered, StreamExt};
use hickory_resolver::net::NetError;
use hickory_resolver::proto::rr::Name;
use std::collections::{BTreeSet, VecDeque};
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Lookups under way at once.
const SIDE_BY_SIDE: usize = 16;

/// How long a server may think before the next one is asked as well.
const PATIENCE: Duration = Duration::from_millis(250);

/// What a run found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    pub addresses: BTreeSet<IpAddr>,
    /// Lookups made, failed ones among them.
    pub lookups: usize,
    pub failed_lookups: usize,
    /// Whether no address is missing, but for one chance in a thousand.
    pub certain: bool,
    /// In how many runs like this one an address must be missing to be surely gone.
    pub runs_needed: u32,
}

impl Found {
    /// Whether an address that is not in the list may be taken for gone: not where lookups
    /// failed that were needed.
    pub fn is_whole(&self) -> bool {
        self.certain || self.failed_lookups == 0
    }
}

/// A run under way.
pub struct Run {
    dns_name: String,
    servers: Vec<(Arc<Server>, AtomicBool)>,
    max_lookups: usize,
    /// Whether each answer is a fresh random choice, as authoritative servers make it. A cache
    /// repeats itself, so that many of its answers make nothing certain.
    independent: bool,
    seen: BTreeSet<IpAddr>,
    lookups: usize,
    failed_lookups: usize,
    full_answers: usize,
    complete: bool,
}

impl Run {
    pub(super) fn new(
        dns_name: &str,
        servers: Vec<Arc<Server>>,
        max_lookups: usize,
        independent: bool,
    ) -> Self {
        Self {
            dns_name: dns_name.to_owned(),
            servers: servers
                .into_iter()
                .map(|server| (server, AtomicBool::new(false)))
                .collect(),
            max_lookups,
            independent,
            seen: BTreeSet::new(),
            lookups: 0,
            failed_lookups: 0,
            full_answers: 0,
            complete: false,
        }
    }

    /// The first lookup: without an answer to it there is no list at all.
    pub(super) async fn first(&mut self) -> Result<(), DiscoveryError> {
        self.lookups += 1;
        let answer = self.lookup(self.lookups).await?;
        self.take(answer);
        Ok(())
    }

    /// Goes on until the list is complete or certain, or the allowance is used up. `known` is
    /// how many addresses were known before this run.
    pub async fn finish(mut self, known: usize) -> Found {
        loop {
            let wanted = self.wanted(known);
            if wanted == 0 {
                break;
            }
            let round = FuturesUnordered::new();
            for number in 0..wanted.min(SIDE_BY_SIDE) {
                round.push(self.lookup(self.lookups + number));
            }
            let asked = round.len();
            let answers: Vec<_> = round.collect().await;
            self.lookups += asked;
            for answer in answers {
                match answer {
                    Ok(addresses) => self.take(addresses),
                    Err(error) => {
                        tracing::warn!(error = &error as &dyn std::error::Error, "a lookup failed");
                        self.failed_lookups += 1;
                    }
                }
            }
        }
        let certain = self.is_certain(known);
        // What one run could not make certain, several can. A cache gives one fresh answer a run.
        let fresh = if self.independent {
            self.full_answers
        } else {
            1
        };
        let runs_needed = match certain {
            true => 1,
            false => lookups_needed(self.seen.len(), known).div_ceil(fresh.max(1)),
        };
        Found {
            runs_needed: u32::try_from(runs_needed).unwrap_or(u32::MAX),
            addresses: self.seen,
            lookups: self.lookups,
            failed_lookups: self.failed_lookups,
            certain,
        }
    }

    /// How many more lookups are needed and allowed.
    fn wanted(&self, known: usize) -> usize {
        if self.is_certain(known) {
            return 0;
        }
        let allowed = self.max_lookups.saturating_sub(self.lookups);
        if !self.independent {
            return allowed;
        }
        lookups_needed(self.seen.len(), known)
            .saturating_sub(self.full_answers)
            .min(allowed)
    }

    fn is_certain(&self, known: usize) -> bool {
        self.complete
            || (self.independent && self.full_answers >= lookups_needed(self.seen.len(), known))
    }

    fn take(&mut self, addresses: Vec<IpAddr>) {
        if addresses.len() < ADDRESSES_PER_ANSWER {
            self.complete = true;
        } else {
            self.full_answers += 1;
        }
        self.seen.extend(addresses);
    }

    /// One lookup, begun at another server each time. A server that fails or is slow is joined by
    /// the next, and is asked last from then on.
    async fn lookup(&self, number: usize) -> Result<Vec<IpAddr>, DiscoveryError> {
        let name = fully_qualified(&self.dns_name).map_err(|source| self.failed(source))?;
        let count = self.servers.len();
        let rotated = self
            .servers
            .iter()
            .cycle()
            .skip(number % count.max(1))
            .take(count);
        let (bad, good): (Vec<_>, Vec<_>) =
            rotated.partition(|(_, bad)| bad.load(Ordering::Relaxed));
        let mut waiting: VecDeque<_> = good.into_iter().chain(bad).collect();
        let mut asked = FuturesUnordered::new();
        let mut last = None;
        let mut says_none = false;
        asked.extend(waiting.pop_front().map(|server| ask(server, &name)));
        while !asked.is_empty() {
            let answer = tokio::select! {
                answer = asked.next() => answer,
                () = tokio::time::sleep(PATIENCE), if !waiting.is_empty() => None,
            };
            match answer {
                Some(Ok(addresses)) if !addresses.is_empty() => return Ok(addresses),
                Some(Ok(_)) => says_none = true,
                Some(Err(error)) => last = Some(error),
                None => {}
            }
            asked.extend(waiting.pop_front().map(|server| ask(server, &name)));
        }
        Err(match last {
            _ if says_none => DiscoveryError::NoAddresses {
                name: self.dns_name.clone(),
            },
            Some(source) => self.failed(source),
            None => DiscoveryError::Silent {
                name: self.dns_name.clone(),
                servers: self.server_names(),
            },
        })
    }

    fn failed(&self, source: NetError) -> DiscoveryError {
        DiscoveryError::Failed {
            name: self.dns_name.clone(),
            servers: self.server_names(),
            source: Box::new(source),
        }
    }

    fn server_names(&self) -> String {
        let names: Vec<_> = self
            .servers
            .iter()
            .map(|(server, _)| server.to_string())
            .collect();
        names.join(", ")
    }
}

/// Asks one server, which counts as a bad one until it has given an address.
async fn ask(
    (server, bad): &(Arc<Server>, AtomicBool),
    name: &Name,
) -> Result<Vec<IpAddr>, NetError> {
    let was_bad = bad.load(Ordering::Relaxed);
    let mut answer = std::pin::pin!(server.addresses(name));
    let answer = match tokio::time::timeout(PATIENCE, &mut answer).await {
        Ok(answer) => answer,
        Err(_) => {
            bad.store(true, Ordering::Relaxed);
            answer.await
        }
    };
    let is_good = matches!(&answer, Ok(addresses) if !addresses.is_empty());
    bad.store(!is_good || was_bad, Ordering::Relaxed);
    answer
}
