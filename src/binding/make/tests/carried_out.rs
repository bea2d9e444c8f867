//! What AWS would show after a plan was carried out.

use super::world::own_listener;
use crate::binding::desired::Desired;
use crate::binding::make::checks::{Backend, Checked};
use crate::binding::make::observed::{NlbListener, Observed, OwnTargetGroup, RecordBucket};
use crate::binding::make::plan::plan;
use crate::binding::step::{Plan, Removal, Step};
use crate::model::{Attributes, Rule, TCP_IDLE_TIMEOUT, TargetGroup};
use crate::properties::attribute_defaults;
use crate::record::{OwnTargets, Phase, Record};
use std::borrow::Cow;
use std::collections::BTreeMap;

pub(in crate::binding::make) const NOTHING: &str = "~ targets: every address in DNS";

/// The world as if it had passed the checks.
pub(super) fn checked(world: &Observed) -> Checked<'_> {
    let (alb, nlb) = (world.alb.as_ref(), world.nlb.as_ref());
    let (alb, nlb) = (alb.expect("an ALB"), nlb.expect("an NLB"));
    Checked {
        backend: Backend::of_alb(alb, alb.is_in_another_vpc(nlb)),
        nlb: Cow::Borrowed(nlb),
        observed: world,
        uses_bucket_already: false,
    }
}

pub(super) fn planned(desired: &Desired, world: &Observed) -> Plan<Step> {
    plan(desired, &checked(world))
}

/// A plan without the claim, which every plan begins with.
pub(in crate::binding::make) fn steps(desired: &Desired, world: &Observed) -> String {
    let plan = planned(desired, world).to_string();
    let lines = plan.lines().filter(|line| !line.starts_with("~ record in"));
    lines.collect::<Vec<_>>().join("\n")
}

/// The world after a plan was carried out, as AWS would show it.
pub(in crate::binding::make) fn carried_out(desired: &Desired, world: Observed) -> Observed {
    let steps = planned(desired, &world).steps;
    after(desired, world, steps)
}

pub(super) fn after(desired: &Desired, mut world: Observed, steps: Vec<Step>) -> Observed {
    for step in steps {
        match step {
            Step::CreateBucket { .. } => {
                let tags = world.tags.clone();
                let policy = Ok(None);
                world.bucket = RecordBucket::Own { tags, policy };
            }
            Step::Claim { bucket } => {
                let new = || (Record::new(&desired.id.to_string(), Phase::Making), bucket);
                world.record.get_or_insert_with(new);
            }
            Step::MoveRecord { from, to } => {
                let (record, bucket) = world.record.as_mut().expect("a record");
                record.elsewhere.remove(&to);
                record.elsewhere.insert(from);
                *bucket = to;
            }
            Step::Sync { .. } => {
                let (record, _) = world.record.as_mut().expect("a record");
                let given = desired
                    .given()
                    .map(|arn| (arn.to_owned(), OwnTargets::new()));
                for (arn, own) in given {
                    record.own.entry(arn).or_insert(own);
                }
            }
            Step::TagBucket { tags, .. } => *own_bucket(&mut world).0 = tags,
            Step::PutBucketPolicy { policy, .. } => *own_bucket(&mut world).1 = Ok(Some(policy)),
            Step::CreateTargetGroup {
                name,
                port,
                vpc_id,
                health_check,
            } => {
                world.groups.push(OwnTargetGroup {
                    group: TargetGroup {
                        arn: format!("arn:{name}"),
                        name,
                        port,
                        protocol: "TCP".to_owned(),
                        target_type: "ip".to_owned(),
                        vpc_id,
                        health_check,
                        load_balancers: Vec::new(),
                    },
                    attributes: attribute_defaults(),
                    tags: world.tags.clone(),
                });
            }
            Step::ModifyHealthCheck { name, health_check } => {
                group(&mut world, &name).group.health_check = health_check;
            }
            Step::ModifyAttributes { name, attributes } => {
                group(&mut world, &name).attributes.extend(attributes);
            }
            Step::TagTargetGroup { name, tags } => group(&mut world, &name).tags.extend(tags),
            Step::CreateListener { port, target_group } => {
                let tags = world.tags.clone();
                world
                    .nlb_listeners
                    .push(own_listener(port, &format!("arn:{target_group}"), tags));
            }
            Step::ForwardListener {
                port, target_group, ..
            } => {
                listener(&mut world, port).listener.forwards_to =
                    vec![format!("arn:{target_group}")];
            }
            Step::MoveListener {
                from,
                port,
                target_group,
                ..
            } => {
                let moved = &mut listener(&mut world, from).listener;
                moved.port = port;
                moved.forwards_to = vec![format!("arn:{target_group}")];
            }
            Step::SetIdleTimeout { port, seconds } => {
                let attributes = &mut listener(&mut world, port).attributes;
                attributes.insert(TCP_IDLE_TIMEOUT.to_owned(), seconds.to_string());
            }
            Step::TagListener { port, tags, .. } => listener(&mut world, port).tags.extend(tags),
            Step::PutRule { schedule } => {
                let tags = world.tags.clone();
                let targets = world
                    .rule
                    .take()
                    .map(|rule| rule.targets)
                    .unwrap_or_default();
                world.rule = Some(Rule {
                    arn: "arn:rule".to_owned(),
                    schedule,
                    enabled: true,
                    targets,
                });
                world.rule_tags.extend(tags);
            }
            Step::TagRule { tags } => world.rule_tags.extend(tags),
            Step::PutRuleTarget => {
                let record = world.record.as_ref();
                let backend = checked(&world).backend;
                let expected = record.map_or(0, |(record, _)| backend.addresses_known_by(record));
                let target = desired.rule_target(&checked(&world), &BTreeMap::new(), expected);
                let target = target.expect("all is made");
                world.rule.as_mut().expect("a rule").targets = vec![target];
            }
            Step::Remove(Removal::Listener { arn, .. }) => {
                world.nlb_listeners.retain(|own| own.listener.arn != arn);
            }
            Step::Remove(Removal::TargetGroup { arn, .. }) => {
                world.groups.retain(|own| own.group.arn != arn);
            }
            Step::Remove(Removal::Stub { bucket }) => {
                let (record, _) = world.record.as_mut().expect("a record");
                record.elsewhere.remove(&bucket);
            }
            Step::Remove(Removal::Targets { target_group }) => {
                let (record, _) = world.record.as_mut().expect("a record");
                record.own.remove(&target_group);
            }
            Step::Remove(_) => {}
        }
    }
    world
}

pub(super) fn group<'a>(world: &'a mut Observed, name: &str) -> &'a mut OwnTargetGroup {
    world
        .groups
        .iter_mut()
        .find(|own| own.group.name == name)
        .expect("the group")
}

pub(super) fn listener(world: &mut Observed, port: u16) -> &mut NlbListener {
    world
        .nlb_listeners
        .iter_mut()
        .find(|own| own.listener.port == port)
        .expect("the listener")
}

/// The tags and the policy of the own bucket.
pub(super) fn own_bucket(
    world: &mut Observed,
) -> (&mut Attributes, &mut Result<Option<String>, String>) {
    match &mut world.bucket {
        RecordBucket::Own { tags, policy } => (tags, policy),
        other => panic!("there is no own bucket: {other:?}"),
    }
}
