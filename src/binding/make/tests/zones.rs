//! The checks of Availability Zones.

use super::found::{findings, found};
use super::world::{ALB, GIVEN, NLB, desired, empty_account, given_group, load_balancer};
use serde_json::json;

#[test]
fn a_zone_that_only_the_alb_has_is_always_an_error_that_names_both_sides() {
    let desired = desired(json!({"AllowZoneMismatch": true}));
    let mut world = empty_account(&desired);
    world.nlb = Some(load_balancer(NLB, "network", &["a"]));
    world
        .nlb_attributes
        .insert("load_balancing.cross_zone.enabled".into(), "true".into());
    let found = findings(&desired, &world);
    assert!(
        found.contains("the ALB application is in a, b, the NLB network in a"),
        "{found}"
    );
    assert!(found.contains("targets in b would be unused"), "{found}");
}

#[test]
fn a_zone_that_only_the_nlb_has_passes_when_allowed_and_cross_zone_is_on() {
    for (allowed, cross_zone, passes) in [
        (true, Some("true"), true),
        (true, Some("false"), false),
        (true, None, false),
        (false, Some("true"), false),
    ] {
        let desired = desired(json!({ "AllowZoneMismatch": allowed }));
        let mut world = empty_account(&desired);
        world.alb = Some(load_balancer(ALB, "application", &["a"]));
        if let Some(value) = cross_zone {
            world
                .nlb_attributes
                .insert("load_balancing.cross_zone.enabled".into(), value.into());
        }
        assert_eq!(
            found(&desired, &world).is_none(),
            passes,
            "{allowed} {cross_zone:?}"
        );
    }
}

#[test]
fn cross_zone_load_balancing_must_be_in_effect_for_every_target_group() {
    let made = |value: Option<&str>| {
        let attributes: Vec<_> = value
            .map(|value| json!({"Key": "load_balancing.cross_zone.enabled", "Value": value}))
            .into_iter()
            .collect();
        json!({"Port": 80, "TargetGroupAttributes": attributes})
    };
    let given = json!({"Port": 81, "AlbPort": 80, "TargetGroupArn": GIVEN});
    for (nlb, own, theirs, refused) in [
        ("true", None, None, None),
        ("true", Some("use_load_balancer_configuration"), None, None),
        (
            "true",
            Some("false"),
            None,
            Some("false of TargetGroupAttributes of Port 80"),
        ),
        ("false", Some("true"), None, None),
        ("false", Some("true"), Some("true"), None),
        ("false", None, Some("true"), Some("false of the NLB")),
        ("true", None, Some("false"), Some(GIVEN)),
        (
            "false",
            Some("true"),
            Some("use_load_balancer_configuration"),
            Some("false of the NLB"),
        ),
    ] {
        let mut listeners = vec![made(own)];
        listeners.extend(theirs.map(|_| given.clone()));
        let desired = desired(json!({"AllowZoneMismatch": true, "Listeners": listeners}));
        let mut world = empty_account(&desired);
        world.alb.as_mut().expect("an ALB").zones = ["a".to_owned()].into();
        let key = "load_balancing.cross_zone.enabled".to_owned();
        world.nlb_attributes.insert(key.clone(), nlb.to_owned());
        let mut group = given_group("ip", "TCP", "vpc-1");
        group
            .attributes
            .extend(theirs.map(|value| (key, value.to_owned())));
        world.given_groups.insert(GIVEN.to_owned(), Some(group));
        let found = found(&desired, &world);
        match (found, refused) {
            (Some(found), Some(refused)) => assert!(found.contains(refused), "{found}"),
            (found, refused) => assert_eq!(found.as_deref(), refused, "{nlb} {own:?} {theirs:?}"),
        }
    }
}

#[test]
fn zones_are_not_compared_where_targets_are_registered_with_all_of_them() {
    let desired = desired(json!({}));
    let mut world = empty_account(&desired);
    let alb = world.alb.as_mut().expect("an ALB");
    alb.zones = ["a".to_owned(), "c".to_owned()].into();
    assert!(found(&desired, &world).is_some());
    world.alb.as_mut().expect("an ALB").vpc_id = "vpc-2".to_owned();
    assert_eq!(found(&desired, &world), None);
}
