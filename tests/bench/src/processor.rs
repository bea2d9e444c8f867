//! A processor for the function alone, and the others for the lab: if both share a processor, they evict each
//! other's caches, and the function takes a quarter longer.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use lab::Lab;

/// As long as this lives, this process and all that it starts keep off the last processor.
pub struct Processor {
    all: String,
    last: usize,
}

impl Processor {
    /// # Errors
    /// It fails if there is only one processor, or no `taskset` (util-linux).
    pub fn reserve() -> Result<Self> {
        let count = std::thread::available_parallelism()?.get();
        ensure!(count > 1, "this machine has one processor");
        let last = count - 1;
        let reserved = Self {
            all: format!("0-{last}"),
            last,
        };
        move_to(&format!("0-{}", last - 1))?;
        Ok(reserved)
    }
}

impl Drop for Processor {
    fn drop(&mut self) {
        // If this fails, nothing can be done about it.
        let _ = move_to(&self.all);
    }
}

/// A script that runs a command on the reserved processor, if there is one.
pub fn script(
    lab: &Lab,
    name: &str,
    command: &[&Path],
    reserved: Option<&Processor>,
) -> Result<PathBuf> {
    let on = reserved.map(|reserved| format!("taskset -c {} ", reserved.last));
    let (on, command) = (on.unwrap_or_default(), quoted(command)?);
    let script = lab.directory().join(name);
    fs::write(&script, format!("#!/bin/sh\nexec {on}{command}\n"))?;
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755))?;
    Ok(script)
}

/// Paths in a shell's quotes. Links are not followed, for Python finds its virtual environment by the path by which
/// it is started.
fn quoted(command: &[&Path]) -> Result<String> {
    let words = command.iter().map(|path| {
        let path = std::path::absolute(path)?;
        anyhow::Ok(format!("'{}'", path.display()))
    });
    let words: Result<Vec<_>> = words.collect();
    Ok(words?.join(" "))
}

/// Moves all threads of this process.
fn move_to(processors: &str) -> Result<()> {
    let process = std::process::id().to_string();
    let status = Command::new("taskset")
        .args(["-a", "-p", "-c", processors, &process])
        .stdout(Stdio::null())
        .status()
        .context("taskset")?;
    ensure!(status.success(), "taskset ended with {status}");
    Ok(())
}
