//! Execution environments of one function, as Lambda has them: an event goes to one that is idle,
//! else to a new one, else it waits. Lambda developer guide, "Understanding Lambda function scaling".

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use lab::{InvocationResult, Lab, RunningFunction};
use serde_json::Value;
use tokio::sync::{Mutex, Semaphore};

use crate::figures::{median, megabytes};

/// The columns of a table that shows what fleets needed.
pub const COLUMNS: [&str; 8] = [
    "",
    "environments",
    "MB each",
    "MB all",
    "failed",
    "all done",
    "median",
    "slowest",
];

pub struct Fleet {
    lab: Arc<Lab>,
    binary: PathBuf,
    /// The environments that no event is in. The one that was used last is used next.
    idle: Mutex<Vec<RunningFunction>>,
    slots: Semaphore,
}

impl Fleet {
    /// A fleet that takes at most so many events at once.
    pub fn new(lab: Arc<Lab>, binary: PathBuf, concurrency: usize) -> Self {
        Self {
            lab,
            binary,
            idle: Mutex::default(),
            slots: Semaphore::new(concurrency),
        }
    }

    /// Starts so many environments before they are needed: here they share the processors of one
    /// machine, which the environments of Lambda do not.
    pub async fn start(&self, count: usize) -> Result<()> {
        for _ in 0..count {
            let function = self.lab.function(&self.binary).await?;
            function.get_ready().await?;
            self.idle.lock().await.push(function);
        }
        Ok(())
    }

    pub async fn invoke(&self, event: Value, timeout: Duration) -> Result<InvocationResult> {
        let _slot = self.slots.acquire().await?;
        let idle = self.idle.lock().await.pop();
        let function = match idle {
            Some(function) => function,
            None => self.lab.function(&self.binary).await?,
        };
        let done = function.invoke(event, timeout).await;
        self.idle.lock().await.push(function);
        done
    }

    /// The results of all events, in `COLUMNS`. Call it only when no event is running.
    pub async fn row(
        &self,
        title: &str,
        failed: usize,
        took: Duration,
        times: &[Duration],
        shown: impl Fn(Duration) -> String,
    ) -> Result<[String; 8]> {
        let mut peaks = Vec::new();
        for function in &*self.idle.lock().await {
            peaks.push(function.usage().await?.peak_memory);
        }
        let slowest = times.iter().max().copied().unwrap_or_default();
        Ok([
            title.to_owned(),
            peaks.len().to_string(),
            format!("{:.1}", megabytes(peaks.iter().max().copied().unwrap_or(0))),
            format!("{:.0}", megabytes(peaks.iter().sum())),
            failed.to_string(),
            format!("{:.1} s", took.as_secs_f64()),
            shown(median(times)?),
            shown(slowest),
        ])
    }
}
