//! A request of CloudFormation that Lambda may deliver more than once, to any environment, and kill.

use crate::support::{SentResponse, TIMEOUT};
use anyhow::{Result, bail};
use lab::{HeldCalls, InvocationResult, ResponseUrlServer, RunningFunction};
use serde_json::{Value, json};
use std::time::Duration;

/// Lambda repeats a killed or failed delivery under the same id.
const LAMBDA_REQUEST_ID: &str = "0c5b6b1d-0000-0000-0000-000000000001";

#[derive(Clone)]
pub struct StackRequest {
    pub event: Value,
    pub url: ResponseUrlServer,
}

/// How a response URL tells when it was signed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Signature {
    /// `X-Amz-Date`.
    Dated,
    /// `Expires`, of the older form.
    Expiring,
    None,
}

pub const SIGNATURES: [Signature; 3] = [Signature::Dated, Signature::Expiring, Signature::None];

impl StackRequest {
    /// Signs the response URL with the time so many minutes after a day began.
    pub fn signed(mut self, signature: Signature, minute: u64) -> Self {
        let parameter = match signature {
            Signature::Dated => format!(
                "&X-Amz-Date=20261125T{:02}{:02}00Z",
                minute / 60,
                minute % 60
            ),
            Signature::Expiring => format!("&Expires={}", 1_795_600_000 + minute * 60),
            Signature::None => String::new(),
        };
        self.event["ResponseURL"] = json!(format!("{}{parameter}", self.url.url()));
        self
    }

    pub async fn delivered_to(&self, function: &RunningFunction) -> Result<InvocationResult> {
        self.delivered_within(function, TIMEOUT).await
    }

    pub async fn delivered_within(
        &self,
        function: &RunningFunction,
        timeout: Duration,
    ) -> Result<InvocationResult> {
        let event = self.event.clone();
        function.invoke_as(LAMBDA_REQUEST_ID, event, timeout).await
    }

    /// Delivers a request that is answered only once.
    pub async fn answered_by(&self, function: &RunningFunction) -> Result<SentResponse> {
        let invocation = self.delivered_to(function).await?;
        SentResponse::to(self.url.clone(), invocation)
    }

    /// The answers that S3 has accepted, in their order.
    pub fn answers(&self) -> Vec<Value> {
        let answers = self.url.puts().into_iter();
        let taken = answers.filter(|answer| answer.status == 200);
        taken.map(|answer| answer.body).collect()
    }

    /// Delivers the request, and kills the environment when a call of it is held.
    pub async fn killed_at(&self, hold: &HeldCalls, function: RunningFunction) -> Result<()> {
        killed_at(hold, function, &self.event).await
    }
}

/// Runs an event until a call of it is held, and kills the environment then. The call goes on without it.
pub async fn killed_at(hold: &HeldCalls, function: RunningFunction, event: &Value) -> Result<()> {
    tokio::select! {
        done = function.invoke_as(LAMBDA_REQUEST_ID, event.clone(), TIMEOUT) => bail!("it came to its end: {done:#?}"),
        () = hold.arrived(1) => {}
    }
    drop(function);
    hold.release();
    Ok(())
}
