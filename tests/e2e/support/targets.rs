//! The targets of target groups, each as `address:port`.

use super::constants::TIMEOUT;
use super::fixture::Fixture;
use anyhow::{Context, Result};
use lab::{Lab, TargetState};
use std::net::Ipv4Addr;
use std::time::Duration;

impl Fixture {
    /// The targets of a group that new connections go to.
    pub fn targets(&self, target_group: &str) -> Vec<String> {
        serving_targets(&self.lab, target_group)
    }

    /// What the targets of a group should be for so many addresses of the ALB.
    pub fn expected(&self, count: usize, port: u16) -> Vec<String> {
        as_targets(&self.alb.addresses(count), port)
    }
}

fn serving_targets(lab: &Lab, target_group: &str) -> Vec<String> {
    let targets = lab.targets(target_group).into_iter();
    let targets = targets.filter(|target| target.state != TargetState::Draining);
    let targets = targets.map(|target| format!("{}:{}", target.address, target.port));
    targets.collect()
}

/// Addresses as targets on a port, in the order in which the lab tells them.
pub fn as_targets(addresses: &[Ipv4Addr], port: u16) -> Vec<String> {
    let mut addresses = addresses.to_vec();
    addresses.sort_unstable();
    let targets = addresses.iter().map(|address| format!("{address}:{port}"));
    targets.collect()
}

/// Waits until a rule that fires by the clock has made the targets of a group be these addresses.
pub async fn wait_for_targets(lab: &Lab, group: &str, addresses: &[Ipv4Addr]) -> Result<()> {
    let wanted = as_targets(addresses, 80);
    let targets = || serving_targets(lab, group);
    let waiting = async {
        while targets() != wanted {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let waited = tokio::time::timeout(TIMEOUT, waiting).await;
    waited.with_context(|| format!("the targets are {:?}, not {wanted:?}", targets()))
}
