//! Whatever properties follow each other: once a plan is carried out, a second plan holds only the sync.

use super::observed::{Observed, RecordBucket};
use super::tests::{NOTHING, carried_out, steps};
use crate::binding::desired::Desired;
use crate::binding::hints::Hints;
use crate::model::{LoadBalancer, LoadBalancerType, Scheme, State};
use crate::names::BindingId;
use crate::properties::Properties;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use serde_json::{Value, json};
use std::collections::BTreeMap;

const ARN: &str = "arn:aws:elasticloadbalancing:us-east-1:123456789012:";

fn load_balancer(kind: &str) -> LoadBalancer {
    LoadBalancer {
        arn: format!("{ARN}loadbalancer/{kind}/1"),
        name: kind.to_owned(),
        dns_name: format!("{kind}.elb.amazonaws.com"),
        kind: LoadBalancerType::of(kind),
        scheme: Scheme::Internal,
        state: State::Active,
        vpc_id: "vpc-1".to_owned(),
        zones: ["a".to_owned()].into(),
        addresses: Vec::new(),
    }
}

/// Two load balancers, and nothing made yet.
fn empty_account() -> Observed {
    Observed {
        alb: Some(load_balancer("app")),
        nlb: Some(load_balancer("net")),
        ..Observed::default()
    }
}

fn listener() -> impl Strategy<Value = Value> {
    let ports = prop_oneof![Just(80), Just(443), Just(8080)];
    let given = prop::option::of((1..=2).prop_map(|n| format!("{ARN}targetgroup/theirs/{n}")));
    let check = prop::option::of(prop_oneof![
        Just(json!({"IntervalSeconds": 60})),
        Just(json!({"Protocol": "HTTP", "Path": "/healthy"})),
    ]);
    let attributes = prop::option::of(prop_oneof![
        Just(json!([{"Key": "preserve_client_ip.enabled", "Value": true}])),
        Just(json!([{"Key": "deregistration_delay.timeout_seconds", "Value": 10}])),
    ]);
    (ports.clone(), ports, given, check, attributes).prop_map(
        |(port, alb_port, given, check, attributes)| {
            let mut listener = json!({"Port": port, "AlbPort": alb_port});
            if let Some(arn) = given {
                listener["TargetGroupArn"] = json!(arn);
                return listener;
            }
            if let Some(check) = check {
                listener["HealthCheck"] = check;
            }
            if let Some(attributes) = attributes {
                listener["TargetGroupAttributes"] = attributes;
            }
            listener
        },
    )
}

/// Good properties, and the tags of the stack.
fn any_properties() -> impl Strategy<Value = (Properties, BTreeMap<String, String>)> {
    let schedule = prop_oneof![Just("rate(1 minute)"), Just("rate(5 minutes)")];
    let bucket = prop::option::of(prop_oneof![Just("first-bucket"), Just("second-bucket")]);
    let tags = prop::collection::btree_map("team|stage", "[ab]", 0..=2);
    (vec(listener(), 1..4), schedule, 1..=4_u32, bucket, tags).prop_filter_map(
        "a port or a target group twice",
        |(listeners, schedule, invocations, bucket, tags)| {
            let mut properties = json!({
                "AlbArn": format!("{ARN}loadbalancer/app/1"),
                "NlbArn": format!("{ARN}loadbalancer/net/1"),
                "Listeners": listeners,
                "Schedule": schedule,
                "InvocationsBeforeDeregistration": invocations,
            });
            if let Some(bucket) = bucket {
                properties["BucketName"] = json!(bucket);
            }
            let properties = Properties::parse(&properties, "us-east-1", &id()).ok()?;
            Some((properties, tags))
        },
    )
}

fn id() -> BindingId {
    BindingId::derive("stack", "Binding", "nlb")
}

fn desired(properties: Properties) -> Desired {
    Desired {
        id: id(),
        properties,
        account: "123456789012".to_owned(),
        region: "us-east-1".to_owned(),
        function_arn: "arn:function".to_owned(),
        former: Hints::default(),
        replaces: None,
    }
}

/// The same cases in every run, and nothing written into the source folder.
fn config() -> ProptestConfig {
    ProptestConfig {
        cases: 300,
        rng_seed: RngSeed::Fixed(20_261_122),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn whatever_was_before_a_plan_that_was_carried_out_leaves_only_the_sync(
        wishes in vec(any_properties(), 1..4),
    ) {
        let mut world = empty_account();
        for (properties, tags) in wishes {
            let desired = desired(properties);
            world.tags = desired.id.tags(tags);
            // Only the desired bucket is observed.
            let is_there = world.record.as_ref().is_some_and(|(_, bucket)| *bucket == desired.bucket());
            if !is_there {
                world.bucket = match desired.properties.bucket_name {
                    Some(_) => RecordBucket::Given,
                    None => RecordBucket::Missing,
                };
            }
            world = carried_out(&desired, world);
            // The next Update takes the stub of a changed bucket away.
            world = carried_out(&desired, world);
            prop_assert_eq!(steps(&desired, &world), NOTHING);
        }
    }
}
