//! The provider of `Custom::AlbNlbBinding`: one request of CloudFormation in, one response out.
//!
//! A response is sent before the invocation's deadline, whatever happens: an error, a panic, a call that hangs, or an
//! event that cannot be read. Without a response CloudFormation waits for an hour.

mod caller;
mod conclude;
mod request;
mod response;
#[cfg(test)]
mod tests;

pub use request::Request;

use crate::aws::api::{Aws, Responder};
use crate::binding::{self, BindingError, Desired, Hints, MakeResult, ReturnValues};
use crate::clock::Clock;
use crate::discovery::Dns;
use crate::invocation::Invocation;
use crate::log::chain;
use crate::names::account;
use crate::progress;
use crate::record::{RecordError, RequestType, Response, SuccessfulRequest, Turn};
use caller::caller;
use conclude::conclude;
use futures_util::FutureExt;
use request::Envelope;
use response::{failed, send, shorten_to_limit, success};
use serde_json::Value;
use std::panic::AssertUnwindSafe;
use std::rc::Rc;
use std::time::Duration;
use tokio::time::Instant;
use tracing::{error, info};

/// What a request is handled with.
pub struct Provider<'a, A, D, R> {
    pub aws: &'a A,
    pub dns: &'a D,
    pub responder: &'a R,
    pub region: &'a str,
    /// The function's variable `STATE_BUCKET`.
    pub state_bucket: Option<&'a str>,
    pub invocation: &'a Invocation,
    pub clock: Clock,
}

/// Why a request could not be answered.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    #[error(transparent)]
    Request(#[from] request::RequestError),
    #[error(transparent)]
    Response(#[from] response::ResponseError),
}

/// How a request's work ended.
enum Done {
    Made(Box<MakeResult>),
    Deleted,
    /// This delivery of the request, or another one, was answered before: the same response is sent again.
    AnsweredBefore(Response),
}

impl<A: Aws, D: Dns, R: Responder> Provider<'_, A, D, R> {
    /// Handles one event of CloudFormation.
    ///
    /// # Errors
    /// Only if no answer could be sent; a request that failed was answered with FAILED.
    pub async fn handle(&self, event: Value) -> Result<(), ProviderError> {
        let deadline = Instant::now() + self.invocation.remaining;
        let envelope = Envelope::parse(&event)?;
        let response = match Request::parse(event) {
            Ok(request) => self.response_to(&request, &envelope, deadline).await?,
            Err(failure) => {
                error!(error = chain(&failure), "not a request");
                let response = failed(envelope.physical_id(), &chain(&failure));
                shorten_to_limit(response, &envelope, &self.invocation.log_stream)?
            }
        };
        Ok(send(self.responder, &response, &envelope, deadline).await?)
    }

    /// Does what a request asks for. The record that the request has claimed then holds the response, if it can be
    /// written.
    async fn response_to(
        &self,
        request: &Request,
        envelope: &Envelope,
        deadline: Instant,
    ) -> Result<Response, ProviderError> {
        let Self {
            invocation, clock, ..
        } = *self;
        info!(
            request_type = ?request.request_type,
            stack = request.stack_id,
            resource = request.logical_resource_id,
            "request"
        );
        // The record and CloudFormation's S3 may be slow too, when the response is written and sent.
        let kept_for_the_response = (invocation.remaining / 5).min(Duration::from_secs(15));
        let working = invocation.remaining.saturating_sub(kept_for_the_response);
        let caller = caller(request, envelope, invocation, clock, working);
        let turn = Turn::new(self.aws, clock, caller);
        let doing = Rc::default();
        let work = progress::track(&doing, self.work(request, &turn));
        let work = AssertUnwindSafe(work).catch_unwind();
        let id = request.returned_physical_id();
        let mut serves = None;
        let response = match tokio::time::timeout(working, work).await {
            Ok(Ok(Ok(Done::AnsweredBefore(response)))) => return Ok(response),
            Ok(Ok(Ok(Done::Made(bound)))) => {
                let MakeResult {
                    attributes,
                    orders,
                    ports,
                } = *bound;
                let properties = request.properties.clone();
                serves = Some(SuccessfulRequest {
                    orders,
                    properties,
                    ports,
                });
                success(id, attributes)
            }
            Ok(Ok(Ok(Done::Deleted))) => success(id, ReturnValues::new()),
            Ok(Ok(Err(failure))) => {
                error!(error = chain(&failure), "failed");
                failed(id, &chain(&failure))
            }
            Ok(Err(_)) => failed(id, PANICKED),
            Err(_) => failed(id, &out_of_time(working, &doing.borrow().to_string())),
        };
        let (binding_id, log_stream) = (request.binding_id(), &invocation.log_stream);
        let response = shorten_to_limit(response, envelope, log_stream)?;
        let serves = serves.as_ref();
        Ok(conclude(
            &turn,
            &binding_id,
            response,
            serves,
            envelope,
            log_stream,
            deadline,
        )
        .await?)
    }

    async fn work(&self, request: &Request, turn: &Turn<'_, A>) -> Result<Done, BindingError> {
        let mut taken_over = None;
        loop {
            // Boxed because the compiler limits how deep the futures of all steps may nest.
            let done = match request.request_type {
                RequestType::Delete => Box::pin(self.delete(request, turn)).await,
                _ => Box::pin(self.make(request, turn)).await,
            };
            return match done {
                Err(BindingError::Record(RecordError::Answered(response))) => {
                    info!("this request has been answered already: the same answer is sent again");
                    Ok(Done::AnsweredBefore(*response))
                }
                Err(error) if error.is_taken_over() => {
                    info!("taken over");
                    if let Some(response) =
                        turn.wait_for_other_delivery(&request.binding_id()).await?
                    {
                        return Ok(Done::AnsweredBefore(response));
                    }
                    // The record may be in another bucket by now, or gone, so the request is judged again.
                    turn.start_again();
                    taken_over = Some(error);
                    continue;
                }
                Err(BindingError::Record(RecordError::Superseded)) => {
                    Err(taken_over.unwrap_or(RecordError::Superseded.into()))
                }
                done => done,
            };
        }
    }

    async fn make(&self, request: &Request, turn: &Turn<'_, A>) -> Result<Done, BindingError> {
        let id = request.derived_id();
        let read = Desired::read(
            &request.properties,
            id,
            self.region,
            &self.invocation.function_arn,
            self.state_bucket,
        );
        let desired = Desired {
            former: self.hints(&request.old_properties),
            replaces: request.replaces(),
            ..read?
        };
        let bound = binding::make(self.aws, self.dns, turn, &desired).await?;
        Ok(Done::Made(Box::new(bound)))
    }

    fn hints(&self, properties: &Value) -> Hints {
        let mut hints = Hints::read(properties, self.region);
        let default = || self.state_bucket.map(str::to_owned);
        hints.bucket = hints.bucket.or_else(default);
        hints
    }

    async fn delete(&self, request: &Request, turn: &Turn<'_, A>) -> Result<Done, BindingError> {
        let hints = self.hints(&request.properties);
        // CloudFormation invents an id if a Create was never answered. What that Create made carries the id
        // that follows from its request.
        let id = request.binding_id();
        let is_invented = request.physical_id != Some(id.to_string());
        let account = account(&self.invocation.function_arn);
        binding::delete(self.aws, self.dns, turn, &id, account, &hints, is_invented).await?;
        Ok(Done::Deleted)
    }
}

/// The log says where the function panicked and why: the hook that [`crate::log::start`] sets writes it.
const PANICKED: &str = "the function panicked, which is a fault in it; its log tells where";

fn out_of_time(working: Duration, doing: &str) -> String {
    let seconds = format!("{:.1}", working.as_secs_f64());
    error!(seconds, doing, "out of time");
    format!("not done within {seconds} seconds, the function's time for it; last: {doing}")
}
