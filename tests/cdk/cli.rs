//! The CDK CLI that `npm ci` installs in `cdk-example`, in an environment that knows this AWS only.
//!
//! Leaves nothing in `cdk-example`: what it writes goes to a directory of its own.

use anyhow::{Context, Result, bail, ensure};
use lab::Lab;
use serde_json::Value;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicUsize, Ordering};

/// The app without types that the lab's CloudFormation lacks.
const APP: &str = "node --import tsx bin/small.ts";
const STACK: &str = "AlbNlbBindingSmall";

pub struct Cli {
    environment: Vec<(String, OsString)>,
    directory: PathBuf,
}

/// The outputs of a deployed stack.
pub struct Deployed(Value);

impl Deployed {
    pub fn output(&self, name: &str) -> Result<&str> {
        self.0[STACK][name]
            .as_str()
            .with_context(|| format!("an output {name} in {}", self.0))
    }
}

impl Cli {
    /// A CLI that deploys this binary, or this package of it.
    pub fn new(lab: &Lab, binary: &Path) -> Result<Self> {
        ensure!(
            program().exists(),
            "{} is missing: run `make cdk`, which installs it",
            program().display()
        );
        let directory = own_directory()?;
        std::fs::write(
            directory.join("bootstrap.zip"),
            lab::package::bundle(binary)?,
        )?;
        let directory_name = directory.as_os_str();
        let environment = [
            ("AWS_ENDPOINT_URL", lab.endpoint().into()),
            ("AWS_REGION", lab::REGION.into()),
            ("AWS_ACCESS_KEY_ID", "test".into()),
            ("AWS_SECRET_ACCESS_KEY", "test".into()),
            ("AWS_EC2_METADATA_DISABLED", "true".into()),
            ("PATH", std::env::var_os("PATH").unwrap_or_default()),
            ("HOME", directory_name.into()),
            ("TMPDIR", directory_name.into()),
            // It keeps which account an access key belongs to.
            ("CDK_HOME", directory_name.into()),
            // What it asks of the internet.
            ("CDK_DISABLE_CLI_TELEMETRY", "true".into()),
            ("CDK_DISABLE_VERSION_CHECK", "true".into()),
        ];
        Ok(Self {
            environment: environment
                .map(|(name, value)| (name.to_owned(), value))
                .to_vec(),
            directory,
        })
    }

    /// Deploys the stack with an ALB of this name.
    pub async fn deploy(&self, alb: &str) -> Result<Deployed> {
        let outputs = self.directory.join("outputs.json");
        let file = outputs.display().to_string();
        let context = format!("alb={alb}");
        self.run(&["deploy", "-c", &context, "--outputs-file", &file])
            .await?;
        Ok(Deployed(serde_json::from_slice(&std::fs::read(outputs)?)?))
    }

    /// Runs a command of the CLI and gives what it printed; an error if it failed.
    pub async fn run(&self, arguments: &[&str]) -> Result<String> {
        let package = self.directory.join("bootstrap.zip").display().to_string();
        let mut command = Command::new(program());
        command
            .args(arguments)
            .args(["--app", APP, "--no-notices", "--no-color"])
            .arg(format!("--output={}", self.directory.join("out").display()))
            .arg(format!("--context=package={package}"))
            .current_dir(example())
            .env_clear()
            .envs(self.environment.iter().cloned());
        if arguments[0] == "deploy" {
            command.args(["--require-approval", "never"]);
        }
        let done = tokio::task::spawn_blocking(move || command.output()).await??;
        let printed = printed(&done);
        if !done.status.success() {
            bail!(
                "cdk {} ends with {}:\n{printed}",
                arguments.join(" "),
                done.status
            );
        }
        Ok(printed)
    }
}

impl Drop for Cli {
    fn drop(&mut self) {
        // What is left is in the directory for temporary files.
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

fn printed(done: &Output) -> String {
    [&done.stdout, &done.stderr]
        .map(|text| String::from_utf8_lossy(text).into_owned())
        .join("\n")
}

fn example() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("cdk-example")
}

fn program() -> PathBuf {
    example().join("node_modules/.bin/cdk")
}

fn own_directory() -> Result<PathBuf> {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let name = format!("cdk-{}-{number}", std::process::id());
    let directory = std::env::temp_dir().join(name);
    // A dead process of the same number may have left one.
    let _ = std::fs::remove_dir_all(&directory);
    std::fs::create_dir_all(&directory).with_context(|| directory.display().to_string())?;
    Ok(directory)
}
