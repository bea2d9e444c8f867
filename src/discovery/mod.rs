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

pub use run::Run;
pub use tally::Found;
pub(crate) use tally::Tally;

use crate::properties::parse_dns_server;
use authority::{Authorities, Authority};
use question::Question;
use server::Server;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tracing::{info, warn};

/// Why there is no list of addresses.
#[derive(Debug, thiserror::Error)]
pub enum DiscoveryError {
    #[error("DNS has no address for {name}")]
    NoAddresses { name: String },
    #[error("the DNS lookup of {name} failed at every server asked: {servers}")]
    Failed {
        name: String,
        servers: String,
        #[source]
        source: Box<hickory_resolver::net::NetError>,
    },
    #[error(
        "DNS_SERVERS names {server:?}, allowed is an IP address, or one and a port as in 10.0.0.2:53"
    )]
    Default { server: String },
    #[error("no DNS server answered for {name} in time: {servers}")]
    Silent { name: String, servers: String },
}

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

    /// Starts a run with its first lookup, after which most runs are done.
    ///
    /// # Errors
    /// Where no server gives an address.
    pub async fn start(
        &self,
        dns_name: &str,
        servers: &[SocketAddr],
        max_lookups: usize,
    ) -> Result<Run, DiscoveryError> {
        let servers = match &self.default_servers {
            _ if !servers.is_empty() => servers,
            Ok(servers) => servers,
            Err(server) => {
                return Err(DiscoveryError::Default {
                    server: server.clone(),
                });
            }
        };
        if !servers.is_empty() {
            let servers = servers
                .iter()
                .map(|address| self.server(*address))
                .collect();
            return run(dns_name, servers, max_lookups, true).await;
        }
        match self.start_at_authority(dns_name, max_lookups).await? {
            Some(run) => Ok(run),
            None => {
                let system = self.authorities.system();
                run(dns_name, vec![system], max_lookups, false).await
            }
        }
    }

    /// `None` where the authoritative servers cannot be reached.
    async fn start_at_authority(
        &self,
        dns_name: &str,
        max_lookups: usize,
    ) -> Result<Option<Run>, DiscoveryError> {
        let contact = async {
            let servers = match self.authorities.of(dns_name).await? {
                Authority::Servers(servers) => servers,
                Authority::Unreachable => return Ok(None),
            };
            run(dns_name, servers, max_lookups, true).await.map(Some)
        };
        match tokio::time::timeout(FIRST_CONTACT, contact).await {
            Ok(Ok(run)) => Ok(run),
            Ok(Err(error @ DiscoveryError::NoAddresses { .. })) => Err(error),
            Ok(Err(error)) => {
                warn!(
                    error = &error as &dyn std::error::Error,
                    "asking the system's resolver"
                );
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

async fn run(
    dns_name: &str,
    servers: Vec<Arc<Server>>,
    max_lookups: usize,
    independent: bool,
) -> Result<Run, DiscoveryError> {
    let tally = Tally::new(max_lookups, independent);
    Run::start(Question::new(dns_name, servers), tally).await
}

#[cfg(test)]
mod tests;
