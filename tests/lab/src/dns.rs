//! The DNS of load balancers: pools of addresses that tests scale, answered as AWS answers for a
//! load balancer's name, over UDP and TCP, on one server or on several. Other names may have addresses
//! as well, or be aliases. Resolves nothing else.
//!
//! At most eight addresses an answer, another random choice each time, for 60 seconds: the
//! Application Load Balancer user guide, "Application Load Balancer overview" (TTL) and the
//! Route 53 developer guide on answers with up to eight healthy records. Two of the eight are the
//! next in turn, so that as many lookups as make a list certain always show the whole pool: AWS
//! hides an address from one run in a thousand, and a test would fail as seldom.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use hickory_server::Server;
use hickory_server::net::runtime::Time;
use hickory_server::proto::op::{Header, HeaderCounts, Metadata, ResponseCode};
use hickory_server::proto::rr::rdata::{A, CNAME};
use hickory_server::proto::rr::{Name, RData, Record, RecordType};
use hickory_server::server::{Request, RequestHandler, ResponseHandler, ResponseInfo};
use hickory_server::zone_handler::MessageResponseBuilder;
use rand::seq::{IndexedRandom, SliceRandom};
use tokio::net::{TcpListener, UdpSocket};
use tokio::runtime::Handle;

use crate::lock;

const ADDRESSES_PER_ANSWER: usize = 8;
/// How many of them are shown because it is their turn.
const IN_TURN: usize = 2;
const TTL: u32 = 60;
/// Of names that are no load balancer's: as many seconds as Aurora's zones have (Amazon Aurora MySQL Database
/// Administrator's Handbook, "DNS caching").
const TTL_OF_OTHERS: u32 = 5;

/// How a lookup goes wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum DnsFailure {
    ServFail,
    Refused,
    NxDomain,
    /// The question is taken and never answered.
    Silent,
    /// The name exists, but has no address.
    NoAddresses,
}

#[derive(Default)]
struct Pools {
    addresses: HashMap<String, Pool>,
    /// Names that only lead to other names.
    aliases: HashMap<String, String>,
    failures: HashMap<String, Failing>,
    delay: Duration,
    times: Vec<Duration>,
}

/// How the lookups of a name fail.
struct Failing {
    /// How many answers come before it.
    answers: usize,
    failure: DnsFailure,
    /// For how long, from the first one that fails; for ever where this is missing.
    lasts: Option<Duration>,
    since: Option<Instant>,
}

impl Failing {
    /// How one lookup fails.
    fn fails(&mut self, kind: RecordType) -> Option<DnsFailure> {
        if self.answers > 0 {
            self.answers -= usize::from(kind == RecordType::A);
            return None;
        }
        let since = *self.since.get_or_insert_with(Instant::now);
        let is_over = self.lasts.is_some_and(|lasts| since.elapsed() >= lasts);
        (!is_over).then_some(self.failure)
    }
}

/// A server that does not choose anew for each answer.
#[derive(Clone, Copy, Debug)]
pub struct Cache {
    /// So many caches behind one address, one of which answers by chance.
    pub nodes: usize,
    /// Whether it says so: that it offers recursion, and is not authoritative. A cache may repeat what an
    /// authoritative server says of itself as well.
    pub says_so: bool,
}

/// The addresses of a load balancer.
#[derive(Clone)]
struct Pool {
    addresses: Vec<Ipv4Addr>,
    /// Whose turn it is.
    next: usize,
}

impl Pool {
    fn of(addresses: impl IntoIterator<Item = Ipv4Addr>) -> Self {
        Self {
            addresses: addresses.into_iter().collect(),
            next: 0,
        }
    }

    /// Distinct, and in random order.
    fn answer(&mut self) -> Vec<Ipv4Addr> {
        let count = self.addresses.len();
        let in_turn = IN_TURN.min(count);
        let mut others = self.addresses.clone();
        others.rotate_left(self.next);
        let mut answer: Vec<_> = others.drain(..in_turn).collect();
        self.next = (self.next + in_turn) % count.max(1);
        let mut rng = rand::rng();
        answer.extend(others.sample(&mut rng, ADDRESSES_PER_ANSWER - IN_TURN));
        answer.shuffle(&mut rng);
        answer
    }
}

/// What one answer says of a name.
#[derive(Clone)]
struct Found {
    /// The name that the addresses are of, where it is another one (CNAME).
    alias: Option<String>,
    addresses: Vec<Ipv4Addr>,
}

/// All the DNS servers of a lab; they share their pools.
pub struct Dns {
    pools: Arc<Mutex<Pools>>,
    servers: Mutex<Vec<DnsServer>>,
    runtime: Handle,
}

impl Dns {
    pub(crate) async fn start(runtime: Handle) -> Result<Self> {
        let dns = Self {
            pools: Arc::default(),
            servers: Mutex::default(),
            runtime,
        };
        dns.add_server().await?;
        Ok(dns)
    }

    /// Replaces the addresses of a load balancer, given by its name, or of any other DNS name, given whole.
    pub fn set(&self, load_balancer: &str, addresses: impl IntoIterator<Item = Ipv4Addr>) {
        lock(&self.pools)
            .addresses
            .insert(load_balancer.to_owned(), Pool::of(addresses));
    }

    /// Makes a DNS name an alias of another one, as the endpoint of an Aurora cluster is one of its writer's.
    pub fn set_alias(&self, name: &str, of: &str) {
        let aliases = &mut lock(&self.pools).aliases;
        aliases.insert(name.to_owned(), of.to_owned());
    }

    /// Takes the name of a load balancer out of DNS.
    pub fn remove(&self, load_balancer: &str) {
        lock(&self.pools).addresses.remove(load_balancer);
    }

    /// Lets all lookups of one load balancer's name fail on all servers, or work again.
    pub fn fail(&self, load_balancer: &str, failure: impl Into<Option<DnsFailure>>) {
        match failure.into() {
            Some(failure) => self.fail_as(load_balancer, 0, failure, None),
            None => {
                lock(&self.pools).failures.remove(load_balancer);
            }
        }
    }

    /// The same, but for so many lookups that are still answered.
    pub fn fail_after(&self, load_balancer: &str, answers: usize, failure: DnsFailure) {
        self.fail_as(load_balancer, answers, failure, None);
    }

    /// The same, for so long from the first lookup on that fails.
    pub fn fail_for(
        &self,
        load_balancer: &str,
        answers: usize,
        failure: DnsFailure,
        lasts: Duration,
    ) {
        self.fail_as(load_balancer, answers, failure, Some(lasts));
    }

    fn fail_as(
        &self,
        load_balancer: &str,
        answers: usize,
        failure: DnsFailure,
        lasts: Option<Duration>,
    ) {
        let failing = Failing {
            answers,
            failure,
            lasts,
            since: None,
        };
        let failures = &mut lock(&self.pools).failures;
        failures.insert(load_balancer.to_owned(), failing);
    }

    /// Questions for the addresses of a load balancer, on all servers since the start.
    pub fn queries(&self, load_balancer: &str) -> usize {
        lock(&self.servers)
            .iter()
            .map(|server| server.queries(load_balancer))
            .sum()
    }

    /// How long each answer took, on all servers since the start.
    pub fn times(&self) -> Vec<Duration> {
        lock(&self.pools).times.clone()
    }

    /// Lets every answer take at least so long.
    pub fn set_delay(&self, delay: Duration) {
        lock(&self.pools).delay = delay;
    }

    /// The first server, which `Lab::environment` names.
    pub fn server(&self) -> DnsServer {
        lock(&self.servers)[0].clone()
    }

    /// One more server with the same pools, on its own port, to be one among several.
    pub async fn add_server(&self) -> Result<DnsServer> {
        let (udp, tcp) = self.runtime.spawn(sockets()).await??;
        let server = DnsServer {
            address: udp.local_addr()?,
            state: Arc::default(),
        };
        let handler = Handler {
            pools: Arc::clone(&self.pools),
            state: Arc::clone(&server.state),
        };
        self.runtime.spawn(async move {
            let mut running = Server::new(handler);
            running.register_socket(udp);
            running.register_listener(tcp, Duration::from_secs(30), 32);
            // Runs until the lab's runtime ends, and its tasks with it.
            let _ = running.block_until_done().await;
        });
        lock(&self.servers).push(server.clone());
        Ok(server)
    }
}

/// UDP and TCP of the same free port.
async fn sockets() -> Result<(UdpSocket, TcpListener)> {
    for _ in 0..100 {
        let udp = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        // The port may be free for UDP and taken for TCP; then another one is.
        if let Ok(tcp) = TcpListener::bind(udp.local_addr()?).await {
            return Ok((udp, tcp));
        }
    }
    bail!("no port that is free for both UDP and TCP")
}

/// One DNS server.
#[derive(Clone)]
pub struct DnsServer {
    address: SocketAddr,
    state: Arc<Mutex<ServerState>>,
}

#[derive(Default)]
struct ServerState {
    failure: Option<DnsFailure>,
    queries: HashMap<String, usize>,
    /// What it is the only one to say.
    stale: Option<Pool>,
    cache: Option<Cache>,
    /// What its nodes keep, by load balancer.
    kept: HashMap<(String, usize), Found>,
    /// After how many answers it forgets that.
    keeps: Option<usize>,
}

impl ServerState {
    /// The answer of one of its nodes, which may have to ask first.
    fn cached(
        &mut self,
        load_balancer: &str,
        ask: impl FnOnce(&mut Option<Pool>) -> Found,
    ) -> Found {
        let Some(cache) = self.cache else {
            return ask(&mut self.stale);
        };
        match &mut self.keeps {
            Some(0) => {
                self.keeps = None;
                self.kept.clear();
            }
            Some(keeps) => *keeps -= 1,
            None => {}
        }
        let node = rand::random_range(0..cache.nodes);
        let kept = self.kept.entry((load_balancer.to_owned(), node));
        kept.or_insert_with(|| ask(&mut self.stale)).clone()
    }
}

impl DnsServer {
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Lets every lookup on this server fail, or work again.
    pub fn fail(&self, failure: impl Into<Option<DnsFailure>>) {
        lock(&self.state).failure = failure.into();
    }

    /// Lets it answer for all names from addresses of its own, or from the pools again.
    pub fn set_stale(&self, addresses: impl Into<Option<Vec<Ipv4Addr>>>) {
        lock(&self.state).stale = addresses.into().map(Pool::of);
    }

    /// Makes a cache of it, which keeps its answers until it is told to forget them.
    pub fn set_cache(&self, cache: impl Into<Option<Cache>>) {
        lock(&self.state).cache = cache.into();
        self.forget_after(0);
    }

    /// Lets a cache choose anew after so many answers, once.
    pub fn forget_after(&self, answers: usize) {
        lock(&self.state).keeps = Some(answers);
    }

    /// Questions for the addresses of a load balancer on this server since the start.
    pub fn queries(&self, load_balancer: &str) -> usize {
        lock(&self.state)
            .queries
            .get(load_balancer)
            .copied()
            .unwrap_or(0)
    }
}

struct Handler {
    pools: Arc<Mutex<Pools>>,
    state: Arc<Mutex<ServerState>>,
}

impl Handler {
    /// What to answer, or why not.
    fn look_up(&self, name: &str, kind: RecordType) -> Result<Found, DnsFailure> {
        let load_balancer = known_as(name);
        if kind == RecordType::A {
            *lock(&self.state)
                .queries
                .entry(load_balancer.to_owned())
                .or_default() += 1;
        }
        if let Some(failure) = lock(&self.state).failure {
            return Err(failure);
        }
        let mut pools = lock(&self.pools);
        let failing = pools.failures.get_mut(load_balancer);
        if let Some(failure) = failing.and_then(|failing| failing.fails(kind)) {
            return Err(failure);
        }
        let alias = pools.aliases.get(load_balancer).cloned();
        let holder = alias.as_deref().map_or(load_balancer, known_as);
        let pool = pools
            .addresses
            .get_mut(holder)
            .ok_or(DnsFailure::NxDomain)?;
        if kind != RecordType::A {
            let addresses = Vec::new();
            return Ok(Found { alias, addresses });
        }
        Ok(lock(&self.state).cached(load_balancer, |stale| {
            let addresses = stale.as_mut().unwrap_or(pool).answer();
            Found { alias, addresses }
        }))
    }

    async fn answer<R: ResponseHandler>(
        &self,
        request: &Request,
        mut to: R,
    ) -> Result<ResponseInfo> {
        let came = Instant::now();
        let question = request
            .request_info()
            .ok()
            .context("not exactly one question")?
            .query;
        let name = question.original().name().to_ascii().to_ascii_lowercase();
        let mut metadata = Metadata::response_from_request(&request.metadata);
        let says_so = lock(&self.state).cache.is_some_and(|cache| cache.says_so);
        metadata.authoritative = !says_so;
        metadata.recursion_available = says_so;
        let found = match self.look_up(&name, question.query_type()) {
            Ok(found) => found,
            Err(DnsFailure::Silent) => return Ok(unsent(metadata)),
            Err(failure) => {
                metadata.response_code = match failure {
                    DnsFailure::ServFail => ResponseCode::ServFail,
                    DnsFailure::Refused => ResponseCode::Refused,
                    DnsFailure::NxDomain => ResponseCode::NXDomain,
                    DnsFailure::NoAddresses | DnsFailure::Silent => ResponseCode::NoError,
                };
                Found {
                    alias: None,
                    addresses: Vec::new(),
                }
            }
        };
        let records = records(question.original().name().clone(), found)?;
        let response = MessageResponseBuilder::from_message_request(request).build(
            metadata,
            &records,
            [],
            [],
            [],
        );
        let delay = lock(&self.pools).delay;
        if !delay.is_zero() {
            tokio::time::sleep_until((came + delay).into()).await;
        }
        let sent = to.send_response(response).await?;
        lock(&self.pools).times.push(came.elapsed());
        Ok(sent)
    }
}

#[async_trait::async_trait]
impl RequestHandler for Handler {
    async fn handle_request<R: ResponseHandler, T: Time>(
        &self,
        request: &Request,
        to: R,
    ) -> ResponseInfo {
        let failed = unsent(Metadata::response_from_request(&request.metadata));
        self.answer(request, to).await.unwrap_or(failed)
    }
}

/// An alias comes before the addresses that it leads to.
fn records(mut owner: Name, found: Found) -> Result<Vec<Record>> {
    let mut records = Vec::new();
    if let Some(alias) = &found.alias {
        let alias = Name::from_ascii(format!("{alias}."))?;
        let leads = RData::CNAME(CNAME(alias.clone()));
        records.push(Record::from_rdata(owner, TTL_OF_OTHERS, leads));
        owner = alias;
    }
    let is_load_balancer = load_balancer_of(&owner.to_ascii()).is_some();
    let ttl = if is_load_balancer { TTL } else { TTL_OF_OTHERS };
    let address = |address| Record::from_rdata(owner.clone(), ttl, RData::A(A(address)));
    records.extend(found.addresses.into_iter().map(address));
    Ok(records)
}

fn unsent(metadata: Metadata) -> ResponseInfo {
    ResponseInfo::from(Header {
        metadata,
        counts: HeaderCounts::default(),
    })
}

/// By what a DNS name is known here: a load balancer's by the load balancer's own, any other as it is.
fn known_as(name: &str) -> &str {
    load_balancer_of(name).unwrap_or(name.trim_end_matches('.'))
}

/// The name of the load balancer in its DNS name: `orders` in
/// `orders-1a2b3c4d.us-east-1.elb.amazonaws.com`, and in AWS's own
/// `internal-orders-1234567890.us-east-1.elb.amazonaws.com`.
fn load_balancer_of(name: &str) -> Option<&str> {
    let (label, domain) = name.split_once('.')?;
    if !domain.trim_end_matches('.').ends_with(".elb.amazonaws.com") {
        return None;
    }
    let (load_balancer, _) = label.rsplit_once('-')?;
    Some(
        load_balancer
            .strip_prefix("internal-")
            .unwrap_or(load_balancer),
    )
}

#[cfg(test)]
mod tests {
    use super::{Pool, known_as, load_balancer_of};
    use std::collections::BTreeSet;
    use std::net::Ipv4Addr;

    #[test]
    fn half_as_many_answers_as_there_are_addresses_show_each_of_them() {
        for count in 1..=100 {
            let addresses: Vec<_> = (1..=count).map(|n| Ipv4Addr::new(10, 0, 0, n)).collect();
            let mut pool = Pool::of(addresses.clone());
            let answers: Vec<_> = (0..addresses.len().div_ceil(2))
                .map(|_| pool.answer())
                .collect();
            for answer in &answers {
                let distinct: BTreeSet<_> = answer.iter().collect();
                assert_eq!(distinct.len(), answer.len());
                assert_eq!(answer.len(), addresses.len().min(8));
            }
            let shown: BTreeSet<_> = answers.into_iter().flatten().collect();
            assert_eq!(shown, addresses.into_iter().collect());
        }
    }

    #[test]
    fn a_load_balancer_is_found_by_its_dns_name() {
        assert_eq!(
            load_balancer_of("my-app-1a2b3c4d.us-east-1.elb.amazonaws.com."),
            Some("my-app")
        );
        assert_eq!(
            load_balancer_of("internal-my-app-123.us-east-1.elb.amazonaws.com"),
            Some("my-app")
        );
        assert_eq!(load_balancer_of("example.com."), None);
        assert_eq!(known_as("example.com."), "example.com");
    }
}
