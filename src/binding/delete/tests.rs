//! The plan of Delete.

use super::observed::RemainingResources;
use super::plan::plan;
use crate::binding::hints::Hints;
use crate::model::{HealthCheck, Listener, Rule, RuleTarget, TargetGroup};
use crate::names::BindingId;
use crate::record::{OwnTarget, Phase, Record};
use serde_json::json;

fn id() -> BindingId {
    BindingId::derive("stack", "Binding", "arn:nlb")
}

fn rule(targets: &[&str]) -> Rule {
    let targets = targets.iter().map(|id| RuleTarget {
        id: (*id).to_owned(),
        arn: "arn:function".to_owned(),
        template: "not ours to read".to_owned(),
    });
    Rule {
        arn: "arn:rule".to_owned(),
        schedule: "rate(1 minute)".to_owned(),
        enabled: true,
        targets: targets.collect(),
    }
}

/// The plan if only a rule is left, or nothing.
fn plan_of(rule: Option<Rule>) -> String {
    let remaining = RemainingResources {
        rule,
        ..RemainingResources::default()
    };
    plan(&id(), "own-bucket", &remaining, |_| false).to_string()
}

#[test]
fn a_rules_targets_go_before_it() {
    assert_eq!(
        plan_of(Some(rule(&["theirs"]))),
        "- rule target theirs\n- rule"
    );
    assert_eq!(plan_of(Some(rule(&[]))), "- rule");
    assert_eq!(plan_of(None), "");
}

#[test]
fn all_goes_in_the_order_of_the_contract_and_of_given_groups_only_those_that_were_named() {
    const GROUP: &str = "arn:aws:elasticloadbalancing:us-east-1:1:targetgroup/theirs/1";
    let properties = json!({"Listeners": [{"TargetGroupArn": GROUP}]});
    let hints = Hints::read(&properties, "us-east-1");
    let id = id();
    let bucket = id.bucket("123456789012");
    let mut record = Record::new(&id.to_string(), Phase::Leaving);
    let endpoint = "10.0.0.1:80".parse().expect("an endpoint");
    for group in [
        GROUP,
        "arn:aws:elasticloadbalancing:us-east-1:1:targetgroup/foreign/1",
    ] {
        let own = [(endpoint, OwnTarget::default())].into();
        record.own.insert(group.to_owned(), own);
    }
    record.elsewhere.insert("former-bucket".to_owned());
    let remaining = RemainingResources {
        rule: Some(rule(&["ours"])),
        listeners: vec![Listener {
            arn: "arn:listener".to_owned(),
            port: 80,
            protocol: "TCP".to_owned(),
            forwards_to: Vec::new(),
        }],
        groups: vec![TargetGroup {
            arn: "arn:group".to_owned(),
            name: id.target_group(80),
            port: 80,
            protocol: "TCP".to_owned(),
            target_type: "ip".to_owned(),
            vpc_id: "vpc-1".to_owned(),
            health_check: HealthCheck::tcp_default(),
            load_balancers: Vec::new(),
        }],
        has_own_bucket: true,
        record: Some((record, "their-bucket".to_owned())),
    };
    let is_named = |arn: &str| hints.given.contains(arn);
    let plan = plan(&id, &bucket, &remaining, is_named).to_string();
    let expected = [
        format!("- own targets in {GROUP}"),
        "- rule target ours".to_owned(),
        "- rule".to_owned(),
        "- listener on port 80".to_owned(),
        format!("- target group {}", id.target_group(80)),
        "- stub in bucket former-bucket".to_owned(),
        format!("- bucket {bucket}"),
        "- record in bucket their-bucket".to_owned(),
    ];
    assert_eq!(plan, expected.join("\n"));
}
