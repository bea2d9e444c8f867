//! What the demo is played on: the deployed function, its log, and what is left of a binding.

use std::path::Path;
use std::time::Duration;

use anyhow::{Result, bail, ensure};
use aws_sdk_cloudformation::Client;
use lab::package::{CODE_BUCKET, CODE_PARAMETERS, upload};
use lab::policy::{self, Role};
use lab::{ACCOUNT, Lab, TargetState, stack};
use serde_json::Value;

pub const PROVIDER_STACK: &str = "alb-nlb-binding";

/// Deploys the function with cfn/provider.yaml.
pub async fn deploy(lab: &Lab, client: &Client, binary: &Path) -> Result<()> {
    upload(lab, binary).await?;
    let template = stack::template("provider.yaml")?;
    let made = stack::create(client, PROVIDER_STACK, &template, &CODE_PARAMETERS).await?;
    made.expect("CREATE_COMPLETE")?;
    Ok(())
}

/// What ticks logged of addresses: one record a tick, the oldest first.
pub async fn ticks(lab: &Lab) -> Result<Vec<Value>> {
    let lines = lab.logs(PROVIDER_STACK).await?;
    Ok(lines
        .iter()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|line| line["message"] == "addresses")
        .collect())
}

/// Waits for a tick that fits. The first `seen` ticks do not count.
pub async fn tick_that(
    lab: &Lab,
    seen: usize,
    fits: impl Fn(&Value) -> bool,
) -> Result<(usize, Value)> {
    // A schedule fires within its minute, and a lab's minutes are short.
    const FIRST_TICK_TIMEOUT: Duration = Duration::from_secs(90);
    let look = async {
        loop {
            let ticks = ticks(lab).await?;
            let found = ticks
                .iter()
                .enumerate()
                .skip(seen)
                .find(|(_, tick)| fits(tick));
            if let Some((index, tick)) = found {
                return Ok((index + 1, tick.clone()));
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    match tokio::time::timeout(FIRST_TICK_TIMEOUT, look).await {
        Ok(found) => found,
        Err(_) => bail!(
            "EventBridge did not fire in time; the log:\n{}",
            lab.logs(PROVIDER_STACK).await?.join("\n")
        ),
    }
}

/// The targets of a group that get traffic, as `address:port`.
pub fn targets(lab: &Lab, target_group: &str) -> Vec<String> {
    lab.targets(target_group)
        .into_iter()
        .filter(|target| target.state != TargetState::Draining)
        .map(|target| format!("{}:{}", target.address, target.port))
        .collect()
}

/// Everything of the kinds that bindings make, and every listener of the NLB, which had none before.
pub async fn leftovers(lab: &Lab, nlb: &str) -> Result<Vec<String>> {
    let config = lab.aws();
    let mut left = Vec::new();
    let elb = aws_sdk_elasticloadbalancingv2::Client::new(&config);
    for group in elb.describe_target_groups().send().await?.target_groups() {
        left.extend(group.target_group_arn().map(str::to_owned));
    }
    let listeners = elb
        .describe_listeners()
        .load_balancer_arn(nlb)
        .send()
        .await?;
    for listener in listeners.listeners() {
        left.extend(listener.listener_arn().map(str::to_owned));
    }
    let s3 = aws_sdk_s3::Client::new(&config);
    for bucket in s3.list_buckets().send().await?.buckets() {
        left.extend(
            bucket
                .name()
                .filter(|name| *name != CODE_BUCKET)
                .map(str::to_owned),
        );
    }
    let events = aws_sdk_eventbridge::Client::new(&config);
    for rule in events.list_rules().send().await?.rules() {
        left.extend(rule.name().map(str::to_owned));
    }
    Ok(left)
}

/// How many things the function asked of IAM. It fails if the function's role would not have allowed one of them.
pub fn allowed(lab: &Lab) -> Result<usize> {
    // MiniStack gives functions their account's number for an access key.
    let asked = policy::requests(&lab.gateway().history(), ACCOUNT)?;
    let refused = Role::default().refused(&asked)?;
    ensure!(!asked.is_empty(), "the function called nothing");
    ensure!(refused.is_empty(), "its role does not allow {refused:?}");
    Ok(asked.len())
}
