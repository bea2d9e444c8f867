//! The gateway: an HTTP proxy before MiniStack. It records every call, lets calls go wrong on
//! demand, answers what MiniStack lacks as AWS does, and passes everything else on unchanged.
//! It checks no signatures and no permissions.

mod answer;
mod call;
mod cbor;
mod elb;
mod events;
mod fault;
mod forward;
mod health;
mod listeners;
mod load_balancers;
mod memory;
mod naming;
mod pace;
mod stack_events;
mod stacks;
mod target_groups;
mod targets;
pub(crate) mod tls;

use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use anyhow::Result;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::http::request::Parts;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio_rustls::TlsAcceptor;

use crate::response_url::{self, ResponseUrl, ResponseUrls};
use crate::{LAB, lock};

pub use call::Call;
pub use fault::{Fault, FaultId, Hold, What};
pub use stacks::{ResourceView, StackView};
pub use targets::{Target, TargetState};

use fault::{Faults, Plan};
use memory::Memory;
use pace::Pace;
use stacks::Stacks;
use targets::Targets;

/// Network Load Balancer guide, "Quotas", with cross-zone load balancing off: 500 a zone, and the lab's have
/// at most six.
const TARGETS: usize = 3000;

/// An answer, complete in memory.
pub(crate) type Reply = Response<Bytes>;

/// What tests see of the gateway.
pub struct Gateway {
    endpoint: String,
    state: Arc<State>,
}

struct State {
    client: reqwest::Client,
    ministack: String,
    calls: Mutex<Vec<Call>>,
    connections: AtomicUsize,
    /// The calls before the last `clear`.
    cleared: Mutex<Vec<Call>>,
    faults: Faults,
    pace: Pace,
    memory: Memory,
    stacks: Stacks,
    targets: Targets,
    /// How many targets a load balancer may have.
    target_quota: AtomicUsize,
    /// Fixed addresses of NLBs by load balancer and subnet, as CreateLoadBalancer gave them.
    mappings: load_balancers::Mappings,
    /// Weighted target groups of listeners.
    forwards: listeners::Forwards,
    responses: ResponseUrls,
}

/// A request, read to its end, and what it means.
struct Asked {
    parts: Parts,
    body: Bytes,
    call: Call,
}

impl Gateway {
    pub(crate) fn start(
        runtime: &Handle,
        listener: TcpListener,
        endpoint: String,
        ministack: String,
    ) -> Result<Self> {
        let state = Arc::new(State {
            // Its connections live in the lab's runtime only, so it may keep them.
            client: reqwest::Client::builder().no_proxy().build()?,
            ministack,
            calls: Mutex::default(),
            connections: AtomicUsize::default(),
            cleared: Mutex::default(),
            faults: Faults::default(),
            pace: Pace::default(),
            memory: Memory::default(),
            stacks: Stacks::default(),
            targets: Targets::default(),
            target_quota: AtomicUsize::new(TARGETS),
            mappings: load_balancers::Mappings::default(),
            forwards: listeners::Forwards::default(),
            responses: ResponseUrls::default(),
        });
        runtime.spawn(serve(listener, None, Arc::clone(&state)));
        Ok(Self { endpoint, state })
    }

    /// Answers there as well, over TLS.
    pub(crate) fn serve_over_tls(
        &self,
        runtime: &Handle,
        listener: TcpListener,
        acceptor: TlsAcceptor,
    ) {
        runtime.spawn(serve(listener, Some(acceptor), Arc::clone(&self.state)));
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
            call.source != LAB && call.service == service && call.operation == operation
        };
        self.calls().into_iter().filter(wanted).collect()
    }

    /// The calls of one access key, in the order in which they were done.
    pub fn calls_by(&self, source: &str) -> Vec<Call> {
        let calls = self.calls().into_iter();
        calls.filter(|call| call.source == source).collect()
    }

    /// Connections ever made, by anybody.
    pub fn connections(&self) -> usize {
        self.state.connections.load(Ordering::Relaxed)
    }

    /// Lets `calls` begin anew.
    pub fn clear(&self) {
        let mut calls = lock(&self.state.calls);
        lock(&self.state.cleared).append(&mut calls);
    }

    /// All calls that there ever were, cleared ones included.
    pub fn history(&self) -> Vec<Call> {
        let calls = lock(&self.state.calls);
        let mut history = lock(&self.state.cleared).clone();
        history.extend_from_slice(&calls);
        history
    }

    /// Lets calls go wrong from now on; those of the lab itself never do.
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

    /// Lets every load balancer have only so many targets.
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

    pub(crate) fn response_url(&self) -> ResponseUrl {
        self.state.responses.add(&self.endpoint)
    }
}

async fn serve(listener: TcpListener, tls: Option<TlsAcceptor>, state: Arc<State>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            continue;
        };
        // Small answers at once; many calls are waited for one after the other.
        let _ = stream.set_nodelay(true);
        state.connections.fetch_add(1, Ordering::Relaxed);
        let state = Arc::clone(&state);
        let Some(tls) = tls.clone() else {
            tokio::spawn(connection(stream, state));
            continue;
        };
        tokio::spawn(async move {
            // An error is a client that does not trust the lab, or that went away.
            if let Ok(stream) = tls.accept(stream).await {
                connection(stream, state).await;
            }
        });
    }
}

async fn connection(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    state: Arc<State>,
) {
    let service = service_fn(move |request| handle(Arc::clone(&state), request));
    // An error is a client that went away, or a connection that a fault cuts.
    let _ = hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

/// Makes hyper close the connection without an answer.
#[derive(Debug, PartialEq)]
struct Cut;

impl std::fmt::Display for Cut {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("the connection is cut on purpose")
    }
}

impl std::error::Error for Cut {}

async fn handle(
    state: Arc<State>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Cut> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map_err(|_| Cut)?.to_bytes();
    if let Some(token) = response_url::token(parts.uri.path()) {
        return Ok(state.responses.take(token, &parts, &body).map(Full::new));
    }
    // On a task of its own: AWS carries a call out also when the caller hangs up meanwhile.
    let done = tokio::spawn(async move { state.serve(parts, body).await }).await;
    done.map_err(|_| Cut)?.map(|reply| reply.map(Full::new))
}

impl State {
    async fn serve(&self, parts: Parts, body: Bytes) -> Result<Reply, Cut> {
        let came = Instant::now();
        let call = Call::read(&parts, &body);
        let asked = Asked { parts, body, call };
        let plan = if asked.call.source == LAB {
            Plan::default()
        } else {
            self.faults.plan(&asked.call)
        };
        if let Some(delay) = plan.delay {
            tokio::time::sleep(delay).await;
        }
        if let Some(hold) = plan.hold {
            hold.pass().await;
        }
        let reply = match plan.instead {
            Some(What::CutOff) => None,
            Some(What::LoseAnswer) => Some(self.carry_out(&asked).await),
            Some(What::HideMissing) => {
                let reply = self.carry_out(&asked).await;
                let is_missing = reply.status() == hyper::StatusCode::NOT_FOUND;
                Some(match is_missing {
                    true => What::Deny.reply(&asked.call),
                    false => reply,
                })
            }
            Some(what) => Some(what.reply(&asked.call)),
            None if !self.pace.admits(&asked.call) => Some(What::Throttle.reply(&asked.call)),
            None => Some(self.answer(&asked).await),
        };
        self.pace.hold(&asked.call, came).await;
        let call = asked.call.answered(reply.as_ref(), came.elapsed());
        lock(&self.calls).push(call);
        match (reply, plan.loses_answer) {
            (Some(reply), false) => Ok(reply),
            _ => Err(Cut),
        }
    }

    async fn carry_out(&self, asked: &Asked) -> Reply {
        let done = match asked.call.service.as_str() {
            "elasticloadbalancing" => self.load_balancing(asked).await,
            "cloudformation" => self.cloudformation(asked).await,
            "events" if asked.call.operation == "PutRule" => self.put_rule(asked).await,
            "events" if asked.call.operation == "PutTargets" => self.put_targets(asked).await,
            _ => self.forward(asked, None).await,
        };
        done.unwrap_or_else(|error| {
            answer::error(&asked.call, 502, "LabFailure", &format!("{error:#}"))
        })
    }
}
