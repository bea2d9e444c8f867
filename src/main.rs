//! The Lambda function's executable: it takes each invocation from Lambda's runtime and passes it to
//! [`Function::handle`]. Decides nothing itself.

use alb_nlb_binding::aws::sdk::Sdk;
use alb_nlb_binding::clock::{Clock, Timestamp};
use alb_nlb_binding::discovery::DnsClient;
use alb_nlb_binding::function::{Function, FunctionError};
use alb_nlb_binding::invocation::Invocation;
use alb_nlb_binding::log;
use lambda_runtime::{Context, Diagnostic, Error, LambdaEvent, service_fn};
use serde_json::Value;
use std::rc::Rc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tracing::{Instrument, error, info_span};

/// All work is done in a task, because tokio polls a task sooner than the future of `main` itself: before that one it
/// looks for I/O.
#[tokio::main(flavor = "local")]
async fn main() -> Result<(), Error> {
    tokio::task::spawn_local(serve()).await?
}

async fn serve() -> Result<(), Error> {
    log::start();
    let aws = Sdk::from_environment();
    let function = Rc::new(Function {
        region: aws.region().to_owned(),
        responder: aws.clone(),
        aws,
        dns: DnsClient::new(&std::env::var("DNS_SERVERS").unwrap_or_default()),
        variable: Box::new(|name| std::env::var(name).ok()),
    });
    lambda_runtime::run(service_fn(move |event: LambdaEvent<Value>| {
        let span = info_span!("invocation", request = event.context.request_id);
        let function = Rc::clone(&function);
        async move {
            let now = since_1970();
            let invocation = invocation(event.context, now);
            let clock = Clock::starting_at(timestamp(now));
            let handled = function.handle(event.payload, &invocation, clock).await;
            handled.map_err(|error| report(&error))
        }
        .instrument(span)
    }))
    .await
}

fn since_1970() -> Duration {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.unwrap_or_default()
}

fn timestamp(now: Duration) -> Timestamp {
    Timestamp::from_millis(u64::try_from(now.as_millis()).unwrap_or(u64::MAX))
}

/// Lambda gives the deadline in milliseconds since 1970.
fn invocation(context: Context, now: Duration) -> Invocation {
    Invocation {
        request_id: context.request_id,
        function_arn: context.invoked_function_arn,
        log_stream: context.env_config.log_stream.clone(),
        remaining: Duration::from_millis(context.deadline).saturating_sub(now),
    }
}

/// Logs an error with all its sources, and gives Lambda the same text.
fn report(error: &FunctionError) -> Diagnostic {
    let error_message = log::chain(error);
    error!(error = error_message, "the invocation failed");
    Diagnostic {
        error_type: "InvocationFailed".to_owned(),
        error_message,
    }
}
