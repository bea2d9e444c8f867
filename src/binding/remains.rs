//! What is left of a binding that leaves, looked at by its id, and the pure plan of taking it away.
//!
//! Changes nothing. The order of the plan is the contract's: what the record is needed for comes before the
//! record.

use super::removal::Removal;
use super::wiring::own_groups;
use super::{BindingAws, BindingError};
use crate::capabilities::{ElbTags, Listeners, Trouble};
use crate::log::chain;
use crate::model::{Listener, Rule, TargetGroup};
use crate::names::{BindingId, TAG};
use crate::record::{Record, Turn};
use std::collections::BTreeSet;
use tracing::warn;

/// What is left of a binding.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Remains {
    pub(super) rule: Option<Rule>,
    pub(super) listeners: Vec<Listener>,
    pub(super) groups: Vec<TargetGroup>,
    pub(super) has_own_bucket: bool,
    /// The tombstone, and the bucket that it is in.
    pub(super) record: Option<(Record, String)>,
}

impl Remains {
    /// Looks at what carries the id. `nlbs` are those that its listeners may be on; more of them become known, as
    /// do the `ports` of its target groups, and that the own bucket `is_used`.
    pub(super) async fn observe<A: BindingAws>(
        aws: &A,
        turn: &Turn<'_, A>,
        id: &BindingId,
        own_bucket: &str,
        is_used: &mut bool,
        nlbs: &mut BTreeSet<String>,
        ports: &mut Option<BTreeSet<u16>>,
    ) -> Result<Self, BindingError> {
        let held = turn.read(id).await?;
        if let Some(held) = &held {
            ports.clone_from(&held.record.ports);
        }
        let rule_name = id.rule();
        let (rule, groups, own) = tokio::join!(
            aws.rule(&rule_name),
            own_groups(aws, id, ports.as_ref()),
            aws.bucket_exists(own_bucket)
        );
        let (rule, groups) = (rule?, groups?);
        // S3 shows a bucket that was just made to one call and not to the next.
        let is_shown = held.as_ref().is_some_and(|held| held.bucket == own_bucket);
        *is_used |= is_shown;
        let has_own_bucket = match own {
            Err(error) if !*is_used && error.trouble == Trouble::Stays => {
                let error = chain(&error);
                warn!(
                    error,
                    bucket = own_bucket,
                    "it is another account's, or it stays"
                );
                false
            }
            own => own? || is_shown,
        };
        let orders = held.iter().filter_map(|held| held.record.orders.as_ref());
        nlbs.extend(orders.map(|orders| orders.nlb_arn.clone()));
        let of_groups = groups.iter().flat_map(|group| &group.load_balancers);
        nlbs.extend(of_groups.cloned());
        Ok(Self {
            rule,
            listeners: own_listeners(aws, id, nlbs).await?,
            groups,
            has_own_bucket,
            record: held.map(|held| (held.record, held.bucket)),
        })
    }

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

/// The listeners that are a binding's by tag.
async fn own_listeners(
    aws: &(impl Listeners + ElbTags),
    id: &BindingId,
    load_balancers: &BTreeSet<String>,
) -> Result<Vec<Listener>, BindingError> {
    let id = id.to_string();
    let mut own = Vec::new();
    for load_balancer in load_balancers {
        let listeners = aws.listeners(load_balancer).await?;
        let arns: Vec<_> = listeners
            .iter()
            .map(|listener| listener.arn.clone())
            .collect();
        let tags = aws.elb_tags(&arns).await?;
        own.extend(listeners.into_iter().filter(|listener| {
            tags.get(&listener.arn)
                .and_then(|tags| tags.get(TAG))
                .is_some_and(|value| *value == id)
        }));
    }
    Ok(own)
}

#[cfg(test)]
mod tests {
    use super::super::hints::Hints;
    use super::super::plan::lines;
    use super::*;
    use crate::model::{HealthCheck, RuleTarget};
    use crate::record::{Phase, Target};
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
            let own = [(endpoint, Target::default())].into();
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
