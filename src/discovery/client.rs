//! Whom to ask for a name's addresses: the servers that are given, else the authoritative ones of the name's zone,
//! else, where those cannot be reached, the system's resolver.
//!
//! Never says how often to ask: that is the run's.

use super::dns::{Dns, DnsAnswer, DnsError, DnsQuery as _, FIRST_CONTACT};
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

/// Everything about DNS that lasts longer than one run: connections, and who the authoritative
/// servers are. Made once for the life of the function.
pub struct DnsClient {
    given: Mutex<BTreeMap<SocketAddr, Arc<Server>>>,
    name_servers: NameServers,
    default_servers: Result<Vec<SocketAddr>, String>,
    /// At which server the next run begins, by name: a stale one must not have each run's first
    /// word.
    turns: Mutex<BTreeMap<String, usize>>,
    /// The last certain list of each name.
    lists: Mutex<BTreeMap<String, BTreeSet<IpAddr>>>,
}

impl DnsClient {
    /// `default_servers`, a comma-separated list of `ip` or `ip:port`, are asked where a binding
    /// names none. What is wrong with it is told when it is needed, for a function that does not
    /// start answers nobody.
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

    /// `None` where the authoritative servers cannot be reached.
    async fn ask_name_servers(&self, dns_name: &str) -> Option<Result<FirstAnswer, DnsError>> {
        if !self.name_servers.may_be_tried(dns_name) {
            return None;
        }
        let contact = async {
            let servers = self.name_servers.of(dns_name).await?;
            let query = Query::new(dns_name, servers, self.turn(dns_name));
            let silent = query.silent();
            let first = tokio::time::timeout(FIRST_CONTACT, first(query)).await;
            first.unwrap_or(Err(silent))
        };
        let first = contact.await;
        if let Err(error) = &first
            && !matches!(error, DnsError::NoAddresses { .. })
        {
            self.were_not_reached(dns_name, error);
            return None;
        }
        self.name_servers.were_reached(dns_name);
        Some(first)
    }

    fn were_not_reached(&self, dns_name: &str, error: &DnsError) {
        let error = chain(error);
        info!(
            error,
            "authoritative DNS servers are out of reach, asking the system's resolver"
        );
        self.name_servers.were_not_reached(dns_name);
    }

    /// Which server a run of lookups begins at: another one each time.
    fn turn(&self, dns_name: &str) -> usize {
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        // Functions that have just been started do not all begin at the same one.
        let random = || RandomState::new().hash_one(dns_name) as usize;
        let turn = turns.entry(dns_name.to_owned()).or_insert_with(random);
        *turn = turn.wrapping_add(1);
        *turn
    }

    /// The question to the servers given, or to those of the variable; `None` where there are none.
    fn of_given(&self, dns_name: &str, servers: &[SocketAddr]) -> Result<Option<Query>, DnsError> {
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
        let turn = self.turn(dns_name);
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

    async fn ask(&self, dns_name: &str, servers: &[SocketAddr]) -> Result<FirstAnswer, DnsError> {
        if let Some(query) = self.of_given(dns_name, servers)? {
            return first(query).await;
        }
        if let Some(first) = self.ask_name_servers(dns_name).await {
            return first;
        }
        first(Query::new(dns_name, vec![self.name_servers.system()], 0)).await
    }

    async fn whom(&self, dns_name: &str, servers: &[SocketAddr]) -> Option<Query> {
        match self.of_given(dns_name, servers) {
            Ok(None) if self.name_servers.are_within_reach(dns_name) => {
                let servers = self.name_servers.of(dns_name).await;
                let servers = servers.inspect_err(|error| self.were_not_reached(dns_name, error));
                Some(Query::new(dns_name, servers.ok()?, self.turn(dns_name)))
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

/// A question with its first answer.
type FirstAnswer = (Query, DnsAnswer);

async fn first(query: Query) -> Result<FirstAnswer, DnsError> {
    let answer = query.again(1, BTreeSet::new()).await?;
    Ok((query, answer))
}

#[cfg(test)]
mod tests;
