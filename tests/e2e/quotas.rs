//! If a quota is full, old targets or listeners leave first. The function does not retry against a quota.

use crate::support::{Fixture, operations};
use anyhow::Result;
use lab::{AlbSpec, NlbSpec, TargetState};
use serde_json::{Value, json};

/// The function's calls that registered or deregistered targets.
fn registrations(fixture: &Fixture) -> Vec<String> {
    let calls = fixture.changes();
    let operations = operations(&calls).into_iter();
    let targets = operations.filter(|name| name.ends_with("Targets"));
    targets.map(str::to_owned).collect()
}

#[tokio::test]
async fn on_a_full_nlb_targets_that_are_due_to_leave_make_room_for_those_that_come() -> Result<()> {
    let (fixture, made) = Fixture::bound().await?;
    let group = made.attribute("TargetGroupArn");
    fixture.lab.gateway().set_target_quota(3);
    let others = fixture.alb.addresses_after(100, 3);
    fixture.show_in_dns(others.clone());
    for _ in 0..2 {
        let tick = fixture.tick(&made).await?;
        assert!(tick.mentions("TooManyTargets"), "{tick:?}");
        assert!(tick.success().is_err(), "an alarm is to ring");
        assert_eq!(
            fixture.targets(group),
            fixture.expected(3, 80),
            "they serve"
        );
    }
    fixture.lab.gateway().clear();
    fixture.tick(&made).await?.success()?;
    assert_eq!(
        fixture.targets(group),
        crate::support::as_targets(&others, 80)
    );
    assert_eq!(
        registrations(&fixture),
        ["RegisterTargets", "DeregisterTargets", "RegisterTargets"]
    );
    Ok(())
}

#[tokio::test]
async fn room_in_one_group_is_room_in_another_for_the_quota_is_the_nlbs() -> Result<()> {
    let mut alb = AlbSpec::new("orders");
    alb.ports = vec![80, 443];
    let fixture = Fixture::with(alb, NlbSpec::new("front")).await?;
    fixture.scale(3);
    let two = |port: u16| json!({"Listeners": [{"Port": 80}, {"Port": 443, "AlbPort": port}]});
    let made = fixture.create(two(443)).await?;
    made.assert_success();
    fixture.lab.gateway().set_target_quota(6);
    // The NLB has six targets, as many as it may have: what leaves one group makes room in the other.
    let groups = made.target_groups();
    let foreign = fixture.foreign_address();
    fixture.scale(2);
    fixture.ticks(&made, 2).await?;
    fixture.show_in_dns([fixture.alb.addresses(2), vec![foreign]].concat());
    fixture.tick(&made).await?.success()?;
    for (group, port) in groups.into_iter().zip([80, 443]) {
        let addresses = [fixture.alb.addresses(2), vec![foreign]].concat();
        let expected = crate::support::as_targets(&addresses, port);
        assert_eq!(fixture.targets(group), expected);
    }
    Ok(())
}

#[tokio::test]
async fn fifty_two_new_addresses_on_a_full_nlb_cost_one_call_and_are_told_as_one() -> Result<()> {
    let (fixture, made) = Fixture::bound().await?;
    let group = made.attribute("TargetGroupArn");
    fixture.lab.gateway().set_target_quota(3);
    fixture.scale(55);
    fixture.lab.gateway().clear();
    let tick = fixture.tick(&made).await?;
    assert!(tick.mentions("TooManyTargets"), "{tick:?}");
    assert!(tick.success().is_err());
    assert_eq!(registrations(&fixture), ["RegisterTargets"]);
    assert_eq!(fixture.targets(group), fixture.expected(3, 80));
    fixture.lab.gateway().set_target_quota(500);
    fixture.tick(&made).await?.success()?;
    assert_eq!(fixture.targets(group), fixture.expected(55, 80));
    Ok(())
}

fn listeners(ports: impl Iterator<Item = u16>) -> Value {
    let listeners: Vec<_> = ports
        .map(|port| json!({"Port": port, "AlbPort": 80}))
        .collect();
    json!({ "Listeners": listeners })
}

#[tokio::test]
async fn at_fifty_listeners_a_port_is_moved_by_modifying_the_listener_that_is_to_go() -> Result<()>
{
    let fixture = Fixture::new().await?;
    fixture.scale(1);
    let full = listeners(8001..=8050);
    let made = fixture.create(full.clone()).await?;
    made.assert_success();
    let moved = listeners((8003..=8050).chain([9002, 9001]));
    let update = fixture.update_from(&made, full, moved).await?;
    update.assert_success();
    let changes = fixture.changes();
    let last: Vec<_> = operations(&changes)
        .into_iter()
        .filter(|name| name.ends_with("Listener") || *name == "PutRule" || *name == "PutTargets")
        .rev()
        .take(3)
        .collect();
    assert_eq!(last, ["ModifyListener", "ModifyListener", "PutTargets"]);
    let elb = fixture.elb();
    let listed = elb.describe_listeners().load_balancer_arn(&fixture.nlb.arn);
    let listed: Vec<_> = listed
        .into_paginator()
        .items()
        .send()
        .collect::<Result<_, _>>()
        .await?;
    let mut ports: Vec<_> = listed
        .iter()
        .filter_map(|listener| listener.port())
        .collect();
    ports.sort_unstable();
    let expected: Vec<i32> = (8003..=8050).chain([9001, 9002]).collect();
    assert_eq!(ports, expected);
    let of_9001 = listed.iter().find(|listener| listener.port() == Some(9001));
    let forwards = of_9001.and_then(|listener| listener.default_actions().first());
    let group = forwards.and_then(|action| action.target_group_arn());
    assert!(group.expect("a group").contains("-9001/"), "{group:?}");
    fixture.ticks(&made, 1).await?;
    fixture.delete(&made, json!({})).await?.assert_success();
    assert_eq!(fixture.leftovers(made.id()).await?, [""; 0]);
    Ok(())
}

#[tokio::test]
async fn where_no_listener_is_to_go_the_quota_is_told() -> Result<()> {
    let fixture = Fixture::new().await?;
    fixture.scale(1);
    for port in 7001..=7050 {
        fixture.given_group(&format!("theirs-{port}"), port).await?;
    }
    let failed = fixture.create(json!({})).await?;
    failed.assert_failed(&["CreateListener", "TooManyListeners"]);
    fixture.delete(&failed, json!({})).await?.assert_success();
    Ok(())
}

/// An address whose target is in that state leaves the group by the usual count when it leaves DNS.
#[tokio::test]
async fn a_target_that_is_unhealthy_and_lets_connections_run_out_is_registered() -> Result<()> {
    let (fixture, made) = Fixture::bound().await?;
    let group = made.attribute("TargetGroupArn");
    let gone = fixture.alb.addresses(3)[2];
    let state = TargetState::UnhealthyDraining;
    fixture
        .lab
        .gateway()
        .set_target_state(group, gone, 80, state);
    fixture.lab.gateway().clear();
    fixture.ticks(&made, 1).await?;
    assert_eq!(registrations(&fixture), [""; 0], "it is there already");
    fixture.scale(2);
    fixture.ticks(&made, 2).await?;
    assert_eq!(fixture.targets(group), fixture.expected(3, 80));
    fixture.ticks(&made, 1).await?;
    assert_eq!(fixture.targets(group), fixture.expected(2, 80));
    Ok(())
}

#[tokio::test]
async fn a_delete_takes_such_a_target_out_of_a_given_group() -> Result<()> {
    let fixture = Fixture::new().await?;
    fixture.scale(3);
    let group = fixture.given_group("theirs", 8000).await?;
    let given = json!({"Listeners": [{"Port": 80, "TargetGroupArn": group}]});
    let made = fixture.create(given.clone()).await?;
    made.assert_success();
    let state = TargetState::UnhealthyDraining;
    for address in fixture.alb.addresses(3) {
        fixture
            .lab
            .gateway()
            .set_target_state(&group, address, 80, state);
    }
    fixture.delete(&made, given).await?.assert_success();
    assert_eq!(fixture.targets(&group), [""; 0]);
    Ok(())
}
