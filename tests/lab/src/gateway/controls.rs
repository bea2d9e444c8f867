//! What a test sees of the gateway, and what it sets there.

use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::Result;
use tokio::net::TcpListener;
use tokio::runtime::Handle;

use super::call::Call;
use super::fault::{Fault, FaultId};
use super::stack_views::FakeStackView;
use super::state::State;
use super::targets::{Target, TargetState};
use super::throttle::RateLimits;
use super::{server, tls};
use crate::lock::lock;
use crate::names::LAB_ACCESS_KEY;
use crate::response_url::ResponseUrlServer;

pub struct Gateway {
    endpoint: String,
    state: Arc<State>,
}

impl Gateway {
    pub(crate) fn start(
        runtime: &Handle,
        listener: TcpListener,
        endpoint: String,
        ministack: String,
    ) -> Result<Self> {
        let state = Arc::new(State::new(ministack)?);
        runtime.spawn(server::serve(listener, None, Arc::clone(&state)));
        Ok(Self { endpoint, state })
    }

    /// Answers at another port as well, over TLS, and writes what a client has to trust into a file. The result is
    /// the endpoint.
    pub(crate) async fn serve_over_tls(&self, runtime: &Handle, trusted: &Path) -> Result<String> {
        let address = "127.0.0.1";
        let acceptor = tls::acceptor(address, trusted)?;
        let listener = runtime.spawn(TcpListener::bind((address, 0))).await??;
        let endpoint = format!("https://{}", listener.local_addr()?);
        runtime.spawn(server::serve(
            listener,
            Some(acceptor),
            Arc::clone(&self.state),
        ));
        Ok(endpoint)
    }

    pub(crate) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// All calls so far, in the order in which they were done.
    pub fn calls(&self) -> Vec<Call> {
        lock(&self.state.calls).clone()
    }

    /// The calls of one operation by others than the lab itself.
    pub fn calls_of(&self, service: &str, operation: &str) -> Vec<Call> {
        let wanted = |call: &Call| {
            call.source != LAB_ACCESS_KEY && call.service == service && call.operation == operation
        };
        self.calls().into_iter().filter(wanted).collect()
    }

    /// The calls of one access key, in the order in which they were done.
    pub fn calls_by(&self, source: &str) -> Vec<Call> {
        let calls = self.calls().into_iter();
        calls.filter(|call| call.source == source).collect()
    }

    /// How many connections anybody has made since the start.
    pub fn connections(&self) -> usize {
        self.state.connections.load(Ordering::Relaxed)
    }

    /// Empties `calls`; `history` still has them.
    pub fn clear(&self) {
        let mut calls = lock(&self.state.calls);
        lock(&self.state.cleared).append(&mut calls);
    }

    /// All calls since the start, cleared ones included.
    pub fn history(&self) -> Vec<Call> {
        let calls = lock(&self.state.calls);
        let mut history = lock(&self.state.cleared).clone();
        history.extend_from_slice(&calls);
        history
    }

    /// Lets calls go wrong from now on, except the lab's own.
    pub fn inject(&self, fault: Fault) -> FaultId {
        self.state.faults.inject(fault)
    }

    /// How many calls a fault has hit.
    pub fn hits(&self, fault: FaultId) -> usize {
        self.state.faults.hits(fault)
    }

    pub fn remove_fault(&self, fault: FaultId) {
        self.state.faults.remove(fault);
    }

    pub fn clear_faults(&self) {
        self.state.faults.clear();
    }

    pub(crate) fn targets(&self, target_group_arn: &str) -> Vec<Target> {
        self.state.targets.list(target_group_arn)
    }

    /// Lets every load balancer have at most this many targets.
    pub fn set_target_quota(&self, targets: usize) {
        self.state.target_quota.store(targets, Ordering::Relaxed);
    }

    /// Puts a target of a group into a state.
    pub fn set_target_state(&self, group: &str, address: Ipv4Addr, port: u16, state: TargetState) {
        self.state.targets.set_state(group, (address, port), state);
    }

    pub(crate) fn finish_draining(&self) {
        self.state.targets.finish_draining();
    }

    pub(crate) fn response_url(&self) -> ResponseUrlServer {
        self.state.responses.add(&self.endpoint)
    }

    /// From now on DescribeStacks and DescribeStackResource show this of a stack, by its id, to every caller, and
    /// whether or not MiniStack knows such a stack.
    pub fn set_stack(&self, stack_id: &str, stack: FakeStackView) {
        self.state.stacks.set(stack_id, stack);
    }

    /// Asks MiniStack again from now on, which knows no stack that it has not made.
    pub fn forget_stack(&self, stack_id: &str) {
        self.state.stacks.forget(stack_id);
    }

    /// Answers reads from a cache until something changes, or stops doing so.
    pub fn remember_answers(&self, on: bool) {
        self.state.cache.switch(on);
    }

    /// Lets every call take at least this long, except the lab's own.
    pub fn set_delay(&self, delay: Duration) {
        self.state.throttle.set_delay(delay);
    }

    /// Lets ELBv2 throttle as it does on AWS, to so many of its calls: 1 is all of them. The allowance is full at
    /// first.
    pub fn limit_rates(&self, share: f64) {
        let limits = RateLimits::new(share, Instant::now());
        self.state.throttle.set_limits(Some(limits));
    }

    /// Lets ELBv2 throttle no more.
    pub fn lift_rates(&self) {
        self.state.throttle.set_limits(None);
    }
}
