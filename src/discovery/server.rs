//! One DNS server, asked many times at once.
//!
//! A server whose address is known is asked by UDP directly. If its answer is truncated or a failure, and for
//! the system's list of servers, hickory's pool of connections is used. One pool answers equal queries that are
//! under way at the same time with one answer. But here each query needs an answer of its own, because each answer
//! holds another random subset. So each query has a pool to itself, which later queries use again.
//!
//! Never keeps an answer for a later query, as a cache does.

use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverOpts};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::udp::UdpClientStream;
use hickory_resolver::net::xfer::{DnsHandle, DnsRequestSender, FirstAnswer};
use hickory_resolver::net::{DnsError, NetError, RetryDnsHandle};
use hickory_resolver::proto::op::{DnsRequest, DnsRequestOptions, DnsResponse, Message, Query};
use hickory_resolver::proto::rr::{Name, RData, RecordType};
use hickory_resolver::system_conf::read_system_conf;
use hickory_resolver::{NameServerPool, PoolContext, TlsConfig};
use std::collections::BTreeSet;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

type ConnectionPool = RetryDnsHandle<NameServerPool<TokioRuntimeProvider>>;

/// How long one query may take; a lost packet is sent again within this time. After that the query is made once
/// more.
const QUERY_TIMEOUT: Duration = Duration::from_secs(1);

/// How many names in a row may be aliases of the next one. An ALB's own name is no alias.
const MOST_ALIASES: usize = 8;

/// A server, or the system's own list of servers.
pub(super) struct Server {
    location: Location,
    idle_pools: Mutex<Vec<ConnectionPool>>,
    is_cache: AtomicBool,
}

/// The answer to one lookup of addresses.
pub(super) struct Reply {
    /// Empty if the server says that there is no address.
    pub(super) addresses: BTreeSet<IpAddr>,
    /// For how long a cache repeats it; zero from a server that says that it is authoritative.
    pub(super) cached_for: Duration,
}

/// The records in the answer to one query.
struct Records {
    data: Vec<RData>,
    cached_for: Duration,
}

enum Location {
    Address(SocketAddr),
    System,
}

impl Server {
    pub(super) fn at(address: SocketAddr) -> Self {
        Self {
            location: Location::Address(address),
            ..Self::system()
        }
    }

    pub(super) fn system() -> Self {
        Self {
            location: Location::System,
            idle_pools: Mutex::default(),
            is_cache: AtomicBool::new(false),
        }
    }

    /// Whether it is the system's resolver, which is a cache whatever it says.
    pub(super) fn is_resolver(&self) -> bool {
        matches!(self.location, Location::System)
    }

    /// Whether it was found to repeat its answers.
    pub(super) fn is_cache(&self) -> bool {
        self.is_cache.load(Ordering::Relaxed)
    }

    /// Remembers that it repeats its answers; `true` if that was not known before.
    pub(super) fn mark_as_cache(&self) -> bool {
        !self.is_cache.swap(true, Ordering::Relaxed)
    }

    /// The IPv4 addresses in one answer. Aliases are followed.
    pub(super) async fn addresses(&self, name: &Name) -> Result<Reply, NetError> {
        let mut name = name.clone();
        let mut cached_for = Duration::ZERO;
        for _ in 0..MOST_ALIASES {
            let records = self.lookup(&name, RecordType::A).await?;
            cached_for = cached_for.max(records.cached_for);
            let addresses: BTreeSet<_> = records.data.iter().filter_map(address).collect();
            match records.data.iter().rev().find_map(alias) {
                Some(alias) if addresses.is_empty() => name = alias,
                _ => {
                    return Ok(Reply {
                        addresses,
                        cached_for,
                    });
                }
            }
        }
        Err(NetError::from(
            "one alias leads to another, and to no address",
        ))
    }

    /// The names of a zone's servers; empty if the name is no zone.
    pub(super) async fn name_servers(&self, zone: &Name) -> Result<Vec<Name>, NetError> {
        let records = match self.lookup(zone, RecordType::NS).await {
            Err(error) if error.is_no_records_found() => return Ok(Vec::new()),
            records => records?,
        };
        let servers = records.data.into_iter().filter_map(|record| match record {
            RData::NS(server) => Some(server.0),
            _ => None,
        });
        Ok(servers.collect())
    }

    async fn lookup(&self, name: &Name, kind: RecordType) -> Result<Records, NetError> {
        let query = Query::query(name.clone(), kind);
        let answer = match self.ask_directly(query.clone()).await {
            Some(answer) => answer.map_err(NetError::from),
            None => self.ask_by_pool(query).await,
        };
        match answer {
            Ok(answer) => Ok(records(answer.into_message())),
            Err(NetError::Dns(DnsError::NoRecordsFound(none)))
                if none.soa.is_some() || none.ns.is_none() =>
            {
                Ok(Records {
                    data: Vec::new(),
                    cached_for: Duration::ZERO,
                })
            }
            // Also a referral to other servers, which says nothing about the name.
            Err(error) => Err(error),
        }
    }

    /// One query by UDP, from a port of its own. `None` if the answer is truncated, says that the server failed,
    /// or does not come: the pool then makes the query once more.
    async fn ask_directly(&self, query: Query) -> Option<Result<DnsResponse, DnsError>> {
        let Location::Address(address) = self.location else {
            return None;
        };
        let mut udp = UdpClientStream::builder(address, TokioRuntimeProvider::default())
            .with_timeout(Some(QUERY_TIMEOUT))
            .build();
        let request = DnsRequest::from_query(query, DnsRequestOptions::default());
        let answer = udp.send_message(request).first_answer().await.ok();
        match DnsError::from_response(answer.filter(|answer| !answer.truncation)?) {
            Err(DnsError::ResponseCode(_)) => None,
            answer => Some(answer),
        }
    }

    /// One query by UDP, or by TCP if the answer by UDP is truncated.
    async fn ask_by_pool(&self, query: Query) -> Result<DnsResponse, NetError> {
        let idle = self.idle_pools().pop();
        let pool = match idle {
            Some(pool) => pool,
            None => self.pool()?,
        };
        let answer = pool
            .lookup(query, DnsRequestOptions::default())
            .first_answer()
            .await;
        self.idle_pools().push(pool);
        answer
    }

    fn pool(&self) -> Result<ConnectionPool, NetError> {
        let options = options();
        let (servers, repeats) = match self.location {
            Location::System => (read_system_conf()?.0.name_servers, options.attempts),
            Location::Address(address) => {
                let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()]
                    .into_iter()
                    .map(|mut connection| {
                        connection.port = address.port();
                        connection
                    })
                    .collect();
                let server = NameServerConfig::new(address.ip(), true, connections);
                // `ask_directly` was the first attempt.
                (vec![server], 0)
            }
        };
        let context = Arc::new(PoolContext::new(options, TlsConfig::new()?));
        let pool = NameServerPool::from_config(servers, context, TokioRuntimeProvider::default());
        Ok(RetryDnsHandle::new(pool, repeats))
    }

    fn idle_pools(&self) -> std::sync::MutexGuard<'_, Vec<ConnectionPool>> {
        self.idle_pools
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// A server is taken for a cache if it does not claim authority, or also offers recursion. A cache may copy the
/// flags of an authoritative server; only its repeated answers show it then.
fn records(message: Message) -> Records {
    let cached_for = message.answers.iter().map(|record| record.ttl).min();
    let metadata = message.metadata;
    let cached_for = match metadata.authoritative && !metadata.recursion_available {
        true => 0,
        false => cached_for.unwrap_or_default(),
    };
    Records {
        cached_for: Duration::from_secs(cached_for.into()),
        data: message
            .answers
            .into_iter()
            .map(|record| record.data)
            .collect(),
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
    options.timeout = QUERY_TIMEOUT;
    options.attempts = 1;
    options.num_concurrent_reqs = 1;
    options
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.location {
            Location::Address(address) => write!(f, "{address}"),
            Location::System => f.write_str("the system's resolver"),
        }
    }
}
