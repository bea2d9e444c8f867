//! A request of CloudFormation to the function, and its answer. CloudFormation guide, "Custom resource request
//! objects".

use super::stack::SimulatedStack;
use crate::oneshot::Oneshot;
use crate::properties::{LOGICAL_ID, ResourceProperties};
use alb_nlb_binding::record::RequestType;
use serde_json::json;
use std::cell::Cell;
use std::rc::Rc;

/// One request, however often it is delivered.
pub struct SentRequest {
    pub number: u64,
    pub kind: RequestType,
    pub stack: Rc<SimulatedStack>,
    pub properties: Rc<ResourceProperties>,
    pub old: Option<Rc<ResourceProperties>>,
    pub physical_id: Option<String>,
    /// The id of the binding that the request makes, changes or deletes.
    pub binding_id: String,
    /// Whether the function could see, when the request was sent, that the stack rolls back.
    pub is_rollback: bool,
    pub url: String,
    pub is_open: Cell<bool>,
    pub answer: Oneshot<ReceivedAnswer>,
}

#[derive(Debug, Clone)]
pub struct ReceivedAnswer {
    pub is_success: bool,
    pub physical_id: String,
}

/// The result of a request, as CloudFormation sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestResult {
    Success,
    Failed,
    GivenUp,
}

impl SentRequest {
    pub fn event(&self) -> serde_json::Value {
        let mut event = json!({
            "RequestType": format!("{:?}", self.kind),
            "ServiceToken": "arn:function",
            "ResponseURL": self.url,
            "StackId": self.stack.id,
            "RequestId": format!("request-{}", self.number),
            "LogicalResourceId": LOGICAL_ID,
            "ResourceType": "Custom::AlbNlbBinding",
            "ResourceProperties": self.properties.to_json(),
        });
        if let Some(id) = &self.physical_id {
            event["PhysicalResourceId"] = json!(id);
        }
        if let Some(old) = &self.old {
            event["OldResourceProperties"] = old.to_json();
        }
        event
    }

    /// Whether it is an Update that replaces the binding by another one.
    pub fn is_replacement(&self) -> bool {
        self.kind == RequestType::Update
            && self.physical_id.as_deref() != Some(self.binding_id.as_str())
    }

    pub fn is_open(&self) -> bool {
        self.is_open.get()
    }

    pub fn summary(&self) -> String {
        let Self { number, kind, .. } = self;
        let id = self.physical_id.as_deref().unwrap_or("no id yet");
        format!(
            "{kind:?} request-{number} of {id} about {}: {}",
            self.binding_id,
            self.properties.summary()
        )
    }
}
