//! One DNS server, asked many times at once.
//!
//! A server whose address is known is asked by UDP directly. Where it does not answer whole, or
//! fails, and for the system's list of servers, there is hickory's pool of connections. The pool answers equal
//! questions that are under way at the same time from one query, but here each must get an answer
//! of its own, for each holds another random subset. So every question has a pool to itself, and
//! those are kept for the next ones. Never keeps an answer for another query, as a resolver
//! with a cache does.

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

type Pool = RetryDnsHandle<NameServerPool<TokioRuntimeProvider>>;

/// How long one query may take, in which a lost packet is sent again. What is not answered by then
/// is asked once more.
const TIMEOUT: Duration = Duration::from_secs(1);

/// How many names in a row may be aliases of the next. An ALB's own name is none.
const ALIASES: usize = 8;

/// A server, or the system's own list of servers.
pub(super) struct Server {
    place: Place,
    idle: Mutex<Vec<Pool>>,
    is_cache: AtomicBool,
}

/// One answer to a question for addresses.
pub(super) struct Reply {
    /// Empty where the server says that there are none.
    pub(super) addresses: BTreeSet<IpAddr>,
    /// For how long a cache goes on giving it; zero from a server that says that it is authoritative.
    pub(super) lives: Duration,
}

/// What answers one query.
struct Records {
    data: Vec<RData>,
    lives: Duration,
}

enum Place {
    Address(SocketAddr),
    System,
}

impl Server {
    pub(super) fn at(address: SocketAddr) -> Self {
        Self {
            place: Place::Address(address),
            ..Self::system()
        }
    }

    pub(super) fn system() -> Self {
        Self {
            place: Place::System,
            idle: Mutex::default(),
            is_cache: AtomicBool::new(false),
        }
    }

    /// Whether it is the system's resolver, which is a cache whatever it says.
    pub(super) fn is_resolver(&self) -> bool {
        matches!(self.place, Place::System)
    }

    /// Whether it was found to repeat itself.
    pub(super) fn is_cache(&self) -> bool {
        self.is_cache.load(Ordering::Relaxed)
    }

    /// Remembers that it repeats itself; gives whether that is news.
    pub(super) fn is_found_to_be_a_cache(&self) -> bool {
        !self.is_cache.swap(true, Ordering::Relaxed)
    }

    /// The IPv4 addresses in one answer.
    pub(super) async fn addresses(&self, name: &Name) -> Result<Reply, NetError> {
        let mut name = name.clone();
        let mut lives = Duration::ZERO;
        for _ in 0..ALIASES {
            let records = self.lookup(&name, RecordType::A).await?;
            lives = lives.max(records.lives);
            let addresses: BTreeSet<_> = records.data.iter().filter_map(address).collect();
            match records.data.iter().rev().find_map(alias) {
                Some(alias) if addresses.is_empty() => name = alias,
                _ => {
                    return Ok(Reply { addresses, lives });
                }
            }
        }
        Err(NetError::from(
            "one alias leads to another, and to no address",
        ))
    }

    /// The names of a zone's servers; empty where that is no zone.
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
                    lives: Duration::ZERO,
                })
            }
            // A referral to other servers says nothing about the name.
            Err(error) => Err(error),
        }
    }

    /// One query by UDP, from a port of its own. `None` where no whole answer comes of it, or one that says that the
    /// server failed: the pool asks once more.
    async fn ask_directly(&self, query: Query) -> Option<Result<DnsResponse, DnsError>> {
        let Place::Address(address) = self.place else {
            return None;
        };
        let mut udp = UdpClientStream::builder(address, TokioRuntimeProvider::default())
            .with_timeout(Some(TIMEOUT))
            .build();
        let request = DnsRequest::from_query(query, DnsRequestOptions::default());
        let answer = udp.send_message(request).first_answer().await.ok();
        match DnsError::from_response(answer.filter(|answer| !answer.truncation)?) {
            Err(DnsError::ResponseCode(_)) => None,
            answer => Some(answer),
        }
    }

    /// By UDP, and by TCP where that is too short.
    async fn ask_by_pool(&self, query: Query) -> Result<DnsResponse, NetError> {
        let idle = self.idle().pop();
        let pool = match idle {
            Some(pool) => pool,
            None => self.pool()?,
        };
        let answer = pool
            .lookup(query, DnsRequestOptions::default())
            .first_answer()
            .await;
        self.idle().push(pool);
        answer
    }

    fn pool(&self) -> Result<Pool, NetError> {
        let options = options();
        let (servers, repeats) = match self.place {
            Place::System => (read_system_conf()?.0.name_servers, options.attempts),
            Place::Address(address) => {
                let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()]
                    .into_iter()
                    .map(|mut connection| {
                        connection.port = address.port();
                        connection
                    })
                    .collect();
                let server = NameServerConfig::new(address.ip(), true, connections);
                // It was asked once directly.
                (vec![server], 0)
            }
        };
        let context = Arc::new(PoolContext::new(options, TlsConfig::new()?));
        let pool = NameServerPool::from_config(servers, context, TokioRuntimeProvider::default());
        Ok(RetryDnsHandle::new(pool, repeats))
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Pool>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A cache is not authoritative, or offers recursion besides. One that repeats what an authoritative
/// server says, flags and all, is known by its answers only.
fn records(message: Message) -> Records {
    let lives = message.answers.iter().map(|record| record.ttl).min();
    let metadata = message.metadata;
    let lives = match metadata.authoritative && !metadata.recursion_available {
        true => 0,
        false => lives.unwrap_or_default(),
    };
    Records {
        lives: Duration::from_secs(lives.into()),
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
