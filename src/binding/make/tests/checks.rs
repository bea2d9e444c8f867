//! The checks of load balancers, ports and given target groups.

use super::carried_out::{carried_out, checked};
use super::found::{findings, found};
use super::world::{
    ALB, GIVEN, NLB, desired, empty_account, given_group, load_balancer, own_listener,
};
use crate::binding::desired::Desired;
use crate::binding::findings::Findings;
use crate::binding::make::checks::check;
use crate::binding::make::observed::NlbListener;
use crate::model::{Attributes, LoadBalancer, Scheme, State};
use crate::names::BindingId;
use serde_json::json;
use std::collections::BTreeMap;

#[test]
fn good_load_balancers_pass_the_checks_with_own_listeners_and_with_others_beside_them() {
    let desired = desired(json!({}));
    let mut world = empty_account(&desired);
    assert_eq!(found(&desired, &world), None);
    world.nlb_listeners = vec![
        own_listener(80, "arn:own", Attributes::new()),
        NlbListener {
            is_own: false,
            ..own_listener(81, "arn:theirs", Attributes::new())
        },
    ];
    assert_eq!(found(&desired, &world), None);
}

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    let desired = desired(json!({"BucketName": "no-such-bucket", "Listeners": [
        {"Port": 81}, {"Port": 443, "AlbPort": 443}, {"Port": 80, "TargetGroupArn": GIVEN},
    ]}));
    let mut world = empty_account(&desired);
    world.alb = Some(LoadBalancer {
        scheme: Scheme::InternetFacing,
        state: State::Failed,
        ..load_balancer(ALB, "application", &["a", "c"])
    });
    world
        .alb_attributes
        .insert("idle_timeout.timeout_seconds".into(), "350".into());
    let mut theirs = own_listener(443, "arn:x", Attributes::new());
    theirs.is_own = false;
    world.nlb_listeners.push(theirs);
    world.given_groups.insert(GIVEN.to_owned(), None);
    let found = findings(&desired, &world);
    for expected in [
        "is in state failed, but must be active",
        "has the scheme internet-facing, but must be internal",
        "no HTTP or HTTPS listener on AlbPort 81, it has HTTP 80, HTTP 443",
        "already has the listener arn:listener-443 on port 443",
        &format!("TargetGroupArn {GIVEN} does not exist"),
        "targets in c would be unused",
        "address in b would have no target",
        "idle_timeout.timeout_seconds 350, which must be below IdleTimeoutSeconds 350 of the listener on Port 81",
        "BucketName no-such-bucket does not exist",
    ] {
        assert!(found.contains(expected), "{expected:?} is not in\n{found}");
    }
}

#[test]
fn a_load_balancer_that_is_being_made_is_told_apart_from_what_fails_a_request() {
    let desired = desired(json!({"Listeners": [{"Port": 81}]}));
    let mut world = empty_account(&desired);
    world.nlb.as_mut().expect("an NLB").state = State::Provisioning;
    let found = check(&desired, None, &world).expect_err("two findings");
    let (fails, waits) = found.split_provisioning();
    let fails: Vec<_> = fails.iter().collect();
    let waits: Vec<_> = waits.iter().collect();
    assert!(
        matches!(fails.as_slice(), [fails] if fails.contains("AlbPort 81")),
        "{fails:?}"
    );
    assert!(
        matches!(waits.as_slice(), [waits] if waits.ends_with("a Create and an Update wait until it is")),
        "{waits:?}"
    );
}

#[test]
fn a_name_stands_in_the_place_of_an_alb_and_only_the_nlb_is_checked() {
    let to_name = json!({"AlbArn": null, "TargetDnsName": "db.example.com", "SameVpc": false});
    let desired = desired(to_name);
    let mut world = empty_account(&desired);
    // As AWS is observed then: no call is made about an ALB.
    (world.alb, world.alb_listeners) = (None, Vec::new());
    let (checked, known) = check(&desired, None, &world).expect("it passes");
    assert_eq!(known, Findings::default());
    let orders = Desired::orders(&desired, &checked, &BTreeMap::new());
    assert_eq!(orders, None, "the target group is not made yet");
    let backend = &checked.backend;
    assert_eq!(
        (backend.alb_arn.as_str(), backend.name.as_str()),
        ("", "db.example.com")
    );
    assert_eq!(backend.availability_zone.as_deref(), Some("all"));
    assert!(
        !backend.may_lack_addresses,
        "a Create waits for its addresses"
    );
    world.nlb = None;
    assert!(findings(&desired, &world).contains("NlbArn"));
}

#[test]
fn a_taken_port_tells_whose_it_is() {
    let desired = desired(json!({}));
    let mut world = empty_account(&desired);
    let other = BindingId::derive("stack", "Other", NLB);
    let theirs = |group: &str, tags| NlbListener {
        is_own: false,
        ..own_listener(80, group, tags)
    };
    world.nlb_listeners = vec![theirs(GIVEN, other.tags(Attributes::new()))];
    let found = findings(&desired, &world);
    assert!(
        found.contains(&format!("is {other}'s, another binding")),
        "{found}"
    );
    assert!(!found.contains("TargetGroupArn"), "{found}");
    world.nlb_listeners = vec![theirs(GIVEN, Attributes::new())];
    let found = findings(&desired, &world);
    assert!(
        found.contains(&format!("TargetGroupArn {GIVEN}")),
        "{found}"
    );
}

#[test]
fn load_balancers_that_are_missing_or_of_the_wrong_type_are_named() {
    let desired = desired(json!({}));
    let mut world = empty_account(&desired);
    world.alb = Some(load_balancer(ALB, "network", &["a", "b"]));
    world.nlb = None;
    let found = findings(&desired, &world);
    assert!(
        found.contains("is of type network, but must be of type application"),
        "{found}"
    );
    assert!(
        found.contains(&format!("NlbArn {NLB} does not exist")),
        "{found}"
    );
}

#[test]
fn a_given_target_group_must_be_of_type_ip_with_tcp_in_the_nlbs_vpc() {
    let desired = desired(json!({"Listeners": [{"Port": 80, "TargetGroupArn": GIVEN}]}));
    let mut world = empty_account(&desired);
    let given = Some(given_group("alb", "TLS", "vpc-2"));
    world.given_groups.insert(GIVEN.to_owned(), given);
    let found = findings(&desired, &world);
    for expected in [
        "type alb, but must have ip",
        "protocol TLS, but must have TCP",
        "VPC vpc-2, but must have vpc-1",
    ] {
        assert!(found.contains(expected), "{found}");
    }
}

#[test]
fn an_alb_in_another_vpc_is_registered_with_all_zones() {
    let desired = desired(json!({}));
    let mut world = carried_out(&desired, empty_account(&desired));
    world.alb.as_mut().expect("the ALB").vpc_id = "vpc-2".to_owned();
    let orders = desired.orders(&checked(&world), &BTreeMap::new());
    let orders = orders.expect("all is made");
    assert_eq!(orders.availability_zone.as_deref(), Some("all"));
}
