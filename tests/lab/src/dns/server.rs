//! One DNS server, which may fail alone, show its own addresses, or be a cache.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use super::address_pool::AddressPool;
use super::failure::DnsFailure;
use super::record_set::RecordSet;
use crate::lock::lock;

/// A server that does not choose again for each answer.
#[derive(Clone, Copy, Debug)]
pub struct Cache {
    /// How many caches are behind the one address. Chance decides which of them answers.
    pub nodes: usize,
    /// Whether its answers say that it is a cache: that it offers recursion, and is not authoritative. A cache may
    /// also repeat what an authoritative server says of itself.
    pub says_so: bool,
}

/// One DNS server.
#[derive(Clone)]
pub struct DnsServer {
    pub(super) address: SocketAddr,
    pub(super) state: Arc<Mutex<ServerState>>,
}

#[derive(Default)]
pub(super) struct ServerState {
    pub failure: Option<DnsFailure>,
    pub queries: HashMap<String, usize>,
    /// The addresses that this server alone shows for all names.
    stale: Option<AddressPool>,
    pub cache: Option<Cache>,
    /// What its nodes keep, by name and node.
    kept: HashMap<(String, usize), RecordSet>,
    /// The number of answers after which it forgets what it keeps.
    keeps: Option<usize>,
}

impl ServerState {
    /// The answer of one of its nodes. A node that keeps none asks first.
    pub fn cached(
        &mut self,
        load_balancer: &str,
        ask: impl FnOnce(&mut Option<AddressPool>) -> RecordSet,
    ) -> RecordSet {
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
        lock(&self.state).stale = addresses.into().map(AddressPool::of);
    }

    /// Makes a cache of it, which keeps its answers until it is told to forget them.
    pub fn set_cache(&self, cache: impl Into<Option<Cache>>) {
        lock(&self.state).cache = cache.into();
        self.forget_after(0);
    }

    /// Lets a cache choose again after so many answers, once.
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
