//! Which servers a warm function asks, and how often, on DNS servers of the tests' own.

use super::*;
use crate::discovery::{Found, Search, run};
use hickory_resolver::proto::op::{Message, ResponseCode};
use hickory_resolver::proto::rr::rdata::{A, NS};
use hickory_resolver::proto::rr::{Name, RData, Record, RecordType};
use std::future::ready;
use std::net::Ipv4Addr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UdpSocket};
use tokio::sync::oneshot;

const ZONE: &str = "us-east-1.elb.amazonaws.com.";
const ALB: &str = "internal-orders-1234567890.us-east-1.elb.amazonaws.com";

/// The run finds the servers, and expects no number of addresses.
const SEARCH: Search<'_> = Search {
    dns_name: ALB,
    servers: &[],
    max_lookups: 50,
    expected: 0,
};

/// How a server behaves.
#[derive(Clone, Copy, PartialEq)]
enum Behaviour {
    /// Both a resolver and authoritative for [`ZONE`].
    Answers,
    Silent,
    Fails(ResponseCode),
    /// Knows of other servers only.
    Refers,
    /// Says that the answer does not fit into a packet.
    IsTooLong,
}

/// A server that counts the queries it gets.
struct TestServer {
    address: SocketAddr,
    behaviour: Arc<Mutex<Behaviour>>,
    queries: Arc<Mutex<Vec<(RecordType, String)>>>,
}

impl TestServer {
    async fn start(behaviour: Behaviour) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a port");
        let server = Self {
            address: socket.local_addr().expect("bound"),
            behaviour: Arc::new(Mutex::new(behaviour)),
            queries: Arc::default(),
        };
        let (noted, behaviour) = (Arc::clone(&server.queries), Arc::clone(&server.behaviour));
        tokio::spawn(async move {
            let mut bytes = [0; 1500];
            loop {
                let (length, from) = socket.recv_from(&mut bytes).await.expect("a query");
                let message = Message::from_vec(&bytes[..length]).expect("a message");
                let query = message.queries.first().expect("a query");
                let asked = (query.query_type(), query.name().to_utf8());
                noted.lock().expect("no panic").push(asked);
                let behaviour = *behaviour.lock().expect("no panic");
                if let Some(answer) = answer(message, behaviour) {
                    let answer = answer.to_vec().expect("a message");
                    socket.send_to(&answer, from).await.expect("sent");
                }
            }
        });
        server
    }

    /// Answers over TCP as well, always.
    async fn answers_over_tcp(&self) {
        let listener = TcpListener::bind(self.address).await.expect("a port");
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.expect("a connection");
            while let Ok(length) = stream.read_u16().await {
                let mut bytes = vec![0; length.into()];
                stream.read_exact(&mut bytes).await.expect("a query");
                let message = Message::from_vec(&bytes).expect("a message");
                let answer = answer(message, Behaviour::Answers).expect("an answer");
                let answer = answer.to_vec().expect("a message");
                let length = u16::try_from(answer.len()).expect("short");
                stream.write_u16(length).await.expect("sent");
                stream.write_all(&answer).await.expect("sent");
            }
        });
    }

    fn becomes(&self, behaviour: Behaviour) {
        *self.behaviour.lock().expect("no panic") = behaviour;
    }

    /// How many queries of one kind it got for names that start with `name`.
    fn count(&self, kind: RecordType, name: &str) -> usize {
        let queries = self.queries.lock().expect("no panic");
        let queries = queries.iter();
        queries
            .filter(|(asked, of)| *asked == kind && of.starts_with(name))
            .count()
    }
}

fn answer(message: Message, behaviour: Behaviour) -> Option<Message> {
    let mut message = message.into_response();
    let query = message.queries.first().expect("a query").clone();
    let (kind, name) = (query.query_type(), query.name().clone());
    let zone: Name = ZONE.parse().expect("a name");
    let server: Name = "ns.example.".parse().expect("a name");
    let name_server = RData::NS(NS(server.clone()));
    let data = match behaviour {
        Behaviour::Silent => return None,
        Behaviour::Fails(code) => {
            message.metadata.response_code = code;
            None
        }
        Behaviour::Refers => {
            let referral = Record::from_rdata(zone, 60, name_server);
            message.authorities.push(referral);
            None
        }
        Behaviour::IsTooLong => {
            message.metadata.truncation = true;
            None
        }
        Behaviour::Answers => match kind {
            RecordType::NS if name == zone => Some(name_server),
            RecordType::A if name == server => Some(RData::A(A(Ipv4Addr::LOCALHOST))),
            RecordType::A => Some(RData::A(A(Ipv4Addr::new(10, 0, 0, 1)))),
            _ => None,
        },
    };
    message
        .answers
        .extend(data.map(|data| Record::from_rdata(name, 60, data)));
    Some(message)
}

/// Lets time pass at once.
async fn passes(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}

fn client(resolver: &TestServer, authority: &TestServer) -> DnsClient {
    let mut client = DnsClient::new("");
    let system = Server::at(resolver.address);
    client.name_servers = NameServers::new(system, authority.address.port());
    client
}

async fn found(client: &DnsClient, servers: &[SocketAddr]) -> Result<Found, DnsError> {
    let search = Search { servers, ..SEARCH };
    let count = oneshot::channel().0;
    run(client, search, ready(BTreeSet::new()), count).await
}

async fn find(client: &DnsClient) -> Found {
    found(client, &[]).await.expect("an answer")
}

#[tokio::test]
async fn the_authoritative_servers_are_found_once_and_asked_from_then_on() {
    let server = TestServer::start(Behaviour::Answers).await;
    let client = client(&server, &server);
    for tick in 1..=3 {
        let found = find(&client).await;
        assert!(found.certain);
        assert_eq!(found.addresses.len(), 1);
        assert_eq!(server.count(RecordType::NS, ""), 1);
        assert_eq!(server.count(RecordType::A, "ns.example"), 1);
        assert_eq!(server.count(RecordType::A, "internal-orders"), tick);
    }
}

#[tokio::test]
async fn where_many_addresses_are_expected_all_are_asked_for_before_anybody_has_answered() {
    let resolver = TestServer::start(Behaviour::Answers).await;
    let authority = TestServer::start(Behaviour::Answers).await;
    let client = client(&resolver, &authority);
    let mut asked = 0;
    // The second time the process remembers that there is one address, and not 28.
    for lookups in [32, 1] {
        asked += lookups;
        let search = Search {
            expected: 28,
            ..SEARCH
        };
        let known = async {
            while authority.count(RecordType::A, "internal-orders") < asked {
                tokio::task::yield_now().await;
            }
            BTreeSet::new()
        };
        let count = oneshot::channel().0;
        let found = run(&client, search, known, count).await;
        assert_eq!(found.expect("an answer").lookups, lookups);
        let all = authority.count(RecordType::A, "internal-orders");
        assert_eq!(all, asked);
    }
    assert_eq!(resolver.count(RecordType::NS, ""), 1);
}

#[tokio::test]
async fn of_many_expected_addresses_no_more_are_asked_for_than_is_allowed() {
    let server = TestServer::start(Behaviour::Answers).await;
    let client = client(&server, &server);
    let search = Search {
        servers: &[server.address],
        max_lookups: 3,
        expected: usize::MAX,
        ..SEARCH
    };
    let known = async {
        while server.count(RecordType::A, "internal-orders") < 3 {
            tokio::task::yield_now().await;
        }
        BTreeSet::new()
    };
    let found = run(&client, search, known, oneshot::channel().0).await;
    assert_eq!(found.expect("an answer").lookups, 3);
    assert_eq!(server.count(RecordType::A, "internal-orders"), 3);
}

#[tokio::test]
async fn where_many_addresses_are_expected_of_servers_out_of_reach_the_resolver_answers() {
    let resolver = TestServer::start(Behaviour::Answers).await;
    let silent = TestServer::start(Behaviour::Silent).await;
    let client = client(&resolver, &silent);
    // Lookups without an answer count, and in the pause after them none are made.
    for lookups in [33, 1] {
        let search = Search {
            expected: 28,
            ..SEARCH
        };
        let known = ready(BTreeSet::new());
        let found = run(&client, search, known, oneshot::channel().0).await;
        assert_eq!(found.expect("an answer").lookups, lookups);
    }
    assert_eq!(resolver.count(RecordType::A, "internal-orders"), 2);
}

#[tokio::test]
async fn authoritative_servers_out_of_reach_are_waited_for_once_and_not_in_every_tick() {
    let resolver = TestServer::start(Behaviour::Answers).await;
    let silent = TestServer::start(Behaviour::Silent).await;
    let client = client(&resolver, &silent);
    find(&client).await;
    let tried = silent.count(RecordType::A, "internal-orders");
    assert!(tried > 0, "they are tried");
    for _ in 0..10 {
        // The pause is long by then.
        client.name_servers.mark_out_of_reach(ALB);
    }
    for tick in 2..=4 {
        find(&client).await;
        assert_eq!(resolver.count(RecordType::NS, ""), 1);
        assert_eq!(resolver.count(RecordType::A, "internal-orders"), tick);
        assert_eq!(silent.count(RecordType::A, ""), tried);
    }
}

#[tokio::test]
async fn authoritative_servers_that_were_slow_once_are_asked_again_a_moment_later() {
    let resolver = TestServer::start(Behaviour::Answers).await;
    let authority = TestServer::start(Behaviour::Answers).await;
    let client = client(&resolver, &authority);
    // The first contact, and that of a function that has known them for long.
    for _ in 0..2 {
        let by_resolver = resolver.count(RecordType::A, "internal-orders");
        authority.becomes(Behaviour::Silent);
        find(&client).await;
        let again = resolver.count(RecordType::A, "internal-orders");
        assert_eq!(again, by_resolver + 1);
        authority.becomes(Behaviour::Answers);
        passes(Duration::from_secs(1)).await;
        find(&client).await;
        assert_eq!(resolver.count(RecordType::A, "internal-orders"), again);
        assert_eq!(
            resolver.count(RecordType::NS, ""),
            1,
            "they are not forgotten"
        );
    }
}

#[tokio::test]
async fn authoritative_servers_that_fail_or_only_refer_to_others_are_out_of_reach() {
    for behaviour in [
        Behaviour::Refers,
        Behaviour::Fails(ResponseCode::ServFail),
        Behaviour::Fails(ResponseCode::Refused),
    ] {
        let resolver = TestServer::start(Behaviour::Answers).await;
        let authority = TestServer::start(behaviour).await;
        assert_eq!(
            find(&client(&resolver, &authority)).await.addresses.len(),
            1
        );
        assert_eq!(resolver.count(RecordType::A, "internal-orders"), 1);
    }
}

#[tokio::test]
async fn authoritative_servers_that_cannot_be_found_anew_are_asked_on() {
    let resolver = TestServer::start(Behaviour::Answers).await;
    let authority = TestServer::start(Behaviour::Answers).await;
    let client = client(&resolver, &authority);
    find(&client).await;
    resolver.becomes(Behaviour::Fails(ResponseCode::ServFail));
    passes(Duration::from_secs(3600)).await;
    let before = resolver.count(RecordType::NS, "");
    for tick in 2..=3 {
        find(&client).await;
        assert_eq!(authority.count(RecordType::A, "internal-orders"), tick);
    }
    let again = resolver.count(RecordType::NS, "");
    assert!(again > before, "they are looked for");
    resolver.becomes(Behaviour::Answers);
    passes(Duration::from_secs(60)).await;
    find(&client).await;
    assert_eq!(resolver.count(RecordType::NS, ""), again + 1);
}

#[tokio::test(start_paused = true)]
async fn the_pause_after_each_failure_is_twice_as_long_up_to_ten_minutes() {
    let name_servers = NameServers::new(Server::system(), 53);
    assert!(name_servers.may_be_tried(ALB));
    for expected in [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600] {
        name_servers.mark_out_of_reach(ALB);
        tokio::time::advance(Duration::from_secs(expected) - Duration::from_millis(1)).await;
        assert!(!name_servers.may_be_tried(ALB), "{expected} s");
        tokio::time::advance(Duration::from_millis(1)).await;
        assert!(name_servers.may_be_tried(ALB), "{expected} s");
    }
    assert!(name_servers.may_be_tried("alb.of.another.zone"));
    name_servers.mark_in_reach(ALB);
    name_servers.mark_out_of_reach(ALB);
    tokio::time::advance(Duration::from_secs(1)).await;
    assert!(name_servers.may_be_tried(ALB), "it starts anew");
}

#[tokio::test]
async fn each_run_of_a_name_begins_at_another_server_also_where_others_run_in_between() {
    let mut servers = Vec::new();
    for _ in 0..4 {
        servers.push(TestServer::start(Behaviour::Answers).await);
    }
    let addresses: Vec<_> = servers.iter().map(|server| server.address).collect();
    let client = DnsClient::new("");
    for _ in 0..4 {
        for name in ["orders.example", "bills.example"] {
            let asked = client.first_lookup(name, &addresses).await;
            asked.expect("an answer");
        }
    }
    for server in &servers {
        assert_eq!(server.count(RecordType::A, "orders"), 1);
        assert_eq!(server.count(RecordType::A, "bills"), 1);
    }
}

#[tokio::test]
async fn one_bad_server_of_four_spoils_no_run_wherever_that_begins() {
    for behaviour in [
        Behaviour::Silent,
        Behaviour::Refers,
        Behaviour::Fails(ResponseCode::ServFail),
        Behaviour::Fails(ResponseCode::Refused),
        Behaviour::Fails(ResponseCode::NXDomain),
    ] {
        let mut servers = vec![TestServer::start(behaviour).await];
        for _ in 0..3 {
            servers.push(TestServer::start(Behaviour::Answers).await);
        }
        let addresses: Vec<_> = servers.iter().map(|server| server.address).collect();
        let client = DnsClient::new("");
        for _ in 0..4 {
            let found = found(&client, &addresses).await.expect("an answer");
            assert!(found.certain);
        }
        assert!(servers[0].count(RecordType::A, "") > 0, "it is asked");
    }
}

#[tokio::test]
async fn that_there_is_no_address_is_believed_only_where_no_server_failed() {
    let client = DnsClient::new("");
    let none = TestServer::start(Behaviour::Fails(ResponseCode::NXDomain)).await;
    for (other, is_none) in [
        (Behaviour::Fails(ResponseCode::NXDomain), true),
        (Behaviour::Fails(ResponseCode::ServFail), false),
        (Behaviour::Silent, false),
    ] {
        let other = TestServer::start(other).await;
        let servers = [none.address, other.address];
        let error = client.first_lookup(ALB, &servers).await.err();
        let says_none = matches!(error, Some(DnsError::NoAddresses { .. }));
        assert_eq!(says_none, is_none, "{error:?}");
    }
}

#[tokio::test]
async fn an_answer_that_does_not_fit_into_a_packet_is_asked_for_over_tcp() {
    let server = TestServer::start(Behaviour::IsTooLong).await;
    server.answers_over_tcp().await;
    let found = found(&DnsClient::new(""), &[server.address]).await;
    let addresses = found.expect("an answer").addresses;
    assert_eq!(
        addresses,
        BTreeSet::from([Ipv4Addr::new(10, 0, 0, 1).into()])
    );
}

#[tokio::test]
async fn a_server_that_fails_is_asked_once_more_at_once() {
    for code in [ResponseCode::ServFail, ResponseCode::Refused] {
        let server = TestServer::start(Behaviour::Fails(code)).await;
        let found = found(&DnsClient::new(""), &[server.address]).await;
        assert!(matches!(found, Err(DnsError::Failed { .. })));
        assert_eq!(server.count(RecordType::A, ""), 2);
    }
}

#[tokio::test]
async fn a_server_that_was_silent_for_a_second_is_asked_once_more() {
    let server = TestServer::start(Behaviour::Silent).await;
    let client = DnsClient::new("");
    let servers = [server.address];
    let (found, ()) = tokio::join!(found(&client, &servers), async {
        // Within the second a lost packet is sent again, three times in all.
        while server.count(RecordType::A, "") < 4 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        server.becomes(Behaviour::Answers);
    });
    assert_eq!(found.expect("an answer").addresses.len(), 1);
}
