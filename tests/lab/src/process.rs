//! Child processes that cannot be left behind: each runs under `guard.py`, which kills it and all
//! it started once this process lets go of it or dies, even by SIGKILL. Nothing is signalled by name.

use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Command, ExitStatus, Stdio};
use std::thread::JoinHandle;

use anyhow::{Context, Result, bail};
use tokio::sync::watch;

use crate::usage::{self, Usage};

const GUARD: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/guard.py");

/// The Python of the virtual environment that holds MiniStack.
pub fn python() -> Result<PathBuf> {
    if let Some(python) = std::env::var_os("LAB_PYTHON") {
        return Ok(python.into());
    }
    let venv = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/venv/bin/python");
    if !venv.exists() {
        bail!(
            "no Python with MiniStack: neither LAB_PYTHON is set nor does {} exist",
            venv.display()
        );
    }
    Ok(venv)
}

/// One guarded process. Dropping it ends it and waits for the end.
pub(crate) struct GuardedProcess {
    held: Option<ChildStdin>,
    guard: u32,
    ended: watch::Receiver<Option<ExitStatus>>,
    waiter: Option<JoinHandle<()>>,
}

/// What to run, and the file of its output.
pub(crate) struct Program<'a> {
    pub command: Vec<&'a OsStr>,
    pub environment: &'a [(String, String)],
    /// It takes standard error, and standard output as well unless the first line of that is asked for.
    pub log: &'a Path,
    /// The guard removes it at the end.
    pub directory: Option<&'a Path>,
}

impl GuardedProcess {
    pub fn start(program: &Program<'_>) -> Result<Self> {
        let log = log_file(program.log)?;
        Ok(Self::spawn(program, Stdio::from(log))?.0)
    }

    /// Starts a program and waits for the first line that it prints. This blocks the thread.
    pub fn start_and_read_line(program: &Program<'_>) -> Result<(Self, String)> {
        let (process, stdout) = Self::spawn(program, Stdio::piped())?;
        let mut line = String::new();
        BufReader::new(stdout.context("the pipe was asked for")?).read_line(&mut line)?;
        if line.is_empty() {
            bail!("it ended before its first line:\n{}", tail(program.log));
        }
        Ok((process, line.trim().to_owned()))
    }

    fn spawn(
        program: &Program<'_>,
        stdout: Stdio,
    ) -> Result<(Self, Option<std::process::ChildStdout>)> {
        let python = python()?;
        let mut child = Command::new(&python)
            // Python starts isolated and without site packages, so that the guard is up in a few milliseconds.
            .args(["-I", "-S", GUARD])
            .arg(program.directory.unwrap_or(Path::new("")))
            .args(&program.command)
            .env_clear()
            .envs(
                program
                    .environment
                    .iter()
                    .map(|(name, value)| (name, value)),
            )
            .stdin(Stdio::piped())
            .stdout(stdout)
            .stderr(log_file(program.log)?)
            .spawn()
            .with_context(|| format!("{} cannot be started", python.display()))?;
        let held = child.stdin.take();
        let guard = child.id();
        let stdout = child.stdout.take();
        let (report, ended) = watch::channel(None);
        let waiter = std::thread::spawn(move || {
            report.send_replace(child.wait().ok());
        });
        Ok((
            Self {
                held,
                guard,
                ended,
                waiter: Some(waiter),
            },
            stdout,
        ))
    }

    /// Waits until the process is over.
    pub async fn ended(&self) -> String {
        let mut ended = self.ended.clone();
        match ended.wait_for(Option::is_some).await.as_deref() {
            Ok(Some(status)) => status.to_string(),
            _ => "unknown status".to_owned(),
        }
    }

    /// What the program, not its guard, has used so far.
    pub fn usage(&self) -> Result<Usage> {
        Usage::of(usage::child_of(self.guard)?)
    }

    pub fn is_over(&self) -> bool {
        self.ended.borrow().is_some()
    }
}

impl Drop for GuardedProcess {
    fn drop(&mut self) {
        drop(self.held.take());
        if let Some(waiter) = self.waiter.take() {
            // If the waiter panicked, that does not matter any more.
            let _ = waiter.join();
        }
    }
}

/// It is opened for appending, so that two streams may share it.
fn log_file(path: &Path) -> Result<File> {
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .with_context(|| format!("log file {}", path.display()))
}

/// What was written to a file after `offset`, and its length now.
pub(crate) fn read_from(path: &Path, offset: u64) -> Result<(String, u64)> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(offset))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok((
        String::from_utf8_lossy(&bytes).into_owned(),
        offset + bytes.len() as u64,
    ))
}

/// The last lines of a log, for error messages.
pub(crate) fn tail(path: &Path) -> String {
    let text = std::fs::read(path)
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(30)..].join("\n")
}
