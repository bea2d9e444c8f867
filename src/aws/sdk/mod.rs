//! The only place that knows the AWS SDK: one file a trait of [`crate::aws::api`], one method an operation.
//!
//! Never decides anything: it translates between `model` and the SDK, and keeps AWS's error codes and sources. The
//! SDK's own retries repeat reads and the record's writes, which are conditional. Calls that take a permit are made
//! once, by clients of their own.

mod batches;
#[cfg(test)]
mod broken;
mod buckets;
mod http;
mod listeners;
mod load_balancers;
mod metrics;
mod objects;
mod response;
mod retry;
mod rules;
mod stacks;
mod tags;
mod target_groups;
mod targets;

use crate::aws::api::{AwsError, Trouble};
use crate::permit::CALL_TIMEOUT;
use aws_config::environment::EnvironmentVariableCredentialsProvider;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_cloudformation::config::SharedCredentialsProvider;
use aws_sdk_cloudformation::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::http::SharedHttpConnector;
use retry::{RetryWhileBusy, trouble};
use std::env;
use std::error::Error;
use std::time::Duration;

/// A client that repeats a call for as long as AWS is busy.
macro_rules! retrying_client {
    ($sdk:ident, $builder:expr) => {
        $sdk::Client::from_conf(
            $builder
                .retry_partition(RetryWhileBusy::partition())
                .retry_classifier(RetryWhileBusy)
                .interceptor(RetryWhileBusy)
                .build(),
        )
    };
}

/// The SDK's clients, which are made once for the life of the function. Those that end in `once` never repeat a call.
#[derive(Debug, Clone)]
pub struct Sdk {
    cloudformation: aws_sdk_cloudformation::Client,
    cloudwatch: aws_sdk_cloudwatch::Client,
    elb: aws_sdk_elasticloadbalancingv2::Client,
    elb_once: aws_sdk_elasticloadbalancingv2::Client,
    events: aws_sdk_eventbridge::Client,
    events_once: aws_sdk_eventbridge::Client,
    s3: aws_sdk_s3::Client,
    s3_once: aws_sdk_s3::Client,
    http: SharedHttpConnector,
    region: String,
}

impl Sdk {
    /// Takes the Region, the credentials and the endpoints from the environment, where Lambda puts them (Lambda guide,
    /// "Defined runtime environment variables"). The SDK's own search would go on to files and to EC2's metadata,
    /// which no function has.
    pub fn from_environment() -> Self {
        let region = non_empty("AWS_REGION").or_else(|| non_empty("AWS_DEFAULT_REGION"));
        let credentials = EnvironmentVariableCredentialsProvider::new();
        let credentials = SharedCredentialsProvider::new(credentials);
        Self::new(http::connector(), region, credentials)
    }

    fn new(
        http: SharedHttpConnector,
        region: Option<String>,
        credentials: SharedCredentialsProvider,
    ) -> Self {
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .http_client(http::client(&http))
            .region(region.clone().map(Region::new))
            .credentials_provider(credentials)
            .use_fips(is_true("AWS_USE_FIPS_ENDPOINT"))
            .use_dual_stack(is_true("AWS_USE_DUALSTACK_ENDPOINT"))
            .retry_config(RetryWhileBusy::config())
            .timeout_config(
                TimeoutConfig::builder()
                    .connect_timeout(http::CONNECT_TIMEOUT)
                    .operation_attempt_timeout(Duration::from_secs(10))
                    .build(),
            )
            .build();
        // An endpoint that is given, such as that of an emulator, has no DNS name for each bucket.
        let s3 = |config: &SdkConfig| {
            let s3 = at_endpoint(config, "S3");
            let is_local = s3.endpoint_url().is_some();
            aws_sdk_s3::config::Builder::from(&s3).force_path_style(is_local)
        };
        let elb = |config: &SdkConfig| {
            let elb = at_endpoint(config, "ELASTIC_LOAD_BALANCING_V2");
            aws_sdk_elasticloadbalancingv2::config::Builder::from(&elb)
        };
        let events = |config: &SdkConfig| {
            aws_sdk_eventbridge::config::Builder::from(&at_endpoint(config, "EVENTBRIDGE"))
        };
        let cloudformation = at_endpoint(&config, "CLOUDFORMATION");
        let cloudformation = aws_sdk_cloudformation::config::Builder::from(&cloudformation);
        let cloudwatch = at_endpoint(&config, "CLOUDWATCH");
        let cloudwatch = aws_sdk_cloudwatch::config::Builder::from(&cloudwatch);
        let once = once(&config);
        Self {
            cloudformation: retrying_client!(aws_sdk_cloudformation, cloudformation),
            cloudwatch: retrying_client!(aws_sdk_cloudwatch, cloudwatch),
            elb: retrying_client!(aws_sdk_elasticloadbalancingv2, elb(&config)),
            elb_once: aws_sdk_elasticloadbalancingv2::Client::from_conf(elb(&once).build()),
            events: retrying_client!(aws_sdk_eventbridge, events(&config)),
            events_once: aws_sdk_eventbridge::Client::from_conf(events(&once).build()),
            s3: retrying_client!(aws_sdk_s3, s3(&config)),
            s3_once: aws_sdk_s3::Client::from_conf(s3(&once).build()),
            http,
            region: region.unwrap_or_default(),
        }
    }

    /// The function's Region.
    pub fn region(&self) -> &str {
        &self.region
    }
}

/// The configuration for calls that take a permit: they are made once, and given up after [`CALL_TIMEOUT`].
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

/// The configuration of one service. Its endpoint may be given (SDKs and Tools guide, "Service-specific endpoints").
fn at_endpoint(config: &SdkConfig, service: &str) -> SdkConfig {
    let own = non_empty(&format!("AWS_ENDPOINT_URL_{service}"));
    let mut config = config.to_builder();
    config.set_endpoint_url(own.or_else(|| non_empty("AWS_ENDPOINT_URL")));
    config.build()
}

fn is_true(variable: &str) -> bool {
    non_empty(variable).is_some_and(|value| value.eq_ignore_ascii_case("true"))
}

/// The value of a variable that is set and not empty.
fn non_empty(variable: &str) -> Option<String> {
    env::var(variable).ok().filter(|value| !value.is_empty())
}

/// Turns an error of the SDK into an [`AwsError`] that names the call and its resource.
fn failed<E>(
    operation: &'static str,
    resource: impl Into<String>,
) -> impl FnOnce(SdkError<E>) -> AwsError
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    let resource = resource.into();
    move |error| {
        let status = error.raw_response().map(|raw| raw.status().as_u16());
        let code = error.code().map(str::to_owned);
        let message = error.message().unwrap_or_default().to_owned();
        let trouble = match error {
            SdkError::ConstructionFailure(_) => Trouble::Stays,
            // An answer that is cut off does not say whether AWS has done it.
            SdkError::ResponseError(_) => Trouble::MayPass,
            _ => trouble(operation, code.as_deref(), &message, status),
        };
        let reason = match (&code, &error) {
            (Some(code), _) if message.is_empty() => code.clone(),
            (Some(code), _) => format!("{code}: {message}"),
            (None, SdkError::TimeoutError(_)) => "no answer in time".to_owned(),
            (None, SdkError::DispatchFailure(_)) => "the call did not get through".to_owned(),
            (None, error) => status.map_or_else(|| error.to_string(), status_reason),
        };
        // An answer of AWS is in the reason already; the SDK's error would only repeat it.
        let is_answer = matches!(error, SdkError::ServiceError(_));
        AwsError {
            operation,
            resource,
            trouble,
            code,
            reason,
            source: (!is_answer).then(|| Box::new(error) as _),
        }
    }
}

/// The reason in an answer without a code, such as to a HEAD request (S3 API, `HeadBucket`).
fn status_reason(status: u16) -> String {
    let explanation = match status {
        301 => ", which means that it is in another Region",
        403 => ", which means that it is another account's or that permission is missing",
        _ => "",
    };
    format!("HTTP status {status}{explanation}")
}

/// The error of one entry that AWS has refused inside an answer that succeeded.
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
        trouble: trouble(operation, Some(&code), message, None),
        code: Some(code),
        source: None,
        reason,
    }
}

/// The error of an answer that lacks what AWS's API promises, or of a call that the SDK cannot build.
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
