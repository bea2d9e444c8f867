//! What should be: one request's properties with the names that follow from its id. No I/O.

use super::checks::Checked;
use super::hints::Hints;
use super::observe::Observed;
use crate::model::{RuleTarget, TargetGroupPort};
use crate::names::{BindingId, account, partition, unqualified};
use crate::properties::{self, MadeProperties, Problems, Properties, TargetGroupProperties};
use crate::record::{Orders, RULE_TARGET, Record, RuleEvent};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// One binding as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Desired {
    pub id: BindingId,
    pub properties: Properties,
    /// The function's account and Region.
    pub account: String,
    pub region: String,
    /// What the rule calls.
    pub function_arn: String,
    /// What the properties before an Update name.
    pub former: Hints,
    /// The binding that this one is made in place of, because `NlbArn` has changed.
    pub replaces: Option<BindingId>,
}

/// One listener that the binding makes, with its target group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MadeListener<'a> {
    pub port: u16,
    pub alb_port: u16,
    /// The target group's name.
    pub group: String,
    pub properties: &'a MadeProperties,
}

impl Desired {
    /// Reads what properties ask for of the binding `id`. `state_bucket` is the function's own `STATE_BUCKET`, the
    /// default of `BucketName`.
    ///
    /// # Errors
    /// All problems of the properties at once.
    pub fn read(
        properties: &Value,
        id: BindingId,
        region: &str,
        function_arn: &str,
        state_bucket: Option<&str>,
    ) -> Result<Self, Problems> {
        let mut properties = Properties::parse(properties, region, &id)?;
        if properties.bucket_name.is_none() {
            properties.bucket_name = properties::state_bucket(state_bucket, &id)?;
        }
        Ok(Self {
            id,
            properties,
            account: account(function_arn).to_owned(),
            region: region.to_owned(),
            function_arn: unqualified(function_arn),
            former: Hints::default(),
            replaces: None,
        })
    }

    /// The bucket of the record: the user's own, or the binding's.
    pub fn bucket(&self) -> String {
        match &self.properties.bucket_name {
            Some(given) => given.clone(),
            None => self.own_bucket(),
        }
    }

    pub fn own_bucket(&self) -> String {
        self.id.bucket(&self.account)
    }

    /// In the function's own partition: a bucket's ARN has neither Region nor account.
    pub fn own_bucket_arn(&self) -> String {
        let partition = partition(&self.function_arn);
        format!("arn:{partition}:s3:::{}", self.own_bucket())
    }

    /// The listeners that the binding makes, each with its target group.
    pub fn made(&self) -> impl Iterator<Item = MadeListener<'_>> {
        let listeners = self.properties.listeners.iter();
        listeners.filter_map(|listener| match &listener.target_group {
            TargetGroupProperties::Made(properties) => Some(MadeListener {
                port: listener.port,
                alb_port: listener.alb_port,
                group: self.id.target_group(listener.port),
                properties,
            }),
            TargetGroupProperties::Given { .. } => None,
        })
    }

    /// The ports that the binding makes listeners for.
    pub fn ports(&self) -> BTreeSet<u16> {
        self.made().map(|made| made.port).collect()
    }

    /// ARNs of the target groups that the user gives.
    pub fn given(&self) -> impl Iterator<Item = &str> {
        self.properties.given()
    }

    /// The same, each with the ALB's port.
    pub fn given_with_ports(&self) -> impl Iterator<Item = TargetGroupPort> {
        let listeners = self.properties.listeners.iter();
        listeners.filter_map(|listener| match &listener.target_group {
            TargetGroupProperties::Given { arn } => {
                Some(TargetGroupPort::new(arn, listener.alb_port))
            }
            TargetGroupProperties::Made(_) => None,
        })
    }

    /// What the binding stands on by its record: the properties that it last had a success for, and the
    /// orders. What a rollback goes back to has had one before.
    pub fn standing(&self, record: &Record, rolls_back: bool) -> Option<(Vec<Properties>, Orders)> {
        // What an earlier version took, and this one does not, stands for nothing.
        let parse = |given| Properties::parse(given, &self.region, &self.id).ok();
        let properties = record.properties.as_ref().and_then(parse);
        let before = rolls_back.then(|| self.properties.clone());
        Some((
            properties.into_iter().chain(before).collect(),
            record.orders.clone()?,
        ))
    }

    /// Given target groups in which the binding has targets, and that it is no longer to serve.
    pub fn given_up(&self, observed: &Observed) -> BTreeSet<String> {
        let record = observed.record.as_ref().map(|(record, _)| record);
        let own = record.into_iter().flat_map(|record| record.own.keys());
        // A tick may register there until the end.
        let orders = record.and_then(|record| record.orders.as_ref());
        let served = orders.into_iter().flat_map(Orders::groups);
        let known = own.map(String::as_str).chain(served);
        let wanted: BTreeSet<&str> = self.given().collect();
        // A record may be written by whoever may write to its bucket, the rule and the properties by nobody.
        let event = RuleEvent::of_rule(observed.rule.as_ref());
        let is_ruled = |arn: &str| event.as_ref().is_some_and(|event| event.names(arn));
        known
            .filter(|arn| !wanted.contains(arn) && !self.id.made_group(arn))
            .filter(|arn| self.former.given.contains(*arn) || is_ruled(arn))
            .map(str::to_owned)
            .collect()
    }

    /// What ticks are to go by: `made` are target groups made since it was observed, ARN by name.
    /// `None` while a target group is not made yet.
    pub fn orders(&self, checked: &Checked<'_>, made: &BTreeMap<String, String>) -> Option<Orders> {
        let Checked {
            backend,
            nlb,
            observed,
            ..
        } = checked;
        let properties = &self.properties;
        let target_groups = properties.listeners.iter().map(|listener| {
            let arn = match &listener.target_group {
                TargetGroupProperties::Given { arn } => arn.clone(),
                TargetGroupProperties::Made(_) => {
                    group_arn(&self.id.target_group(listener.port), observed, made)?
                }
            };
            Some(TargetGroupPort::new(arn, listener.alb_port))
        });
        Some(Orders {
            nlb_arn: nlb.arn.clone(),
            alb_arn: backend.alb_arn.clone(),
            alb_name: backend.name.clone(),
            alb_dns_name: backend.dns_name.clone(),
            target_groups: target_groups.collect::<Option<_>>()?,
            availability_zone: backend.availability_zone.clone(),
            max_lookups: properties.max_lookups,
            invocations_before_deregistration: properties.invocations_before_deregistration,
            ip_count_metric: properties.ip_count_metric,
            dns_servers: properties.dns_servers.clone(),
        })
    }

    /// What the rule is to call the function with, where so many addresses are expected.
    pub fn rule_target(
        &self,
        checked: &Checked<'_>,
        made: &BTreeMap<String, String>,
        expected: usize,
    ) -> Option<RuleTarget> {
        let orders = self.orders(checked, made)?;
        // Where AWS refuses to have own targets taken out, Delete is to know of them.
        let owed = self.given_up(checked.observed);
        let (bucket, schedule) = (self.bucket(), &self.properties.schedule);
        let template = RuleEvent::template(&self.id, &bucket, schedule, &orders, &owed, expected);
        Some(RuleTarget {
            id: RULE_TARGET.to_owned(),
            arn: self.function_arn.clone(),
            template: template.ok()?,
        })
    }
}

pub fn group_arn(
    name: &str,
    observed: &Observed,
    made: &BTreeMap<String, String>,
) -> Option<String> {
    let existing = observed.groups.iter().find(|own| own.group.name == name);
    let existing = existing.map(|own| &own.group.arn);
    made.get(name).or(existing).cloned()
}
