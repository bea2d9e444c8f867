//! CloudFormation's request as a type, and the fields that can be read of a malformed one. No I/O.
//!
//! The ResponseURL is a credential: its type never prints it.

use crate::aws::api::ResponseUrl;
use crate::names::BindingId;
use crate::record::{PropertiesDigest, RequestType};
use aws_lambda_events::cloudformation::CloudFormationCustomResourceRequest;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// A request of CloudFormation without its ResponseURL (CloudFormation guide, "Custom resource request objects").
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    pub request_type: RequestType,
    pub request_id: String,
    pub stack_id: String,
    pub logical_resource_id: String,
    pub physical_id: Option<String>,
    pub properties: Value,
    /// Null unless it is an Update.
    pub old_properties: Value,
}

/// An event of CloudFormation that cannot be read as a request.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    #[error("the event is not a request of CloudFormation as its guide describes it")]
    Malformed(#[source] serde_json::Error),
    #[error("the event is of a request type that this function does not know")]
    UnknownType,
    #[error("the event has no {field}, so CloudFormation cannot be answered")]
    Unanswerable { field: &'static str },
}

impl Request {
    pub fn parse(mut event: Value) -> Result<Self, RequestError> {
        type Parsed = CloudFormationCustomResourceRequest<Value, Value>;
        // Nothing depends on these fields, so an event without them must not fail a stack.
        if let Some(fields) = event.as_object_mut() {
            for (name, default) in [
                ("ResourceType", Value::from("Custom::AlbNlbBinding")),
                ("OldResourceProperties", Value::Null),
            ] {
                fields.entry(name).or_insert(default);
            }
        }
        match serde_json::from_value(event).map_err(RequestError::Malformed)? {
            Parsed::Create(create) => Ok(Self {
                request_type: RequestType::Create,
                request_id: create.request_id,
                stack_id: create.stack_id,
                logical_resource_id: create.logical_resource_id,
                physical_id: None,
                properties: create.resource_properties,
                old_properties: Value::Null,
            }),
            Parsed::Update(update) => Ok(Self {
                request_type: RequestType::Update,
                request_id: update.request_id,
                stack_id: update.stack_id,
                logical_resource_id: update.logical_resource_id,
                physical_id: Some(update.physical_resource_id),
                properties: update.resource_properties,
                old_properties: update.old_resource_properties,
            }),
            Parsed::Delete(delete) => Ok(Self {
                request_type: RequestType::Delete,
                request_id: delete.request_id,
                stack_id: delete.stack_id,
                logical_resource_id: delete.logical_resource_id,
                physical_id: Some(delete.physical_resource_id),
                properties: delete.resource_properties,
                old_properties: Value::Null,
            }),
            _ => Err(RequestError::UnknownType),
        }
    }

    /// The id that follows from what the request asks for.
    pub fn derived_id(&self) -> BindingId {
        let nlb_arn = self.nlb_arn().unwrap_or_default();
        BindingId::derive(&self.stack_id, &self.logical_resource_id, nlb_arn)
    }

    /// The binding in whose place an Update makes another one.
    pub fn replaces(&self) -> Option<BindingId> {
        let former = BindingId::parse(self.physical_id.as_ref()?)?;
        let is_update = self.request_type == RequestType::Update;
        (is_update && former != self.derived_id()).then_some(former)
    }

    /// The binding that the request is about.
    pub(super) fn binding_id(&self) -> BindingId {
        let given = self.physical_id.as_deref().and_then(BindingId::parse);
        match self.request_type {
            RequestType::Delete => given.unwrap_or_else(|| self.derived_id()),
            RequestType::Create | RequestType::Update => self.derived_id(),
        }
    }

    /// The PhysicalResourceId of the response. A Delete gets the id back that it came with, and so does an Update
    /// whose NlbArn cannot be read.
    pub(super) fn returned_physical_id(&self) -> String {
        match (&self.request_type, &self.physical_id) {
            (RequestType::Delete, Some(id)) => id.clone(),
            (RequestType::Update, Some(id)) if self.nlb_arn().is_none() => id.clone(),
            _ => self.derived_id().to_string(),
        }
    }

    pub fn nlb_arn(&self) -> Option<&str> {
        self.properties.get("NlbArn").and_then(Value::as_str)
    }
}

/// Properties of two requests have the same digest only if they are the same, apart from what is CloudFormation's own.
pub fn digest(properties: &Value) -> PropertiesDigest {
    let mut properties = properties.clone();
    if let Some(fields) = properties.as_object_mut() {
        fields.retain(|name, _| !["ServiceToken", "ServiceTimeout"].contains(&name.as_str()));
    }
    let hash = Sha256::digest(properties.to_string());
    PropertiesDigest(hash.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// The few fields that every response needs. They are read as leniently as possible, so that a malformed event is
/// answered too.
#[derive(Debug, Clone)]
pub struct Envelope {
    pub(super) response_url: ResponseUrl,
    pub(super) request_id: String,
    pub(super) stack_id: String,
    pub(super) logical_resource_id: String,
    physical_id: Option<String>,
}

impl Envelope {
    pub(super) fn parse(event: &Value) -> Result<Self, RequestError> {
        let text = |name: &str| event.get(name).and_then(Value::as_str).map(str::to_owned);
        let response_url = text("ResponseURL").filter(|url| !url.is_empty()).ok_or(
            RequestError::Unanswerable {
                field: "ResponseURL",
            },
        )?;
        Ok(Self {
            response_url: ResponseUrl::new(response_url),
            request_id: text("RequestId").unwrap_or_default(),
            stack_id: text("StackId").unwrap_or_default(),
            logical_resource_id: text("LogicalResourceId").unwrap_or_default(),
            physical_id: text("PhysicalResourceId"),
        })
    }

    /// The PhysicalResourceId of the response to an event that cannot be read as a request.
    pub(super) fn physical_id(&self) -> String {
        match &self.physical_id {
            Some(id) => id.clone(),
            None => BindingId::derive(&self.stack_id, &self.logical_resource_id, "").to_string(),
        }
    }
}
