//! What is left of a binding that leaves, looked at by its id, and the pure plan of taking it away.
//!
//! Changes nothing. The order of the plan is the contract's: what the record is needed for comes before the
//! record.

use super::removal::Removal;
use super::wiring::{may_be_own, own_groups};
use super::{BindingAws, BindingError};
use crate::capabilities::{ElbTags, Listeners, Trouble, gather};
use crate::log::chain;
use crate::model::{Listener, Rule, TargetGroup};
use crate::names::{BindingId, TAG};
use crate::record::{Held, Record, Turn};
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

/// What is known of where to look. Looks add to it.
#[derive(Debug, Default)]
pub(super) struct Whereabouts {
    /// NLBs that its listeners may be on.
    pub(super) nlbs: BTreeSet<String>,
    /// Listeners of others on them.
    others: BTreeSet<String>,
    /// The ports that its target groups may be of; `None` where only a look at every one of the account tells.
    ports: Option<BTreeSet<u16>>,
    /// The names of those that were taken away under this claim.
    pub(super) gone: BTreeSet<String>,
    /// Whether the record was seen in the own bucket, so that this is nobody else's.
    uses_own_bucket: bool,
}

impl Whereabouts {
    pub(super) fn on(nlbs: impl Iterator<Item = String>) -> Self {
        Self {
            nlbs: nlbs.collect(),
            ..Self::default()
        }
    }
}

/// What the tombstone was written by: nobody but this request has acted since.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) rule: Option<Rule>,
    pub(super) held: Option<Held>,
}

impl Remains {
    /// Looks at what carries the id, as far as it was not `seen` just now.
    pub(super) async fn observe<A: BindingAws>(
        aws: &A,
        turn: &Turn<'_, A>,
        id: &BindingId,
        own_bucket: &str,
        whereabouts: &mut Whereabouts,
        seen: Option<Seen>,
    ) -> Result<Self, BindingError> {
        let (held, rule) = match seen {
            Some(Seen { held, rule }) => (held, Some(rule)),
            None => (turn.read(id).await?, None),
        };
        if let Some(held) = &held {
            whereabouts.ports.clone_from(&held.record.ports);
        }
        let rule = async {
            match rule {
                Some(rule) => Ok(rule),
                None => aws.rule(&id.rule()).await,
            }
        };
        let Whereabouts {
            nlbs,
            others,
            ports,
            gone,
            uses_own_bucket: is_used,
        } = whereabouts;
        let names = ports.as_ref().map(|ports| id.target_groups(ports));
        let names = names.map(|names| {
            names
                .into_iter()
                .filter(|name| !gone.contains(name))
                .collect()
        });
        let (rule, groups, own) = tokio::join!(
            rule,
            own_groups(aws, id, names),
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
            listeners: own_listeners(aws, id, ports.as_ref(), nlbs, others).await?,
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

/// The listeners that are a binding's by tag. Those that are `others'` are no more asked about.
async fn own_listeners(
    aws: &(impl Listeners + ElbTags),
    id: &BindingId,
    ports: Option<&BTreeSet<u16>>,
    load_balancers: &BTreeSet<String>,
    others: &mut BTreeSet<String>,
) -> Result<Vec<Listener>, BindingError> {
    let listeners = gather(load_balancers.iter().map(|on| aws.listeners(on))).await?;
    let listeners = listeners.into_iter().flatten();
    let mut listeners: Vec<_> = listeners
        .filter(|listener| !others.contains(&listener.arn))
        .filter(|listener| may_be_own(id, ports, listener))
        .collect();
    let arns = listeners.iter().map(|listener| listener.arn.clone());
    let arns: Vec<_> = arns.collect();
    let tags = aws.elb_tags(&arns).await?;
    let leads_to_own =
        |listener: &Listener| listener.forwards_to.iter().any(|arn| id.made_group(arn));
    let id = id.to_string();
    let is_own =
        |listener: &Listener| tags.get(&listener.arn).and_then(|tags| tags.get(TAG)) == Some(&id);
    let foreign = listeners
        .iter()
        // AWS may not show yet what an own one is tagged with.
        .filter(|listener| tags.contains_key(&listener.arn) && !is_own(listener))
        .filter(|listener| !leads_to_own(listener));
    others.extend(foreign.map(|listener| listener.arn.clone()));
    listeners.retain(is_own);
    Ok(listeners)
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
