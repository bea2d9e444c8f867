//! Whom a warm function asks, and how often, on DNS servers of the tests' own.

use super::*;
use hickory_resolver::proto::op::Message;
use hickory_resolver::proto::rr::rdata::{A, NS};
use hickory_resolver::proto::rr::{Name, RData, Record, RecordType};
use std::future::ready;
use std::net::Ipv4Addr;
use tokio::net::UdpSocket;

const ZONE: &str = "us-east-1.elb.amazonaws.com.";
const ALB: &str = "internal-orders-1234567890.us-east-1.elb.amazonaws.com";

/// A server that counts the questions it gets, and answers as one that is both the resolver and
/// authoritative for [`ZONE`], or never.
struct Asked {
    address: SocketAddr,
    questions: Arc<Mutex<Vec<(RecordType, String)>>>,
}

impl Asked {
    async fn start(answers: bool) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a port");
        let address = socket.local_addr().expect("bound");
        let questions: Arc<Mutex<Vec<_>>> = Arc::default();
        let noted = Arc::clone(&questions);
        tokio::spawn(async move {
            let mut bytes = [0; 1500];
            loop {
                let (length, from) = socket.recv_from(&mut bytes).await.expect("a question");
                let mut message = Message::from_vec(&bytes[..length]).expect("a message");
                let question = message.queries.first().expect("a question").clone();
                let kind = question.query_type();
                noted
                    .lock()
                    .expect("no panic")
                    .push((kind, question.name().to_utf8()));
                if !answers {
                    continue;
                }
                message = message.into_response();
                let name = question.name().clone();
                let own = RData::A(A(Ipv4Addr::LOCALHOST));
                let zone: Name = ZONE.parse().expect("a name");
                let server: Name = "ns.example.".parse().expect("a name");
                let data = match kind {
                    RecordType::NS if name == zone => Some(RData::NS(NS(server))),
                    RecordType::A if name == server => Some(own),
                    RecordType::A => Some(RData::A(A(Ipv4Addr::new(10, 0, 0, 1)))),
                    _ => None,
                };
                message
                    .answers
                    .extend(data.map(|data| Record::from_rdata(name, 60, data)));
                let answer = message.to_vec().expect("a message");
                socket.send_to(&answer, from).await.expect("sent");
            }
        });
        Self { address, questions }
    }

    /// How many questions of one kind for names that start like this.
    fn count(&self, kind: RecordType, name: &str) -> usize {
        let questions = self.questions.lock().expect("no panic");
        let asked = questions.iter();
        asked
            .filter(|(asked, of)| *asked == kind && of.starts_with(name))
            .count()
    }
}

fn discovery(resolver: &Asked, authority: &Asked) -> Discovery {
    let mut discovery = Discovery::new("");
    let system = Server::at(resolver.address);
    discovery.authorities = Authorities::new(system, authority.address.port());
    discovery
}

async fn look(discovery: &Discovery) -> Found {
    let run = start(discovery, ALB, &[], 50).await.expect("an answer");
    run.finish(ready(BTreeSet::new())).await
}

#[tokio::test]
async fn the_authoritative_servers_are_found_once_and_asked_from_then_on() {
    let server = Asked::start(true).await;
    let discovery = discovery(&server, &server);
    for tick in 1..=3 {
        let found = look(&discovery).await;
        assert!(found.certain);
        assert_eq!(found.addresses.len(), 1);
        assert_eq!(server.count(RecordType::NS, ""), 1);
        assert_eq!(server.count(RecordType::A, "ns.example"), 1);
        assert_eq!(server.count(RecordType::A, "internal-orders"), tick);
    }
}

#[tokio::test]
async fn authoritative_servers_out_of_reach_are_waited_for_once_and_not_in_every_tick() {
    let resolver = Asked::start(true).await;
    let silent = Asked::start(false).await;
    let discovery = discovery(&resolver, &silent);
    look(&discovery).await;
    let tried = silent.count(RecordType::A, "internal-orders");
    assert!(tried > 0, "they are tried");
    for tick in 2..=4 {
        look(&discovery).await;
        assert_eq!(resolver.count(RecordType::NS, ""), 1);
        assert_eq!(resolver.count(RecordType::A, "internal-orders"), tick);
        assert_eq!(silent.count(RecordType::A, ""), tried);
    }
}
