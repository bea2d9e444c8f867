//! Execution environments of one function, as Lambda has them: an event goes to one that is idle,
//! else to a new one, else it waits. Lambda developer guide, "Understanding Lambda function scaling".

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use lab::{Function, Invocation, Lab, Usage};
use serde_json::Value;
use tokio::sync::{Mutex, Semaphore};

pub struct Fleet {
    lab: Arc<Lab>,
    binary: PathBuf,
    /// The one that was used last is used next.
    idle: Mutex<Vec<Function>>,
    slots: Semaphore,
}

impl Fleet {
    /// With a concurrency of at most `concurrency`.
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

    pub async fn invoke(&self, event: Value, timeout: Duration) -> Result<Invocation> {
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

    /// What each environment has used: as many as were needed at one time. Nothing must be under way.
    pub async fn usages(&self) -> Result<Vec<Usage>> {
        let functions = std::mem::take(&mut *self.idle.lock().await);
        let mut usages = Vec::new();
        for function in &functions {
            usages.push(function.usage().await?);
        }
        *self.idle.lock().await = functions;
        Ok(usages)
    }
}
