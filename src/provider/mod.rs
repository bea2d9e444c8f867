//! The provider of `Custom::AlbNlbBinding`: one request of CloudFormation in, one answer out.
//!
//! Whatever happens in between, an error, a panic, a hang or an event that cannot be read, an
//! answer is sent before the invocation's deadline; without one CloudFormation waits an hour.

mod request;
mod response;
#[cfg(test)]
mod tests;

pub use request::Request;

use crate::aws::api::Aws;
use crate::aws::api::Responder;
use crate::binding::{self, BindingError, Bound, Desired, Hints, ReturnValues};
use crate::clock::Clock;
use crate::discovery::Dns;
use crate::log::chain;
use crate::names::account;
use crate::progress;
use crate::record::{Caller, Mark, RecordError, RequestType, Response, Served, Turn, signed};
use futures_util::FutureExt;
use request::{Envelope, digest};
use response::{failed, fit, send, success};
use serde_json::Value;
use std::hash::{BuildHasher, RandomState};
use std::panic::AssertUnwindSafe;
use std::rc::Rc;
use std::time::Duration;
use tokio::time::Instant;
use tracing::{error, info, warn};

/// What a request is handled with.
pub struct Provider<'a, A, D, R> {
    pub aws: &'a A,
    pub dns: &'a D,
    pub responder: &'a R,
    pub region: &'a str,
    /// The function's variable `STATE_BUCKET`.
    pub state_bucket: Option<&'a str>,
}

/// What is known of the invocation itself.
#[derive(Debug, Clone, Copy)]
pub struct Invocation<'a> {
    pub function_arn: &'a str,
    pub log_stream: &'a str,
    pub clock: Clock,
    /// Until the sandbox is stopped.
    pub remaining: Duration,
}

/// Why a request could not be answered.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    #[error(transparent)]
    Request(#[from] request::RequestError),
    #[error(transparent)]
    Response(#[from] response::ResponseError),
}

/// What a request has come to.
enum Done {
    Made(Box<Bound>),
    Deleted,
    /// It, or another delivery of it, has been answered: the same again.
    Before(Response),
}

impl<A: Aws, D: Dns, R: Responder> Provider<'_, A, D, R> {
    /// Handles one event of CloudFormation.
    ///
    /// # Errors
    /// Only where no answer could be sent; a request that failed was answered with FAILED.
    pub async fn handle(
        &self,
        event: Value,
        invocation: &Invocation<'_>,
    ) -> Result<(), ProviderError> {
        let until = Instant::now() + invocation.remaining;
        let envelope = Envelope::parse(&event)?;
        let answer = match Request::parse(event) {
            Ok(request) => self.answer(&request, &envelope, invocation, until).await?,
            Err(failure) => {
                error!(error = chain(&failure), "not a request");
                let answer = failed(envelope.physical_id(), &chain(&failure));
                fit(answer, &envelope, invocation.log_stream)?
            }
        };
        Ok(send(self.responder, &answer, &envelope, until).await?)
    }

    /// The answer to a request, put down in the record that it has claimed.
    async fn answer(
        &self,
        request: &Request,
        envelope: &Envelope,
        invocation: &Invocation<'_>,
        until: Instant,
    ) -> Result<Response, ProviderError> {
        info!(
            request_type = ?request.request_type,
            stack = request.stack_id,
            resource = request.logical_resource_id,
            "request"
        );
        // What is kept back for the answer; the record and CloudFormation's S3 may be slow too.
        let kept = (invocation.remaining / 5).min(Duration::from_secs(15));
        let working = invocation.remaining.saturating_sub(kept);
        let caller = caller(request, envelope, invocation, working);
        let turn = Turn::new(self.aws, invocation.clock, caller);
        let doing = Rc::default();
        let work = progress::track(&doing, self.work(request, &turn, invocation));
        let work = AssertUnwindSafe(work).catch_unwind();
        let id = request.answers_with();
        let mut serves = None;
        let answer = match tokio::time::timeout(working, work).await {
            Ok(Ok(Ok(Done::Before(answer)))) => return Ok(answer),
            Ok(Ok(Ok(Done::Made(bound)))) => {
                let Bound {
                    attributes,
                    orders,
                    ports,
                } = *bound;
                let properties = request.properties.clone();
                serves = Some(Served {
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
        let answer = fit(answer, envelope, invocation.log_stream)?;
        let serves = serves.as_ref();
        Ok(conclude(&turn, answer, serves, request, envelope, invocation, until).await?)
    }

    async fn work(
        &self,
        request: &Request,
        turn: &Turn<'_, A>,
        invocation: &Invocation<'_>,
    ) -> Result<Done, BindingError> {
        let mut taken_over = None;
        loop {
            // Boxed, for the futures of all steps together are more than the compiler likes to nest.
            let done = match request.request_type {
                RequestType::Delete => Box::pin(self.delete(request, turn, invocation)).await,
                _ => Box::pin(self.make(request, turn, invocation)).await,
            };
            return match done {
                Err(BindingError::Record(RecordError::Answered(answer))) => {
                    info!("this request has been answered already: the same answer is sent again");
                    Ok(Done::Before(*answer))
                }
                Err(error) if error.is_taken_over() => {
                    info!("taken over");
                    if let Some(answer) = turn.of_another_delivery(&request.about()).await? {
                        return Ok(Done::Before(answer));
                    }
                    // The record may be elsewhere by now, or gone: it is judged anew.
                    turn.starts_anew();
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

    async fn make(
        &self,
        request: &Request,
        turn: &Turn<'_, A>,
        invocation: &Invocation<'_>,
    ) -> Result<Done, BindingError> {
        let id = request.binding_id();
        let read = Desired::read(
            &request.properties,
            id,
            self.region,
            invocation.function_arn,
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

    async fn delete(
        &self,
        request: &Request,
        turn: &Turn<'_, A>,
        invocation: &Invocation<'_>,
    ) -> Result<Done, BindingError> {
        let hints = self.hints(&request.properties);
        // An id that is not a binding's is one that CloudFormation invented because a Create was
        // never answered; what that Create made carries the id that it meant.
        let id = request.about();
        let is_invented = request.physical_id != Some(id.to_string());
        let account = account(invocation.function_arn);
        binding::delete(self.aws, self.dns, turn, &id, account, &hints, is_invented).await?;
        Ok(Done::Deleted)
    }
}

/// What is kept back for sending an answer, whatever it is: CloudFormation's S3 may fail for seconds. Of
/// less time than that it is two thirds.
const FOR_THE_PUT: Duration = Duration::from_secs(10);

/// Rule 3 of the record: the answer is put down before it is sent. Where that cannot be done it is
/// sent all the same, for CloudFormation waits; but where another delivery has been faster, its answer
/// is the answer.
async fn conclude<A: Aws>(
    turn: &Turn<'_, A>,
    answer: Response,
    serves: Option<&Served>,
    request: &Request,
    envelope: &Envelope,
    invocation: &Invocation<'_>,
    until: Instant,
) -> Result<Response, response::ResponseError> {
    let left = || until.saturating_duration_since(Instant::now());
    let id = request.about();
    let concluded = tokio::time::timeout(left() / 2, turn.conclude(&id, &answer, serves)).await;
    let failure = match &concluded {
        Ok(Ok(())) => return Ok(answer),
        Ok(Err(error)) => chain(error),
        Err(_) => "the record could not be written in time".to_owned(),
    };
    let is_taken_over = matches!(concluded, Ok(Err(RecordError::TakenOver)));
    if is_taken_over {
        let waits = left().saturating_sub(FOR_THE_PUT).max(left() / 3);
        let ending = tokio::time::timeout(waits, turn.of_another_delivery(&id)).await;
        if let Ok(Ok(Some(answer))) = ending {
            return Ok(answer);
        }
    }
    warn!(failure, "the answer is not in the record");
    let answer = match serves {
        None => answer,
        // Ticks would not go by what CloudFormation takes for done.
        Some(_) => {
            let answer = failed(answer.physical_id, &failure);
            fit(answer, envelope, invocation.log_stream)?
        }
    };
    if is_taken_over {
        let put_down = turn.answers_for_another_delivery(&id, &answer);
        if let Ok(Ok(Some(answer))) = tokio::time::timeout(left() / 2, put_down).await {
            return Ok(answer);
        }
    }
    Ok(answer)
}

fn caller(
    request: &Request,
    envelope: &Envelope,
    invocation: &Invocation<'_>,
    working: Duration,
) -> Caller {
    // Lambda repeats a killed invocation under the same id, so each gets a name of its own.
    let delivery = RandomState::new().hash_one(invocation.clock.now());
    Caller {
        kind: request.request_type,
        mark: Mark {
            request: request.request_id.clone(),
            runner: format!("{} {delivery:016x}", invocation.log_stream),
        },
        signed: signed(envelope.response_url.secret()),
        wants: digest(&request.properties),
        wanted_before: digest(&request.old_properties),
        stack_id: request.stack_id.clone(),
        logical_id: request.logical_resource_id.clone(),
        physical_id: request.physical_id.clone(),
        patience: working / 2,
        until: Instant::now() + working,
    }
}

/// Where and why is in the log, by the hook that logging sets.
const PANICKED: &str = "the function panicked, which is a fault in it; its log tells where";

fn out_of_time(working: Duration, doing: &str) -> String {
    let seconds = format!("{:.1}", working.as_secs_f64());
    error!(seconds, doing, "out of time");
    format!("not done within {seconds} seconds, the function's time for it; last: {doing}")
}
