//! `cdk-example` on the lab, by the CDK's own CLI, as its users run it. The construct's own tests, which need no lab,
//! are in `cdk-example/test`.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

mod cli;
mod leftovers;

use anyhow::{Context, Result, ensure};
use cli::Cli;
use lab::{Lab, TargetState};
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::time::Duration;

/// How long EventBridge's minutes last: addresses that leave are waited for by three of them.
const SHORT_MINUTE: Duration = Duration::from_secs(6);

/// The binary under test: the one just built, or the one that `BINDING_BINARY` names.
fn binary() -> PathBuf {
    std::env::var_os("BINDING_BINARY")
        .map_or_else(|| env!("CARGO_BIN_EXE_alb-nlb-binding").into(), Into::into)
}

#[tokio::test]
async fn the_example_is_deployed_changed_and_destroyed_by_the_cdk() -> Result<()> {
    let lab = Lab::start_with_minutes_of(SHORT_MINUTE).await?;
    let cli = Cli::new(&lab, &binary())?;
    cli.run(&["bootstrap", "aws://000000000000/us-east-1"])
        .await?;
    let before = leftovers::list(&lab).await?;

    let orders = addresses(10, 3);
    lab.dns().set("orders", orders.clone());
    let deployed = cli.deploy("orders").await?;
    let group = deployed.output("TargetGroupArn")?;
    assert_eq!(targets(&lab, group), expected(&orders));
    let made = leftovers::list(&lab).await?;
    for kind in ["BucketName", "RuleName", "TargetGroupArn"] {
        let name = deployed.output(kind)?;
        ensure!(
            made.iter().any(|left| left.contains(name)),
            "{name}: {made:?}"
        );
    }
    let listeners = leftovers::listeners(&lab, deployed.output("NlbArn")?).await?;
    assert_eq!(listeners, [80]);

    let next = addresses(100, 4);
    lab.dns().set("next", next.clone());
    let changed = cli.deploy("next").await?;
    let registered = targets(&lab, group);
    assert_eq!(changed.output("TargetGroupArn")?, group, "changed in place");
    for target in expected(&next) {
        assert!(
            registered.contains(&target),
            "{target} came after the deployment: {registered:?}"
        );
    }
    settle(&lab, group, &next).await?;

    let difference = cli.run(&["diff", "--fail", "-c", "alb=next"]).await?;
    ensure!(
        difference.contains("There were no differences"),
        "{difference}"
    );

    cli.run(&["destroy", "--force", "-c", "alb=next"]).await?;
    assert_eq!(leftovers::list(&lab).await?, before);
    assert_eq!(targets(&lab, group), Vec::<String>::new());
    Ok(())
}

/// Addresses in both subnets of the small stack, 10.80.0.0/17 and 10.80.128.0/17.
fn addresses(host: u8, count: u8) -> Vec<Ipv4Addr> {
    (0..count)
        .map(|index| Ipv4Addr::new(10, 80, index % 2 * 128, host + index))
        .collect()
}

fn expected(addresses: &[Ipv4Addr]) -> Vec<String> {
    let mut targets: Vec<_> = addresses
        .iter()
        .map(|address| format!("{address}:80"))
        .collect();
    targets.sort_unstable();
    targets
}

/// The targets that traffic goes to.
fn targets(lab: &Lab, group: &str) -> Vec<String> {
    let mut targets: Vec<_> = lab
        .targets(group)
        .into_iter()
        .filter(|target| target.state != TargetState::Draining)
        .map(|target| format!("{}:{}", target.address, target.port))
        .collect();
    targets.sort_unstable();
    targets
}

/// Waits until the addresses of the old ALB have left by missed ticks.
async fn settle(lab: &Lab, group: &str, addresses: &[Ipv4Addr]) -> Result<()> {
    let gone = async {
        while targets(lab, group) != expected(addresses) {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let gone = tokio::time::timeout(SHORT_MINUTE * 10, gone).await;
    gone.with_context(|| format!("the old addresses stay: {:?}", targets(lab, group)))
}
