//! Which servers are authoritative for a name, remembered for as long as that holds, and whether it
//! is time to try them.
//!
//! Never tells an address of the name: that is asked of the servers found here.

use super::dns::DnsError;
use super::server::Server;
use futures_util::stream::{FuturesUnordered, StreamExt};
use hickory_resolver::proto::rr::Name;
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// Name servers of AWS's zones change rarely; their NS records live for hours.
const KEPT: Duration = Duration::from_secs(3600);

/// When they are looked for again where they could not be found anew.
const KEPT_ON: Duration = Duration::from_secs(60);

/// How long they may take to be found.
const FINDING: Duration = Duration::from_secs(1);

/// How long the addresses of the other name servers may take when that of the first is there. They
/// are in zones of their own, one of which may be slow.
const OTHERS: Duration = Duration::from_millis(250);

/// The pause after the first failure. It is over at the next tick, and in a Create soon.
const SHORTEST_PAUSE: Duration = Duration::from_secs(1);

/// The longest pause: a function without a way to the internet must not try in every tick.
const LONGEST_PAUSE: Duration = Duration::from_secs(600);

pub(super) struct NameServers {
    zones: Mutex<BTreeMap<String, Zone>>,
    system: Arc<Server>,
    /// Where authoritative servers listen.
    port: u16,
}

/// The servers of a zone, and how it went with them.
#[derive(Clone, Default)]
struct Zone {
    /// Kept also while they fail: that passes.
    servers: Vec<Arc<Server>>,
    /// When they are to be found anew.
    until: Option<Instant>,
    /// How often in a row they were not reached.
    failures: u32,
    /// Not to be tried before this.
    not_before: Option<Instant>,
}

impl NameServers {
    /// Found by asking `system`.
    pub(super) fn new(system: Server, port: u16) -> Self {
        Self {
            zones: Mutex::default(),
            system: Arc::new(system),
            port,
        }
    }

    /// Whether enough time has passed since they failed.
    pub(super) fn may_be_tried(&self, dns_name: &str) -> bool {
        let not_before = self.zone(dns_name, |zone| zone.not_before);
        not_before.is_none_or(|not_before| not_before <= Instant::now())
    }

    /// Whether they were reached last time, or nobody has tried yet.
    pub(super) fn are_within_reach(&self, dns_name: &str) -> bool {
        self.zone(dns_name, |zone| zone.failures == 0)
    }

    pub(super) async fn of(&self, dns_name: &str) -> Result<Vec<Arc<Server>>, DnsError> {
        let Zone { servers, until, .. } = self.zone(dns_name, |zone| zone.clone());
        if until.is_some_and(|until| Instant::now() < until) {
            return Ok(servers);
        }
        let (servers, kept) = match self.find(dns_name, Instant::now() + FINDING).await {
            Ok(found) => (reused(found, servers), KEPT),
            Err(error) if servers.is_empty() => return Err(error),
            Err(_) => (servers, KEPT_ON),
        };
        self.zone(dns_name, |zone| {
            zone.servers.clone_from(&servers);
            zone.until = Some(Instant::now() + kept);
        });
        Ok(servers)
    }

    pub(super) fn were_reached(&self, dns_name: &str) {
        self.zone(dns_name, |zone| {
            zone.failures = 0;
            zone.not_before = None;
        });
    }

    /// The pause until they are tried again is longer each time.
    pub(super) fn were_not_reached(&self, dns_name: &str) {
        self.zone(dns_name, |zone| {
            let pause = SHORTEST_PAUSE.saturating_mul(2_u32.saturating_pow(zone.failures));
            zone.failures = zone.failures.saturating_add(1);
            zone.not_before = Some(Instant::now() + pause.min(LONGEST_PAUSE));
        });
    }

    pub(super) fn system(&self) -> Arc<Server> {
        Arc::clone(&self.system)
    }

    async fn find(&self, dns_name: &str, until: Instant) -> Result<Vec<Server>, DnsError> {
        let system = &self.system;
        let failed = |source| DnsError::Failed {
            name: dns_name.to_owned(),
            servers: system.to_string(),
            source: Box::new(source),
        };
        let silent = |servers| DnsError::Silent {
            name: dns_name.to_owned(),
            servers,
        };
        let mut candidate = Some(zone_of(dns_name));
        // The zone's cut is somewhere above the name: `us-east-1.elb.amazonaws.com` today.
        while let Some(zone) = candidate.filter(|zone| zone.contains('.')) {
            let name = fully_qualified(zone).map_err(failed)?;
            let names = timeout_at(until, system.name_servers(&name)).await;
            let names = names.map_err(|_| silent(system.to_string()))?;
            let servers = self.servers(&names.map_err(failed)?, until).await;
            if !servers.is_empty() {
                return Ok(servers);
            }
            candidate = parent(zone);
        }
        Err(silent("none is authoritative".to_owned()))
    }

    /// The servers of these names, in the order of their addresses: those that are found in time.
    async fn servers(&self, names: &[Name], mut until: Instant) -> Vec<Server> {
        let lookups = names.iter().map(|name| self.system.addresses(name));
        let mut lookups: FuturesUnordered<_> = lookups.collect();
        let mut addresses = BTreeSet::new();
        while let Ok(Some(reply)) = timeout_at(until, lookups.next()).await {
            if let Ok(reply) = reply {
                addresses.extend(reply.addresses);
                until = until.min(Instant::now() + OTHERS);
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

/// Servers that are known go on as they are, with their connections and what was said of them.
fn reused(found: Vec<Server>, known: Vec<Arc<Server>>) -> Vec<Arc<Server>> {
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
