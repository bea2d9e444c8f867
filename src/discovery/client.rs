//! Chooses the servers to ask for a name's addresses: those that are given; else the authoritative ones of the
//! name's zone; else, if these cannot be reached, the system's resolver.
//!
//! Never decides how many lookups are made: the run does.

use super::dns::{Dns, DnsAnswer, DnsError, DnsQuery as _, FIRST_ANSWER_TIMEOUT};
use super::name_servers::NameServers;
use super::query::Query;
use super::server::Server;
use crate::log::chain;
use crate::properties::parse_dns_server;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{BuildHasher, RandomState};
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use tracing::info;

/// Everything about DNS that the function keeps from one run to the next: connections, the authoritative servers,
/// and the last certain lists. Made once for each process.
pub struct DnsClient {
    given: Mutex<BTreeMap<SocketAddr, Arc<Server>>>,
    name_servers: NameServers,
    default_servers: Result<Vec<SocketAddr>, String>,
    /// The server at which the next run begins, by name. Runs take turns, so that a stale server does not answer
    /// first in each of them.
    turns: Mutex<BTreeMap<String, usize>>,
    /// The last certain list of each name.
    lists: Mutex<BTreeMap<String, BTreeSet<IpAddr>>>,
}

impl DnsClient {
    /// `default_servers`, a comma-separated list of `ip` or `ip:port`, are asked if a binding names no servers.
    /// An error in the list is reported when the list is needed, because a function that does not start could not
    /// answer CloudFormation.
    pub fn new(default_servers: &str) -> Self {
        let servers = default_servers
            .split(',')
            .filter(|server| !server.trim().is_empty())
            .map(|server| parse_dns_server(server).ok_or_else(|| server.to_owned()))
            .collect();
        Self {
            given: Mutex::default(),
            name_servers: NameServers::new(Server::system(), 53),
            default_servers: servers,
            turns: Mutex::default(),
            lists: Mutex::default(),
        }
    }

    /// `None` if the authoritative servers cannot be reached.
    async fn ask_name_servers(&self, dns_name: &str) -> Option<Result<FirstAnswer, DnsError>> {
        if !self.name_servers.may_be_tried(dns_name) {
            return None;
        }
        let attempt = async {
            let servers = self.name_servers.of_name(dns_name).await?;
            let query = Query::new(dns_name, servers, self.next_turn(dns_name));
            let no_answer = query.no_answer();
            let first = tokio::time::timeout(FIRST_ANSWER_TIMEOUT, first_lookup(query)).await;
            first.unwrap_or(Err(no_answer))
        };
        let first = attempt.await;
        if let Err(error) = &first
            && !matches!(error, DnsError::NoAddresses { .. })
        {
            self.report_out_of_reach(dns_name, error);
            return None;
        }
        self.name_servers.mark_in_reach(dns_name);
        Some(first)
    }

    fn report_out_of_reach(&self, dns_name: &str, error: &DnsError) {
        let error = chain(error);
        info!(
            error,
            "authoritative DNS servers are out of reach, asking the system's resolver"
        );
        self.name_servers.mark_out_of_reach(dns_name);
    }

    /// The server at which a run begins: another one each time.
    fn next_turn(&self, dns_name: &str) -> usize {
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        // Processes that have just started do not all begin at the same server.
        let random = || RandomState::new().hash_one(dns_name) as usize;
        let turn = turns.entry(dns_name.to_owned()).or_insert_with(random);
        *turn = turn.wrapping_add(1);
        *turn
    }

    /// A query of `servers`, or of those that the variable DNS_SERVERS names; `None` if neither names any.
    fn query_of_given(
        &self,
        dns_name: &str,
        servers: &[SocketAddr],
    ) -> Result<Option<Query>, DnsError> {
        let servers = match &self.default_servers {
            _ if !servers.is_empty() => servers,
            Ok(servers) => servers,
            Err(server) => {
                let server = server.clone();
                return Err(DnsError::Default { server });
            }
        };
        if servers.is_empty() {
            return Ok(None);
        }
        let servers = servers.iter().map(|address| self.server(*address));
        let turn = self.next_turn(dns_name);
        Ok(Some(Query::new(dns_name, servers.collect(), turn)))
    }

    fn server(&self, address: SocketAddr) -> Arc<Server> {
        self.given
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .entry(address)
            .or_insert_with(|| Arc::new(Server::at(address)))
            .clone()
    }
}

impl Dns for DnsClient {
    type Query = Query;

    async fn first_lookup(
        &self,
        dns_name: &str,
        servers: &[SocketAddr],
    ) -> Result<FirstAnswer, DnsError> {
        if let Some(query) = self.query_of_given(dns_name, servers)? {
            return first_lookup(query).await;
        }
        if let Some(first) = self.ask_name_servers(dns_name).await {
            return first;
        }
        first_lookup(Query::new(dns_name, vec![self.name_servers.system()], 0)).await
    }

    async fn query(&self, dns_name: &str, servers: &[SocketAddr]) -> Option<Query> {
        match self.query_of_given(dns_name, servers) {
            Ok(None) if self.name_servers.are_in_reach(dns_name) => {
                let servers = self.name_servers.of_name(dns_name).await;
                let servers =
                    servers.inspect_err(|error| self.report_out_of_reach(dns_name, error));
                Some(Query::new(
                    dns_name,
                    servers.ok()?,
                    self.next_turn(dns_name),
                ))
            }
            given => given.ok().flatten(),
        }
    }

    fn remembered(&self, dns_name: &str) -> BTreeSet<IpAddr> {
        let lists = self.lists.lock().unwrap_or_else(PoisonError::into_inner);
        lists.get(dns_name).cloned().unwrap_or_default()
    }

    fn remember(&self, dns_name: &str, addresses: &BTreeSet<IpAddr>) {
        let mut lists = self.lists.lock().unwrap_or_else(PoisonError::into_inner);
        if lists.get(dns_name) != Some(addresses) {
            lists.insert(dns_name.to_owned(), addresses.clone());
        }
    }
}

/// A query with its first answer.
type FirstAnswer = (Query, DnsAnswer);

async fn first_lookup(query: Query) -> Result<FirstAnswer, DnsError> {
    let answer = query.lookup(1, BTreeSet::new()).await?;
    Ok((query, answer))
}

#[cfg(test)]
mod tests;
