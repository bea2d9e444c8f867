//! DNS as a capability: whom to ask for a name's addresses, and asking again.

use std::error::Error;
use std::net::{IpAddr, SocketAddr};

/// Whom a name's addresses are asked of.
pub trait Dns {
    type Question: Question;

    /// Finds out whom to ask, by the servers given where there are any, and has a first answer.
    ///
    /// # Errors
    /// Where no server gives an address.
    async fn ask(
        &self,
        dns_name: &str,
        servers: &[SocketAddr],
    ) -> Result<(Self::Question, Vec<IpAddr>), DnsError>;
}

/// A name, and whom to ask for it again.
pub trait Question {
    /// One more answer, which has addresses. Lookups are numbered from 1, the first being `Dns::ask`'s.
    async fn again(&self, number: usize) -> Result<Vec<IpAddr>, DnsError>;
    /// Whether each answer is a choice of its own, as authoritative servers make it.
    fn is_independent(&self) -> bool;
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
