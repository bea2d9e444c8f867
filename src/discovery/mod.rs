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

pub use run::{Run, start};
pub use tally::Found;

use crate::capabilities::{Dns, DnsError, Question as _};
use crate::log::chain;
use crate::properties::parse_dns_server;
use authority::{Authorities, Authority};
use question::Question;
use server::Server;
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tracing::{info, warn};

/// How long authoritative servers may take to be found and to answer for the first time, before
/// the system's resolver is asked instead.
const FIRST_CONTACT: Duration = Duration::from_secs(1);

/// Everything about DNS that lasts longer than one run: connections, and who the authoritative
/// servers are. Made once for the life of the function.
pub struct Discovery {
    given: Mutex<BTreeMap<SocketAddr, Arc<Server>>>,
    authorities: Authorities,
    default_servers: Result<Vec<SocketAddr>, String>,
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
        }
    }

    /// `None` where the authoritative servers cannot be reached.
    async fn ask_authority(&self, dns_name: &str) -> Result<Option<First>, DnsError> {
        let contact = async {
            let servers = match self.authorities.of(dns_name).await? {
                Authority::Servers(servers) => servers,
                Authority::Unreachable => return Ok(None),
            };
            first(Question::new(dns_name, servers, true))
                .await
                .map(Some)
        };
        match tokio::time::timeout(FIRST_CONTACT, contact).await {
            Ok(Ok(first)) => Ok(first),
            Ok(Err(error @ DnsError::NoAddresses { .. })) => Err(error),
            Ok(Err(error)) => {
                warn!(error = chain(&error), "asking the system's resolver");
                self.authorities.set_unreachable(dns_name);
                Ok(None)
            }
            Err(_) => {
                info!("authoritative DNS servers are out of reach, asking the system's resolver");
                self.authorities.set_unreachable(dns_name);
                Ok(None)
            }
        }
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
            return first(Question::new(dns_name, servers.collect(), true)).await;
        }
        if let Some(first) = self.ask_authority(dns_name).await? {
            return Ok(first);
        }
        let system = vec![self.authorities.system()];
        first(Question::new(dns_name, system, false)).await
    }
}

/// A question with its first answer.
type First = (Question, Vec<IpAddr>);

async fn first(question: Question) -> Result<First, DnsError> {
    let answer = question.again(1).await?;
    Ok((question, answer))
}

#[cfg(test)]
mod tests;
