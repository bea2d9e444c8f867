//! ELBv2: target groups. ELBv2 API, `CreateTargetGroup` (idempotent for the same settings, else
//! DuplicateTargetGroupName), `DeleteTargetGroup` (ResourceInUse while a listener forwards to it).
//!
//! Decides nothing about right and wrong: it calls the judge before it makes a change.

use super::call::{SimulatedAws, change, read, rejected};
use crate::judge;
use crate::state::Service::Elb;
use crate::state::{SimulatedTargetGroup, arn};
use alb_nlb_binding::aws::api::{AwsResult, TargetGroups};
use alb_nlb_binding::model::{Attributes, HealthCheck, Tags, TargetGroup};
use alb_nlb_binding::permit::Permit;
use alb_nlb_binding::properties::attribute_defaults;
use std::collections::BTreeMap;

impl TargetGroups for SimulatedAws {
    async fn target_groups_by_name(&self, names: &[String]) -> AwsResult<Vec<TargetGroup>> {
        let (asked, wanted) = (names.join(", "), names.to_vec());
        self.call(
            read(Elb, "DescribeTargetGroups"),
            &asked,
            move |world, _| {
                let (elb, now) = (world.elb.borrow(), world.scheduler.now());
                let groups = elb.groups.values().filter(|held| held.visible_from <= now);
                let groups = groups.filter(|held| wanted.contains(&held.group.name));
                Ok(groups
                    .map(|held| described(held, elb.load_balancers_of(&held.group.arn)))
                    .collect())
            },
        )
        .await
    }

    async fn target_groups_with_prefix(&self, prefix: &str) -> AwsResult<Vec<TargetGroup>> {
        let wanted = prefix.to_owned();
        self.call(
            read(Elb, "DescribeTargetGroups"),
            prefix,
            move |world, _| {
                let (elb, now) = (world.elb.borrow(), world.scheduler.now());
                let groups = elb.groups.values().filter(|held| held.visible_from <= now);
                let groups = groups.filter(|held| held.group.name.starts_with(&wanted));
                Ok(groups
                    .map(|held| described(held, elb.load_balancers_of(&held.group.arn)))
                    .collect())
            },
        )
        .await
    }

    async fn target_group(&self, arn: &str) -> AwsResult<Option<TargetGroup>> {
        let wanted = arn.to_owned();
        self.call(read(Elb, "DescribeTargetGroups"), arn, move |world, _| {
            let elb = world.elb.borrow();
            let found = elb
                .groups
                .get(&wanted)
                .filter(|held| held.visible_from <= world.scheduler.now());
            Ok(found.map(|held| described(held, elb.load_balancers_of(&wanted))))
        })
        .await
    }

    async fn target_group_attributes(&self, arn: &str) -> AwsResult<Attributes> {
        let wanted = arn.to_owned();
        self.call(
            read(Elb, "DescribeTargetGroupAttributes"),
            arn,
            move |world, _| {
                let mut elb = world.elb.borrow_mut();
                let gone = || {
                    rejected(
                        "DescribeTargetGroupAttributes",
                        &wanted,
                        "TargetGroupNotFound",
                    )
                };
                let found = elb.visible(&wanted, world.scheduler.now());
                found.map(|held| held.attributes.clone()).ok_or_else(gone)
            },
        )
        .await
    }

    async fn create_target_group(
        &self,
        _: Permit,
        name: &str,
        port: u16,
        vpc_id: &str,
        health_check: &HealthCheck,
        tags: &Tags,
    ) -> AwsResult<String> {
        let (wanted, tags) = (name.to_owned(), tags.clone());
        let (vpc_id, health_check) = (vpc_id.to_owned(), health_check.clone());
        self.call(
            change(Elb, "CreateTargetGroup"),
            name,
            move |world, process| {
                judge::require_own_group(world, process, &wanted);
                let mut elb = world.elb.borrow_mut();
                if let Some(held) = elb.group_called(&wanted) {
                    let is_same =
                        held.group.port == port && held.group.health_check == health_check;
                    let duplicate =
                        || rejected("CreateTargetGroup", &wanted, "DuplicateTargetGroupName");
                    return is_same
                        .then(|| held.group.arn.clone())
                        .ok_or_else(duplicate);
                }
                let arn = arn(&format!(
                    "targetgroup/{wanted}/{}",
                    world.scheduler.next_number()
                ));
                let late = world.dice.chance(world.faults.rates().not_yet);
                let now = world.scheduler.now();
                let group = SimulatedTargetGroup {
                    group: TargetGroup {
                        arn: arn.clone(),
                        name: wanted.clone(),
                        port,
                        protocol: "TCP".to_owned(),
                        target_type: "ip".to_owned(),
                        vpc_id: vpc_id.clone(),
                        health_check: health_check.clone(),
                        load_balancers: Vec::new(),
                    },
                    attributes: attribute_defaults(),
                    tags: tags.clone(),
                    targets: BTreeMap::new(),
                    visible_from: if late {
                        now + world.dice.between(200, 3_000)
                    } else {
                        now
                    },
                };
                if late {
                    world.coverage.count("a target group not yet visible");
                }
                elb.groups.insert(arn.clone(), group);
                Ok(arn)
            },
        )
        .await
    }

    async fn modify_health_check(
        &self,
        _: Permit,
        arn: &str,
        check: &HealthCheck,
    ) -> AwsResult<()> {
        let check = check.clone();
        self.modify(arn, "ModifyTargetGroup", move |held| {
            held.group.health_check = check.clone()
        })
        .await
    }

    async fn modify_attributes(
        &self,
        _: Permit,
        arn: &str,
        attributes: &Attributes,
    ) -> AwsResult<()> {
        let more = attributes.clone();
        self.modify(arn, "ModifyTargetGroupAttributes", move |held| {
            held.attributes.extend(more.clone())
        })
        .await
    }

    async fn delete_target_group(&self, _: Permit, arn: &str) -> AwsResult<()> {
        let wanted = arn.to_owned();
        self.call(
            change(Elb, "DeleteTargetGroup"),
            arn,
            move |world, process| {
                judge::require_own_group(world, process, &wanted);
                judge::check_group_deletion(world, process, &wanted);
                let mut elb = world.elb.borrow_mut();
                if !elb.load_balancers_of(&wanted).is_empty() {
                    return Err(rejected("DeleteTargetGroup", &wanted, "ResourceInUse"));
                }
                elb.groups.remove(&wanted);
                Ok(())
            },
        )
        .await
    }
}

impl SimulatedAws {
    async fn modify(
        &self,
        arn: &str,
        name: &'static str,
        edit: impl Fn(&mut SimulatedTargetGroup) + 'static,
    ) -> AwsResult<()> {
        let wanted = arn.to_owned();
        self.call(change(Elb, name), arn, move |world, process| {
            judge::require_own_group(world, process, &wanted);
            let mut elb = world.elb.borrow_mut();
            let gone = || rejected(name, &wanted, "TargetGroupNotFound");
            edit(
                elb.visible(&wanted, world.scheduler.now())
                    .ok_or_else(gone)?,
            );
            Ok(())
        })
        .await
    }
}

fn described(held: &SimulatedTargetGroup, load_balancers: Vec<String>) -> TargetGroup {
    TargetGroup {
        load_balancers,
        ..held.group.clone()
    }
}
