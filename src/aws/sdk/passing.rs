//! What passes: whether an answer of AWS is worth another try. One table for what the SDK repeats (reads and
//! the record's writes) and for what the lease repeats (changes); the invocation's deadline ends both.
//!
//! Never sleeps and never counts: who repeats does.

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

/// Codes of throttling, as the SDK's own classifier knows them, but for LimitExceededException: where this
/// function meets it, it is a quota (EventBridge API, `PutRule`).
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

/// Codes by which AWS says that it is busy with the same thing: EventBridge API, `PutRule`; S3 guide, "Error
/// responses" and "Conditional requests".
const BUSY: [&str; 3] = [
    "ConcurrentModificationException",
    "ConditionalRequestConflict",
    "OperationAborted",
];

/// Codes by which AWS says that it has failed, which some services answer with 400 or inside of a success.
const FAILED: [&str; 7] = [
    "InternalError",
    "InternalException",
    "InternalFailure",
    "RequestTimeout",
    "RequestTimeoutException",
    "ServiceUnavailable",
    "ServiceUnavailableException",
];

/// What AWS's answer to a call means. `status` is the HTTP status; none where there was no answer at all, or
/// where the code stands inside of a success.
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

/// The same of what the SDK has come to.
fn trouble_of(error: &OrchestratorError<TypedError>, status: Option<u16>) -> Trouble {
    if error.is_connector_error() || error.is_timeout_error() || error.is_response_error() {
        return Trouble::MayPass;
    }
    let Some(error) = error.as_operation_error() else {
        // The SDK itself has refused it.
        return Trouble::Stays;
    };
    let (code, message) = said(error);
    // What passes only for some operations is of those that the SDK does not repeat.
    trouble("", code, message, status)
}

/// Lets the SDK go on for as long as AWS says that it is busy; where it fails or is silent, [`TRIES`] end it.
#[derive(Debug)]
pub(super) struct Patience;

impl Patience {
    pub(super) fn retries() -> RetryConfig {
        RetryConfig::standard()
            .with_max_attempts(TRIES)
            .with_initial_backoff(Duration::from_millis(300))
            .with_max_backoff(Duration::from_secs(5))
    }

    /// The SDK's bucket of tokens is the whole process's: what one invocation has waited for would make the
    /// next one fail at once.
    pub(super) fn partition() -> RetryPartition {
        let partition = RetryPartition::custom("alb-nlb-binding");
        partition.token_bucket(TokenBucket::unlimited()).build()
    }
}

impl Intercept for Patience {
    fn name(&self) -> &'static str {
        "Patience"
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
                progress::has_passed(&operation);
            }
            return Ok(());
        };
        let (code, message) = error
            .as_operation_error()
            .map_or((None, ""), |error| said(error));
        let status = context
            .response()
            .map(|response| response.status().as_u16());
        match trouble_of(error, status) {
            Trouble::Stays => return Ok(()),
            Trouble::MayPass => {}
            Trouble::Passes => {
                let retries = Self::retries().with_max_attempts(attempts.saturating_add(TRIES));
                cfg.interceptor_state().store_put(retries);
            }
        }
        let status = status.map(|status| format!("HTTP status {status}"));
        let answer = code.map(|code| format!("{code}: {message}")).or(status);
        let answer = answer.unwrap_or_else(|| "no answer".to_owned());
        progress::waits(&operation, format!("{operation} failed: {answer}"));
        Ok(())
    }
}

impl ClassifyRetry for Patience {
    fn name(&self) -> &'static str {
        "Patience"
    }

    /// Has the last word: the SDK's own classifiers know other codes.
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

/// AWS's code and message, wherever the SDK keeps them.
fn said<'a>(error: &'a (dyn Error + 'static)) -> (Option<&'a str>, &'a str) {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(metadata) = error.downcast_ref::<ErrorMetadata>() {
            return (metadata.code(), metadata.message().unwrap_or_default());
        }
        cause = error.source();
    }
    (None, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_tells_nothing_of_the_call_may_pass_and_what_the_sdk_refuses_stays() {
        let cut = OrchestratorError::response("the connection is closed".into());
        assert_eq!(trouble_of(&cut, Some(200)), Trouble::MayPass);
        let late = OrchestratorError::timeout("no answer in time".into());
        assert_eq!(trouble_of(&late, None), Trouble::MayPass);
        let refused = OrchestratorError::other("no credentials");
        assert_eq!(trouble_of(&refused, None), Trouble::Stays);
    }

    #[test]
    fn what_aws_says_of_being_busy_passes_and_what_it_refuses_stays() {
        use Trouble::{MayPass, Passes, Stays};
        for (operation, code, message, status, expected) in [
            (
                "DescribeListeners",
                Some("Throttling"),
                "",
                Some(400),
                Passes,
            ),
            ("DescribeListeners", None, "", Some(429), Passes),
            ("GetObject", Some("SlowDown"), "", Some(503), Passes),
            ("GetObject", None, "", Some(503), Passes),
            (
                "CreateBucket",
                Some("OperationAborted"),
                "",
                Some(409),
                Passes,
            ),
            (
                "PutObject",
                Some("ConditionalRequestConflict"),
                "",
                Some(409),
                Passes,
            ),
            (
                "PutTargets",
                Some("ConcurrentModificationException"),
                "",
                None,
                Passes,
            ),
            (
                "DeleteTargetGroup",
                Some("ResourceInUse"),
                "",
                Some(400),
                Passes,
            ),
            (
                "DeleteListener",
                Some("ResourceInUse"),
                "",
                Some(400),
                Passes,
            ),
            (
                "CreateListener",
                Some("ResourceInUse"),
                "",
                Some(400),
                Stays,
            ),
            (
                "DeleteRule",
                Some("ValidationException"),
                "Rule can't be deleted since it has targets.",
                Some(400),
                Passes,
            ),
            (
                "DeleteRule",
                Some("ValidationException"),
                "no name",
                Some(400),
                Stays,
            ),
            (
                "PutRule",
                Some("LimitExceededException"),
                "",
                Some(400),
                Stays,
            ),
            ("PutTargets", Some("InternalFailure"), "", None, MayPass),
            ("PutRule", Some("InternalException"), "", Some(500), MayPass),
            (
                "PutBucketPolicy",
                Some("RequestTimeout"),
                "",
                Some(400),
                MayPass,
            ),
            ("GetObject", None, "", None, MayPass),
            ("HeadBucket", None, "", Some(403), Stays),
            ("HeadBucket", None, "", Some(301), Stays),
            (
                "PutRule",
                Some("AccessDeniedException"),
                "",
                Some(400),
                Stays,
            ),
        ] {
            let told = trouble(operation, code, message, status);
            assert_eq!(told, expected, "{operation} {code:?} {status:?}");
        }
    }
}
