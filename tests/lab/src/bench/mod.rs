//! What the function costs: start-up, a tick's time, processor, memory and calls, and a whole account
//! of bindings in one minute. DNS and AWS answer after a set time, so that the figures are those of
//! the function and not of the emulator. Says what is met and what is missed, and asserts no time.

mod binding;
mod deploy;
mod fleet;
mod processor;
mod published;
mod scale;
mod share;
mod start;
mod table;
mod ticks;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::Lab;
use crate::story::Stage;
use processor::Processor;
use table::{Table, milliseconds};

/// How long DNS takes to answer.
pub const DNS_DELAY: Duration = Duration::from_millis(20);
/// How long every call of an AWS API takes.
pub const AWS_DELAY: Duration = Duration::from_millis(30);

/// For an event that the function is to be done with.
const TIMEOUT: Duration = Duration::from_secs(60);

/// What is measured.
#[derive(Debug)]
pub struct Subject {
    /// The function's binary as it is deployed.
    pub binary: PathBuf,
    /// The zip that it is deployed in.
    pub package: PathBuf,
    /// How many bindings tick in one minute; a third of them is deployed at once. 0 leaves both out.
    pub bindings: usize,
    /// The source of the function that AWS published in 2018, on Python 3, where it is at hand.
    pub published: Option<PathBuf>,
}

/// Measures everything and shows it.
///
/// # Errors
/// Where the function does not do its work. That something takes long is no error.
pub async fn run(stage: &Stage, subject: &Subject) -> Result<()> {
    stage.act("What is measured, and where");
    machine(stage)?;
    stage.tell(&format!(
        "AWS is called over TLS; DNS answers after {} ms, every call after {} ms; 1 MB is 1,000,000 bytes",
        DNS_DELAY.as_millis(),
        AWS_DELAY.as_millis()
    ));

    let mut goals = Table::new(["", "measured", "limit", ""]);
    stage.act("Start-up: from the start of the process to its first question for an event");
    let size = std::fs::metadata(&subject.package)
        .with_context(|| subject.package.display().to_string())?
        .len();
    goals.at_most("zip", megabytes(size), 4.5, "MB");
    let reserved = Processor::reserve();
    if let Err(error) = &reserved {
        stage.tell(&format!("the function shares its processor: {error:#}"));
    }
    let lab = Arc::new(
        stage
            .wait("starting the lab", Lab::start_over_tls())
            .await?,
    );
    let ready = start::measure(&lab, stage, &subject.binary).await?;
    goals.at_most("ready", milliseconds(ready), 10.0, "ms");

    ticks::measure(&lab, stage, subject, reserved.as_ref().ok(), &mut goals).await?;
    stage.act("The figures that are to be kept");
    goals.show(stage);
    // The lab's threads end with it: before that, all of them can be told.
    drop(reserved);
    drop(lab);

    if subject.bindings > 0 {
        deploy::measure(stage, &subject.binary, subject.bindings / 3).await?;
        scale::measure(stage, &subject.binary, subject.bindings).await?;
    }
    Ok(())
}

fn machine(stage: &Stage) -> Result<()> {
    let cores = std::thread::available_parallelism()?;
    let processors = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = processors
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
        .map_or("processor of an unknown model", |(_, model)| model);
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or("unknown");
    stage.tell(&format!(
        "{cores} cores, {model}; the machine's load before this was {load}"
    ));
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^52 bytes")]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1_000_000.0
}

/// The middle one; the longest of an even number's two.
fn median<T: Copy + PartialOrd>(values: &[T]) -> Result<T> {
    let mut sorted = values.to_vec();
    sorted.sort_by(|a, b| a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal));
    sorted
        .get(sorted.len() / 2)
        .copied()
        .context("nothing was measured")
}
