//! One request of CloudFormation to the function, and its answer. Guide, "Custom resource request objects".

use super::stack::Stack;
use crate::slot::Slot;
use crate::wishes::{LOGICAL_ID, Wish};
use alb_nlb_binding::record::RequestType;
use serde_json::json;
use std::cell::Cell;
use std::rc::Rc;

/// One request, however often it is delivered.
pub struct Sent {
    pub number: u64,
    pub kind: RequestType,
    pub stack: Rc<Stack>,
    pub wish: Rc<Wish>,
    pub old: Option<Rc<Wish>>,
    pub physical_id: Option<String>,
    /// The binding that it is about.
    pub about: String,
    /// Whether its stack is seen to roll back when it is sent.
    pub takes_back: bool,
    pub url: String,
    pub is_open: Cell<bool>,
    pub answer: Slot<Answered>,
}

#[derive(Debug, Clone)]
pub struct Answered {
    pub is_success: bool,
    pub physical_id: String,
}

/// What became of a request, as CloudFormation sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Success,
    Failed,
    GivenUp,
}

impl Sent {
    pub fn event(&self) -> serde_json::Value {
        let mut event = json!({
            "RequestType": format!("{:?}", self.kind),
            "ServiceToken": "arn:function",
            "ResponseURL": self.url,
            "StackId": self.stack.id,
            "RequestId": format!("request-{}", self.number),
            "LogicalResourceId": LOGICAL_ID,
            "ResourceType": "Custom::AlbNlbBinding",
            "ResourceProperties": self.wish.properties(),
        });
        if let Some(id) = &self.physical_id {
            event["PhysicalResourceId"] = json!(id);
        }
        if let Some(old) = &self.old {
            event["OldResourceProperties"] = old.properties();
        }
        event
    }

    /// Whether it is an Update that makes another binding.
    pub fn replaces(&self) -> bool {
        self.kind == RequestType::Update && self.physical_id.as_deref() != Some(self.about.as_str())
    }

    pub fn is_open(&self) -> bool {
        self.is_open.get()
    }

    pub fn text(&self) -> String {
        let Self { number, kind, .. } = self;
        let id = self.physical_id.as_deref().unwrap_or("no id yet");
        format!(
            "{kind:?} request-{number} of {id} about {}: {}",
            self.about,
            self.wish.text()
        )
    }
}
