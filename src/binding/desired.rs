//! One binding as it should be: a request's properties with the names that follow from its id. No I/O.
//!
//! The orders, and the given target groups that it gives up, follow from this and from what was observed: they are in
//! `make/orders.rs`.

use super::hints::Hints;
use crate::model::TargetGroupPort;
use crate::names::{BindingId, account, partition, unqualified};
use crate::properties::{self, MadeProperties, Problems, Properties, TargetGroupProperties};
use crate::record::{Orders, Record};
use serde_json::Value;
use std::collections::BTreeSet;

/// One binding as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Desired {
    pub id: BindingId,
    pub properties: Properties,
    /// The function's account and Region.
    pub account: String,
    pub region: String,
    /// The function that the rule calls, without version or alias.
    pub function_arn: String,
    /// The names in the properties before an Update.
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
    /// Reads the properties of the binding `id`. `state_bucket` is the function's variable `STATE_BUCKET`, the default
    /// of `BucketName`.
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

    /// The bucket of the record: the given one, or the binding's own.
    pub fn bucket(&self) -> String {
        match &self.properties.bucket_name {
            Some(given) => given.clone(),
            None => self.own_bucket(),
        }
    }

    pub fn own_bucket(&self) -> String {
        self.id.bucket(&self.account)
    }

    /// The ARN of the own bucket, in the function's partition. A bucket's ARN has neither Region nor account.
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

    /// The given target groups, each with the ALB's port.
    pub fn given_with_ports(&self) -> impl Iterator<Item = TargetGroupPort> {
        let listeners = self.properties.listeners.iter();
        listeners.filter_map(|listener| match &listener.target_group {
            TargetGroupProperties::Given { arn } => {
                Some(TargetGroupPort::new(arn, listener.alb_port))
            }
            TargetGroupProperties::Made(_) => None,
        })
    }

    /// The properties and orders of the last success, from the record. In a rollback, the properties that it goes back
    /// to count as well, because they had a success before.
    pub fn last_success(
        &self,
        record: &Record,
        rolls_back: bool,
    ) -> Option<(Vec<Properties>, Orders)> {
        // Properties that only an earlier version of the function accepted do not count.
        let parse = |given| Properties::parse(given, &self.region, &self.id).ok();
        let properties = record.properties.as_ref().and_then(parse);
        let before = rolls_back.then(|| self.properties.clone());
        Some((
            properties.into_iter().chain(before).collect(),
            record.orders.clone()?,
        ))
    }
}
