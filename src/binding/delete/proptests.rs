//! Whatever is left of a binding: its plan can be carried out in its order, takes away nothing else, and leaves nothing
//! to plan again.

use super::observed::RemainingResources;
use super::plan::plan;
use crate::binding::step::Removal;
use crate::model::{HealthCheck, Listener, Rule, RuleTarget, TargetGroup};
use crate::names::BindingId;
use crate::record::{OwnTarget, Phase, Record};
use proptest::collection::{btree_set, vec};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

const ARN: &str = "arn:aws:elasticloadbalancing:us-east-1:123456789012:";

fn id() -> BindingId {
    BindingId::derive("stack", "Binding", "nlb")
}

fn own_bucket() -> String {
    id().bucket("123456789012")
}

fn group_arn(name: &str) -> String {
    format!("{ARN}targetgroup/{name}/1")
}

/// The target groups that the rule and the properties name.
fn is_named(arn: &str) -> bool {
    ["named", "named-too"]
        .map(group_arn)
        .contains(&arn.to_owned())
}

fn rule() -> impl Strategy<Value = Option<Rule>> {
    let targets = vec("[a-z]{1,4}", 0..3);
    let rule = targets.prop_map(|ids| Rule {
        arn: "arn:rule".to_owned(),
        schedule: "rate(1 minute)".to_owned(),
        enabled: true,
        targets: ids
            .into_iter()
            .map(|id| RuleTarget {
                id,
                arn: "arn:function".to_owned(),
                template: String::new(),
            })
            .collect(),
    });
    prop::option::of(rule)
}

fn listener(port: u16) -> Listener {
    Listener {
        arn: format!("arn:listener/{port}"),
        port,
        protocol: "TCP".to_owned(),
        forwards_to: vec![group_arn(&id().target_group(port))],
    }
}

fn group(port: u16) -> TargetGroup {
    let name = id().target_group(port);
    TargetGroup {
        arn: group_arn(&name),
        name,
        port,
        protocol: "TCP".to_owned(),
        target_type: "ip".to_owned(),
        vpc_id: "vpc-1".to_owned(),
        health_check: HealthCheck::tcp_default(),
        load_balancers: Vec::new(),
    }
}

/// A tombstone with own targets in own, named and foreign target groups, and with stubs.
fn record() -> impl Strategy<Value = Record> {
    let groups = ["named", "named-too", "foreign"].map(str::to_owned);
    let groups = [groups.to_vec(), vec![id().target_group(80)]].concat();
    let counts = vec(0..3_u16, groups.len());
    let buckets = [
        "first-bucket".to_owned(),
        "second-bucket".to_owned(),
        own_bucket(),
    ];
    let elsewhere = btree_set(prop::sample::select(buckets.to_vec()), 0..=3);
    (counts, elsewhere).prop_map(move |(counts, elsewhere)| {
        let mut record = Record::new(&id().to_string(), Phase::Leaving);
        for (name, count) in groups.iter().zip(counts) {
            let own = (0..count).map(|port| {
                let endpoint = format!("10.0.0.1:{}", port + 1);
                (endpoint.parse().expect("an endpoint"), OwnTarget::default())
            });
            record.own.insert(group_arn(name), own.collect());
        }
        record.elsewhere = elsewhere;
        record
    })
}

fn remaining() -> impl Strategy<Value = RemainingResources> {
    let ports = || btree_set(80..90_u16, 0..4);
    let bucket = prop_oneof![Just(own_bucket()), Just("their-bucket".to_owned())];
    let record = prop::option::of((record(), bucket));
    (rule(), ports(), ports(), any::<bool>(), record).prop_map(
        |(rule, listeners, groups, has_own_bucket, record)| RemainingResources {
            rule,
            listeners: listeners.into_iter().map(listener).collect(),
            groups: groups.into_iter().map(group).collect(),
            has_own_bucket: has_own_bucket
                || record
                    .as_ref()
                    .is_some_and(|(_, bucket)| *bucket == own_bucket()),
            record,
        },
    )
}

/// What is left after one removal; an error if AWS refuses it, or if it is not the binding's.
fn removed(
    mut remaining: RemainingResources,
    removal: &Removal,
) -> Result<RemainingResources, String> {
    let refused = |why: &str| Err(format!("{removal}: {why}"));
    match removal {
        Removal::Targets { target_group } => {
            let Some((record, _)) = &mut remaining.record else {
                return refused("only the record tells which targets are own");
            };
            if !is_named(target_group) {
                return refused("neither the rule nor the properties name it");
            }
            if record
                .own
                .remove(target_group)
                .is_none_or(|own| own.is_empty())
            {
                return refused("it has no own targets");
            }
        }
        Removal::RuleTargets { ids } => {
            let Some(rule) = &mut remaining.rule else {
                return refused("there is no rule");
            };
            rule.targets.retain(|target| !ids.contains(&target.id));
        }
        Removal::Rule => {
            if remaining
                .rule
                .take()
                .is_none_or(|rule| !rule.targets.is_empty())
            {
                return refused("there is none, or it has targets");
            }
        }
        Removal::Listener { arn, .. } => {
            remaining.listeners.retain(|listener| listener.arn != *arn)
        }
        Removal::TargetGroup { arn, .. } => {
            let mut forwards = remaining.listeners.iter().flat_map(|own| &own.forwards_to);
            if forwards.any(|group| group == arn) {
                return refused("a listener forwards to it");
            }
            remaining.groups.retain(|group| group.arn != *arn);
        }
        Removal::Stub { bucket } => {
            let Some((record, _)) = &mut remaining.record else {
                return refused("only the record tells where stubs are");
            };
            if *bucket == own_bucket() || !record.elsewhere.remove(bucket) {
                return refused("no stub is there, or it goes with the own bucket");
            }
        }
        Removal::Bucket { bucket } => {
            if *bucket != own_bucket() {
                return refused("it is not the binding's");
            }
            remaining.has_own_bucket = false;
            remaining.record = remaining
                .record
                .filter(|(_, of_record)| of_record != bucket);
        }
        Removal::Record { bucket } => {
            let record = remaining.record.take();
            if record.is_none_or(|(_, of_record)| of_record != *bucket) {
                return refused("it is not there");
            }
        }
    }
    Ok(remaining)
}

/// The same cases in every run, and nothing written into the source folder.
fn config() -> ProptestConfig {
    ProptestConfig {
        cases: 300,
        rng_seed: RngSeed::Fixed(20_261_127),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn whatever_is_left_its_plan_takes_away_in_the_order_that_aws_takes_and_no_more_than_the_bindings(
        before in remaining(),
    ) {
        let steps = plan(&id(), &own_bucket(), &before, is_named).steps;
        let mut after = before;
        for removal in &steps {
            after = removed(after, removal).map_err(TestCaseError::fail)?;
        }
        prop_assert_eq!(&after, &RemainingResources::default());
        prop_assert!(plan(&id(), &own_bucket(), &after, is_named).steps.is_empty());
    }

    #[test]
    fn nothing_comes_after_the_record_and_the_bucket_that_it_is_in(before in remaining()) {
        let steps = plan(&id(), &own_bucket(), &before, is_named).steps;
        let is_last: Vec<_> = steps.iter().map(Removal::is_last).collect();
        prop_assert!(is_last.is_sorted(), "{:?}", steps);
        if let Some((_, bucket)) = before.record {
            let with_record = [Removal::Record { bucket: bucket.clone() }, Removal::Bucket { bucket }];
            let last = steps.last();
            prop_assert!(last.is_some_and(|last| with_record.contains(last)), "{:?}", steps);
        }
    }
}
