//! The binary of the arm64 package, which `make test` builds, runs under qemu if that is installed.

use crate::support::Fixture;
use anyhow::Result;
use lab::{AlbSpec, Lab, NlbSpec};
use serde_json::json;
use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// The binary, if it is there and can be run.
fn binary() -> Option<String> {
    let built = format!("{ROOT}/target/lambda/alb-nlb-binding-arm64/bootstrap");
    let binary = std::env::var("ARM64_BINARY").unwrap_or(built);
    let qemu = Command::new("qemu-aarch64-static")
        .arg("--version")
        .output();
    (Path::new(&binary).exists() && qemu.is_ok()).then_some(binary)
}

#[tokio::test]
async fn the_arm64_package_lives_through_create_ticks_and_delete() -> Result<()> {
    let Some(binary) = binary() else {
        // The test harness shows what a test prints only when it fails, so this is written past it.
        writeln!(
            std::io::stderr(),
            "NOT RUN: the arm64 package, which needs `make package ARCH=arm64` and qemu-aarch64-static"
        )?;
        return Ok(());
    };
    let lab = Lab::start().await?;
    let script = format!("{ROOT}/tests/e2e/arm64.sh");
    let function = lab
        .function_with(script, &[("ARM64_BINARY", &binary)])
        .await?;
    let pair = lab
        .load_balancers(&AlbSpec::new("orders"), &NlbSpec::new("front"))
        .await?;
    let fixture = Fixture::on(Arc::new(lab), function, pair);

    fixture.scale(3);
    let made = fixture.create(json!({})).await?;
    made.assert_success();
    let group = made.attribute("TargetGroupArn");
    assert_eq!(fixture.targets(group), fixture.expected(3, 80));

    fixture.scale(8);
    fixture.tick(&made).await?.success()?;
    assert_eq!(fixture.targets(group), fixture.expected(8, 80));

    fixture.scale(2);
    fixture.ticks(&made, 3).await?;
    assert_eq!(fixture.targets(group), fixture.expected(2, 80));

    fixture.delete(&made, json!({})).await?.assert_success();
    assert_eq!(fixture.leftovers(made.id()).await?, Vec::<String>::new());
    Ok(())
}
