//! How long the binary takes until it asks for its first event: Lambda's init duration, but for
//! the making of the sandbox.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::{TIMEOUT, median};
use crate::Lab;
use crate::runtime_api::RuntimeApi;
use crate::story::Stage;

const STARTS: usize = 21;

/// The median of many.
pub(super) async fn measure(lab: &Lab, stage: &Stage, binary: &Path) -> Result<Duration> {
    let mut times = Vec::new();
    for _ in 0..STARTS {
        times.push(once(lab, binary).await?);
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

/// Without the guard of the lab's other processes, whose own start would count. Where this process
/// is killed meanwhile, the Runtime API is gone with it, and that ends the function.
async fn once(lab: &Lab, binary: &Path) -> Result<Duration> {
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
    let mut command = Command::new(binary);
    command
        .env_clear()
        .envs(variables.chain([own]))
        .envs(named)
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    let started = Instant::now();
    let mut process = command.spawn().context("the binary does not start")?;
    let asked = tokio::time::timeout(TIMEOUT, api.asked()).await;
    process.kill()?;
    let status = process.wait()?;
    ensure!(asked.is_ok(), "it never asked for an event: {status}");
    Ok(asked?.saturating_duration_since(started))
}
