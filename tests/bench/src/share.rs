//! A share of a processor, as Lambda gives it: by a control group whose processes stand still once they have used up
//! their part of a period (Linux, "CFS Bandwidth Control"). The user needs the right to make one.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

/// What 128 MB have of a processor in percent: with 1,769 MB it is a whole one (Lambda guide, "Configure Lambda
/// function memory").
pub const PERCENT: f64 = 100.0 * 128.0 / 1769.0;
/// In microseconds. AWS does not tell how long Lambda's is; this is what others have measured.
const PERIOD: u32 = 20_000;
const QUOTA: u32 = PERIOD * 128 / 1769;

pub struct CpuShare(PathBuf);

impl CpuShare {
    /// # Errors
    /// It fails if this machine does not let control groups be made.
    pub fn new() -> Result<Self> {
        let name = format!("lab-{}", std::process::id());
        let old = Path::new("/sys/fs/cgroup/cpu");
        if old.exists() {
            let group = Self(old.join(name));
            fs::create_dir_all(&group.0)?;
            fs::write(group.0.join("cpu.cfs_period_us"), PERIOD.to_string())?;
            fs::write(group.0.join("cpu.cfs_quota_us"), QUOTA.to_string())?;
            return Ok(group);
        }
        let root = Path::new("/sys/fs/cgroup");
        fs::write(root.join("cgroup.subtree_control"), "+cpu")?;
        let group = Self(root.join(name));
        fs::create_dir_all(&group.0)?;
        fs::write(group.0.join("cpu.max"), format!("{QUOTA} {PERIOD}"))?;
        Ok(group)
    }

    /// A command that starts a program with this share and no more.
    pub fn command(&self, program: &Path) -> Command {
        let mut command = Command::new("/bin/sh");
        command
            .args(["-c", "echo $$ > \"$0\" && exec \"$@\""])
            .arg(self.0.join("cgroup.procs"))
            .arg(program);
        command
    }
}

impl Drop for CpuShare {
    fn drop(&mut self) {
        // Its processes are gone by then. If one is not, an empty group stays behind.
        let _ = fs::remove_dir(&self.0);
    }
}
