//! One question to several DNS servers: what addresses a name has.
//!
//! Never gives an empty list: an answer without addresses is an error.

use super::authority::fully_qualified;
use super::server::Server;
use crate::capabilities::{self, DnsError};
use futures_util::stream::{FuturesUnordered, StreamExt};
use hickory_resolver::net::NetError;
use hickory_resolver::proto::rr::Name;
use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How long a server may think before the next one is asked as well.
const PATIENCE: Duration = Duration::from_millis(250);

/// A name and whom to ask for it, with the servers that have not answered well.
pub struct Question {
    dns_name: String,
    /// Whether each answer is a fresh random choice. A cache repeats itself, so that many of its
    /// answers make nothing certain.
    is_independent: bool,
    servers: Vec<(Arc<Server>, AtomicBool)>,
}

impl Question {
    pub(super) fn new(dns_name: &str, servers: Vec<Arc<Server>>, is_independent: bool) -> Self {
        Self {
            dns_name: dns_name.to_owned(),
            is_independent,
            servers: servers
                .into_iter()
                .map(|server| (server, AtomicBool::new(false)))
                .collect(),
        }
    }

    fn failed(&self, source: NetError) -> DnsError {
        DnsError::Failed {
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

impl capabilities::Question for Question {
    fn is_independent(&self) -> bool {
        self.is_independent
    }

    /// One lookup, begun at another server each time. A server that fails or is slow is joined by
    /// the next, and is asked last from then on.
    async fn again(&self, number: usize) -> Result<Vec<IpAddr>, DnsError> {
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
            _ if says_none => DnsError::NoAddresses {
                name: self.dns_name.clone(),
            },
            Some(source) => self.failed(source),
            None => DnsError::Silent {
                name: self.dns_name.clone(),
                servers: self.server_names(),
            },
        })
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
