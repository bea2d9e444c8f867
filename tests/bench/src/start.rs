//! How long the binary takes until it asks for its first event, which is Lambda's init duration without creating
//! the sandbox; and until its first tick is done, with a whole processor and with what Lambda gives.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result, anyhow};
use demo::Console;
use lab::{Lab, RuntimeApi, Usage};
use serde_json::Value;

use crate::binding::MadeBinding;
use crate::figures::{median, milliseconds};
use crate::settings::INVOCATION_TIMEOUT;
use crate::share::{CpuShare, PERCENT};
use crate::table::Table;

const COLD_STARTS: usize = 21;
/// How many more ticks each process has after its first.
const TICKS_AFTER_FIRST: usize = 5;

/// The median of many starts.
pub async fn measure(lab: &Lab, console: &Console, binary: &Path) -> Result<Duration> {
    let mut times = Vec::new();
    for _ in 0..COLD_STARTS {
        times.push(
            UnguardedProcess::start(lab, Command::new(binary))
                .await?
                .ready()
                .await?,
        );
    }
    let ready = median(&times)?;
    let (least, most) = (times.iter().min(), times.iter().max());
    console.line(&format!(
        "ready after {ready:.1?}, the median of {COLD_STARTS} starts ({:.1?} to {:.1?})",
        least.context("a start")?,
        most.context("a start")?
    ));
    Ok(ready)
}

/// Cold and warm ticks of a binding in which nothing changes.
pub async fn measure_ticks(
    lab: &Lab,
    console: &Console,
    binary: &Path,
    binding: &MadeBinding,
) -> Result<()> {
    let mut table = Table::new([
        "processor",
        "ready",
        "first tick",
        "start to its end",
        "CPU of that",
        "warm tick",
    ]);
    let whole = || Command::new(binary);
    let cold = row(lab, binding, whole);
    let cold = console.wait("measuring cold ticks", cold).await?;
    table.row(cold.cells("a whole one")?);
    match CpuShare::new() {
        Ok(share) => {
            let command = || share.command(binary);
            let cold = row(lab, binding, command);
            let title = "measuring cold ticks with a share of a processor";
            let cold = console.wait(title, cold).await?;
            table.row(cold.cells(&format!("{PERCENT:.1} % of one"))?);
        }
        Err(error) => console.line(&format!(
            "NOT MEASURED with {PERCENT:.1} % of a processor: {error:#}"
        )),
    }
    table.show(console);
    console.line(&format!("medians of {COLD_STARTS} processes, times in ms"));
    Ok(())
}

#[derive(Default)]
struct StartFigures {
    ready: Vec<Duration>,
    first: Vec<Duration>,
    cold: Vec<Duration>,
    cpu: Vec<Duration>,
    warm: Vec<Duration>,
}

async fn row(
    lab: &Lab,
    binding: &MadeBinding,
    command: impl Fn() -> Command,
) -> Result<StartFigures> {
    let mut row = StartFigures::default();
    for _ in 0..COLD_STARTS {
        let process = UnguardedProcess::start(lab, command()).await?;
        let ready = process.ready().await?;
        let first = process.tick(binding).await?;
        row.ready.push(ready);
        row.first.push(first);
        row.cold.push(ready + first);
        row.cpu.push(Usage::of(process.child.id())?.cpu);
        for _ in 0..TICKS_AFTER_FIRST {
            row.warm.push(process.tick(binding).await?);
        }
    }
    Ok(row)
}

impl StartFigures {
    fn cells(&self, title: &str) -> Result<[String; 6]> {
        let middle = |times| anyhow::Ok(format!("{:.1}", milliseconds(median(times)?)));
        Ok([
            title.to_owned(),
            middle(&self.ready)?,
            middle(&self.first)?,
            middle(&self.cold)?,
            middle(&self.cpu)?,
            middle(&self.warm)?,
        ])
    }
}

/// A process without the guard that the lab's other processes have, for the guard's start would count. If this process
/// is killed meanwhile, the Runtime API is gone, too, and that ends the function.
struct UnguardedProcess {
    child: Child,
    api: RuntimeApi,
    started: Instant,
}

impl UnguardedProcess {
    async fn start(lab: &Lab, mut command: Command) -> Result<Self> {
        let api = RuntimeApi::start().await?;
        let variables = lab.environment().iter().cloned();
        let own = ("AWS_LAMBDA_RUNTIME_API".to_owned(), api.address.clone());
        let named = [
            ("AWS_LAMBDA_FUNCTION_NAME", lab::FUNCTION_NAME),
            ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"),
            ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/alb-nlb-binding"),
            ("AWS_LAMBDA_LOG_STREAM_NAME", "start"),
        ];
        command
            .env_clear()
            .envs(variables.chain([own]))
            .envs(named)
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        let started = Instant::now();
        let child = command.spawn().context("the binary does not start")?;
        Ok(Self {
            child,
            api,
            started,
        })
    }

    /// How long it took until it asked for its first event.
    async fn ready(&self) -> Result<Duration> {
        let asked = tokio::time::timeout(INVOCATION_TIMEOUT, self.api.asked()).await;
        let asked = asked.context("it never asked for an event")?;
        Ok(asked.saturating_duration_since(self.started))
    }

    async fn tick(&self, binding: &MadeBinding) -> Result<Duration> {
        let event = binding.event()?;
        let began = Instant::now();
        let deadline = SystemTime::now() + INVOCATION_TIMEOUT;
        let id = deadline.duration_since(SystemTime::UNIX_EPOCH)?.as_nanos();
        let reported = self.api.hand_out(&id.to_string(), event, deadline);
        let reported = tokio::time::timeout(INVOCATION_TIMEOUT, reported).await;
        let took = began.elapsed();
        let reported: Result<Value, Value> = reported.context("the tick hangs")??;
        reported.map_err(|error| anyhow!("the tick failed: {error:#}"))?;
        Ok(took)
    }
}

impl Drop for UnguardedProcess {
    fn drop(&mut self) {
        // It may be over already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
