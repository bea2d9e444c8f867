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

pub use certainty::lookups_needed;
pub use run::{Run, start};
pub use tally::{Evidence, Found};

use crate::capabilities::{Dns, DnsAnswer, DnsError, Question as _};
use crate::log::chain;
use crate::properties::parse_dns_server;
use authority::Authorities;
use question::Question;
use server::Server;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{BuildHasher, RandomState};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tracing::info;

/// How long authoritative servers may take to answer for the first time, before the system's
/// resolver is asked instead.
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
            let error = chain(error);
            info!(
                error,
                "authoritative DNS servers are out of reach, asking the system's resolver"
            );
            self.authorities.were_not_reached(dns_name);
            return None;
        }
        self.authorities.were_reached(dns_name);
        Some(first)
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
        let servers = match &self.default_servers {
            _ if !servers.is_empty() => servers,
            Ok(servers) => servers,
            Err(server) => {
                let server = server.clone();
                return Err(DnsError::Default { server });
            }
        };
        if !servers.is_empty() {
            let servers = servers.iter().map(|address| self.server(*address));
            let turn = self.turn(dns_name);
            return first(Question::new(dns_name, servers.collect(), turn)).await;
        }
        if let Some(first) = self.ask_authority(dns_name).await {
            return first;
        }
        first(Question::new(dns_name, vec![self.authorities.system()], 0)).await
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
