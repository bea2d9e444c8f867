//! One invocation of the function from its event to its result, in whichever role the event calls it.
//!
//! AWS, DNS and Lambda reach it as traits and plain values only, so that a simulation can drive it as Lambda does.

use crate::aws::api::{Aws, Responder};
use crate::clock::Clock;
use crate::discovery::Dns;
use crate::event::{Event, EventError};
use crate::first_aid::FirstAid;
use crate::invocation::Invocation;
use crate::legacy::{self, VariablesError};
use crate::progress;
use crate::provider::{Provider, ProviderError};
use crate::sync::{self, SyncError, TickName, TickOutcome};
use serde_json::Value;
use std::rc::Rc;
use std::time::Duration;

/// The time that a tick may take. The fastest schedule is a minute, and a tick that went on when the next one starts
/// would only delay that one.
const TICK_TIMEOUT: Duration = Duration::from_secs(55);

/// The part of an invocation's time that is kept for returning its result.
const KEPT_FOR_THE_RESULT: Duration = Duration::from_millis(500);

/// Everything that outlives an invocation.
pub struct Function<A, D, R> {
    pub aws: A,
    pub dns: D,
    pub responder: R,
    pub region: String,
    /// The function's environment.
    pub variable: Variable,
}

/// Gives the value of an environment variable; `None` if it is not set.
pub type Variable = Box<dyn Fn(&str) -> Option<String>>;

/// Why an invocation failed.
#[derive(Debug, thiserror::Error)]
pub enum FunctionError {
    #[error(transparent)]
    Event(#[from] EventError),
    #[error(transparent)]
    Provider(#[from] ProviderError),
    #[error(transparent)]
    Variables(#[from] VariablesError),
    #[error(transparent)]
    Sync(#[from] SyncError),
    #[error("the answer could not be written as JSON")]
    Unwritable(#[from] serde_json::Error),
    #[error("the tick was not done in its time and is given up; last: {doing}")]
    OutOfTime { doing: String },
}

impl<A: Aws, D: Dns, R: Responder> Function<A, D, R> {
    /// Handles one event.
    ///
    /// # Errors
    /// If a tick did not do its work, or CloudFormation could not be answered. A request of CloudFormation that
    /// was answered with FAILED is no error.
    pub async fn handle(
        &self,
        event: Value,
        invocation: &Invocation,
        clock: Clock,
    ) -> Result<Value, FunctionError> {
        let state_bucket = (self.variable)("STATE_BUCKET");
        let state_bucket = state_bucket.as_deref().map(str::trim);
        let state_bucket = state_bucket.filter(|bucket| !bucket.is_empty());
        match Event::parse(event)? {
            Event::CloudFormation(event) => {
                let provider = Provider {
                    aws: &self.aws,
                    dns: &self.dns,
                    responder: &self.responder,
                    region: &self.region,
                    state_bucket,
                    invocation,
                    clock,
                };
                Box::pin(provider.handle(event)).await?;
            }
            Event::Tick(event) => {
                let id = &invocation.request_id;
                let tick = sync::tick(&self.aws, &self.dns, clock, &event, id);
                in_time(invocation, Box::pin(tick)).await?;
            }
            Event::FirstAid(action) => {
                let first_aid = FirstAid {
                    aws: &self.aws,
                    dns: &self.dns,
                    region: &self.region,
                    state_bucket,
                    function_arn: &invocation.function_arn,
                    clock,
                };
                let within = invocation.remaining.saturating_sub(KEPT_FOR_THE_RESULT);
                return Ok(Box::pin(first_aid.answer(&action, within)).await?);
            }
            Event::Scheduled { id, time } => {
                let variables = legacy::variables(&self.variable, &self.region)?;
                let id = id.as_ref().unwrap_or(&invocation.request_id);
                let name = TickName::new(time, id);
                let tick = legacy::tick(&self.aws, &self.dns, clock, &variables, name);
                in_time(invocation, Box::pin(tick)).await?;
            }
        }
        Ok(Value::Null)
    }
}

/// Runs a tick, which is given up before the next one starts and before Lambda stops the sandbox.
async fn in_time(
    invocation: &Invocation,
    tick: impl Future<Output = Result<TickOutcome, SyncError>>,
) -> Result<(), FunctionError> {
    let limit = invocation.remaining.saturating_sub(KEPT_FOR_THE_RESULT);
    let doing = Rc::default();
    let tick = progress::track(&doing, tick);
    let tick = tokio::time::timeout(limit.min(TICK_TIMEOUT), tick).await;
    let out_of_time = |_| FunctionError::OutOfTime {
        doing: doing.borrow().to_string(),
    };
    tick.map_err(out_of_time)??;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::pending;
    use tokio::time::Instant;

    async fn given_up_after(remaining: Duration) -> Duration {
        let invocation = Invocation {
            request_id: "request".to_owned(),
            function_arn: "arn:function".to_owned(),
            log_stream: "log stream".to_owned(),
            remaining,
        };
        let started = Instant::now();
        let given_up = in_time(&invocation, pending()).await;
        assert!(matches!(given_up, Err(FunctionError::OutOfTime { .. })));
        started.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn a_tick_is_given_up_before_the_next_one_starts_and_before_the_functions_deadline() {
        let seconds = Duration::from_secs;
        assert_eq!(given_up_after(seconds(300)).await, seconds(55));
        let short = given_up_after(seconds(10)).await;
        assert_eq!(short, Duration::from_millis(9_500));
    }
}
