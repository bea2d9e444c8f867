//! Ticks as the rule fires them, and what they log.

use super::constants::TIMEOUT;
use super::fixture::Fixture;
use super::response::SentResponse;
use super::schedule::rule_input;
use anyhow::Result;
use lab::InvocationResult;
use serde_json::Value;

impl Fixture {
    /// What the rule gives the function at its next scheduled time.
    pub async fn rule_input(&self, made: &SentResponse) -> Result<Value> {
        rule_input(&self.lab, made.id(), self.schedule.next()).await
    }

    /// One tick.
    pub async fn tick(&self, made: &SentResponse) -> Result<InvocationResult> {
        let input = self.rule_input(made).await?;
        self.function.invoke(input, TIMEOUT).await
    }

    /// So many ticks, none of which may fail.
    pub async fn ticks(&self, made: &SentResponse, count: usize) -> Result<()> {
        for _ in 0..count {
            self.tick(made).await?.success()?;
        }
        Ok(())
    }
}

/// The line in which a tick names its addresses: the last one, if the tick started over.
pub fn addresses_line(log: &[Value]) -> Value {
    log.iter()
        .rev()
        .find(|line| line["message"] == "addresses")
        .cloned()
        .expect("a tick logs the addresses")
}

pub trait SuccessLog {
    /// The log of an invocation that must have succeeded.
    fn success_log(self) -> Result<Vec<Value>>;
}

impl SuccessLog for InvocationResult {
    fn success_log(self) -> Result<Vec<Value>> {
        let log = self.log.clone();
        self.success()?;
        Ok(log)
    }
}
