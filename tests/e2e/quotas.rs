//! Quotas make room: what is to go goes first where AWS has no room for what comes, and a quota is not asked
//! again and again.

use crate::support::{Bench, operations};
use anyhow::Result;
use lab::{AlbSpec, NlbSpec, TargetState};
use serde_json::{Value, json};

/// Calls of the function since the last look that put targets in or out.
fn registrations(bench: &Bench) -> Vec<String> {
    let calls = bench.changes();
    let operations = operations(&calls).into_iter();
    let targets = operations.filter(|name| name.ends_with("Targets"));
    targets.map(str::to_owned).collect()
}

#[tokio::test]
async fn on_a_full_nlb_targets_that_are_due_to_leave_make_room_for_those_that_come() -> Result<()> {
    let (bench, made) = Bench::bound().await?;
    let group = made.attribute("TargetGroupArn");
    bench.lab.gateway().set_target_quota(3);
    let others = bench.pair.alb.addresses_after(100, 3);
    bench.see(others.clone());
    for _ in 0..2 {
        let tick = bench.tick(&made).await?;
        assert!(tick.mentions("TooManyTargets"), "{tick:?}");
        assert!(tick.success().is_err(), "an alarm is to ring");
        assert_eq!(bench.targets(group), bench.expected(3, 80), "they serve");
    }
    bench.lab.gateway().clear();
    bench.tick(&made).await?.success()?;
    assert_eq!(bench.targets(group), crate::support::expected(&others, 80));
    assert_eq!(
        registrations(&bench),
        ["RegisterTargets", "DeregisterTargets", "RegisterTargets"]
    );
    Ok(())
}

#[tokio::test]
async fn room_in_one_group_is_room_in_another_for_the_quota_is_the_nlbs() -> Result<()> {
    let mut alb = AlbSpec::new("orders");
    alb.ports = vec![80, 443];
    let bench = Bench::with(alb, NlbSpec::new("front")).await?;
    bench.scale(3);
    let two = |port: u16| json!({"Listeners": [{"Port": 80}, {"Port": 443, "AlbPort": port}]});
    let made = bench.create(two(443)).await?;
    made.assert_success();
    bench.lab.gateway().set_target_quota(6);
    // The second group gives three up, and has no use for the room.
    let groups: Vec<_> = made.attribute("TargetGroupArns").split(',').collect();
    let foreign = bench.foreign_address();
    bench.scale(2);
    bench.ticks(&made, 2).await?;
    bench.see([bench.pair.alb.addresses(2), vec![foreign]].concat());
    bench.tick(&made).await?.success()?;
    for (group, port) in groups.into_iter().zip([80, 443]) {
        let addresses = [bench.pair.alb.addresses(2), vec![foreign]].concat();
        let expected = crate::support::expected(&addresses, port);
        assert_eq!(bench.targets(group), expected);
    }
    Ok(())
}

#[tokio::test]
async fn fifty_two_new_addresses_on_a_full_nlb_cost_one_call_and_are_told_as_one() -> Result<()> {
    let (bench, made) = Bench::bound().await?;
    let group = made.attribute("TargetGroupArn");
    bench.lab.gateway().set_target_quota(3);
    bench.scale(55);
    bench.lab.gateway().clear();
    let tick = bench.tick(&made).await?;
    assert!(tick.mentions("TooManyTargets"), "{tick:?}");
    assert!(tick.success().is_err());
    assert_eq!(registrations(&bench), ["RegisterTargets"]);
    assert_eq!(bench.targets(group), bench.expected(3, 80));
    bench.lab.gateway().set_target_quota(500);
    bench.tick(&made).await?.success()?;
    assert_eq!(bench.targets(group), bench.expected(55, 80));
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
    let bench = Bench::new().await?;
    bench.scale(1);
    let full = listeners(8001..=8050);
    let made = bench.create(full.clone()).await?;
    made.assert_success();
    let moved = listeners((8003..=8050).chain([9002, 9001]));
    let update = bench.request(json!({
        "RequestType": "Update",
        "PhysicalResourceId": made.id(),
        "ResourceProperties": bench.properties(moved),
        "OldResourceProperties": bench.properties(full),
    }));
    let update = update.await?;
    update.assert_success();
    let changes = bench.changes();
    let last: Vec<_> = operations(&changes)
        .into_iter()
        .filter(|name| name.ends_with("Listener") || *name == "PutRule" || *name == "PutTargets")
        .rev()
        .take(3)
        .collect();
    assert_eq!(last, ["ModifyListener", "ModifyListener", "PutTargets"]);
    let elb = aws_sdk_elasticloadbalancingv2::Client::new(&bench.lab.aws());
    let listed = elb
        .describe_listeners()
        .load_balancer_arn(&bench.pair.nlb.arn);
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
    bench.ticks(&made, 1).await?;
    bench.delete(&made, json!({})).await?.assert_success();
    assert_eq!(bench.leftovers(made.id()).await?, [""; 0]);
    Ok(())
}

#[tokio::test]
async fn where_no_listener_is_to_go_the_quota_is_told() -> Result<()> {
    let bench = Bench::new().await?;
    bench.scale(1);
    for port in 7001..=7050 {
        bench.given_group(&format!("theirs-{port}"), port).await?;
    }
    let failed = bench.create(json!({})).await?;
    failed.assert_failed(&["CreateListener", "TooManyListeners"]);
    bench.delete(&failed, json!({})).await?.assert_success();
    Ok(())
}

/// It is registered: an address that leaves DNS in that state leaves the group in its time.
#[tokio::test]
async fn a_target_that_is_unhealthy_and_lets_connections_run_out_is_registered() -> Result<()> {
    let (bench, made) = Bench::bound().await?;
    let group = made.attribute("TargetGroupArn");
    let gone = bench.pair.alb.addresses(3)[2];
    let state = TargetState::UnhealthyDraining;
    bench.lab.gateway().set_target_state(group, gone, 80, state);
    bench.lab.gateway().clear();
    bench.ticks(&made, 1).await?;
    assert_eq!(registrations(&bench), [""; 0], "it is there already");
    bench.scale(2);
    bench.ticks(&made, 2).await?;
    assert_eq!(bench.targets(group), bench.expected(3, 80));
    bench.ticks(&made, 1).await?;
    assert_eq!(bench.targets(group), bench.expected(2, 80));
    Ok(())
}

#[tokio::test]
async fn a_delete_takes_such_a_target_out_of_a_given_group() -> Result<()> {
    let bench = Bench::new().await?;
    bench.scale(3);
    let group = bench.given_group("theirs", 8000).await?;
    let given = json!({"Listeners": [{"Port": 80, "TargetGroupArn": group}]});
    let made = bench.create(given.clone()).await?;
    made.assert_success();
    let state = TargetState::UnhealthyDraining;
    for address in bench.pair.alb.addresses(3) {
        bench
            .lab
            .gateway()
            .set_target_state(&group, address, 80, state);
    }
    bench.delete(&made, given).await?.assert_success();
    assert_eq!(bench.targets(&group), [""; 0]);
    Ok(())
}
