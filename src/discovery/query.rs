//! One lookup of a name's addresses, at several DNS servers one after the other.
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

/// How long a server may take before the next one is asked as well.
const PATIENCE: Duration = Duration::from_millis(250);

/// A name and the servers to ask for its addresses, for one run of lookups.
pub struct Query {
    dns_name: String,
    /// The server at which the lookups begin, in `servers`.
    turn: usize,
    servers: Vec<RankedServer>,
}

/// A server, with how it has answered the lookups of one query.
struct RankedServer {
    number: usize,
    server: Arc<Server>,
    /// Whether it has failed, or has taken longer than [`PATIENCE`].
    is_bad: AtomicBool,
}

impl Query {
    pub(super) fn new(dns_name: &str, servers: Vec<Arc<Server>>, turn: usize) -> Self {
        let servers = servers.into_iter().enumerate();
        let servers = servers.map(|(number, server)| RankedServer {
            number,
            server,
            is_bad: AtomicBool::new(false),
        });
        Self {
            dns_name: dns_name.to_owned(),
            turn,
            servers: servers.collect(),
        }
    }

    /// The servers in the order in which the lookup of this number asks them. For the first lookup only the turn
    /// decides, so that a stale server is not the first one of each run when all others are caches.
    fn order(&self, number: usize, last: &BTreeSet<usize>) -> VecDeque<&RankedServer> {
        let count = self.servers.len();
        let first = self.turn.wrapping_add(number) % count.max(1);
        let rotated = self.servers.iter().cycle().skip(first).take(count);
        let mut order: Vec<_> = rotated.collect();
        if number > 1 {
            order.sort_by_key(|one| {
                let comes_last = last.contains(&one.number) || one.server.is_cache();
                (one.is_bad.load(Ordering::Relaxed), comes_last)
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

fn names<'a>(servers: impl Iterator<Item = &'a RankedServer>) -> String {
    let names: Vec<_> = servers.map(|one| one.server.to_string()).collect();
    names.join(", ")
}

impl DnsQuery for Query {
    /// Each lookup begins at another server. If a server fails or is slow, the next one is asked as well, and
    /// later lookups ask the failed or slow one last.
    async fn lookup(&self, number: usize, last: BTreeSet<usize>) -> Result<DnsAnswer, DnsError> {
        let name = fully_qualified(&self.dns_name).map_err(|source| self.failed(source))?;
        let mut waiting = self.order(number, &last);
        let mut under_way = FuturesUnordered::new();
        let mut failure = None;
        let mut has_none = false;
        under_way.extend(waiting.pop_front().map(|server| server.ask(&name)));
        while !under_way.is_empty() {
            let answer = tokio::select! {
                answer = under_way.next() => answer,
                () = tokio::time::sleep(PATIENCE), if !waiting.is_empty() => None,
            };
            match answer {
                Some(Ok(answer)) if !answer.addresses.is_empty() => return Ok(answer),
                Some(Ok(_)) => has_none = true,
                Some(Err(error)) => failure = Some(error),
                None => {}
            }
            under_way.extend(waiting.pop_front().map(|server| server.ask(&name)));
        }
        Err(match failure {
            // The server that failed may know some.
            Some(source) => self.failed(source),
            None if has_none => DnsError::NoAddresses {
                name: self.dns_name.clone(),
            },
            None => self.no_answer(),
        })
    }

    fn no_answer(&self) -> DnsError {
        DnsError::Silent {
            name: self.dns_name.clone(),
            servers: names(self.servers.iter()),
        }
    }

    fn server_count(&self) -> usize {
        self.servers.len()
    }

    fn warn_of_caches(&self, caches: &BTreeSet<usize>, known: usize) {
        let is_new =
            |one: &&RankedServer| caches.contains(&one.number) && one.server.mark_as_cache();
        let servers = names(self.servers.iter().filter(is_new));
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

impl RankedServer {
    /// Asks the server. It is bad while it takes longer than [`PATIENCE`], and stays bad if it gives no address
    /// or was bad before.
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
        let Reply {
            addresses,
            cached_for,
        } = answer?;
        Ok(DnsAnswer {
            addresses,
            server: self.number,
            is_from_resolver: self.server.is_resolver(),
            cached_for,
        })
    }
}
