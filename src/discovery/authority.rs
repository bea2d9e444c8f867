//! Which servers are authoritative for an ALB's name, remembered for as long as that holds.
//!
//! Never tells an address of the ALB: that is asked of the servers found here.

use super::server::Server;
use crate::capabilities::DnsError;
use futures_util::future::join_all;
use hickory_resolver::proto::rr::Name;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Name servers of AWS's zones change rarely; their NS records live for hours.
const KEPT: Duration = Duration::from_secs(3600);

/// A function without a way to the internet must not try again every minute.
const UNREACHABLE_KEPT: Duration = Duration::from_secs(600);

#[derive(Clone)]
pub(super) enum Authority {
    Servers(Vec<Arc<Server>>),
    Unreachable,
}

pub(super) struct Authorities {
    known: Mutex<BTreeMap<String, (Authority, Instant)>>,
    system: Arc<Server>,
    /// Where authoritative servers listen.
    port: u16,
}

impl Authorities {
    /// Found by asking `system`.
    pub(super) fn new(system: Server, port: u16) -> Self {
        Self {
            known: Mutex::default(),
            system: Arc::new(system),
            port,
        }
    }

    pub(super) async fn of(&self, dns_name: &str) -> Result<Authority, DnsError> {
        let zone = zone_of(dns_name);
        let known = self.known().get(zone).cloned();
        if let Some((authority, until)) = known
            && Instant::now() < until
        {
            return Ok(authority);
        }
        let servers = self.find(dns_name, zone).await?;
        let authority = Authority::Servers(servers);
        self.keep(zone, authority.clone(), KEPT);
        Ok(authority)
    }

    pub(super) fn set_unreachable(&self, dns_name: &str) {
        self.keep(zone_of(dns_name), Authority::Unreachable, UNREACHABLE_KEPT);
    }

    pub(super) fn system(&self) -> Arc<Server> {
        Arc::clone(&self.system)
    }

    async fn find(&self, dns_name: &str, zone: &str) -> Result<Vec<Arc<Server>>, DnsError> {
        let system = &self.system;
        let failed = |source| DnsError::Failed {
            name: dns_name.to_owned(),
            servers: system.to_string(),
            source: Box::new(source),
        };
        let mut candidate = Some(zone);
        // The zone's cut is somewhere above the name: `us-east-1.elb.amazonaws.com` today.
        while let Some(zone) = candidate.filter(|zone| zone.contains('.')) {
            let name = fully_qualified(zone).map_err(failed)?;
            let names = system.name_servers(&name).await.map_err(failed)?;
            if !names.is_empty() {
                let addresses = join_all(names.iter().map(|name| system.addresses(name))).await;
                let servers: Vec<_> = addresses
                    .into_iter()
                    .flatten()
                    .flatten()
                    .map(|address| Arc::new(Server::at(SocketAddr::new(address, self.port))))
                    .collect();
                if !servers.is_empty() {
                    return Ok(servers);
                }
            }
            candidate = parent(zone);
        }
        Err(DnsError::Silent {
            name: dns_name.to_owned(),
            servers: "none is authoritative".to_owned(),
        })
    }

    fn keep(&self, zone: &str, authority: Authority, time: Duration) {
        self.known()
            .insert(zone.to_owned(), (authority, Instant::now() + time));
    }

    fn known(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, (Authority, Instant)>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// All ALBs of a region have their names in one zone, so what follows the first label is enough.
fn zone_of(dns_name: &str) -> &str {
    parent(dns_name).unwrap_or(dns_name)
}

fn parent(name: &str) -> Option<&str> {
    name.split_once('.').map(|(_, parent)| parent)
}

/// With its final dot, so that no search domain is tried.
pub(super) fn fully_qualified(name: &str) -> Result<Name, hickory_resolver::net::NetError> {
    let mut name = Name::from_utf8(name)?;
    name.set_fqdn(true);
    Ok(name)
}
