//! Which addresses the ALB has: asks DNS until the list is certain enough.
//!
//! An answer without addresses and a failed lookup are errors, never an empty list. Asks the
//! servers it is given, else the authoritative ones of the ALB's zone (a cache would repeat one
//! answer for 60 seconds), else, where those cannot be reached, the system's resolver.

mod authority;
mod certainty;
mod question;
mod run;
mod server;
mod tally;

pub use certainty::{ADDRESSES_PER_ANSWER, lookups_needed};
pub use run::{Wanted, run};
pub use tally::{Evidence, Found};

use crate::capabilities::{Dns, DnsAnswer, DnsError, Question as _};
use crate::log::chain;
use crate::properties::parse_dns_server;
use authority::Authorities;
use question::Question;
use server::Server;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{BuildHasher, RandomState};
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tracing::info;

/// How long servers may take for a run's first answer, before it is found out anew whom to ask, and before the
/// system's resolver is asked in place of authoritative ones.
const FIRST_CONTACT: Duration = Duration::from_secs(1);

/// Everything about DNS that lasts longer than one run: connections, and who the authoritative
/// servers are. Made once for the life of the function.
pub struct Discovery {
    given: Mutex<BTreeMap<SocketAddr, Arc<Server>>>,
    authorities: Authorities,
    default_servers: Result<Vec<SocketAddr>, String>,
    /// At which server the next run begins, by name: a stale one must not have each run's first
    /// word.
    turns: Mutex<BTreeMap<String, usize>>,
    /// The last certain list of each name.
    lists: Mutex<BTreeMap<String, BTreeSet<IpAddr>>>,
}

impl Discovery {
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
            authorities: Authorities::new(Server::system(), 53),
            default_servers: servers,
            turns: Mutex::default(),
            lists: Mutex::default(),
        }
    }

    /// `None` where the authoritative servers cannot be reached.
    async fn ask_authority(&self, dns_name: &str) -> Option<Result<First, DnsError>> {
        if !self.authorities.may_be_tried(dns_name) {
            return None;
        }
        let contact = async {
            let servers = self.authorities.of(dns_name).await?;
            let question = Question::new(dns_name, servers, self.turn(dns_name));
            let silent = question.silent();
            let first = tokio::time::timeout(FIRST_CONTACT, first(question)).await;
            first.unwrap_or(Err(silent))
        };
        let first = contact.await;
        if let Err(error) = &first
            && !matches!(error, DnsError::NoAddresses { .. })
        {
            self.were_not_reached(dns_name, error);
            return None;
        }
        self.authorities.were_reached(dns_name);
        Some(first)
    }

    fn were_not_reached(&self, dns_name: &str, error: &DnsError) {
        let error = chain(error);
        info!(
            error,
            "authoritative DNS servers are out of reach, asking the system's resolver"
        );
        self.authorities.were_not_reached(dns_name);
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
    fn of_given(
        &self,
        dns_name: &str,
        servers: &[SocketAddr],
    ) -> Result<Option<Question>, DnsError> {
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
        Ok(Some(Question::new(dns_name, servers.collect(), turn)))
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

impl Dns for Discovery {
    type Question = Question;

    async fn ask(&self, dns_name: &str, servers: &[SocketAddr]) -> Result<First, DnsError> {
        if let Some(question) = self.of_given(dns_name, servers)? {
            return first(question).await;
        }
        if let Some(first) = self.ask_authority(dns_name).await {
            return first;
        }
        first(Question::new(dns_name, vec![self.authorities.system()], 0)).await
    }

    async fn whom(&self, dns_name: &str, servers: &[SocketAddr]) -> Option<Question> {
        match self.of_given(dns_name, servers) {
            Ok(None) if self.authorities.are_within_reach(dns_name) => {
                let servers = self.authorities.of(dns_name).await;
                let servers = servers.inspect_err(|error| self.were_not_reached(dns_name, error));
                Some(Question::new(dns_name, servers.ok()?, self.turn(dns_name)))
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
type First = (Question, DnsAnswer);

async fn first(question: Question) -> Result<First, DnsError> {
    let answer = question.again(1, BTreeSet::new()).await?;
    Ok((question, answer))
}

#[cfg(test)]
mod tests;
