//! The only place that knows the AWS SDK: one file a service, one method an operation.
//!
//! Never decides anything: it translates between `model` and the SDK, and keeps AWS's error
//! codes and sources. Retries are the SDK's own standard ones.

mod buckets;
mod listeners;
mod load_balancers;
mod metrics;
mod objects;
mod rules;
mod stacks;
mod tags;
mod target_groups;
mod targets;

use crate::capabilities::AwsError;
use aws_config::BehaviorVersion;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_cloudformation::error::{ProvideErrorMetadata, SdkError};
use std::error::Error;
use std::time::Duration;

/// AWS's own clients, made once for the life of the function.
#[derive(Debug, Clone)]
pub struct Aws {
    cloudformation: aws_sdk_cloudformation::Client,
    cloudwatch: aws_sdk_cloudwatch::Client,
    elb: aws_sdk_elasticloadbalancingv2::Client,
    events: aws_sdk_eventbridge::Client,
    s3: aws_sdk_s3::Client,
    region: String,
}

impl Aws {
    /// Clients with the region and credentials of the environment.
    pub async fn from_environment() -> Self {
        let config = aws_config::defaults(BehaviorVersion::latest())
            .retry_config(
                // AWS lets an account describe ELBv2 resources ten times a second, so a crowd of
                // bindings needs patience (ELB guide, "Request throttling").
                RetryConfig::standard()
                    .with_max_attempts(7)
                    .with_initial_backoff(Duration::from_millis(300)),
            )
            .timeout_config(
                TimeoutConfig::builder()
                    .connect_timeout(Duration::from_secs(3))
                    .operation_attempt_timeout(Duration::from_secs(10))
                    .build(),
            )
            .load()
            .await;
        // Behind an endpoint of its own there is no name for each bucket.
        let has_endpoint = ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"]
            .iter()
            .any(|name| std::env::var_os(name).is_some());
        let s3 = aws_sdk_s3::config::Builder::from(&config)
            .force_path_style(has_endpoint)
            .build();
        Self {
            cloudformation: aws_sdk_cloudformation::Client::new(&config),
            cloudwatch: aws_sdk_cloudwatch::Client::new(&config),
            elb: aws_sdk_elasticloadbalancingv2::Client::new(&config),
            events: aws_sdk_eventbridge::Client::new(&config),
            s3: aws_sdk_s3::Client::from_conf(s3),
            region: config
                .region()
                .map(|region| region.to_string())
                .unwrap_or_default(),
        }
    }

    /// The function's region.
    pub fn region(&self) -> &str {
        &self.region
    }
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
            code: error.code().map(str::to_owned),
            reason,
            source: Box::new(error),
        }
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
        source: reason.clone().into(),
        reason,
    }
}
