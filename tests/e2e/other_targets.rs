//! Updates with `TargetDnsName`: from an ALB to a DNS name and back, and back to a name that is gone from DNS.

use crate::support::{Fixture, SentResponse, as_targets};
use anyhow::Result;
use lab::DnsFailure;
use serde_json::{Value, json};
use std::net::Ipv4Addr;

const DATABASE: &str = "db.example.com";

async fn update(
    fixture: &Fixture,
    made: &SentResponse,
    from: &Value,
    to: &Value,
) -> Result<SentResponse> {
    fixture
        .request(json!({
            "RequestType": "Update",
            "PhysicalResourceId": made.id(),
            "ResourceProperties": to,
            "OldResourceProperties": from,
        }))
        .await
}

/// Sets three addresses that are not the ALB's under the database's name.
fn put_database_in_dns(fixture: &Fixture) -> Vec<Ipv4Addr> {
    let addresses = fixture.alb.addresses_after(100, 3);
    fixture.lab.dns().set(DATABASE, addresses.clone());
    addresses
}

#[tokio::test]
async fn an_update_goes_from_an_alb_to_a_name_and_back_and_registers_before_anything_leaves()
-> Result<()> {
    let (fixture, made) = Fixture::bound().await?;
    let group = made.attribute("TargetGroupArn");
    let theirs = put_database_in_dns(&fixture);
    let both = || {
        let mut both = fixture.alb.addresses(3);
        both.extend(&theirs);
        as_targets(&both, 80)
    };
    let (alb, name) = (
        fixture.properties(json!({})),
        fixture.properties_with_dns_name(DATABASE, json!({})),
    );
    let updated = update(&fixture, &made, &alb, &name).await?;
    updated.assert_success();
    assert_eq!(
        (updated.id(), updated.attribute("IpCount")),
        (made.id(), "3")
    );
    assert_eq!(fixture.targets(group), both());
    fixture.ticks(&made, 3).await?;
    assert_eq!(fixture.targets(group), as_targets(&theirs, 80));

    let rolled_back = update(&fixture, &made, &name, &alb).await?;
    rolled_back.assert_success();
    assert_eq!(fixture.targets(group), both());
    fixture.ticks(&made, 3).await?;
    assert_eq!(fixture.targets(group), fixture.expected(3, 80));
    Ok(())
}

#[tokio::test]
async fn an_update_and_a_rollback_get_through_where_the_name_that_stood_before_is_gone()
-> Result<()> {
    let fixture = Fixture::new().await?;
    let theirs = put_database_in_dns(&fixture);
    let old = fixture.properties_with_dns_name(DATABASE, json!({}));
    let create = json!({"RequestType": "Create", "ResourceProperties": old});
    let made = fixture.request(create).await?;
    made.assert_success();
    let group = made.attribute("TargetGroupArn");
    fixture.lab.dns().fail(DATABASE, DnsFailure::NxDomain);
    let counts = fixture.properties_with_dns_name(DATABASE, json!({"MaxLookupsPerInvocation": 51}));
    let updated = update(&fixture, &made, &old, &counts).await?;
    updated.assert_success();
    assert!(
        updated
            .invocation
            .mentions("it stands without its addresses")
    );
    assert_eq!(fixture.targets(group), as_targets(&theirs, 80));

    fixture
        .lab
        .dns()
        .set("new.example.com", fixture.alb.addresses(1));
    let new = fixture.properties_with_dns_name("new.example.com", json!({}));
    fixture.shows("UPDATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", Some(made.id()));
    update(&fixture, &made, &counts, &new)
        .await?
        .assert_success();
    let stack = "UPDATE_ROLLBACK_IN_PROGRESS";
    fixture.shows(stack, "UPDATE_IN_PROGRESS", Some(made.id()));
    let rolled_back = update(&fixture, &made, &new, &counts).await?;
    rolled_back.assert_success();
    let tick = fixture.tick(&made).await?;
    assert!(tick.result.is_err(), "a tick without DNS fails loudly");
    Ok(())
}

#[tokio::test]
async fn a_name_that_has_no_address_yet_is_waited_for_by_a_create() -> Result<()> {
    let fixture = Fixture::new().await?;
    put_database_in_dns(&fixture);
    let twenty = std::time::Duration::from_secs(20);
    fixture
        .lab
        .dns()
        .fail_for(DATABASE, 0, DnsFailure::NxDomain, twenty);
    let properties = fixture.properties_with_dns_name(DATABASE, json!({}));
    let create = json!({"RequestType": "Create", "ResourceProperties": properties});
    let made = fixture.request(create).await?;
    made.assert_success();
    assert_eq!(made.attribute("IpCount"), "3");
    Ok(())
}
