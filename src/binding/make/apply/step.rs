//! Takes one step: its calls to AWS, each with the permit of the record.

use super::applier::{Applier, log_step};
use super::made::MadeSoFar;
use crate::aws::api::Aws;
use crate::binding::delete::Remover;
use crate::binding::error::BindingError;
use crate::binding::step::{Removal, Step};
use crate::discovery::Dns;
use crate::legacy::{self, WhenDenied};
use crate::model::TargetGroupPort;
use crate::record::{Orders, OwnTargets, ResourceKind};
use crate::sync;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

impl<A: Aws, D: Dns> Applier<'_, '_, A, D> {
    pub(super) async fn take_step(
        &self,
        step: &Step,
        made: &RefCell<MadeSoFar>,
    ) -> Result<(), BindingError> {
        let Self { aws, desired, .. } = self;
        let (lease, tags) = (self.turn.lease(), &self.checked.observed.tags);
        let rule = desired.id.rule();
        let is_logged_elsewhere = matches!(
            step,
            Step::CreateBucket { .. }
                | Step::TagBucket { .. }
                | Step::PutBucketPolicy { .. }
                | Step::Claim { .. }
                | Step::Remove(_)
        );
        if !is_logged_elsewhere {
            log_step(step);
        }
        match step {
            // The claim, and what is taken and logged before it.
            Step::CreateBucket { .. }
            | Step::TagBucket { .. }
            | Step::PutBucketPolicy { .. }
            | Step::Claim { .. } => {}
            Step::MoveRecord { to, .. } => self.turn.move_to(&desired.id, to).await?,
            Step::CreateTargetGroup {
                name,
                port,
                vpc_id,
                health_check,
            } => {
                let create = async |permit| {
                    let create =
                        aws.create_target_group(permit, name, *port, vpc_id, health_check, tags);
                    create.await
                };
                let arn = lease.act(create).await?;
                lease.just_made().add(ResourceKind::TargetGroup, &arn);
                made.borrow_mut().groups.insert(name.clone(), arn);
            }
            Step::ModifyHealthCheck { name, health_check } => {
                let arn = self.group_arn(name, &made.borrow())?;
                let modify =
                    async |permit| aws.modify_health_check(permit, &arn, health_check).await;
                lease.act(modify).await?;
            }
            Step::ModifyAttributes { name, attributes } => {
                let arn = self.group_arn(name, &made.borrow())?;
                let modify = async |permit| aws.modify_attributes(permit, &arn, attributes).await;
                lease.act(modify).await?;
            }
            Step::TagTargetGroup { name, tags } => {
                let arn = self.group_arn(name, &made.borrow())?;
                let tag = async |permit| aws.add_elb_tags(permit, &arn, tags).await;
                lease.act(tag).await?;
            }
            Step::Sync { adopts } => {
                let mut orders = self.orders(&made.borrow())?;
                // A given target group that is gone is not served: the checks have warned.
                let given = &self.checked.observed.given_groups;
                let is_there = |arn: &str| given.get(arn).is_none_or(Option::is_some);
                orders.target_groups.retain(|group| is_there(&group.arn));
                let adopted = self.adopt_targets(&orders, adopts).await?;
                let given: BTreeSet<String> = desired.given().map(str::to_owned).collect();
                let first = sync::FirstSync {
                    id: &desired.id,
                    orders: &orders,
                    given: &given,
                    new: made.borrow().groups.values().cloned().collect(),
                    adopted: &adopted,
                    may_lack_addresses: self.checked.backend.may_lack_addresses,
                };
                let first = sync::first_sync(*aws, self.dns, self.turn, &first);
                let addresses = Box::pin(first).await?;
                made.borrow_mut().addresses = addresses;
            }
            Step::CreateListener { port, target_group } => {
                let group = self.group_arn(target_group, &made.borrow())?;
                let nlb = &desired.properties.nlb_arn;
                let create =
                    async |permit| aws.create_listener(permit, nlb, *port, &group, tags).await;
                let arn = lease.act(create).await?;
                lease.just_made().add(ResourceKind::Listener, &arn);
                made.borrow_mut().listeners.insert(*port, arn);
            }
            Step::ForwardListener {
                arn, target_group, ..
            } => {
                let group = self.group_arn(target_group, &made.borrow())?;
                let forward = async |permit| aws.modify_listener(permit, arn, None, &group).await;
                lease.act(forward).await?;
            }
            Step::SetIdleTimeout { port, seconds } => {
                let arn = made.borrow().listener_arn(*port, self.checked.observed);
                let arn = arn.ok_or(BindingError::Unplanned)?;
                let set = async |permit| aws.set_idle_timeout(permit, &arn, *seconds).await;
                lease.act(set).await?;
            }
            Step::MoveListener {
                arn,
                port,
                target_group,
                ..
            } => {
                let group = self.group_arn(target_group, &made.borrow())?;
                let modify =
                    async |permit| aws.modify_listener(permit, arn, Some(*port), &group).await;
                lease.act(modify).await?;
                made.borrow_mut().listeners.insert(*port, arn.clone());
            }
            Step::TagListener { arn, tags, .. } => {
                let tag = async |permit| aws.add_elb_tags(permit, arn, tags).await;
                lease.act(tag).await?;
            }
            Step::PutRule { schedule } => {
                let put = async |permit| aws.put_rule(permit, &rule, schedule, tags).await;
                let arn = lease.act(put).await?;
                made.borrow_mut().rule_arn = Some(arn);
                lease.just_made().add(ResourceKind::Rule, &rule);
            }
            Step::TagRule { tags } => {
                if let Some(rule) = &self.checked.observed.rule {
                    let tag = async |permit| aws.tag_rule(permit, &rule.arn, tags).await;
                    lease.act(tag).await?;
                }
            }
            Step::PutRuleTarget => {
                let held = self.turn.last_known(&desired.id);
                let known = held.map_or(0, |held| {
                    self.checked.backend.addresses_known_by(&held.record)
                });
                let target = {
                    let made = made.borrow();
                    // DNS might not have shown all addresses that the record knows.
                    let expected = made.addresses.max(known);
                    desired.rule_target(&self.checked, &made.groups, expected)
                };
                let target = target.ok_or(BindingError::Unplanned)?;
                let put = async |permit| aws.put_rule_target(permit, &rule, &target).await;
                lease.act(put).await?;
            }
            Step::Remove(removal) => {
                let remover = Remover {
                    aws: *aws,
                    turn: self.turn,
                    id: &desired.id,
                    leaves_bucket: Cell::new(false),
                    in_use_for: Duration::MAX,
                };
                let was_there = remover.remove(removal).await?;
                if let (false, Removal::TargetGroup { name, .. }) = (was_there, removal) {
                    made.borrow_mut().unknown.insert(name.clone());
                }
            }
        }
        Ok(())
    }

    /// The targets that an earlier function registered in target groups that are given for the first time.
    async fn adopt_targets(
        &self,
        orders: &Orders,
        groups: &[TargetGroupPort],
    ) -> Result<BTreeMap<String, OwnTargets>, BindingError> {
        if groups.is_empty() {
            return Ok(BTreeMap::new());
        }
        let bucket = self.desired.bucket();
        let adopted = legacy::adopt(self.aws, orders, &bucket, groups, WhenDenied::Fail).await;
        Ok(adopted.map_err(Box::new)?)
    }
}
