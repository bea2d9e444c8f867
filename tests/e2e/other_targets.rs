//! `TargetDnsName` across Updates: from an ALB to a name and back, and back to a name that is gone.

use crate::support::{Answer, Bench, expected};
use anyhow::Result;
use lab::DnsFailure;
use serde_json::{Value, json};
use std::net::Ipv4Addr;

const DATABASE: &str = "db.example.com";

async fn update(bench: &Bench, made: &Answer, from: &Value, to: &Value) -> Result<Answer> {
    bench
        .request(json!({
            "RequestType": "Update",
            "PhysicalResourceId": made.id(),
            "ResourceProperties": to,
            "OldResourceProperties": from,
        }))
        .await
}

/// Three addresses that are not the ALB's.
fn database(bench: &Bench) -> Vec<Ipv4Addr> {
    let addresses = bench.pair.alb.addresses_after(100, 3);
    bench.lab.dns().set(DATABASE, addresses.clone());
    addresses
}

#[tokio::test]
async fn an_update_goes_from_an_alb_to_a_name_and_back_and_registers_before_anything_leaves()
-> Result<()> {
    let (bench, made) = Bench::bound().await?;
    let group = made.attribute("TargetGroupArn");
    let theirs = database(&bench);
    let both = || {
        let mut both = bench.pair.alb.addresses(3);
        both.extend(&theirs);
        expected(&both, 80)
    };
    let (alb, name) = (
        bench.properties(json!({})),
        bench.named(DATABASE, json!({})),
    );
    let updated = update(&bench, &made, &alb, &name).await?;
    updated.assert_success();
    assert_eq!(
        (updated.id(), updated.attribute("IpCount")),
        (made.id(), "3")
    );
    assert_eq!(bench.targets(group), both());
    bench.ticks(&made, 3).await?;
    assert_eq!(bench.targets(group), expected(&theirs, 80));

    let rolled_back = update(&bench, &made, &name, &alb).await?;
    rolled_back.assert_success();
    assert_eq!(bench.targets(group), both());
    bench.ticks(&made, 3).await?;
    assert_eq!(bench.targets(group), bench.expected(3, 80));
    Ok(())
}

#[tokio::test]
async fn an_update_and_a_rollback_get_through_where_the_name_that_stood_before_is_gone()
-> Result<()> {
    let bench = Bench::new().await?;
    let theirs = database(&bench);
    let old = bench.named(DATABASE, json!({}));
    let create = json!({"RequestType": "Create", "ResourceProperties": old});
    let made = bench.request(create).await?;
    made.assert_success();
    let group = made.attribute("TargetGroupArn");
    bench.lab.dns().fail(DATABASE, DnsFailure::NxDomain);
    let counts = bench.named(DATABASE, json!({"MaxLookupsPerInvocation": 51}));
    let updated = update(&bench, &made, &old, &counts).await?;
    updated.assert_success();
    assert!(
        updated
            .invocation
            .mentions("it stands without its addresses")
    );
    assert_eq!(bench.targets(group), expected(&theirs, 80));

    bench
        .lab
        .dns()
        .set("new.example.com", bench.pair.alb.addresses(1));
    let new = bench.named("new.example.com", json!({}));
    bench.shows("UPDATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", Some(made.id()));
    update(&bench, &made, &counts, &new).await?.assert_success();
    let stack = "UPDATE_ROLLBACK_IN_PROGRESS";
    bench.shows(stack, "UPDATE_IN_PROGRESS", Some(made.id()));
    let rolled_back = update(&bench, &made, &new, &counts).await?;
    rolled_back.assert_success();
    let tick = bench.tick(&made).await?;
    assert!(tick.result.is_err(), "a tick without DNS fails loudly");
    Ok(())
}

#[tokio::test]
async fn a_name_that_has_no_address_yet_is_waited_for_by_a_create() -> Result<()> {
    let bench = Bench::new().await?;
    database(&bench);
    let twenty = std::time::Duration::from_secs(20);
    bench
        .lab
        .dns()
        .fail_for(DATABASE, 0, DnsFailure::NxDomain, twenty);
    let properties = bench.named(DATABASE, json!({}));
    let create = json!({"RequestType": "Create", "ResourceProperties": properties});
    let made = bench.request(create).await?;
    made.assert_success();
    assert_eq!(made.attribute("IpCount"), "3");
    Ok(())
}
