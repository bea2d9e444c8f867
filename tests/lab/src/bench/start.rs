//! How long the binary takes until it asks for its first event, which is Lambda's init duration, but for the making
//! of the sandbox; and until its first tick is done, with a whole processor and with what Lambda gives.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result, anyhow};
use serde_json::Value;

use super::binding::Binding;
use super::share::{PERCENT, Share};
use super::table::{Table, milliseconds};
use super::{TIMEOUT, median};
use crate::Lab;
use crate::runtime_api::{Job, RuntimeApi};
use crate::story::Stage;
use crate::usage::Usage;

const STARTS: usize = 21;
/// Ticks of each process after its first.
const WARM: usize = 5;

/// The median of many starts.
pub(super) async fn measure(lab: &Lab, stage: &Stage, binary: &Path) -> Result<Duration> {
    let mut times = Vec::new();
    for _ in 0..STARTS {
        times.push(
            Process::start(lab, Command::new(binary))
                .await?
                .ready()
                .await?,
        );
    }
    let ready = median(&times)?;
    let (least, most) = (times.iter().min(), times.iter().max());
    stage.tell(&format!(
        "ready after {ready:.1?}, the median of {STARTS} starts ({:.1?} to {:.1?})",
        least.context("a start")?,
        most.context("a start")?
    ));
    Ok(ready)
}

/// Cold and warm ticks of a binding in which nothing changes.
pub(super) async fn measure_ticks(
    lab: &Lab,
    stage: &Stage,
    binary: &Path,
    binding: &Binding,
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
    let cold = stage.wait("measuring cold ticks", cold).await?;
    table.row(cold.cells("a whole one")?);
    match Share::new() {
        Ok(share) => {
            let command = || share.command(binary);
            let cold = row(lab, binding, command);
            let title = "measuring cold ticks with a share of a processor";
            let cold = stage.wait(title, cold).await?;
            table.row(cold.cells(&format!("{PERCENT:.1} % of one"))?);
        }
        Err(error) => stage.tell(&format!(
            "NOT MEASURED with {PERCENT:.1} % of a processor: {error:#}"
        )),
    }
    table.show(stage);
    stage.tell(&format!("medians of {STARTS} processes, times in ms"));
    Ok(())
}

#[derive(Default)]
struct Row {
    ready: Vec<Duration>,
    first: Vec<Duration>,
    cold: Vec<Duration>,
    cpu: Vec<Duration>,
    warm: Vec<Duration>,
}

async fn row(lab: &Lab, binding: &Binding, command: impl Fn() -> Command) -> Result<Row> {
    let mut row = Row::default();
    for _ in 0..STARTS {
        let process = Process::start(lab, command()).await?;
        let ready = process.ready().await?;
        let first = process.tick(binding).await?;
        row.ready.push(ready);
        row.first.push(first);
        row.cold.push(ready + first);
        row.cpu.push(Usage::of(process.child.id())?.cpu);
        for _ in 0..WARM {
            row.warm.push(process.tick(binding).await?);
        }
    }
    Ok(row)
}

impl Row {
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

/// Without the guard of the lab's other processes, whose own start would count. Where this process
/// is killed meanwhile, the Runtime API is gone with it, and that ends the function.
struct Process {
    child: Child,
    api: RuntimeApi,
    started: Instant,
}

impl Process {
    async fn start(lab: &Lab, mut command: Command) -> Result<Self> {
        let api = RuntimeApi::start().await?;
        let variables = lab.environment().iter().cloned();
        let own = ("AWS_LAMBDA_RUNTIME_API".to_owned(), api.address.clone());
        let named = [
            ("AWS_LAMBDA_FUNCTION_NAME", crate::FUNCTION_NAME),
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
        let asked = tokio::time::timeout(TIMEOUT, self.api.asked()).await;
        let asked = asked.context("it never asked for an event")?;
        Ok(asked.saturating_duration_since(self.started))
    }

    async fn tick(&self, binding: &Binding) -> Result<Duration> {
        let event = binding.event()?;
        let began = Instant::now();
        let deadline = SystemTime::now() + TIMEOUT;
        let id = deadline.duration_since(SystemTime::UNIX_EPOCH)?.as_nanos();
        let job = Job {
            id: id.to_string(),
            event,
            deadline,
        };
        let reported = tokio::time::timeout(TIMEOUT, self.api.hand_out(job)).await;
        let took = began.elapsed();
        let reported: Result<Value, Value> = reported.context("the tick hangs")??;
        reported.map_err(|error| anyhow!("the tick failed: {error:#}"))?;
        Ok(took)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may be over already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
