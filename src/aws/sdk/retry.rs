//! Which calls of AWS are retried. One table holds for the calls that the SDK repeats (reads, and writes of the record)
//! and for those that the lease repeats (changes); the invocation's deadline ends both.
//!
//! Never waits and never counts: the SDK and the lease do.

use crate::aws::api::{TRIES, Trouble, is_in_use};
use crate::progress;
use aws_smithy_runtime::client::retries::{RetryPartition, TokenBucket};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::{
    Error as TypedError, FinalizerInterceptorContextRef, InterceptorContext,
};
use aws_smithy_runtime_api::client::orchestrator::{Metadata, OrchestratorError};
use aws_smithy_runtime_api::client::retries::RequestAttempts;
use aws_smithy_runtime_api::client::retries::classifiers::{
    ClassifyRetry, RetryAction, RetryClassifierPriority,
};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use aws_smithy_types::error::ErrorMetadata;
use aws_smithy_types::retry::RetryConfig;
use std::error::Error;
use std::time::Duration;

#[cfg(test)]
mod tests;

/// Codes of throttling: those of the SDK's own classifier without LimitExceededException, which is a quota in the calls
/// of this function (EventBridge API, `PutRule`).
const THROTTLING: [&str; 14] = [
    "BandwidthLimitExceeded",
    "EC2ThrottledException",
    "PriorRequestNotComplete",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "SlowDown",
    "ThrottledException",
    "Throttling",
    "ThrottlingException",
    "TooManyRequests",
    "TooManyRequestsException",
    "TransactionInProgressException",
];

/// Codes by which AWS says that it is busy with the same resource: EventBridge API, `PutRule`; S3 guide, "Error
/// responses" and "Conditional requests".
const BUSY: [&str; 3] = [
    "ConcurrentModificationException",
    "ConditionalRequestConflict",
    "OperationAborted",
];

/// Codes by which AWS says that it has failed. Some services send them with status 400, or inside of a success.
const FAILED: [&str; 7] = [
    "InternalError",
    "InternalException",
    "InternalFailure",
    "RequestTimeout",
    "RequestTimeoutException",
    "ServiceUnavailable",
    "ServiceUnavailableException",
];

/// Whether a call with this answer is worth another try. `status` is the HTTP status; `None` if no answer came, or
/// if the code is inside of a success.
pub(super) fn trouble(
    operation: &str,
    code: Option<&str>,
    message: &str,
    status: Option<u16>,
) -> Trouble {
    match (code, status) {
        (Some(code), _) if THROTTLING.contains(&code) || BUSY.contains(&code) => Trouble::Passes,
        (Some(code), _) if is_in_use(operation, code, message) => Trouble::Passes,
        (_, Some(429 | 503)) => Trouble::Passes,
        (Some(code), _) if FAILED.contains(&code) => Trouble::MayPass,
        (_, Some(408 | 500..)) => Trouble::MayPass,
        (None, None) => Trouble::MayPass,
        _ => Trouble::Stays,
    }
}

/// The same for an error of the SDK.
fn trouble_of(error: &OrchestratorError<TypedError>, status: Option<u16>) -> Trouble {
    if error.is_connector_error() || error.is_timeout_error() || error.is_response_error() {
        return Trouble::MayPass;
    }
    let Some(error) = error.as_operation_error() else {
        // The SDK itself has refused the call.
        return Trouble::Stays;
    };
    let (code, message) = code_and_message(error);
    // The operation matters only for calls that the SDK does not repeat.
    trouble("", code, message, status)
}

/// Makes the SDK repeat a call for as long as AWS says that it is busy. If AWS fails or does not answer, the SDK
/// stops after [`TRIES`].
#[derive(Debug)]
pub(super) struct RetryWhileBusy;

impl RetryWhileBusy {
    pub(super) fn config() -> RetryConfig {
        RetryConfig::standard()
            .with_max_attempts(TRIES)
            .with_initial_backoff(Duration::from_millis(300))
            .with_max_backoff(Duration::from_secs(5))
    }

    /// The SDK's own bucket of retry tokens belongs to the whole process: the retries of one invocation would make the
    /// next invocation fail at once. This one is never empty.
    pub(super) fn partition() -> RetryPartition {
        let partition = RetryPartition::custom("alb-nlb-binding");
        partition.token_bucket(TokenBucket::unlimited()).build()
    }
}

impl Intercept for RetryWhileBusy {
    fn name(&self) -> &'static str {
        "RetryWhileBusy"
    }

    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        cfg: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let operation = cfg.load::<Metadata>();
        let operation = operation.map_or("a call", Metadata::name).to_owned();
        let attempts = cfg
            .load::<RequestAttempts>()
            .map_or(1, RequestAttempts::attempts);
        let Some(Err(error)) = context.output_or_error() else {
            if attempts > 1 {
                progress::note_success(&operation);
            }
            return Ok(());
        };
        let (code, message) = error
            .as_operation_error()
            .map_or((None, ""), |error| code_and_message(error));
        let status = context
            .response()
            .map(|response| response.status().as_u16());
        match trouble_of(error, status) {
            Trouble::Stays => return Ok(()),
            Trouble::MayPass => {}
            Trouble::Passes => {
                let retries = Self::config().with_max_attempts(attempts.saturating_add(TRIES));
                cfg.interceptor_state().store_put(retries);
            }
        }
        let status = status.map(|status| format!("HTTP status {status}"));
        let answer = code.map(|code| format!("{code}: {message}")).or(status);
        let answer = answer.unwrap_or_else(|| "no answer".to_owned());
        progress::note_retry(&operation, format!("{operation} failed: {answer}"));
        Ok(())
    }
}

impl ClassifyRetry for RetryWhileBusy {
    fn name(&self) -> &'static str {
        "RetryWhileBusy"
    }

    /// Runs last, because the SDK's own classifiers know other codes.
    fn priority(&self) -> RetryClassifierPriority {
        RetryClassifierPriority::run_after(RetryClassifierPriority::transient_error_classifier())
    }

    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        let Some(Err(error)) = context.output_or_error() else {
            return RetryAction::NoActionIndicated;
        };
        let status = context.response();
        let status = status.map(|response| response.status().as_u16());
        match trouble_of(error, status) {
            Trouble::Passes => RetryAction::throttling_error(),
            Trouble::MayPass => RetryAction::transient_error(),
            Trouble::Stays => RetryAction::RetryForbidden,
        }
    }
}

/// AWS's code and message, wherever in the chain of errors the SDK keeps them.
fn code_and_message<'a>(error: &'a (dyn Error + 'static)) -> (Option<&'a str>, &'a str) {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(metadata) = error.downcast_ref::<ErrorMetadata>() {
            return (metadata.code(), metadata.message().unwrap_or_default());
        }
        cause = error.source();
    }
    (None, "")
}
