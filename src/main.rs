//! The Lambda function: takes an invocation, finds its role, and hands it on.

use alb_nlb_binding::aws::Aws;
use alb_nlb_binding::discovery::Discovery;
use alb_nlb_binding::event::Event;
use alb_nlb_binding::log;
use alb_nlb_binding::provider::{Invocation, Provider};
use alb_nlb_binding::published;
use alb_nlb_binding::sync::{self, Outcome, SyncError};
use lambda_runtime::{Diagnostic, Error, LambdaEvent, service_fn};
use serde_json::Value;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tracing::{Instrument, error, info_span};

/// No schedule is faster than a minute. A tick that is not done when the next one starts must not
/// go on: it could register what later ticks have found gone and forgotten.
const TICK: Duration = Duration::from_secs(55);

/// Everything that outlives an invocation.
struct Function {
    aws: Aws,
    discovery: Discovery,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    log::start();
    let function = Function {
        aws: Aws::from_environment(),
        discovery: Discovery::new(&std::env::var("DNS_SERVERS").unwrap_or_default()),
    };
    let function = &function;
    lambda_runtime::run(service_fn(move |event: LambdaEvent<Value>| {
        let span = info_span!("invocation", request = event.context.request_id);
        async move { function.handle(event).await.map_err(report) }.instrument(span)
    }))
    .await
}

/// Logs an error with all its sources, and hands the same to Lambda.
fn report(error: Error) -> Diagnostic {
    let error_message = log::chain(error.as_ref());
    error!(error = error_message, "the invocation failed");
    Diagnostic {
        error_type: "InvocationFailed".to_owned(),
        error_message,
    }
}

impl Function {
    async fn handle(&self, event: LambdaEvent<Value>) -> Result<Value, Error> {
        let context = event.context;
        let remaining = remaining(context.deadline);
        match Event::parse(event.payload)? {
            Event::CloudFormation(event) => {
                let provider = Provider {
                    aws: &self.aws,
                    discovery: &self.discovery,
                    region: self.aws.region(),
                };
                let invocation = Invocation {
                    function_arn: &context.invoked_function_arn,
                    log_stream: &context.env_config.log_stream,
                    remaining,
                };
                provider.handle(event, &invocation).await?;
            }
            Event::Tick(input) => {
                let id = &context.request_id;
                let tick = sync::tick(&self.aws, &self.discovery, &input, id);
                in_time(remaining, Box::pin(tick)).await?;
            }
            Event::Scheduled { id } => {
                let variable = |name: &str| std::env::var(name).ok();
                let orders = published::orders(variable, self.aws.region())?;
                // EventBridge delivers an event at least once, and each time with the same id.
                let id = id.unwrap_or(context.request_id);
                let tick = sync::stand_in(&self.aws, &self.discovery, &orders, &id);
                in_time(remaining, Box::pin(tick)).await?;
            }
        }
        Ok(Value::Null)
    }
}

/// A tick that ends before the next one starts, and before Lambda stops the sandbox.
async fn in_time(
    remaining: Duration,
    tick: impl Future<Output = Result<Outcome, SyncError>>,
) -> Result<(), Error> {
    let limit = remaining.saturating_sub(Duration::from_millis(500));
    tokio::time::timeout(limit.min(TICK), tick)
        .await
        .map_err(|_| "the tick was not done in its time and is given up")??;
    Ok(())
}

/// Lambda gives the deadline in milliseconds since the epoch.
fn remaining(deadline: u64) -> Duration {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Duration::from_millis(deadline).saturating_sub(now)
}
