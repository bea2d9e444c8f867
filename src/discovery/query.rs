//! One question to several DNS servers: what addresses a name has.
//!
//! Never gives an empty list: an answer without addresses is an error.

use super::dns::{DnsAnswer, DnsError, DnsQuery};
use super::name_servers::fully_qualified;
use super::server::{Reply, Server};
use futures_util::stream::{FuturesUnordered, StreamExt};
use hickory_resolver::net::NetError;
use hickory_resolver::proto::rr::Name;
use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tracing::warn;

/// How long a server may think before the next one is asked as well.
const PATIENCE: Duration = Duration::from_millis(250);

/// A name and whom to ask for it, with the servers that have not answered well.
pub struct Query {
    dns_name: String,
    /// Which of the servers it begins at.
    turn: usize,
    servers: Vec<Asked>,
}

/// A server, as one question has met it.
struct Asked {
    number: usize,
    server: Arc<Server>,
    /// Whether it has failed, or taken long.
    is_bad: AtomicBool,
}

impl Query {
    pub(super) fn new(dns_name: &str, servers: Vec<Arc<Server>>, turn: usize) -> Self {
        let servers = servers.into_iter().enumerate();
        let asked = servers.map(|(number, server)| Asked {
            number,
            server,
            is_bad: AtomicBool::new(false),
        });
        Self {
            dns_name: dns_name.to_owned(),
            turn,
            servers: asked.collect(),
        }
    }

    /// Whom to ask one after the other in the lookup of this number. The first lookup goes to
    /// whosever turn it is: where all others repeat themselves, a stale one must not have each run's
    /// first word.
    fn order(&self, number: usize, last: &BTreeSet<usize>) -> VecDeque<&Asked> {
        let count = self.servers.len();
        let first = self.turn.wrapping_add(number) % count.max(1);
        let rotated = self.servers.iter().cycle().skip(first).take(count);
        let mut order: Vec<_> = rotated.collect();
        if number > 1 {
            order.sort_by_key(|asked| {
                let repeats = last.contains(&asked.number) || asked.server.is_cache();
                (asked.is_bad.load(Ordering::Relaxed), repeats)
            });
        }
        order.into()
    }

    fn failed(&self, source: NetError) -> DnsError {
        DnsError::Failed {
            name: self.dns_name.clone(),
            servers: names(self.servers.iter()),
            source: Box::new(source),
        }
    }
}

fn names<'a>(servers: impl Iterator<Item = &'a Asked>) -> String {
    let names: Vec<_> = servers.map(|asked| asked.server.to_string()).collect();
    names.join(", ")
}

impl DnsQuery for Query {
    /// One lookup, begun at another server each time. A server that fails or is slow is joined by
    /// the next, and is asked last from then on.
    async fn again(&self, number: usize, last: BTreeSet<usize>) -> Result<DnsAnswer, DnsError> {
        let name = fully_qualified(&self.dns_name).map_err(|source| self.failed(source))?;
        let mut waiting = self.order(number, &last);
        let mut asked = FuturesUnordered::new();
        let mut failure = None;
        let mut says_none = false;
        asked.extend(waiting.pop_front().map(|server| server.ask(&name)));
        while !asked.is_empty() {
            let answer = tokio::select! {
                answer = asked.next() => answer,
                () = tokio::time::sleep(PATIENCE), if !waiting.is_empty() => None,
            };
            match answer {
                Some(Ok(answer)) if !answer.addresses.is_empty() => return Ok(answer),
                Some(Ok(_)) => says_none = true,
                Some(Err(error)) => failure = Some(error),
                None => {}
            }
            asked.extend(waiting.pop_front().map(|server| server.ask(&name)));
        }
        Err(match failure {
            // The one that failed might have had some.
            Some(source) => self.failed(source),
            None if says_none => DnsError::NoAddresses {
                name: self.dns_name.clone(),
            },
            None => self.silent(),
        })
    }

    fn silent(&self) -> DnsError {
        DnsError::Silent {
            name: self.dns_name.clone(),
            servers: names(self.servers.iter()),
        }
    }

    fn servers(&self) -> usize {
        self.servers.len()
    }

    fn warn_of(&self, caches: &BTreeSet<usize>, known: usize) {
        let is_news = |asked: &&Asked| {
            caches.contains(&asked.number) && asked.server.is_found_to_be_a_cache()
        };
        let servers = names(self.servers.iter().filter(is_news));
        if !servers.is_empty() {
            warn!(
                servers,
                known,
                "these DNS servers repeat their answers, as a cache does, or the load balancer has \
                 shrunk to eight addresses: such answers make no list certain, so missing addresses \
                 may leave later; where it is a cache, name servers in DnsServers that are none"
            );
        }
    }
}

impl Asked {
    /// Asks the server, which counts as a bad one until it has given an address.
    async fn ask(&self, name: &Name) -> Result<DnsAnswer, NetError> {
        let was_bad = self.is_bad.load(Ordering::Relaxed);
        let mut answer = std::pin::pin!(self.server.addresses(name));
        let answer = match tokio::time::timeout(PATIENCE, &mut answer).await {
            Ok(answer) => answer,
            Err(_) => {
                self.is_bad.store(true, Ordering::Relaxed);
                answer.await
            }
        };
        let is_good = matches!(&answer, Ok(reply) if !reply.addresses.is_empty());
        self.is_bad.store(!is_good || was_bad, Ordering::Relaxed);
        let Reply { addresses, lives } = answer?;
        Ok(DnsAnswer {
            addresses,
            server: self.number,
            is_resolvers: self.server.is_resolver(),
            lives,
        })
    }
}
