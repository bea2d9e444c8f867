//! Carries a plan out, one step after the other, and gathers the attributes for `Fn::GetAtt`.
//!
//! Decides nothing: which steps there are, and their order, is the plan's.

use super::checks::Checked;
use super::observed::Observed;
use super::orders::group_arn;
use super::plan::{self, Plan};
use crate::aws::api::{Aws, unless_gone};
use crate::binding::delete::Remover;
use crate::binding::desired::Desired;
use crate::binding::error::BindingError;
use crate::binding::findings::{lost_name, no_policy};
use crate::binding::step::{Removal, Step};
use crate::discovery::Dns;
use crate::legacy::{self, Denied};
use crate::log::chain;
use crate::model::Tags;
use crate::progress;
use crate::properties::TargetGroupProperties;
use crate::record::{Orders, RecordError, ResourceKind, Turn};
use crate::sync;
use futures_util::stream::{self, StreamExt};
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tracing::{info, warn};

/// The attributes of a binding, by the names that `Fn::GetAtt` knows.
pub type ReturnValues = BTreeMap<String, String>;

/// What a binding has come to.
pub struct Bound {
    pub attributes: ReturnValues,
    /// What ticks are to go by from now on.
    pub orders: Orders,
    /// The ports that its target groups may be of.
    pub ports: BTreeSet<u16>,
}

/// How many target groups, or listeners, are made side by side: of changes ELBv2 takes only twenty at once (ELB
/// guide, "Request throttling for the Elastic Load Balancing API").
const MADE_SIDE_BY_SIDE: usize = 4;

/// A listener that AWS refuses for a quota.
struct RefusedListener {
    port: u16,
    error: BindingError,
}

/// What the steps have made so far.
#[derive(Default)]
struct Made {
    /// Target group ARNs by name.
    groups: BTreeMap<String, String>,
    /// Listener ARNs by port.
    listeners: BTreeMap<u16, String>,
    rule_arn: Option<String>,
    addresses: usize,
    /// Target groups that were to be taken away and that AWS said not to know: it may yet.
    unknown: BTreeSet<String>,
}

/// What the steps of one plan work with.
pub(super) struct Applier<'a, 't, A, D> {
    pub(super) aws: &'a A,
    pub(super) dns: &'a D,
    pub(super) turn: &'a Turn<'t, A>,
    pub(super) desired: &'a Desired,
    pub(super) checked: Checked<'a>,
}

impl<A: Aws, D: Dns> Applier<'_, '_, A, D> {
    /// The steps before the claim: of the bucket, which may have to be made for it.
    pub(super) async fn prepare(&self, plan: &Plan) -> Result<(), BindingError> {
        for step in &plan.steps {
            match step {
                Step::CreateBucket { bucket } => {
                    note(step);
                    self.create_bucket(bucket).await?;
                }
                Step::TagBucket { bucket, tags } => {
                    note(step);
                    self.tag_bucket(bucket, tags).await?;
                }
                Step::PutBucketPolicy { bucket, policy } => {
                    note(step);
                    self.put_bucket_policy(bucket, policy).await?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    async fn create_bucket(&self, bucket: &str) -> Result<(), BindingError> {
        let (lease, tags) = (self.turn.lease(), &self.checked.observed.tags);
        let create = async |permit| self.aws.create_bucket(permit, bucket, tags).await;
        let refused = match lease.act(create).await {
            Err(RecordError::Aws(error)) if error.is(&["BucketAlreadyExists"]) => {
                Some(lost_name(bucket, &error.reason))
            }
            Err(RecordError::Aws(error)) if error.is(&["AccessDenied"]) => Some(format!(
                "{error}; allow s3:CreateBucket and s3:TagResource on it, or give BucketName, or StateBucket of the \
                 provider's stack (the function's variable STATE_BUCKET), to use an existing bucket"
            )),
            created => {
                created?;
                None
            }
        };
        if let Some(reason) = refused {
            return Err(BindingError::OwnBucket { reason });
        }
        lease.fresh().add(ResourceKind::Bucket, bucket);
        // The answer does not tell whether the tags were taken: a bucket that was there already keeps its own, and
        // not everything that speaks S3 knows tags there. One that is not shown yet was made with them.
        let present = unless_gone(self.aws.bucket_tags(bucket).await)?;
        let lacking = present.and_then(|present| plan::bucket_tags(&present, tags));
        match lacking {
            Some(tags) => self.tag_bucket(bucket, &tags).await,
            None => Ok(()),
        }
    }

    async fn tag_bucket(&self, bucket: &str, tags: &Tags) -> Result<(), BindingError> {
        let tag = async |permit| self.aws.put_bucket_tags(permit, bucket, tags).await;
        Ok(self.turn.lease().act(tag).await?)
    }

    /// Nothing is written into a new bucket that takes requests without TLS. Where the binding stands, nothing that
    /// serves depends on it.
    async fn put_bucket_policy(&self, bucket: &str, policy: &str) -> Result<(), BindingError> {
        let put = async |permit| self.aws.put_bucket_policy(permit, bucket, policy).await;
        match self.turn.lease().act(put).await {
            Err(RecordError::Aws(error)) => {
                let reason = no_policy(bucket, &chain(&error));
                if !self.checked.bucket_stands {
                    return Err(BindingError::OwnBucket { reason });
                }
                warn!(reason, "the binding stands all the same");
                Ok(())
            }
            put => Ok(put?),
        }
    }

    /// All other steps.
    pub(super) async fn carry_out(&self, plan: &Plan) -> Result<Bound, BindingError> {
        let made = RefCell::default();
        let takes_away = |step: &Step| matches!(step, Step::Remove(_));
        let (mut taking_away, making): (Vec<_>, Vec<_>) =
            plan.steps.iter().cloned().partition(takes_away);
        for stage in making.chunk_by(Step::is_beside) {
            let refused = self.stage(stage, &made).await?;
            let ports = refused.iter().map(|refused| refused.port).collect();
            let Some(RefusedListener { error, .. }) = refused.into_iter().next() else {
                continue;
            };
            // A listener that is to go makes room, as the last step.
            taking_away = match plan::moving(self.desired, &self.checked, &ports) {
                Some(steps) => steps,
                None => return Err(error),
            };
            let error = chain(&error);
            info!(
                error,
                ?ports,
                "listeners that are to go will be moved there"
            );
        }
        // What is about to go serves what a rollback would go back to.
        self.turn.is_not_rolled_back(&self.desired.id).await?;
        for step in &taking_away {
            self.take(step, &made).await?;
        }
        let waits = |step: &Step| matches!(step, Step::Remove(Removal::Targets { .. }));
        if taking_away.iter().any(waits) {
            // Ticks go by a success, and the rollback may have begun since.
            self.turn.is_not_rolled_back(&self.desired.id).await?;
        }
        let made = made.into_inner();
        Ok(Bound {
            attributes: self.attributes(&made),
            orders: self.orders(&made)?,
            ports: self.ports(&made),
        })
    }

    /// Takes steps, those of different chains side by side; gives the listeners that AWS refuses for a quota.
    async fn stage(
        &self,
        steps: &[Step],
        made: &RefCell<Made>,
    ) -> Result<Vec<RefusedListener>, BindingError> {
        let mut chains: Vec<Vec<&Step>> = Vec::new();
        for step in steps {
            let is_its = |chain: &&mut Vec<&Step>| {
                let first = chain.first();
                first.is_some_and(|first| first.chain() == step.chain())
            };
            match chains.iter_mut().find(is_its) {
                Some(chain) => chain.push(step),
                None => chains.push(vec![step]),
            }
        }
        let has_failed = Cell::new(false);
        let taken = chains.into_iter().map(async |steps| {
            if has_failed.get() {
                return Ok(None);
            }
            let taken = self.take_all(steps, made).await;
            has_failed.set(has_failed.get() || taken.is_err());
            taken
        });
        // Those that have begun end before the first that failed fails the request: none is dropped half way.
        let taken = stream::iter(taken).buffered(MADE_SIDE_BY_SIDE);
        let taken: Vec<_> = taken.collect().await;
        let refused: Result<Vec<_>, _> = taken.into_iter().collect();
        Ok(refused?.into_iter().flatten().collect())
    }

    /// Takes the steps of one chain, one after the other.
    async fn take_all(
        &self,
        steps: Vec<&Step>,
        made: &RefCell<Made>,
    ) -> Result<Option<RefusedListener>, BindingError> {
        for step in steps {
            match (self.take(step, made).await, step) {
                (Err(error), &Step::CreateListener { port, .. }) if error.is_quota() => {
                    return Ok(Some(RefusedListener { port, error }));
                }
                (taken, _) => taken?,
            }
        }
        Ok(None)
    }

    async fn take(&self, step: &Step, made: &RefCell<Made>) -> Result<(), BindingError> {
        let Self { aws, desired, .. } = self;
        let (lease, tags) = (self.turn.lease(), &self.checked.observed.tags);
        let rule = desired.id.rule();
        match step {
            // Done and told before the claim, and the claim.
            Step::CreateBucket { .. }
            | Step::TagBucket { .. }
            | Step::PutBucketPolicy { .. }
            | Step::Claim { .. } => return Ok(()),
            // Told by what takes away.
            Step::Remove(_) => {}
            _ => note(step),
        }
        match step {
            Step::CreateBucket { .. }
            | Step::TagBucket { .. }
            | Step::PutBucketPolicy { .. }
            | Step::Claim { .. } => {}
            Step::TakeRecord { to, .. } => self.turn.take_to(&desired.id, to).await?,
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
                lease.fresh().add(ResourceKind::TargetGroup, &arn);
                made.borrow_mut().groups.insert(name.clone(), arn);
            }
            Step::ModifyHealthCheck { name, health_check } => {
                let arn = self.group(name, &made.borrow())?;
                let modify =
                    async |permit| aws.modify_health_check(permit, &arn, health_check).await;
                lease.act(modify).await?;
            }
            Step::ModifyAttributes { name, attributes } => {
                let arn = self.group(name, &made.borrow())?;
                let modify = async |permit| aws.modify_attributes(permit, &arn, attributes).await;
                lease.act(modify).await?;
            }
            Step::TagTargetGroup { name, tags } => {
                let arn = self.group(name, &made.borrow())?;
                let tag = async |permit| aws.add_elb_tags(permit, &arn, tags).await;
                lease.act(tag).await?;
            }
            Step::Sync { adopts } => {
                let mut orders = self.orders(&made.borrow())?;
                // A given target group that is gone is served no more: the checks have warned.
                let given = &self.checked.observed.given_groups;
                let is_there = |arn: &str| given.get(arn).is_none_or(Option::is_some);
                orders.target_groups.retain(|group| is_there(&group.arn));
                let adopted = self.adopted(&orders, adopts).await?;
                let given: BTreeSet<String> = desired.given().map(str::to_owned).collect();
                let first = sync::FirstSync {
                    id: &desired.id,
                    orders: &orders,
                    given: &given,
                    new: made.borrow().groups.values().cloned().collect(),
                    adopted: &adopted,
                    may_be_silent: self.checked.backend.may_be_silent,
                };
                let first = sync::first_sync(*aws, self.dns, self.turn, &first);
                let addresses = Box::pin(first).await?;
                made.borrow_mut().addresses = addresses;
            }
            Step::CreateListener { port, target_group } => {
                let group = self.group(target_group, &made.borrow())?;
                let nlb = &desired.properties.nlb_arn;
                let create =
                    async |permit| aws.create_listener(permit, nlb, *port, &group, tags).await;
                let arn = lease.act(create).await?;
                lease.fresh().add(ResourceKind::Listener, &arn);
                made.borrow_mut().listeners.insert(*port, arn);
            }
            Step::ForwardListener {
                arn, target_group, ..
            } => {
                let group = self.group(target_group, &made.borrow())?;
                let forward = async |permit| aws.modify_listener(permit, arn, None, &group).await;
                lease.act(forward).await?;
            }
            Step::SetIdleTimeout { port, seconds } => {
                let arn = listener_arn(*port, self.checked.observed, &made.borrow());
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
                let group = self.group(target_group, &made.borrow())?;
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
                lease.fresh().add(ResourceKind::Rule, &rule);
            }
            Step::TagRule { tags } => {
                if let Some(rule) = &self.checked.observed.rule {
                    let tag = async |permit| aws.tag_rule(permit, &rule.arn, tags).await;
                    lease.act(tag).await?;
                }
            }
            Step::PutRuleTarget => {
                let held = self.turn.last(&desired.id);
                let known = held.map_or(0, |held| self.checked.backend.known_by(&held.record));
                let target = {
                    let made = made.borrow();
                    // DNS may not have shown all that are known.
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

    /// What an earlier function knew of target groups that are given for the first time.
    async fn adopted(
        &self,
        orders: &Orders,
        groups: &[crate::model::TargetGroupPort],
    ) -> Result<BTreeMap<String, crate::record::Own>, BindingError> {
        if groups.is_empty() {
            return Ok(BTreeMap::new());
        }
        let bucket = self.desired.bucket();
        let adopted = legacy::adopt(self.aws, orders, &bucket, groups, Denied::Fails).await;
        Ok(adopted.map_err(Box::new)?)
    }

    fn group(&self, name: &str, made: &Made) -> Result<String, BindingError> {
        group_arn(name, self.checked.observed, &made.groups).ok_or(BindingError::Unplanned)
    }

    fn orders(&self, made: &Made) -> Result<Orders, BindingError> {
        let orders = self.desired.orders(&self.checked, &made.groups);
        orders.ok_or(BindingError::Unplanned)
    }

    /// Of what was noted before, AWS may not have shown all yet; what it has shown and is not wanted any more
    /// has been taken away.
    fn ports(&self, made: &Made) -> BTreeSet<u16> {
        let Self { desired, .. } = self;
        let id = &desired.id;
        let last = self.turn.last(id);
        let noted = last.and_then(|held| held.record.ports).unwrap_or_default();
        let groups = &self.checked.observed.groups;
        let is_shown = |port: &u16| {
            let name = id.target_group(*port);
            groups.iter().any(|own| own.group.name == name)
        };
        let may_be_there =
            |port: &u16| !is_shown(port) || made.unknown.contains(&id.target_group(*port));
        let may_be_there = noted.into_iter().filter(may_be_there);
        may_be_there.chain(desired.ports()).collect()
    }

    fn attributes(&self, made: &Made) -> ReturnValues {
        let Checked { nlb, observed, .. } = &self.checked;
        let mut groups = Vec::new();
        let mut listeners = Vec::new();
        for listener in &self.desired.properties.listeners {
            match &listener.target_group {
                TargetGroupProperties::Given { arn } => groups.push(arn.clone()),
                TargetGroupProperties::Made(_) => {
                    let name = self.desired.id.target_group(listener.port);
                    groups.extend(group_arn(&name, observed, &made.groups));
                    listeners.extend(listener_arn(listener.port, observed, made));
                }
            }
        }
        let rule_arn = made.rule_arn.clone();
        let rule_arn = rule_arn.or_else(|| observed.rule.as_ref().map(|rule| rule.arn.clone()));
        let zones: Vec<_> = nlb.zones.iter().cloned().collect();
        let first = |arns: &[String]| arns.first().cloned().unwrap_or_default();
        [
            ("BucketName", self.desired.bucket()),
            ("RuleName", self.desired.id.rule()),
            ("RuleArn", rule_arn.unwrap_or_default()),
            ("TargetGroupArn", first(&groups)),
            ("TargetGroupArns", groups.join(",")),
            ("ListenerArn", first(&listeners)),
            ("ListenerArns", listeners.join(",")),
            ("AvailabilityZones", zones.join(",")),
            ("IpCount", made.addresses.to_string()),
            ("NlbAddresses", nlb.addresses.join(",")),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
    }
}

fn note(step: &Step) {
    info!(%step, "doing");
    progress::note(step.to_string());
}

fn listener_arn(port: u16, observed: &Observed, made: &Made) -> Option<String> {
    let mut listeners = observed.nlb_listeners.iter();
    let existing = listeners.find(|own| own.is_own && own.listener.port == port);
    let existing = existing.map(|own| &own.listener.arn);
    made.listeners.get(&port).or(existing).cloned()
}
