//! Target groups in the plan: those that the binding makes, and those that the user gives.

use super::carried_out::{NOTHING, carried_out, checked, steps};
use super::world::{GIVEN, desired, empty_account};
use crate::binding::desired::Desired;
use crate::binding::make::observed::{Observed, RecordBucket};
use crate::record::{OwnTargets, RuleEvent};
use serde_json::json;
use std::collections::BTreeMap;

#[test]
fn an_attribute_that_is_taken_away_goes_back_to_the_default() {
    let with = desired(json!({"Listeners": [{"Port": 80, "TargetGroupAttributes":
        [{"Key": "preserve_client_ip.enabled", "Value": true}]}]}));
    let world = carried_out(&with, empty_account(&with));
    let without = desired(json!({}));
    assert!(steps(&without, &world).contains("preserve_client_ip.enabled=false"));
}

#[test]
fn a_given_target_group_gets_neither_group_nor_listener() {
    let desired = desired(json!({"Listeners": [{"Port": 80, "TargetGroupArn": GIVEN}]}));
    let plan = steps(&desired, &empty_account(&desired));
    assert!(
        !plan.contains("target group") && !plan.contains("listener"),
        "{plan}"
    );
}

#[test]
fn a_target_group_newly_given_with_a_bucket_is_adopted_once_before_the_sync() {
    let given = json!([{"Port": 80, "TargetGroupArn": GIVEN}]);
    let adopts = format!("{NOTHING}, and what an earlier function knew of {GIVEN}");
    let before = desired(json!({"BucketName": "their-bucket"}));
    let mut world = empty_account(&before);
    world.bucket = RecordBucket::Given;
    let created = desired(json!({"BucketName": "their-bucket", "Listeners": given}));
    let updated = carried_out(&before, world.clone());
    for world in [world, updated] {
        let plan = steps(&created, &world);
        assert!(plan.contains(&adopts), "{plan}");
        assert_eq!(steps(&created, &carried_out(&created, world)), NOTHING);
    }
    // An earlier function cannot have left anything in the binding's own bucket.
    let own = desired(json!({"Listeners": given}));
    assert!(!steps(&own, &empty_account(&own)).contains(&adopts));
}

#[test]
fn a_given_target_group_that_is_not_wanted_any_more_loses_own_targets_last() {
    const OTHER: &str = "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/other/4";
    let given = |arn: &str| json!({"Listeners": [{"Port": 80, "TargetGroupArn": arn}]});
    let before = desired(given(GIVEN));
    let mut world = carried_out(&before, empty_account(&before));
    let after = desired(given(OTHER));
    let plan = steps(&after, &world);
    let takes_out = format!("- own targets in {GIVEN}");
    assert_eq!(plan.lines().last(), Some(&*takes_out));
    // The rule goes on to name the group, for AWS may refuse to deregister its targets now.
    let checked = checked(&world);
    let target = after
        .rule_target(&checked, &BTreeMap::new(), 0)
        .expect("a target");
    let event = RuleEvent::of_template(&target.template).expect("ours");
    assert!(event.names_group(GIVEN) && event.names_group(OTHER));
    // The record alone does not count, for others may have written it.
    let record = &mut world.record.as_mut().expect("a record").0;
    record
        .own
        .insert(format!("{GIVEN}/foreign"), OwnTargets::new());
    assert_eq!(steps(&after, &world), plan);
}

/// AWS accepts an interval only while connections are not terminated, so the order matters.
#[test]
fn attributes_go_back_to_awss_defaults_in_the_order_that_aws_takes() {
    const INTERVAL: &str = "target_health_state.unhealthy.draining_interval_seconds";
    const CONNECTION_TERMINATION: &str =
        "target_health_state.unhealthy.connection_termination.enabled";
    let drains = desired(json!({"Listeners": [{"Port": 80, "TargetGroupAttributes": [
        {"Key": INTERVAL, "Value": 30},
        {"Key": CONNECTION_TERMINATION, "Value": false},
        {"Key": "deregistration_delay.timeout_seconds", "Value": 10},
    ]}]}));
    let world = carried_out(&drains, empty_account(&drains));
    let changes = |desired: &Desired, world: &Observed| {
        let steps = steps(desired, world);
        let lines = steps.lines().filter_map(|line| {
            let (_, attributes) = line.strip_prefix("~ target group ")?.split_once(": ")?;
            Some(attributes.to_owned())
        });
        lines.collect::<Vec<_>>()
    };
    let together = format!(
        "deregistration_delay.timeout_seconds=10, {CONNECTION_TERMINATION}=false, {INTERVAL}=30"
    );
    assert_eq!(changes(&drains, &empty_account(&drains)), [together]);
    let back = [
        format!("deregistration_delay.timeout_seconds=300, {INTERVAL}=0"),
        format!("{CONNECTION_TERMINATION}=true"),
    ];
    assert_eq!(changes(&desired(json!({})), &world), back);
}
