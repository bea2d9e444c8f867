//! One question over UDP or TCP, from its arrival to its answer.

use std::sync::{Arc, Mutex};
use std::time::Instant;

use anyhow::{Context, Result};
use hickory_server::net::runtime::Time;
use hickory_server::proto::op::{Header, HeaderCounts, Metadata, ResponseCode};
use hickory_server::proto::rr::RecordType;
use hickory_server::server::{Request, RequestHandler, ResponseHandler, ResponseInfo};
use hickory_server::zone_handler::MessageResponseBuilder;

use super::contents::DnsContents;
use super::failure::DnsFailure;
use super::names::key_of;
use super::record_set::{RecordSet, records};
use super::server::ServerState;
use crate::lock::lock;

pub(super) struct Handler {
    pub contents: Arc<Mutex<DnsContents>>,
    pub state: Arc<Mutex<ServerState>>,
}

impl Handler {
    /// What the answer is, or how the lookup fails.
    fn look_up(&self, name: &str, kind: RecordType) -> Result<RecordSet, DnsFailure> {
        let load_balancer = key_of(name);
        if kind == RecordType::A {
            *lock(&self.state)
                .queries
                .entry(load_balancer.to_owned())
                .or_default() += 1;
        }
        if let Some(failure) = lock(&self.state).failure {
            return Err(failure);
        }
        let mut contents = lock(&self.contents);
        let failing = contents.failures.get_mut(load_balancer);
        if let Some(failure) = failing.and_then(|failing| failing.fails(kind)) {
            return Err(failure);
        }
        let alias = contents.aliases.get(load_balancer).cloned();
        let holder = alias.as_deref().map_or(load_balancer, key_of);
        let pool = contents
            .addresses
            .get_mut(holder)
            .ok_or(DnsFailure::NxDomain)?;
        if kind != RecordType::A {
            let addresses = Vec::new();
            return Ok(RecordSet { alias, addresses });
        }
        Ok(lock(&self.state).cached(load_balancer, |stale| {
            let addresses = stale.as_mut().unwrap_or(pool).answer();
            RecordSet { alias, addresses }
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
                RecordSet {
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
        let delay = lock(&self.contents).delay;
        if !delay.is_zero() {
            tokio::time::sleep_until((came + delay).into()).await;
        }
        let sent = to.send_response(response).await?;
        lock(&self.contents).times.push(came.elapsed());
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

fn unsent(metadata: Metadata) -> ResponseInfo {
    ResponseInfo::from(Header {
        metadata,
        counts: HeaderCounts::default(),
    })
}
