//! The plan as a whole: its order, the difference that an Update makes, the tags, the rule.

use super::carried_out::{NOTHING, carried_out, own_bucket, planned, steps};
use super::world::{desired, empty_account};
use crate::model::Endpoint;
use crate::names::TAG;
use serde_json::json;

#[test]
fn a_new_binding_is_made_in_the_order_of_the_contract_and_a_second_plan_is_empty() {
    let desired = desired(json!({}));
    let world = empty_account(&desired);
    let plan = planned(&desired, &world).to_string();
    let kinds: Vec<_> = plan
        .lines()
        .map(|line| {
            line.split_whitespace()
                .take(2)
                .collect::<Vec<_>>()
                .join(" ")
        })
        .collect();
    assert_eq!(
        kinds,
        [
            "+ bucket",
            "~ bucket",
            "~ record",
            "+ target",
            "~ targets:",
            "+ listener",
            "+ rule",
            "+ rule"
        ]
    );
    assert_eq!(steps(&desired, &carried_out(&desired, world)), NOTHING);
}

#[test]
fn an_update_does_only_the_difference_and_a_second_plan_is_empty() {
    let before = desired(json!({}));
    let world = carried_out(&before, empty_account(&before));
    for (changes, expected) in [
        (
            json!({"Schedule": "rate(5 minutes)"}),
            "+ rule rate(5 minutes)",
        ),
        (
            json!({"InvocationsBeforeDeregistration": 5}),
            "+ rule target",
        ),
        (
            json!({"Listeners": [{"Port": 80, "HealthCheck": {"IntervalSeconds": 60}}]}),
            "health check TCP on traffic-port every 60 s",
        ),
        (
            json!({"Listeners": [{"Port": 80, "TargetGroupAttributes":
                [{"Key": "deregistration_delay.timeout_seconds", "Value": 10}]}]}),
            "deregistration_delay.timeout_seconds=10",
        ),
    ] {
        let after = desired(changes);
        let change = steps(&after, &world);
        assert!(change.contains(expected), "{change}");
        assert_eq!(change.lines().count(), 2, "{change}");
        assert_eq!(steps(&after, &carried_out(&after, world.clone())), NOTHING);
    }
}

#[test]
fn a_port_that_moves_is_made_first_and_taken_away_last() {
    let before = desired(json!({}));
    let world = carried_out(&before, empty_account(&before));
    let after = desired(json!({"Listeners": [{"Port": 8080, "AlbPort": 80}]}));
    let moved = steps(&after, &world);
    let lines: Vec<_> = moved.lines().collect();
    assert!(lines[0].starts_with("+ target group") && lines[0].contains("-8080 for port 80"));
    assert!(lines[2].starts_with("+ listener on port 8080"));
    assert_eq!(lines[4], "- listener on port 80");
    assert!(lines[5].starts_with("- target group") && lines[5].ends_with("-80"));
    assert_eq!(steps(&after, &carried_out(&after, world)), NOTHING);
}

#[test]
fn a_stack_with_as_many_tags_as_aws_allows_still_leaves_room_for_the_bindings() {
    let many = (0..50)
        .map(|number| (format!("tag-{number:02}"), String::new()))
        .collect();
    let tags = desired(json!({})).id.tags(many);
    assert_eq!(tags.len(), 50);
    assert!(tags.contains_key(TAG));
}

#[test]
fn tags_that_others_added_stay() {
    let desired = desired(json!({}));
    let mut world = carried_out(&desired, empty_account(&desired));
    let theirs = || ("theirs".to_owned(), "kept".to_owned());
    own_bucket(&mut world).0.extend([theirs()]);
    world.rule_tags.extend([theirs()]);
    assert_eq!(steps(&desired, &world), NOTHING);
    world.tags.insert("new".to_owned(), "tag".to_owned());
    let plan = steps(&desired, &world);
    assert!(
        plan.contains("tags alb-nlb-binding=") && plan.contains("theirs=kept"),
        "{plan}"
    );
}

#[test]
fn the_rule_is_put_again_where_more_addresses_are_known_than_it_tells_and_not_where_fewer_are() {
    let wanted = desired(json!({}));
    let mut world = carried_out(&wanted, empty_account(&wanted));
    // One answer of DNS shows that it holds seven addresses, and not that it holds eight.
    for (known, is_put) in [(7, false), (8, true), (28, true), (9, false), (29, true)] {
        let target = |last| Endpoint {
            address: [10, 0, 0, last].into(),
            port: 80,
        };
        let own = (0..known).map(|last| (target(last), Default::default()));
        let (record, _) = world.record.as_mut().expect("a record");
        record.own = [("arn:group".to_owned(), own.collect())].into();
        let plan = steps(&wanted, &world);
        assert_eq!(plan.contains("+ rule target"), is_put, "{known}: {plan}");
        world = carried_out(&wanted, world);
        assert_eq!(steps(&wanted, &world), NOTHING, "{known}");
    }
}
