//! What a process has used so far, by proc(5). It works on Linux only, as Lambda does.

use std::time::Duration;

use anyhow::{Context, Result};

#[derive(Clone, Copy, Debug)]
pub struct Usage {
    /// User and system time of all threads that still run.
    pub cpu: Duration,
    /// The most memory that was ever resident, in bytes (`VmHWM`).
    pub peak_memory: u64,
}

impl Usage {
    pub fn of(process: u32) -> Result<Self> {
        let of = format!("/proc/{process}");
        let status = read(&format!("{of}/status"))?;
        let peak = status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:"))
            .and_then(|rest| rest.trim().strip_suffix(" kB"))
            .and_then(|kilobytes| kilobytes.parse::<u64>().ok())
            .context("a status without VmHWM in kB")?;
        let mut cpu = Duration::ZERO;
        for thread in std::fs::read_dir(format!("{of}/task"))? {
            // Its first number is the nanoseconds on a processor; `stat` would count hundredths of a second.
            let times = read(&thread?.path().join("schedstat").display().to_string())?;
            let first = times.split(' ').next().and_then(|first| first.parse().ok());
            cpu += Duration::from_nanos(first.context("schedstat without a number")?);
        }
        Ok(Self {
            cpu,
            peak_memory: peak * 1024,
        })
    }
}

/// The one process that another one started.
pub(crate) fn child_of(process: u32) -> Result<u32> {
    let children = read(&format!("/proc/{process}/task/{process}/children"))?;
    let first = children.split_whitespace().next();
    first
        .and_then(|child| child.parse().ok())
        .with_context(|| format!("process {process} has started none"))
}

fn read(path: &str) -> Result<String> {
    std::fs::read_to_string(path).with_context(|| path.to_owned())
}
