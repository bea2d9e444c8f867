//! Finds the servers that are authoritative for a name, remembers them, and decides when they are tried again after
//! they were out of reach.
//!
//! Never looks up the addresses of the name itself: the query does, at the servers found here.

use super::dns::DnsError;
use super::server::Server;
use futures_util::stream::{FuturesUnordered, StreamExt};
use hickory_resolver::proto::rr::Name;
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// For how long found servers are used. Name servers of AWS's zones change rarely; their NS records live for hours.
const KEPT_FOR: Duration = Duration::from_secs(3600);

/// How much longer they are used if they could not be found again.
const KEPT_LONGER_FOR: Duration = Duration::from_secs(60);

/// How long finding them may take.
const FIND_TIMEOUT: Duration = Duration::from_secs(1);

/// How long the lookups of the other name servers may take after the first one has ended. Each name server is in a
/// zone of its own, and one of these may be slow.
const OTHER_SERVERS_TIMEOUT: Duration = Duration::from_millis(250);

/// The pause after the first failure. It is over before the next tick, and soon in a Create.
const SHORTEST_PAUSE: Duration = Duration::from_secs(1);

/// The longest pause, so that a function without a way to the internet does not try in every tick.
const LONGEST_PAUSE: Duration = Duration::from_secs(600);

pub(super) struct NameServers {
    zones: Mutex<BTreeMap<String, Zone>>,
    system: Arc<Server>,
    /// The port on which authoritative servers listen.
    port: u16,
}

/// The servers of a zone, and when to use them.
#[derive(Clone, Default)]
struct Zone {
    /// Servers stay here while they fail, because they may answer again.
    servers: Vec<Arc<Server>>,
    /// When they have to be found again.
    find_again_at: Option<Instant>,
    /// How often in a row they were out of reach.
    failures: u32,
    /// When they may be tried again.
    try_again_at: Option<Instant>,
}

impl NameServers {
    /// `system` finds the servers, which listen at `port`.
    pub(super) fn new(system: Server, port: u16) -> Self {
        Self {
            zones: Mutex::default(),
            system: Arc::new(system),
            port,
        }
    }

    /// Whether the pause after their last failure is over.
    pub(super) fn may_be_tried(&self, dns_name: &str) -> bool {
        let try_again_at = self.zone(dns_name, |zone| zone.try_again_at);
        try_again_at.is_none_or(|try_again_at| try_again_at <= Instant::now())
    }

    /// Whether they answered last time, or were not tried yet.
    pub(super) fn are_in_reach(&self, dns_name: &str) -> bool {
        self.zone(dns_name, |zone| zone.failures == 0)
    }

    pub(super) async fn of_name(&self, dns_name: &str) -> Result<Vec<Arc<Server>>, DnsError> {
        let Zone {
            servers,
            find_again_at,
            ..
        } = self.zone(dns_name, |zone| zone.clone());
        if find_again_at.is_some_and(|at| Instant::now() < at) {
            return Ok(servers);
        }
        let (servers, kept_for) = match self.find(dns_name, Instant::now() + FIND_TIMEOUT).await {
            Ok(found) => (keep_known_servers(found, servers), KEPT_FOR),
            Err(error) if servers.is_empty() => return Err(error),
            Err(_) => (servers, KEPT_LONGER_FOR),
        };
        self.zone(dns_name, |zone| {
            zone.servers.clone_from(&servers);
            zone.find_again_at = Some(Instant::now() + kept_for);
        });
        Ok(servers)
    }

    pub(super) fn mark_in_reach(&self, dns_name: &str) {
        self.zone(dns_name, |zone| {
            zone.failures = 0;
            zone.try_again_at = None;
        });
    }

    /// The pause until they may be tried again doubles with each failure in a row.
    pub(super) fn mark_out_of_reach(&self, dns_name: &str) {
        self.zone(dns_name, |zone| {
            let pause = SHORTEST_PAUSE.saturating_mul(2_u32.saturating_pow(zone.failures));
            zone.failures = zone.failures.saturating_add(1);
            zone.try_again_at = Some(Instant::now() + pause.min(LONGEST_PAUSE));
        });
    }

    pub(super) fn system(&self) -> Arc<Server> {
        Arc::clone(&self.system)
    }

    async fn find(&self, dns_name: &str, deadline: Instant) -> Result<Vec<Server>, DnsError> {
        let system = &self.system;
        let failed = |source| DnsError::Failed {
            name: dns_name.to_owned(),
            servers: system.to_string(),
            source: Box::new(source),
        };
        let no_answer = |servers| DnsError::Silent {
            name: dns_name.to_owned(),
            servers,
        };
        let mut candidate = Some(zone_of(dns_name));
        // Today the zone is `us-east-1.elb.amazonaws.com`, but any parent of the name may be one.
        while let Some(zone) = candidate.filter(|zone| zone.contains('.')) {
            let name = fully_qualified(zone).map_err(failed)?;
            let names = timeout_at(deadline, system.name_servers(&name)).await;
            let names = names.map_err(|_| no_answer(system.to_string()))?;
            let servers = self.servers_of(&names.map_err(failed)?, deadline).await;
            if !servers.is_empty() {
                return Ok(servers);
            }
            candidate = parent(zone);
        }
        Err(no_answer("none is authoritative".to_owned()))
    }

    /// The servers of these names whose addresses are found in time, in the order of the addresses.
    async fn servers_of(&self, names: &[Name], mut deadline: Instant) -> Vec<Server> {
        let lookups = names.iter().map(|name| self.system.addresses(name));
        let mut lookups: FuturesUnordered<_> = lookups.collect();
        let mut addresses = BTreeSet::new();
        while let Ok(Some(reply)) = timeout_at(deadline, lookups.next()).await {
            if let Ok(reply) = reply {
                addresses.extend(reply.addresses);
                deadline = deadline.min(Instant::now() + OTHER_SERVERS_TIMEOUT);
            }
        }
        let addresses = addresses.into_iter();
        addresses
            .map(|address| Server::at(SocketAddr::new(address, self.port)))
            .collect()
    }

    fn zone<T>(&self, dns_name: &str, use_it: impl FnOnce(&mut Zone) -> T) -> T {
        let mut zones = self.zones.lock().unwrap_or_else(PoisonError::into_inner);
        use_it(zones.entry(zone_of(dns_name).to_owned()).or_default())
    }
}

/// Servers that were known before stay as they are, with their connections and whether they are caches.
fn keep_known_servers(found: Vec<Server>, known: Vec<Arc<Server>>) -> Vec<Arc<Server>> {
    let mut known: BTreeMap<_, _> = known
        .into_iter()
        .map(|server| (server.to_string(), server))
        .collect();
    let found = found.into_iter();
    found
        .map(|server| {
            known
                .remove(&server.to_string())
                .unwrap_or_else(|| Arc::new(server))
        })
        .collect()
}

/// The parent of the name: all ALBs of a Region have their names in one zone.
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
