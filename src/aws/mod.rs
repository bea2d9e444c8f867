//! The only place that knows the AWS SDK: one file a service, one method an operation.
//!
//! Never decides anything: it translates between `model` and the SDK, and keeps AWS's error
//! codes and sources. The SDK's own standard retries repeat what reads, and the record's writes, which
//! carry a condition. What takes a permit is made once, by clients of their own.

mod buckets;
mod http;
mod listeners;
mod load_balancers;
mod metrics;
mod objects;
mod rules;
mod stacks;
mod tags;
mod target_groups;
mod targets;

use crate::capabilities::{AwsError, Trouble};
use crate::permit::CALL_TIMEOUT;
use aws_config::environment::EnvironmentVariableCredentialsProvider;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_cloudformation::config::SharedCredentialsProvider;
use aws_sdk_cloudformation::error::{ProvideErrorMetadata, SdkError};
use std::env;
use std::error::Error;
use std::time::Duration;

/// AWS's own clients, made once for the life of the function.
#[derive(Debug, Clone)]
pub struct Aws {
    cloudformation: aws_sdk_cloudformation::Client,
    cloudwatch: aws_sdk_cloudwatch::Client,
    elb: aws_sdk_elasticloadbalancingv2::Client,
    elb_once: aws_sdk_elasticloadbalancingv2::Client,
    events: aws_sdk_eventbridge::Client,
    events_once: aws_sdk_eventbridge::Client,
    s3: aws_sdk_s3::Client,
    s3_once: aws_sdk_s3::Client,
    region: String,
}

impl Aws {
    /// Clients with the region, the credentials and the endpoints of the environment, which is
    /// where Lambda puts them (Lambda guide, "Defined runtime environment variables"). The SDK's
    /// own search would go on to files and to EC2's metadata, which no function has.
    pub fn from_environment() -> Self {
        let region = set("AWS_REGION").or_else(|| set("AWS_DEFAULT_REGION"));
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .http_client(http::client())
            .region(region.clone().map(Region::new))
            .credentials_provider(SharedCredentialsProvider::new(
                EnvironmentVariableCredentialsProvider::new(),
            ))
            .use_fips(is_true("AWS_USE_FIPS_ENDPOINT"))
            .use_dual_stack(is_true("AWS_USE_DUALSTACK_ENDPOINT"))
            .retry_config(
                // AWS lets an account describe ELBv2 resources ten times a second, so a crowd of
                // bindings needs patience (ELB guide, "Request throttling").
                RetryConfig::standard()
                    .with_max_attempts(7)
                    .with_initial_backoff(Duration::from_millis(300)),
            )
            .timeout_config(
                TimeoutConfig::builder()
                    .connect_timeout(http::CONNECT_TIMEOUT)
                    .operation_attempt_timeout(Duration::from_secs(10))
                    .build(),
            )
            .build();
        // Behind an endpoint of its own there is no name for each bucket.
        let s3 = |config: &SdkConfig| {
            let s3 = at_endpoint(config, "S3");
            let s3 = aws_sdk_s3::config::Builder::from(&s3)
                .force_path_style(s3.endpoint_url().is_some())
                .build();
            aws_sdk_s3::Client::from_conf(s3)
        };
        let elb = |config: &SdkConfig| {
            let elb = at_endpoint(config, "ELASTIC_LOAD_BALANCING_V2");
            aws_sdk_elasticloadbalancingv2::Client::new(&elb)
        };
        let events = |config: &SdkConfig| {
            aws_sdk_eventbridge::Client::new(&at_endpoint(config, "EVENTBRIDGE"))
        };
        let once = once(&config);
        Self {
            cloudformation: aws_sdk_cloudformation::Client::new(&at_endpoint(
                &config,
                "CLOUDFORMATION",
            )),
            cloudwatch: aws_sdk_cloudwatch::Client::new(&at_endpoint(&config, "CLOUDWATCH")),
            elb: elb(&config),
            elb_once: elb(&once),
            events: events(&config),
            events_once: events(&once),
            s3: s3(&config),
            s3_once: s3(&once),
            region: region.unwrap_or_default(),
        }
    }

    /// The function's region.
    pub fn region(&self) -> &str {
        &self.region
    }
}

/// For calls that take a permit: made once, and given up after their time.
fn once(config: &SdkConfig) -> SdkConfig {
    let mut once = config.to_builder();
    once.set_retry_config(Some(RetryConfig::disabled()));
    once.set_timeout_config(Some(
        TimeoutConfig::builder()
            .connect_timeout(http::CONNECT_TIMEOUT)
            .operation_timeout(CALL_TIMEOUT)
            .build(),
    ));
    once.build()
}

/// The configuration of one service, whose endpoint may be given (SDKs and Tools guide,
/// "Service-specific endpoints").
fn at_endpoint(config: &SdkConfig, service: &str) -> SdkConfig {
    let own = set(&format!("AWS_ENDPOINT_URL_{service}"));
    let mut config = config.to_builder();
    config.set_endpoint_url(own.or_else(|| set("AWS_ENDPOINT_URL")));
    config.build()
}

fn is_true(variable: &str) -> bool {
    set(variable).is_some_and(|value| value.eq_ignore_ascii_case("true"))
}

/// A variable that is there and not empty.
fn set(variable: &str) -> Option<String> {
    env::var(variable).ok().filter(|value| !value.is_empty())
}

/// Turns what the SDK reports into an [`AwsError`] that names the call and what it was about.
fn failed<E>(
    operation: &'static str,
    resource: impl Into<String>,
) -> impl FnOnce(SdkError<E>) -> AwsError
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    let resource = resource.into();
    move |error| {
        let reason = match (error.code(), error.message()) {
            (Some(code), Some(message)) => format!("{code}: {message}"),
            (Some(code), None) => code.to_owned(),
            (None, _) => match &error {
                SdkError::TimeoutError(_) => "no answer in time".to_owned(),
                SdkError::DispatchFailure(_) => "the call did not get through".to_owned(),
                _ => match error.raw_response().map(|raw| raw.status().as_u16()) {
                    Some(status) => format!("HTTP status {status}"),
                    None => error.to_string(),
                },
            },
        };
        AwsError {
            operation,
            resource,
            trouble: trouble(&error),
            code: error.code().map(str::to_owned),
            reason,
            source: error.code().is_none().then(|| Box::new(error) as _),
        }
    }
}

/// Codes by which AWS says that it is busy, or busy with the same thing. Throttling as the SDK's own
/// classifier knows it; S3 guide, "Error responses"; EventBridge API, "Common errors".
const BUSY: [&str; 13] = [
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "RequestThrottled",
    "RequestThrottledException",
    "RequestLimitExceeded",
    "TooManyRequestsException",
    "SlowDown",
    "BandwidthLimitExceeded",
    "LimitExceededException",
    "ConcurrentModificationException",
    "OperationAborted",
    "ConditionalRequestConflict",
];

fn trouble<E: ProvideErrorMetadata>(error: &SdkError<E>) -> Trouble {
    let status = error.raw_response().map(|raw| raw.status().as_u16());
    match (error.code(), status) {
        (Some(code), _) if is_busy(code) => Trouble::Passes,
        (_, Some(429)) => Trouble::Passes,
        (_, Some(500..)) => Trouble::MayPass,
        (None, _) if !matches!(error, SdkError::ConstructionFailure(_)) => Trouble::MayPass,
        _ => Trouble::Stays,
    }
}

fn is_busy(code: &str) -> bool {
    BUSY.contains(&code)
}

/// One entry of a call that AWS has refused inside an answer that succeeded.
fn refused_entry(
    operation: &'static str,
    resource: impl Into<String>,
    code: String,
    message: &str,
) -> AwsError {
    let reason = format!("{code}: {message}");
    AwsError {
        operation,
        resource: resource.into(),
        trouble: match code.as_str() {
            code if is_busy(code) => Trouble::Passes,
            "InternalError" | "InternalException" | "ServiceUnavailable" => Trouble::MayPass,
            _ => Trouble::Stays,
        },
        code: Some(code),
        source: None,
        reason,
    }
}

/// An answer of AWS that lacks what its API promises, or that reports failure inside a success.
fn unusable(
    operation: &'static str,
    resource: impl Into<String>,
    reason: impl Into<String>,
) -> AwsError {
    let reason = reason.into();
    AwsError {
        operation,
        resource: resource.into(),
        code: None,
        trouble: Trouble::Stays,
        source: None,
        reason,
    }
}
