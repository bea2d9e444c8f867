//! One DNS server, asked many times at once.
//!
//! hickory's resolver answers equal questions that are under way at the same time from one
//! query. Here each must get an answer of its own, for each holds another random subset; so
//! every question under way has a resolver to itself, and those are kept for the next ones.

use hickory_resolver::config::{
    ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts,
};
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::{Name, RData, RecordType};
use hickory_resolver::{ResolverBuilder, TokioResolver};
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// How long one query may take; it is sent once more after that.
const TIMEOUT: Duration = Duration::from_secs(1);

/// A server, or the system's own list of servers.
pub(super) struct Server {
    place: Place,
    idle: Mutex<Vec<TokioResolver>>,
}

enum Place {
    Address(SocketAddr),
    System,
}

impl Server {
    pub(super) fn at(address: SocketAddr) -> Self {
        Self {
            place: Place::Address(address),
            idle: Mutex::default(),
        }
    }

    pub(super) fn system() -> Self {
        Self {
            place: Place::System,
            idle: Mutex::default(),
        }
    }

    /// The IPv4 addresses in one answer; empty where the server says that there are none.
    pub(super) async fn addresses(&self, name: &Name) -> Result<Vec<IpAddr>, NetError> {
        let records = self.lookup(name, RecordType::A).await?;
        Ok(records
            .into_iter()
            .filter_map(|record| match record {
                RData::A(address) => Some(IpAddr::V4(address.0)),
                _ => None,
            })
            .collect())
    }

    /// The names of a zone's servers; empty where that is no zone.
    pub(super) async fn name_servers(&self, zone: &Name) -> Result<Vec<Name>, NetError> {
        let records = self.lookup(zone, RecordType::NS).await?;
        Ok(records
            .into_iter()
            .filter_map(|record| match record {
                RData::NS(server) => Some(server.0),
                _ => None,
            })
            .collect())
    }

    async fn lookup(&self, name: &Name, kind: RecordType) -> Result<Vec<RData>, NetError> {
        let idle = self.idle().pop();
        let resolver = match idle {
            Some(resolver) => resolver,
            None => self.resolver()?,
        };
        let answer = resolver.lookup(name.clone(), kind).await;
        self.idle().push(resolver);
        match answer {
            Ok(lookup) => Ok(lookup
                .answers()
                .iter()
                .map(|record| record.data.clone())
                .collect()),
            Err(error) if error.is_no_records_found() => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    fn resolver(&self) -> Result<TokioResolver, NetError> {
        let provider = TokioRuntimeProvider::default();
        let mut builder: ResolverBuilder<_> = match self.place {
            Place::System => TokioResolver::builder(provider)?,
            Place::Address(address) => {
                let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()]
                    .into_iter()
                    .map(|mut connection| {
                        connection.port = address.port();
                        connection
                    })
                    .collect();
                let server = NameServerConfig::new(address.ip(), true, connections);
                TokioResolver::builder_with_config(
                    ResolverConfig::from_name_servers(vec![server]),
                    provider,
                )
            }
        };
        set_options(builder.options_mut());
        builder.build()
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<TokioResolver>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn set_options(options: &mut ResolverOpts) {
    options.cache_size = 0;
    options.use_hosts_file = ResolveHosts::Never;
    options.timeout = TIMEOUT;
    options.attempts = 1;
    options.num_concurrent_reqs = 1;
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place {
            Place::Address(address) => write!(f, "{address}"),
            Place::System => f.write_str("the system's resolver"),
        }
    }
}
