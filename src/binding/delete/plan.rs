//! The plan of Delete: from what is left to what to take away. Pure.
//!
//! Its order is the contract's: what the record is needed for comes before the record.

use super::observe::Remains;
use crate::binding::step::Removal;
use crate::model::Rule;
use crate::names::BindingId;

impl Remains {
    /// What to take away, in this order. Of target groups that are not the binding's own, own targets leave
    /// only those that are named.
    pub(super) fn plan(
        &self,
        id: &BindingId,
        own_bucket: &str,
        is_named: impl Fn(&str) -> bool,
    ) -> Vec<Removal> {
        let record = self.record.as_ref();
        let own = record.into_iter().flat_map(|(record, _)| &record.own);
        let given = own.filter(|(arn, own)| !own.is_empty() && is_named(arn));
        let given = given.filter(|(arn, _)| !id.made_group(arn));
        let given = given.map(|(arn, _)| Removal::Targets {
            target_group: arn.clone(),
        });
        let listeners = self.listeners.iter().map(|listener| Removal::Listener {
            arn: listener.arn.clone(),
            port: listener.port,
        });
        let groups = self.groups.iter().map(|group| Removal::TargetGroup {
            arn: group.arn.clone(),
            name: group.name.clone(),
        });
        let elsewhere = record.into_iter().flat_map(|(record, _)| &record.elsewhere);
        let stubs = elsewhere.filter(|bucket| *bucket != own_bucket);
        let stubs = stubs.map(|bucket| Removal::Stub {
            bucket: bucket.clone(),
        });
        let record = record.filter(|(_, bucket)| *bucket != own_bucket);
        let record = record.map(|(_, bucket)| Removal::Record {
            bucket: bucket.clone(),
        });
        let bucket = self.has_own_bucket.then(|| Removal::Bucket {
            bucket: own_bucket.to_owned(),
        });
        given
            .chain(plan_rule(self.rule.as_ref()))
            .chain(listeners)
            .chain(groups)
            .chain(stubs)
            // An own bucket beside a record that is elsewhere holds no more than a stub.
            .chain(bucket)
            .chain(record)
            .collect()
    }
}

/// A rule can only be deleted without targets.
fn plan_rule(rule: Option<&Rule>) -> Vec<Removal> {
    let Some(rule) = rule else {
        return Vec::new();
    };
    let ids: Vec<_> = rule
        .targets
        .iter()
        .map(|target| target.id.clone())
        .collect();
    let targets = (!ids.is_empty()).then_some(Removal::RuleTargets { ids });
    targets.into_iter().chain([Removal::Rule]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::binding::hints::Hints;
    use crate::binding::own::may_be_own;
    use crate::binding::step::lines;
    use crate::model::{HealthCheck, Listener, RuleTarget, TargetGroup};
    use crate::record::{OwnTarget, Phase, Record};
    use serde_json::json;
    use std::collections::BTreeSet;

    fn id() -> BindingId {
        BindingId::derive("stack", "Binding", "arn:nlb")
    }

    #[test]
    fn of_an_nlb_that_many_share_only_listeners_that_may_be_its_own_are_asked_about() {
        let listener = |port, forwards_to: &[&str]| Listener {
            arn: format!("arn:listener/{port}"),
            port,
            protocol: "TCP".to_owned(),
            forwards_to: forwards_to.iter().map(|arn| (*arn).to_owned()).collect(),
        };
        let (own, theirs) = (
            format!("arn:targetgroup/{}80", id().target_group_prefix()),
            "arn:targetgroup/anb-0123456789abcdef-81/1",
        );
        let own = own.replacen("arn:", "arn:aws:elasticloadbalancing:eu-central-1:1:", 1);
        let noted = BTreeSet::from([80]);
        let may_be_own = |listener, ports| may_be_own(&id(), ports, &listener);
        assert!(
            may_be_own(listener(80, &[theirs]), Some(&noted)),
            "by its port"
        );
        assert!(
            may_be_own(listener(81, &[&own]), Some(&noted)),
            "by its target group"
        );
        assert!(
            may_be_own(listener(81, &[]), Some(&noted)),
            "it leads nowhere"
        );
        assert!(!may_be_own(listener(81, &[theirs]), Some(&noted)));
        assert!(
            may_be_own(listener(81, &[theirs]), None),
            "nothing is known"
        );
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

    #[test]
    fn a_rules_targets_go_before_it() {
        let plan = plan_rule(Some(&rule(&["theirs"])));
        assert_eq!(lines(&plan), "- rule target theirs\n- rule");
        assert_eq!(lines(&plan_rule(Some(&rule(&[])))), "- rule");
        assert!(plan_rule(None).is_empty());
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
        let remains = Remains {
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
                health_check: HealthCheck {
                    protocol: "TCP".to_owned(),
                    port: "traffic-port".to_owned(),
                    interval_seconds: 30,
                    timeout_seconds: 10,
                    healthy_threshold: 5,
                    unhealthy_threshold: 2,
                    http: None,
                },
                load_balancers: Vec::new(),
            }],
            has_own_bucket: true,
            record: Some((record, "their-bucket".to_owned())),
        };
        let plan = lines(&remains.plan(&id, &bucket, |arn| hints.given.contains(arn)));
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
}
