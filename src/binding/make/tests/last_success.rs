//! The checks of an Update against the existing binding.

use super::carried_out::{NOTHING, carried_out, checked};
use super::found::{findings, update};
use super::world::{
    ALB, GIVEN, NLB, desired, empty_account, given_group, load_balancer, own_listener,
};
use crate::binding::make::checks::{LastSuccess, check};
use crate::binding::make::observed::{NlbListener, Observed};
use crate::binding::make::plan::plan;
use crate::model::{Attributes, Scheme, State};
use crate::record::{Phase, Record};
use serde_json::json;
use std::collections::BTreeMap;

/// Each change is made by hand, after the binding had its success.
#[test]
fn what_is_found_of_the_properties_that_stand_holds_no_update_up() {
    let before = desired(json!({"AllowZoneMismatch": true, "Listeners": [
        {"Port": 80, "TargetGroupAttributes": [{"Key": "load_balancing.cross_zone.enabled", "Value": true}]},
        {"Port": 443, "TargetGroupArn": GIVEN},
    ]}));
    let mut fine = empty_account(&before);
    let given = Some(given_group("ip", "TCP", "vpc-1"));
    fine.given_groups.insert(GIVEN.to_owned(), given);
    assert_eq!(update(&before, &before, &fine), (None, String::new()));
    type Change = fn(&mut Observed);
    let changes: [(Change, &str); 10] = [
        (|world| world.alb = None, "AlbArn"),
        (|world| world.nlb = None, "NlbArn"),
        (
            |world| {
                let key = "idle_timeout.timeout_seconds".to_owned();
                world.alb_attributes.insert(key, "400".to_owned());
            },
            "IdleTimeoutSeconds 350",
        ),
        (|world| world.alb_listeners.clear(), "AlbPort 80"),
        (
            |world| world.nlb.as_mut().expect("an NLB").zones = ["a".to_owned()].into(),
            "would be unused",
        ),
        (
            |world| world.alb.as_mut().expect("an ALB").zones = ["a".to_owned()].into(),
            "would have no target",
        ),
        (
            |world| {
                world.nlb_listeners.push(NlbListener {
                    is_own: false,
                    ..own_listener(80, "arn:theirs", Attributes::new())
                });
            },
            "already has the listener",
        ),
        (
            |world| {
                world.given_groups.insert(GIVEN.to_owned(), None);
            },
            "does not exist",
        ),
        (
            |world| world.alb.as_mut().expect("an ALB").scheme = Scheme::InternetFacing,
            "internet-facing",
        ),
        (
            |world| world.alb.as_mut().expect("an ALB").state = State::Failed,
            "state failed",
        ),
    ];
    for (change, expected) in changes {
        let mut world = fine.clone();
        change(&mut world);
        let (errors, warnings) = update(&before, &before, &world);
        assert_eq!(errors, None);
        assert!(warnings.contains(expected), "{expected}: {warnings}");
        let create = findings(&before, &world);
        assert!(create.contains(expected), "{expected}: {create}");
    }
}

#[test]
fn what_an_update_makes_worse_is_an_error_though_something_else_stands_as_it_is() {
    let before = desired(json!({}));
    let mut world = empty_account(&before);
    let key = "idle_timeout.timeout_seconds".to_owned();
    world.alb_attributes.insert(key, "400".to_owned());
    world.alb.as_mut().expect("an ALB").zones = ["a".to_owned()].into();
    for (wanted, expected) in [
        (
            json!({"Listeners": [{"Port": 80}, {"Port": 81, "AlbPort": 80}]}),
            "on Port 81",
        ),
        (
            json!({"Listeners": [{"Port": 80, "IdleTimeoutSeconds": 300}]}),
            "IdleTimeoutSeconds 300",
        ),
        (
            json!({"Listeners": [{"Port": 80, "AlbPort": 8080}]}),
            "AlbPort 8080",
        ),
        (
            json!({"BucketName": "no-such-bucket"}),
            "BucketName no-such-bucket",
        ),
    ] {
        let wanted = desired(wanted);
        let (errors, _) = update(&before, &wanted, &world);
        let errors = errors.expect("something is worse");
        assert!(errors.contains(expected), "{expected}: {errors}");
        let stood = "IdleTimeoutSeconds 350 of the listener on Port 80";
        assert!(!errors.contains(stood), "{errors}");
    }
    // For another ALB no finding is known.
    let other = desired(json!({"AlbArn": ALB.replace("orders", "others")}));
    let (errors, _) = update(&before, &other, &world);
    let errors = errors.expect("all is new");
    assert!(errors.contains("would have no target"), "{errors}");
    assert!(errors.contains("on Port 80"), "{errors}");
    // The given group's own setting made up for the zones before.
    let listeners = json!([{"Port": 80, "TargetGroupArn": GIVEN}]);
    let allowed = desired(json!({"AllowZoneMismatch": true, "Listeners": listeners}));
    let mut world = empty_account(&allowed);
    world.alb.as_mut().expect("an ALB").zones = ["a".to_owned()].into();
    let mut group = given_group("ip", "TCP", "vpc-1");
    let key = "load_balancing.cross_zone.enabled".to_owned();
    group.attributes.insert(key, "true".to_owned());
    world.given_groups.insert(GIVEN.to_owned(), Some(group));
    assert_eq!(update(&allowed, &allowed, &world), (None, String::new()));
    let (errors, _) = update(
        &allowed,
        &desired(json!({ "Listeners": listeners })),
        &world,
    );
    assert!(errors.expect("it is new").contains("would have no target"));
    // The same if another group takes its place that is confined to its zone.
    let made = desired(json!({"AllowZoneMismatch": true}));
    world.given_groups.clear();
    let (errors, _) = update(&allowed, &made, &world);
    assert!(errors.expect("it is new").contains("would have no target"));
}

#[test]
fn more_time_than_the_albs_helps_though_that_was_not_so_before() {
    let before = desired(json!({}));
    let mut world = empty_account(&before);
    let key = "idle_timeout.timeout_seconds".to_owned();
    world.alb_attributes.insert(key, "400".to_owned());
    let longer = desired(json!({"Listeners": [{"Port": 80, "IdleTimeoutSeconds": 500}]}));
    assert_eq!(update(&before, &longer, &world).0, None);
}

#[test]
fn a_rollback_may_go_back_to_what_the_binding_stood_on_before() {
    let raised = json!({"Listeners": [{"Port": 80, "IdleTimeoutSeconds": 500}]});
    let properties = json!({
        "AlbArn": ALB, "NlbArn": NLB, "Listeners": [{"Port": 80, "IdleTimeoutSeconds": 500}],
    });
    let raised = desired(raised);
    let before = desired(json!({}));
    let mut world = empty_account(&raised);
    let key = "idle_timeout.timeout_seconds".to_owned();
    world.alb_attributes.insert(key, "400".to_owned());
    let made_before = carried_out(&raised, empty_account(&raised));
    let mut record = Record::new(&raised.id.to_string(), Phase::Serving);
    record.orders = raised.orders(&checked(&made_before), &BTreeMap::new());
    // A record that was lost and restored has no properties.
    for known in [Some(properties), None] {
        record.properties = known;
        for (rolls_back, passes) in [(false, false), (true, true)] {
            let (properties, orders) = before.last_success(&record, rolls_back).expect("orders");
            let last_success = LastSuccess {
                properties: &properties,
                orders: &orders,
            };
            assert_eq!(check(&before, Some(last_success), &world).is_ok(), passes);
        }
    }
}

#[test]
fn a_rollback_to_an_alb_that_is_gone_says_so() {
    let others = ALB.replace("orders", "others");
    let other = desired(json!({ "AlbArn": others }));
    let mut made_before = empty_account(&other);
    made_before.alb = Some(load_balancer(&others, "application", &["a", "b"]));
    let made_before = carried_out(&other, made_before);
    let mut record = Record::new(&other.id.to_string(), Phase::Serving);
    record.orders = other.orders(&checked(&made_before), &BTreeMap::new());
    let before = desired(json!({}));
    let (properties, orders) = before.last_success(&record, true).expect("orders");
    let last_success = LastSuccess {
        properties: &properties,
        orders: &orders,
    };
    let mut world = empty_account(&before);
    world.alb = None;
    let findings = check(&before, Some(last_success), &world).expect_err("nothing is known of it");
    assert!(
        findings.to_string().contains("does not exist"),
        "{findings}"
    );
}

#[test]
fn a_binding_stands_without_what_is_gone() {
    let desired = desired(json!({"Listeners": [
        {"Port": 80}, {"Port": 81, "AlbPort": 80, "TargetGroupArn": GIVEN},
    ]}));
    let mut world = empty_account(&desired);
    world
        .given_groups
        .insert(GIVEN.to_owned(), Some(given_group("ip", "TCP", "vpc-1")));
    let world = carried_out(&desired, world);
    let orders = desired
        .orders(&checked(&world), &BTreeMap::new())
        .expect("all is made");
    let last_success = LastSuccess {
        properties: std::slice::from_ref(&desired.properties),
        orders: &orders,
    };
    type Change = fn(&mut Observed);
    let changes: [(Change, &str); 3] = [
        (|world| world.alb = None, ""),
        (
            |world| {
                world.nlb = None;
                world.nlb_listeners.clear();
            },
            NOTHING,
        ),
        (
            |world| {
                let theirs = world.nlb_listeners.first_mut().expect("a listener");
                theirs.is_own = false;
            },
            NOTHING,
        ),
    ];
    for (change, expected) in changes {
        let mut world = world.clone();
        change(&mut world);
        let (checked, _) = check(&desired, Some(last_success), &world).expect("it stands");
        let plan = plan(&desired, &checked).to_string();
        let lines: Vec<_> = plan
            .lines()
            .filter(|line| !line.starts_with("~ record in"))
            .collect();
        assert_eq!(lines.join("\n"), expected);
        assert_eq!(
            desired.orders(&checked, &BTreeMap::new()),
            Some(orders.clone())
        );
    }
}
