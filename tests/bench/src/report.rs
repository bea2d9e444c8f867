//! Everything that is measured, in its order, and whether the figures are within their limits. That something
//! takes long is no error: no time is asserted.

use std::sync::Arc;

use anyhow::{Context, Result};
use demo::Console;
use lab::Lab;

use crate::figures::{megabytes, milliseconds};
use crate::processor::Processor;
use crate::settings::{AWS_DELAY, DNS_DELAY, Subject};
use crate::table::Table;
use crate::{deploy, scale, start, ticks};

/// Measures everything and shows it.
///
/// # Errors
/// It fails if the function does not do its work. That something takes long is no error.
pub async fn run(console: &Console, subject: &Subject) -> Result<()> {
    console.heading("What is measured, and where");
    machine(console)?;
    console.line(&format!(
        "AWS is called over TLS; DNS answers after {} ms, every call after {} ms; 1 MB is 1,000,000 bytes",
        DNS_DELAY.as_millis(),
        AWS_DELAY.as_millis()
    ));

    let mut goals = Table::new(["", "measured", "limit", ""]);
    console.heading("Start-up: from the start of the process to its first question for an event");
    let size = std::fs::metadata(&subject.package)
        .with_context(|| subject.package.display().to_string())?
        .len();
    goals.at_most("zip", megabytes(size), 4.5, "MB");
    let reserved = Processor::reserve();
    if let Err(error) = &reserved {
        console.line(&format!("the function shares its processor: {error:#}"));
    }
    let lab = Arc::new(
        console
            .wait("starting the lab", Lab::start_over_tls())
            .await?,
    );
    let ready = start::measure(&lab, console, &subject.binary).await?;
    goals.at_most("ready", milliseconds(ready), 10.0, "ms");

    ticks::measure(&lab, console, subject, reserved.as_ref().ok(), &mut goals).await?;
    console.heading("The figures that are to be kept");
    goals.show(console);
    // The lab's threads end with the lab: the processors are given back while all threads still live.
    drop(reserved);
    drop(lab);

    if subject.bindings > 0 {
        deploy::measure(console, &subject.binary, subject.bindings / 3).await?;
        scale::measure(console, &subject.binary, subject.bindings).await?;
    }
    Ok(())
}

fn machine(console: &Console) -> Result<()> {
    let cores = std::thread::available_parallelism()?;
    let processors = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = processors
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
        .map_or("processor of an unknown model", |(_, model)| model);
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or("unknown");
    console.line(&format!(
        "{cores} cores, {model}; the machine's load before this was {load}"
    ));
    Ok(())
}
