//! MiniStack itself: it starts in a directory of its own, under a guard.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::api;
use crate::process::{self, GuardedProcess, Program};

const SERVE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/serve.py");
/// A start takes one second, but five labs that start at once on a busy machine take longer.
const STARTUP_TIMEOUT: Duration = Duration::from_secs(120);

/// A running MiniStack. Dropping it ends it, and its guard removes the directory.
pub(crate) struct Ministack {
    pub url: String,
    pub directory: PathBuf,
    process: GuardedProcess,
}

impl Ministack {
    /// Starts it with these variables, which all its functions inherit.
    pub async fn start(mut environment: Vec<(String, String)>, minute: Duration) -> Result<Self> {
        let seconds = minute.as_secs_f64().to_string();
        environment.push(("LAB_MINUTE_SECONDS".to_owned(), seconds));
        let directory = own_directory()?;
        let home = directory.clone();
        let spawned = tokio::task::spawn_blocking(move || spawn(&home, environment)).await?;
        let (process, port) = spawned.inspect_err(|_| {
            // Without a process there may be no guard that removes it.
            let _ = std::fs::remove_dir_all(&directory);
        })?;
        let ministack = Self {
            url: format!("http://127.0.0.1:{port}"),
            directory,
            process,
        };
        ministack.wait_until_up().await?;
        Ok(ministack)
    }

    pub fn log(&self) -> PathBuf {
        log(&self.directory)
    }

    /// Its socket listens already: one request waits there until MiniStack answers.
    async fn wait_until_up(&self) -> Result<()> {
        let up = api::client()?
            .get(format!("{}/_ministack/health", self.url))
            .send();
        let why = match tokio::time::timeout(STARTUP_TIMEOUT, up).await {
            Ok(Ok(answer)) if answer.status().is_success() => return Ok(()),
            Ok(Ok(answer)) => format!("its health is {}", answer.status()),
            // Its socket closes before its last log lines are written.
            Ok(Err(error)) => format!("{error}: {}", self.process.ended().await),
            Err(_) => format!("no answer for {} s", STARTUP_TIMEOUT.as_secs()),
        };
        bail!(
            "MiniStack does not start: {why}\n{}",
            process::tail(&self.log())
        )
    }
}

fn log(directory: &Path) -> PathBuf {
    directory.join("ministack.log")
}

fn own_directory() -> Result<PathBuf> {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let name = format!(
        "lab-{}-{}",
        std::process::id(),
        NEXT.fetch_add(1, Ordering::Relaxed)
    );
    let directory = std::env::temp_dir().join(name);
    // A dead process with the same number may have left one.
    let _ = std::fs::remove_dir_all(&directory);
    std::fs::create_dir_all(&directory).with_context(|| directory.display().to_string())?;
    Ok(directory)
}

/// The process and its port.
fn spawn(
    directory: &Path,
    mut environment: Vec<(String, String)>,
) -> Result<(GuardedProcess, u16)> {
    let python = process::python()?;
    let home = directory.display().to_string();
    for name in ["HOME", "TMPDIR", "STATE_DIR", "S3_DATA_DIR"] {
        environment.push((name.to_owned(), home.clone()));
    }
    let (process, line) = GuardedProcess::start_and_read_line(&Program {
        command: vec![python.as_os_str(), OsStr::new(SERVE)],
        environment: &environment,
        log: &log(directory),
        directory: Some(directory),
    })
    .context("MiniStack does not start")?;
    let port = line
        .parse()
        .with_context(|| format!("its first line is no port but {line}"))?;
    Ok((process, port))
}
