//! The provider of `Custom::AlbNlbBinding`: one request of CloudFormation in, one answer out.
//!
//! Whatever happens in between, an error, a panic, a hang or an event that cannot be read, an
//! answer is sent before the invocation's deadline; without one CloudFormation waits an hour.

mod answer;
mod request;
#[cfg(test)]
mod tests;

pub use request::{Request, RequestType};

use crate::binding::{self, Attributes, BindingAws, BindingError, BindingId, Desired, Hints};
use crate::discovery::Discovery;
use crate::log::chain;
use crate::progress;
use crate::properties::{Properties, is_bucket_name};
use answer::Answer;
use futures_util::FutureExt;
use serde_json::Value;
use std::panic::AssertUnwindSafe;
use std::rc::Rc;
use std::time::Duration;
use tokio::time::Instant;
use tracing::{error, info};

/// What a request is handled with.
pub struct Provider<'a, A> {
    pub aws: &'a A,
    pub discovery: &'a Discovery,
    pub region: &'a str,
}

/// What is known of the invocation itself.
pub struct Invocation<'a> {
    pub function_arn: &'a str,
    pub log_stream: &'a str,
    /// Until the sandbox is stopped.
    pub remaining: Duration,
}

/// Why a request could not be answered.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    #[error(transparent)]
    Request(#[from] request::RequestError),
    #[error(transparent)]
    Answer(#[from] answer::AnswerError),
}

impl<A: BindingAws> Provider<'_, A> {
    /// Handles one event of CloudFormation.
    ///
    /// # Errors
    /// Only where no answer could be sent; a request that failed was answered with FAILED.
    pub async fn handle(
        &self,
        event: Value,
        invocation: &Invocation<'_>,
    ) -> Result<(), ProviderError> {
        let started = Instant::now();
        let envelope = request::Envelope::parse(&event)?;
        // What is kept back for the answer; CloudFormation's S3 may be slow too.
        let kept = (invocation.remaining / 5).min(Duration::from_secs(15));
        let working = invocation.remaining.saturating_sub(kept);
        let answer = match Request::parse(event) {
            Ok(request) => {
                info!(
                    request_type = ?request.request_type,
                    stack = request.stack_id,
                    resource = request.logical_resource_id,
                    "request"
                );
                let doing = Rc::default();
                let work = progress::track(&doing, self.work(&request, invocation));
                let work = AssertUnwindSafe(work).catch_unwind();
                let id = physical_id(&request);
                match tokio::time::timeout(working, work).await {
                    Ok(Ok(Ok(attributes))) => Answer::success(id, attributes),
                    Ok(Ok(Err(failure))) => {
                        error!(error = &failure as &dyn std::error::Error, "failed");
                        Answer::failed(id, &chain(&failure))
                    }
                    Ok(Err(_)) => Answer::failed(id, PANICKED),
                    Err(_) => Answer::failed(id, &out_of_time(working, &doing.borrow())),
                }
            }
            Err(failure) => {
                error!(error = &failure as &dyn std::error::Error, "not a request");
                Answer::failed(envelope.physical_id(), &chain(&failure))
            }
        };
        let until = started + invocation.remaining;
        answer.send(&envelope, invocation.log_stream, until).await?;
        Ok(())
    }

    async fn work(
        &self,
        request: &Request,
        invocation: &Invocation<'_>,
    ) -> Result<Attributes, BindingError> {
        let account = account(invocation.function_arn).to_owned();
        if request.request_type == RequestType::Delete {
            return self.delete(request, &account).await;
        }
        let properties = Properties::parse(&request.properties, self.region)?;
        let id = request.means();
        // Old properties of another NLB are those of another binding.
        let former_bucket = match request.former_id() {
            Some(former) if former == id => Some(former_bucket(request, &id, &account)),
            _ => None,
        };
        let desired = Desired {
            id,
            properties,
            stack_id: request.stack_id.clone(),
            account,
            function_arn: invocation.function_arn.to_owned(),
            former_bucket,
        };
        // Boxed, for the futures of all steps together are more than the compiler likes to nest.
        Box::pin(binding::make(
            self.aws,
            self.discovery,
            &desired,
            &request.request_id,
        ))
        .await
    }

    async fn delete(&self, request: &Request, account: &str) -> Result<Attributes, BindingError> {
        // An id that is not a binding's is one that CloudFormation invented because a Create was
        // never answered; what that Create made carries the id that it meant.
        let id = request
            .physical_id
            .as_deref()
            .and_then(BindingId::parse)
            .unwrap_or_else(|| request.means());
        let hints = Hints::read(&request.properties, self.region);
        Box::pin(binding::delete(self.aws, &id, account, &hints)).await?;
        Ok(Attributes::new())
    }
}

/// The id to answer with. A Delete is answered with the id that it came with, and so is an
/// Update whose NlbArn cannot be read.
fn physical_id(request: &Request) -> String {
    match (&request.request_type, &request.physical_id) {
        (RequestType::Delete, Some(id)) => id.clone(),
        (RequestType::Update, Some(id)) if request.nlb_arn().is_none() => id.clone(),
        _ => request.means().to_string(),
    }
}

/// The bucket that the properties before an Update meant.
fn former_bucket(request: &Request, id: &BindingId, account: &str) -> String {
    let given = request.old_properties.get("BucketName");
    given
        .and_then(Value::as_str)
        .filter(|name| is_bucket_name(name))
        .map_or_else(|| id.bucket(account), str::to_owned)
}

/// The fifth part of `arn:aws:lambda:<region>:<account>:function:<name>`.
fn account(function_arn: &str) -> &str {
    function_arn.split(':').nth(4).unwrap_or_default()
}

/// Where and why is in the log, by the hook that logging sets.
const PANICKED: &str = "the function panicked, which is a fault in it; its log tells where";

fn out_of_time(working: Duration, doing: &str) -> String {
    let seconds = format!("{:.1}", working.as_secs_f64());
    error!(seconds, doing, "out of time");
    format!("not done within {seconds} seconds, the function's time for it; last: {doing}")
}
