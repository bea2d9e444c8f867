//! What the gateway keeps while a lab runs, and a call on its way through it.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::AtomicUsize;

use anyhow::Result;
use bytes::Bytes;
use hyper::http::request::Parts;

use super::call::Call;
use super::fault::InjectedFaults;
use super::response_cache::ResponseCache;
use super::stack_views::StackViews;
use super::targets::TargetStore;
use super::throttle::Throttle;
use crate::response_url::ResponseUrls;
use crate::xml::Element;

/// Network Load Balancer guide, "Quotas", with cross-zone load balancing off: 500 a zone, and the lab's have
/// at most six.
const TARGETS_PER_LOAD_BALANCER: usize = 3000;

pub(super) struct State {
    pub client: reqwest::Client,
    pub ministack: String,
    pub calls: Mutex<Vec<Call>>,
    pub connections: AtomicUsize,
    /// The calls before the last `clear`.
    pub cleared: Mutex<Vec<Call>>,
    pub faults: InjectedFaults,
    pub throttle: Throttle,
    pub cache: ResponseCache,
    pub stacks: StackViews,
    pub targets: TargetStore,
    /// How many targets a load balancer may have.
    pub target_quota: AtomicUsize,
    /// Fixed addresses of NLBs: the `LoadBalancerAddresses` member of a subnet, by load balancer and subnet, as
    /// CreateLoadBalancer gave them.
    pub mappings: Mutex<HashMap<(String, String), Element>>,
    /// The `ForwardConfig` of a listener's action, by listener. The action of an NLB's listener is one, to one
    /// target group or to several with weights (API_Action; AWS's Networking & Content Delivery blog, "Network
    /// Load Balancers now support Weighted Target Groups").
    pub forwards: Mutex<HashMap<String, Element>>,
    pub responses: ResponseUrls,
}

impl State {
    pub fn new(ministack: String) -> Result<Self> {
        Ok(Self {
            // It may keep its connections, for they are used in the lab's runtime only.
            client: reqwest::Client::builder().no_proxy().build()?,
            ministack,
            calls: Mutex::default(),
            connections: AtomicUsize::default(),
            cleared: Mutex::default(),
            faults: InjectedFaults::default(),
            throttle: Throttle::default(),
            cache: ResponseCache::default(),
            stacks: StackViews::default(),
            targets: TargetStore::default(),
            target_quota: AtomicUsize::new(TARGETS_PER_LOAD_BALANCER),
            mappings: Mutex::default(),
            forwards: Mutex::default(),
            responses: ResponseUrls::default(),
        })
    }
}

/// A request, read to its end, and what it means.
pub(super) struct ApiRequest {
    pub parts: Parts,
    pub body: Bytes,
    pub call: Call,
}
