//! DNS as a capability: whom to ask for a name's addresses, and asking again.

use std::collections::BTreeSet;
use std::error::Error;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// How long servers may take for a run's first answer, before it is found out anew whom to ask, and before the
/// system's resolver is asked in place of authoritative ones.
pub const FIRST_CONTACT: Duration = Duration::from_secs(1);

/// Whom a name's addresses are asked of.
pub trait Dns {
    type Query: DnsQuery;

    /// Finds out whom to ask, by the servers given where there are any, and has a first answer.
    ///
    /// # Errors
    /// Where no server gives an address.
    async fn ask(
        &self,
        dns_name: &str,
        servers: &[SocketAddr],
    ) -> Result<(Self::Query, DnsAnswer), DnsError>;

    /// Whom to ask, by the servers given where there are any; `None` where they cannot be found, or did not
    /// answer last time.
    async fn whom(&self, dns_name: &str, servers: &[SocketAddr]) -> Option<Self::Query>;

    /// The addresses that a certain list of this process last had of a name; none where there was no such
    /// list.
    fn remembered(&self, dns_name: &str) -> BTreeSet<IpAddr>;

    /// Is told of a certain list.
    fn remember(&self, dns_name: &str, addresses: &BTreeSet<IpAddr>);
}

/// A name, and whom to ask for it again.
pub trait DnsQuery {
    /// One more answer. Lookups are numbered from 1, the first being `Dns::ask`'s. The servers in
    /// `last` are asked only where no other one answers.
    async fn again(&self, number: usize, last: BTreeSet<usize>) -> Result<DnsAnswer, DnsError>;

    /// That none of the servers has answered.
    fn silent(&self) -> DnsError;

    /// How many servers there are to ask.
    fn servers(&self) -> usize;

    /// Is told which servers repeat themselves as a cache does, though so many addresses are
    /// known, and warns of those that it has not warned of before.
    fn warn_of(&self, caches: &BTreeSet<usize>, known: usize);
}

/// What one server said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DnsAnswer {
    /// Never empty.
    pub addresses: BTreeSet<IpAddr>,
    /// The number of the server in its query.
    pub server: usize,
    /// Whether the system's resolver gave it, which is a cache.
    pub is_resolvers: bool,
    /// For how long a cache goes on giving it; zero from a server that says that it is
    /// authoritative.
    pub lives: Duration,
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
