//! What should be: one request's properties with the names that follow from its id. No I/O.

use super::names::BindingId;
use crate::properties::{ListenerProperties, Properties, TargetGroupProperties};

/// One binding as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Desired {
    pub id: BindingId,
    pub properties: Properties,
    pub stack_id: String,
    /// The function's account.
    pub account: String,
    /// What the rule calls.
    pub function_arn: String,
    /// The bucket of the properties before an Update. Where an Update failed half way and is
    /// rolled back, the state may be there and nowhere else.
    pub former_bucket: Option<String>,
}

impl Desired {
    /// The bucket of the state: the user's own, or the binding's.
    pub fn bucket(&self) -> String {
        match &self.properties.bucket_name {
            Some(given) => given.clone(),
            None => self.own_bucket(),
        }
    }

    pub fn own_bucket(&self) -> String {
        self.id.bucket(&self.account)
    }

    /// `arn:aws:cloudformation:<region>:<account>:stack/…`
    pub fn is_stack_of_own_account(&self) -> bool {
        self.stack_id.split(':').nth(4) == Some(self.account.as_str())
    }

    /// The listeners that the binding makes, each with its target group's name.
    pub fn made(&self) -> impl Iterator<Item = (String, &ListenerProperties)> {
        self.properties
            .listeners
            .iter()
            .filter(|listener| matches!(listener.target_group, TargetGroupProperties::Made { .. }))
            .map(|listener| (self.id.target_group(listener.port), listener))
    }

    /// ARNs of the target groups that the user gives.
    pub fn given(&self) -> impl Iterator<Item = &str> {
        self.given_with_ports().map(|(arn, _)| arn)
    }

    /// The same, each with the ALB's port.
    pub fn given_with_ports(&self) -> impl Iterator<Item = (&str, u16)> {
        self.properties
            .listeners
            .iter()
            .filter_map(|listener| match &listener.target_group {
                TargetGroupProperties::Given { arn } => Some((arn.as_str(), listener.alb_port)),
                TargetGroupProperties::Made { .. } => None,
            })
    }
}
