//! DNS as a trait: which servers to ask for a name's addresses, and each lookup at them.
//!
//! Never decides how many lookups are made: the run does.

use std::collections::BTreeSet;
use std::error::Error;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// How long a run waits for its first answer. After that the servers to ask are chosen again, and the system's
/// resolver is asked in place of authoritative ones.
pub const FIRST_ANSWER_TIMEOUT: Duration = Duration::from_secs(1);

/// What gives the addresses of names.
pub trait Dns {
    type Query: DnsQuery;

    /// Chooses the servers to ask, `servers` if there are any, and makes the first lookup.
    ///
    /// # Errors
    /// If no server gives an address.
    async fn first_lookup(
        &self,
        dns_name: &str,
        servers: &[SocketAddr],
    ) -> Result<(Self::Query, DnsAnswer), DnsError>;

    /// Chooses the servers to ask, `servers` if there are any, and makes no lookup of the name. `None` if no
    /// server can be found, or if the servers did not answer last time.
    async fn query(&self, dns_name: &str, servers: &[SocketAddr]) -> Option<Self::Query>;

    /// The last certain list of a name that this process remembers; empty if there is none.
    fn remembered(&self, dns_name: &str) -> BTreeSet<IpAddr>;

    /// Remembers a certain list.
    fn remember(&self, dns_name: &str, addresses: &BTreeSet<IpAddr>);
}

/// A name and the servers to ask for its addresses, for one run of lookups.
pub trait DnsQuery {
    /// Makes one lookup. Lookups are numbered from 1, which is [`Dns::first_lookup`]. The servers in `last` are
    /// asked only if no other server answers.
    async fn lookup(&self, number: usize, last: BTreeSet<usize>) -> Result<DnsAnswer, DnsError>;

    /// The error for a run in which no server has answered.
    fn no_answer(&self) -> DnsError;

    fn server_count(&self) -> usize;

    /// Warns, once for each server, that these servers repeat their answers as a cache does although `known`
    /// addresses are known.
    fn warn_of_caches(&self, caches: &BTreeSet<usize>, known: usize);
}

/// One server's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DnsAnswer {
    /// Never empty.
    pub addresses: BTreeSet<IpAddr>,
    /// The number of the server in its query.
    pub server: usize,
    /// Whether the system's resolver gave it, which is a cache.
    pub is_from_resolver: bool,
    /// For how long a cache repeats it; zero from a server that says that it is authoritative.
    pub cached_for: Duration,
}

/// Why DNS gave no address.
#[derive(Debug, thiserror::Error)]
pub enum DnsError {
    #[error("DNS has no address for {name}")]
    NoAddresses { name: String },
    #[error("the DNS lookup of {name} failed at every server asked: {servers}")]
    Failed {
        name: String,
        servers: String,
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    #[error(
        "DNS_SERVERS names {server:?}, allowed is an IP address, or one and a port as in 10.0.0.2:53"
    )]
    Default { server: String },
    #[error("no DNS server answered for {name} in time: {servers}")]
    Silent { name: String, servers: String },
}
