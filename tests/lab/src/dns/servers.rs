//! All DNS servers of a lab, and what a test says that they answer.

use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Result, bail};
use hickory_server::Server;
use tokio::net::{TcpListener, UdpSocket};
use tokio::runtime::Handle;

use super::address_pool::AddressPool;
use super::contents::DnsContents;
use super::failure::{DnsFailure, Failing};
use super::handler::Handler;
use super::server::DnsServer;
use crate::lock::lock;

/// All the DNS servers of a lab; they share their contents.
pub struct DnsServers {
    contents: Arc<Mutex<DnsContents>>,
    servers: Mutex<Vec<DnsServer>>,
    runtime: Handle,
}

impl DnsServers {
    pub(crate) async fn start(runtime: Handle) -> Result<Self> {
        let dns = Self {
            contents: Arc::default(),
            servers: Mutex::default(),
            runtime,
        };
        dns.add_server().await?;
        Ok(dns)
    }

    /// Replaces the addresses of a load balancer, given by its name, or of any other DNS name, given whole.
    pub fn set(&self, load_balancer: &str, addresses: impl IntoIterator<Item = Ipv4Addr>) {
        lock(&self.contents)
            .addresses
            .insert(load_balancer.to_owned(), AddressPool::of(addresses));
    }

    /// Makes a DNS name an alias of another one, as the endpoint of an Aurora cluster is one of its writer's.
    pub fn set_alias(&self, name: &str, of: &str) {
        let aliases = &mut lock(&self.contents).aliases;
        aliases.insert(name.to_owned(), of.to_owned());
    }

    /// Takes the name of a load balancer out of DNS.
    pub fn remove(&self, load_balancer: &str) {
        lock(&self.contents).addresses.remove(load_balancer);
    }

    /// Lets all lookups of one load balancer's name fail on all servers, or work again.
    pub fn fail(&self, load_balancer: &str, failure: impl Into<Option<DnsFailure>>) {
        match failure.into() {
            Some(failure) => self.fail_as(load_balancer, 0, failure, None),
            None => {
                lock(&self.contents).failures.remove(load_balancer);
            }
        }
    }

    /// The same, but so many lookups are still answered before.
    pub fn fail_after(&self, load_balancer: &str, answers: usize, failure: DnsFailure) {
        self.fail_as(load_balancer, answers, failure, None);
    }

    /// The same, and lookups work again when this time has passed since the first one that failed.
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
        let failures = &mut lock(&self.contents).failures;
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
        lock(&self.contents).times.clone()
    }

    /// Lets every answer take at least so long.
    pub fn set_delay(&self, delay: Duration) {
        lock(&self.contents).delay = delay;
    }

    /// The first server, which `Lab::environment` names.
    pub fn server(&self) -> DnsServer {
        lock(&self.servers)[0].clone()
    }

    /// One more server with the same contents, on its own port, to be one among several.
    pub async fn add_server(&self) -> Result<DnsServer> {
        let (udp, tcp) = self.runtime.spawn(sockets()).await??;
        let server = DnsServer {
            address: udp.local_addr()?,
            state: Arc::default(),
        };
        let handler = Handler {
            contents: Arc::clone(&self.contents),
            state: Arc::clone(&server.state),
        };
        self.runtime.spawn(async move {
            let mut running = Server::new(handler);
            running.register_socket(udp);
            running.register_listener(tcp, Duration::from_secs(30), 32);
            // It runs until the lab's runtime ends, which ends its tasks as well.
            let _ = running.block_until_done().await;
        });
        lock(&self.servers).push(server.clone());
        Ok(server)
    }
}

/// Sockets for UDP and TCP on the same free port.
async fn sockets() -> Result<(UdpSocket, TcpListener)> {
    for _ in 0..100 {
        let udp = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        // A port that is free for UDP may be taken for TCP; then another port is tried.
        if let Ok(tcp) = TcpListener::bind(udp.local_addr()?).await {
            return Ok((udp, tcp));
        }
    }
    bail!("no port that is free for both UDP and TCP")
}
