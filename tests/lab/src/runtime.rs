//! Runs a function's binary as Lambda would: one process for many invocations, killed at the
//! deadline, started again if it died. It does not repeat failed invocations.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result, anyhow};
use serde_json::{Value, json};
use tokio::runtime::Handle;
use tokio::sync::Mutex;

use crate::lab::Lab;
use crate::lock::lock;
use crate::names::FUNCTION_NAME;
use crate::process::{self, GuardedProcess, Program};
use crate::runtime_api::RuntimeApi;
use crate::secrets;
use crate::usage::Usage;

/// A function. Its process starts with the first invocation and ends with this.
pub struct RunningFunction {
    binary: PathBuf,
    environment: HashMap<String, String>,
    log: PathBuf,
    runtime: Handle,
    next_id: AtomicUsize,
    /// It is locked during an invocation, for a sandbox has one at a time.
    sandbox: Mutex<Option<Sandbox>>,
    /// How far the log was read.
    read: std::sync::Mutex<u64>,
}

/// Lambda's execution environment.
struct Sandbox {
    process: GuardedProcess,
    api: RuntimeApi,
}

/// What one invocation returned and logged.
#[derive(Clone, Debug)]
pub struct InvocationResult {
    pub request_id: String,
    /// What the function answered, or the error that it, or Lambda for it, reported.
    pub result: Result<Value, Value>,
    /// What it printed meanwhile, on standard output and error: JSON lines as such, others as text.
    pub log: Vec<Value>,
    /// The size of that in bytes.
    pub log_size: usize,
    /// The time from the event's arrival to the report, which Lambda rounds and calls the duration.
    pub took: Duration,
}

impl InvocationResult {
    /// The answer of a success; otherwise an error that shows the log.
    pub fn success(self) -> Result<Value> {
        let log = Value::from(self.log);
        self.result
            .map_err(|error| anyhow!("the function failed: {error:#}\n{log:#}"))
    }

    /// Whether a text is anywhere in the log.
    pub fn mentions(&self, text: &str) -> bool {
        self.log.iter().any(|line| line.to_string().contains(text))
    }
}

impl Lab {
    /// A function with the lab's environment.
    pub async fn function(&self, binary: impl AsRef<Path>) -> Result<RunningFunction> {
        self.function_with(binary, &[]).await
    }

    /// The same with variables added or replaced.
    pub async fn function_with(
        &self,
        binary: impl AsRef<Path>,
        variables: &[(&str, &str)],
    ) -> Result<RunningFunction> {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let stream = format!("lab/[$LATEST]{number:032x}");
        let own = [
            ("AWS_LAMBDA_FUNCTION_NAME", FUNCTION_NAME),
            ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"),
            ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/alb-nlb-binding"),
            ("AWS_LAMBDA_LOG_STREAM_NAME", &stream),
        ];
        let mut environment: HashMap<String, String> = self.environment().iter().cloned().collect();
        let added = own.iter().chain(variables);
        environment.extend(added.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let binary = binary.as_ref().to_owned();
        anyhow::ensure!(
            binary.exists(),
            "{} does not exist: is it built?",
            binary.display()
        );
        Ok(RunningFunction {
            binary,
            environment,
            log: self.directory().join(format!("function-{number}.log")),
            runtime: self.runtime(),
            next_id: AtomicUsize::new(1),
            sandbox: Mutex::default(),
            read: std::sync::Mutex::default(),
        })
    }
}

impl RunningFunction {
    /// The `Call::source` of its calls.
    pub fn access_key(&self) -> &str {
        let key = self.environment.get("AWS_ACCESS_KEY_ID");
        key.map_or("", String::as_str)
    }

    /// Invokes the function and waits for its result, but no longer than Lambda would. A secret in
    /// what it logs or reports is an error.
    pub async fn invoke(&self, event: Value, timeout: Duration) -> Result<InvocationResult> {
        let number = self.next_id.fetch_add(1, Ordering::Relaxed);
        let request_id = format!("00000000-0000-0000-0000-{number:012}");
        self.invoke_as(&request_id, event, timeout).await
    }

    /// The same under a given request id: a second delivery of an event has the id of the first.
    pub async fn invoke_as(
        &self,
        request_id: &str,
        event: Value,
        timeout: Duration,
    ) -> Result<InvocationResult> {
        let mut held = self.sandbox.lock().await;
        let sandbox = self.living(held.take()).await?;
        let started = Instant::now();
        let deadline = SystemTime::now() + timeout;
        let reported = sandbox.api.hand_out(request_id, event, deadline);
        let mut survives = true;
        let result = tokio::select! {
            // A report counts also when the process ends right after it.
            biased;
            reported = reported => reported.context("the Runtime API is gone")?,
            status = sandbox.process.ended() => {
                let why = format!("Runtime exited: {status}");
                Err(self.failure("Runtime.ExitError", &why))
            }
            () = tokio::time::sleep(timeout) => {
                survives = false;
                let why = format!("Task timed out after {:.2} seconds", timeout.as_secs_f64());
                Err(self.failure("Sandbox.Timedout", &why))
            }
        };
        let took = started.elapsed();
        *held = Some(sandbox).filter(|_| survives);
        let request_id = request_id.to_owned();
        let (log, log_size) = self.new_lines()?;
        // Lambda logs what a function reports, too.
        let reported = result.as_ref().unwrap_or_else(|error| error);
        secrets::none_in(log.iter().chain([reported]))?;
        Ok(InvocationResult {
            request_id,
            result,
            log,
            log_size,
            took,
        })
    }

    /// Starts the process if there is none, and waits until it asks for its first event.
    pub async fn get_ready(&self) -> Result<()> {
        let mut held = self.sandbox.lock().await;
        let sandbox = self.living(held.take()).await?;
        let ready = tokio::select! {
            _ = sandbox.api.asked() => Ok(()),
            status = sandbox.process.ended() => Err(anyhow!("it ended before it was ready: {status}")),
        };
        *held = Some(sandbox);
        ready
    }

    /// What its process has used so far.
    pub async fn usage(&self) -> Result<Usage> {
        let held = self.sandbox.lock().await;
        held.as_ref().context("no process")?.process.usage()
    }

    async fn living(&self, sandbox: Option<Sandbox>) -> Result<Sandbox> {
        match sandbox.filter(|sandbox| !sandbox.process.is_over()) {
            Some(sandbox) => Ok(sandbox),
            None => self.start().await,
        }
    }

    async fn start(&self) -> Result<Sandbox> {
        let api = self.runtime.spawn(RuntimeApi::start()).await??;
        let mut environment: Vec<_> = self.environment.clone().into_iter().collect();
        environment.push(("AWS_LAMBDA_RUNTIME_API".to_owned(), api.address.clone()));
        let process = GuardedProcess::start(&Program {
            command: vec![self.binary.as_os_str()],
            environment: &environment,
            log: &self.log,
            directory: None,
        })?;
        Ok(Sandbox { process, api })
    }

    /// The log is a file, so all that was printed before a report is there when the report is.
    fn new_lines(&self) -> Result<(Vec<Value>, usize)> {
        let mut read = lock(&self.read);
        let (text, end) = process::read_from(&self.log, *read)?;
        *read = end;
        let line = |line: &str| serde_json::from_str(line).unwrap_or_else(|_| Value::from(line));
        Ok((text.lines().map(line).collect(), text.len()))
    }

    fn failure(&self, kind: &str, why: &str) -> Value {
        let tail = process::tail(&self.log);
        json!({"errorType": kind, "errorMessage": format!("{why}; its last lines:\n{tail}")})
    }
}
