//! One DNS server, asked many times at once.
//!
//! hickory's pool of connections answers equal questions that are under way at the same time from
//! one query. Here each must get an answer of its own, for each holds another random subset; so
//! every question under way has a pool to itself, and those are kept for the next ones. Its
//! resolver, with the cache that it would add, is not needed.

use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverOpts};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::xfer::{DnsHandle, FirstAnswer};
use hickory_resolver::net::{NetError, RetryDnsHandle};
use hickory_resolver::proto::op::{DnsRequestOptions, Query};
use hickory_resolver::proto::rr::{Name, RData, RecordType};
use hickory_resolver::system_conf::read_system_conf;
use hickory_resolver::{NameServerPool, PoolContext, TlsConfig};
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

type Pool = RetryDnsHandle<NameServerPool<TokioRuntimeProvider>>;

/// How long one query may take; it is sent once more after that.
const TIMEOUT: Duration = Duration::from_secs(1);

/// How many names in a row may be aliases of the next. An ALB's own name is none.
const ALIASES: usize = 8;

/// A server, or the system's own list of servers.
pub(super) struct Server {
    place: Place,
    idle: Mutex<Vec<Pool>>,
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
        let mut name = name.clone();
        for _ in 0..ALIASES {
            let records = self.lookup(&name, RecordType::A).await?;
            let addresses: Vec<_> = records.iter().filter_map(address).collect();
            match records.iter().rev().find_map(alias) {
                Some(alias) if addresses.is_empty() => name = alias,
                _ => return Ok(addresses),
            }
        }
        Err(NetError::from(
            "one alias leads to another, and to no address",
        ))
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
        let pool = match idle {
            Some(pool) => pool,
            None => self.pool()?,
        };
        let query = Query::query(name.clone(), kind);
        let answer = pool
            .lookup(query, DnsRequestOptions::default())
            .first_answer()
            .await;
        self.idle().push(pool);
        match answer {
            Ok(answer) => Ok(answer
                .into_message()
                .answers
                .into_iter()
                .map(|record| record.data)
                .collect()),
            Err(error) if error.is_no_records_found() => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    fn pool(&self) -> Result<Pool, NetError> {
        let servers = match self.place {
            Place::System => read_system_conf()?.0.name_servers,
            Place::Address(address) => {
                let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()]
                    .into_iter()
                    .map(|mut connection| {
                        connection.port = address.port();
                        connection
                    })
                    .collect();
                vec![NameServerConfig::new(address.ip(), true, connections)]
            }
        };
        let options = options();
        let attempts = options.attempts;
        let context = Arc::new(PoolContext::new(options, TlsConfig::new()?));
        let pool = NameServerPool::from_config(servers, context, TokioRuntimeProvider::default());
        Ok(RetryDnsHandle::new(pool, attempts))
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Pool>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn address(record: &RData) -> Option<IpAddr> {
    match record {
        RData::A(address) => Some(IpAddr::V4(address.0)),
        _ => None,
    }
}

fn alias(record: &RData) -> Option<Name> {
    match record {
        RData::CNAME(name) => Some(name.0.clone()),
        _ => None,
    }
}

fn options() -> ResolverOpts {
    let mut options = ResolverOpts::default();
    options.timeout = TIMEOUT;
    options.attempts = 1;
    options.num_concurrent_reqs = 1;
    options
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place {
            Place::Address(address) => write!(f, "{address}"),
            Place::System => f.write_str("the system's resolver"),
        }
    }
}
