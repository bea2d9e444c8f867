//! The only place that knows the AWS SDK: one file a service, one method an operation.
//!
//! Never decides anything: it translates between `model` and the SDK, and keeps AWS's error
//! codes and sources. The SDK's own standard retries repeat what reads, and the record's writes, which
//! carry a condition. What takes a permit is made once, by clients of their own.

#[cfg(test)]
mod broken;
mod buckets;
mod http;
mod listeners;
mod load_balancers;
mod metrics;
mod objects;
mod passing;
mod response;
mod rules;
mod stacks;
mod tags;
mod target_groups;
mod targets;
mod twenties;

use crate::aws::api::{AwsError, Trouble};
use crate::permit::CALL_TIMEOUT;
use aws_config::environment::EnvironmentVariableCredentialsProvider;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_cloudformation::config::SharedCredentialsProvider;
use aws_sdk_cloudformation::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::http::SharedHttpConnector;
use passing::{Patience, trouble};
use std::env;
use std::error::Error;
use std::time::Duration;

/// A client that goes on for as long as AWS is busy.
macro_rules! patient {
    ($sdk:ident, $builder:expr) => {
        $sdk::Client::from_conf(
            $builder
                .retry_partition(Patience::partition())
                .retry_classifier(Patience)
                .interceptor(Patience)
                .build(),
        )
    };
}

/// AWS's own clients, and what they call by, made once for the life of the function.
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
    /// Clients with the region, the credentials and the endpoints of the environment, which is
    /// where Lambda puts them (Lambda guide, "Defined runtime environment variables"). The SDK's
    /// own search would go on to files and to EC2's metadata, which no function has.
    pub fn from_environment() -> Self {
        let region = set("AWS_REGION").or_else(|| set("AWS_DEFAULT_REGION"));
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
            .retry_config(Patience::retries())
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
            cloudformation: patient!(aws_sdk_cloudformation, cloudformation),
            cloudwatch: patient!(aws_sdk_cloudwatch, cloudwatch),
            elb: patient!(aws_sdk_elasticloadbalancingv2, elb(&config)),
            elb_once: aws_sdk_elasticloadbalancingv2::Client::from_conf(elb(&once).build()),
            events: patient!(aws_sdk_eventbridge, events(&config)),
            events_once: aws_sdk_eventbridge::Client::from_conf(events(&once).build()),
            s3: patient!(aws_sdk_s3, s3(&config)),
            s3_once: aws_sdk_s3::Client::from_conf(s3(&once).build()),
            http,
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
        let status = error.raw_response().map(|raw| raw.status().as_u16());
        let code = error.code().map(str::to_owned);
        let message = error.message().unwrap_or_default().to_owned();
        let trouble = match error {
            SdkError::ConstructionFailure(_) => Trouble::Stays,
            // An answer that is cut off tells nothing.
            SdkError::ResponseError(_) => Trouble::MayPass,
            _ => trouble(operation, code.as_deref(), &message, status),
        };
        let reason = match (&code, &error) {
            (Some(code), _) if message.is_empty() => code.clone(),
            (Some(code), _) => format!("{code}: {message}"),
            (None, SdkError::TimeoutError(_)) => "no answer in time".to_owned(),
            (None, SdkError::DispatchFailure(_)) => "the call did not get through".to_owned(),
            (None, error) => status.map_or_else(|| error.to_string(), told),
        };
        // What AWS has answered is in the reason; the SDK has only its own form of it.
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

/// An answer without a code, as to a HEAD request (S3 API, `HeadBucket`).
fn told(status: u16) -> String {
    let means = match status {
        301 => ", which means that it is in another Region",
        403 => ", which means that it is another account's or that permission is missing",
        _ => "",
    };
    format!("HTTP status {status}{means}")
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
        trouble: trouble(operation, Some(&code), message, None),
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
