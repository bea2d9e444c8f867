//! Carries a plan out, one step after the other, and gathers the attributes for `Fn::GetAtt`.
//!
//! Decides nothing: which steps there are, and their order, is the plan's.

use super::keeping;
use super::observe::Observed;
use super::orders::{self, RULE_TARGET, group_arn};
use super::plan::Plan;
use super::removal::RELEASED_WITHIN;
use super::step::Step;
use super::{BindingAws, BindingError, Desired};
use crate::discovery::Discovery;
use crate::model::RuleTarget;
use crate::progress;
use crate::properties::TargetGroupProperties;
use crate::sync::{self, TickInput};
use std::collections::BTreeMap;
use tracing::info;

/// The attributes of a binding, by the names that `Fn::GetAtt` knows.
pub type Attributes = BTreeMap<&'static str, String>;

/// What the steps have made so far.
#[derive(Default)]
pub(super) struct Made {
    /// Whether there is a state, so that one that is gone was taken away by a Delete.
    pub(super) has_state: bool,
    /// Whether there was a rule before the first step: this is an Update.
    pub(super) was_bound: bool,
    /// Target group ARNs by name.
    groups: BTreeMap<String, String>,
    /// Listener ARNs by port.
    listeners: BTreeMap<u16, String>,
    addresses: usize,
}

/// What the steps of one plan work with.
pub(super) struct Context<'a, A> {
    pub(super) aws: &'a A,
    pub(super) discovery: &'a Discovery,
    pub(super) desired: &'a Desired,
    pub(super) observed: &'a Observed,
    pub(super) request: &'a str,
}

impl<A: BindingAws> Context<'_, A> {
    pub(super) async fn carry_out(
        &self,
        plan: &Plan,
        made: &mut Made,
    ) -> Result<Attributes, BindingError> {
        for step in &plan.steps {
            info!(%step, "doing");
            progress::note(step.to_string());
            self.take(step, made).await?;
        }
        attributes(self.aws, self.desired, self.observed, made).await
    }

    async fn take(&self, step: &Step, made: &mut Made) -> Result<(), BindingError> {
        let Self { aws, desired, .. } = self;
        let tags = &self.observed.tags;
        match step {
            Step::CreateBucket { bucket } => aws.create_bucket(bucket).await?,
            Step::TagBucket { bucket, tags } => aws.put_bucket_tags(bucket, tags).await?,
            Step::CreateState { bucket } => {
                keeping::create(*aws, &desired.id, bucket).await?;
                made.has_state = true;
            }
            Step::CopyState { from, to } => keeping::copy(*aws, &desired.id, from, to).await?,
            Step::CreateTargetGroup {
                name,
                port,
                vpc_id,
                health_check,
            } => {
                let arn = aws
                    .create_target_group(name, *port, vpc_id, health_check, tags)
                    .await?;
                made.groups.insert(name.clone(), arn);
            }
            Step::ModifyHealthCheck { name, health_check } => {
                let arn = self.group(name, made)?;
                aws.modify_health_check(&arn, health_check).await?;
            }
            Step::ModifyAttributes { name, attributes } => {
                let arn = self.group(name, made)?;
                aws.modify_attributes(&arn, attributes).await?;
            }
            Step::TagTargetGroup { name, tags } => {
                aws.add_elb_tags(&self.group(name, made)?, tags).await?;
            }
            Step::Adopt { groups } => {
                let input = self.tick_input(made)?;
                keeping::adopt(*aws, &desired.id, &input, groups).await?;
            }
            Step::Sync => {
                let input = self.tick_input(made)?;
                made.addresses = sync::bind(*aws, self.discovery, &input, self.request).await?;
            }
            Step::CreateListener { port, target_group } => {
                let group = self.group(target_group, made)?;
                let nlb = &desired.properties.nlb_arn;
                let arn = aws.create_listener(nlb, *port, &group, tags).await?;
                made.listeners.insert(*port, arn);
            }
            Step::ForwardListener {
                arn, target_group, ..
            } => {
                let group = self.group(target_group, made)?;
                aws.forward_listener(arn, &group).await?;
            }
            Step::TagListener { arn, tags, .. } => aws.add_elb_tags(arn, tags).await?,
            Step::PutRule { schedule } => {
                aws.put_rule(&desired.id.rule(), schedule, tags).await?;
            }
            Step::TagRule { tags } => {
                if let Some(rule) = &self.observed.rule {
                    aws.tag_rule(&rule.arn, tags).await?;
                }
            }
            Step::PutRuleTarget => {
                let input =
                    serde_json::to_string(&self.tick_input(made)?).map_err(BindingError::Json)?;
                let target = RuleTarget {
                    id: RULE_TARGET.to_owned(),
                    arn: desired.function_arn.clone(),
                    input,
                };
                aws.put_rule_target(&desired.id.rule(), &target).await?;
            }
            Step::Remove(removal) => removal.apply(*aws, &desired.id, RELEASED_WITHIN).await?,
        }
        Ok(())
    }

    fn group(&self, name: &str, made: &Made) -> Result<String, BindingError> {
        group_arn(name, self.observed, &made.groups).ok_or_else(|| BindingError::Unplanned {
            name: name.to_owned(),
        })
    }

    fn tick_input(&self, made: &Made) -> Result<TickInput, BindingError> {
        orders::wanted(self.desired, self.observed, &made.groups)
            .ok_or(BindingError::NoLoadBalancers)
    }
}

async fn attributes(
    aws: &impl BindingAws,
    desired: &Desired,
    observed: &Observed,
    made: &Made,
) -> Result<Attributes, BindingError> {
    let mut groups = Vec::new();
    let mut listeners = Vec::new();
    for listener in &desired.properties.listeners {
        match &listener.target_group {
            TargetGroupProperties::Given { arn } => groups.push(arn.clone()),
            TargetGroupProperties::Made { .. } => {
                let name = desired.id.target_group(listener.port);
                groups.extend(group_arn(&name, observed, &made.groups));
                listeners.extend(listener_arn(listener.port, observed, made));
            }
        }
    }
    let rule_arn = match &observed.rule {
        Some(rule) => rule.arn.clone(),
        None => {
            let rule = aws.rule(&desired.id.rule()).await?;
            rule.map(|rule| rule.arn).unwrap_or_default()
        }
    };
    let nlb = observed.nlb.as_ref();
    let zones: Vec<_> = nlb
        .map(|nlb| nlb.zones.iter().cloned().collect())
        .unwrap_or_default();
    Ok(Attributes::from([
        ("BucketName", desired.bucket()),
        ("RuleName", desired.id.rule()),
        ("RuleArn", rule_arn),
        (
            "TargetGroupArn",
            groups.first().cloned().unwrap_or_default(),
        ),
        ("TargetGroupArns", groups.join(",")),
        (
            "ListenerArn",
            listeners.first().cloned().unwrap_or_default(),
        ),
        ("ListenerArns", listeners.join(",")),
        ("AvailabilityZones", zones.join(",")),
        ("IpCount", made.addresses.to_string()),
        (
            "NlbAddresses",
            nlb.map(|nlb| nlb.addresses.join(",")).unwrap_or_default(),
        ),
    ]))
}

fn listener_arn(port: u16, observed: &Observed, made: &Made) -> Option<String> {
    let existing = observed
        .nlb_listeners
        .iter()
        .find(|own| own.is_own && own.listener.port == port);
    made.listeners
        .get(&port)
        .or(existing.map(|own| &own.listener.arn))
        .cloned()
}
