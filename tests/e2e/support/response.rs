//! What CloudFormation was answered.

use anyhow::{Context, Result};
use lab::{InvocationResult, ResponseUrlServer};
use serde_json::Value;

pub struct SentResponse {
    pub body: Value,
    pub invocation: InvocationResult,
    pub url: ResponseUrlServer,
}

impl SentResponse {
    /// The only one that an address was sent, with the invocation that sent it.
    pub fn to(url: ResponseUrlServer, invocation: InvocationResult) -> Result<Self> {
        let body = url.the_answer();
        let body = body.with_context(|| format!("{invocation:#?}"))?;
        Ok(Self {
            body,
            invocation,
            url,
        })
    }

    pub fn id(&self) -> &str {
        self.body["PhysicalResourceId"].as_str().expect("an id")
    }

    pub fn reason(&self) -> &str {
        self.body["Reason"].as_str().expect("a reason")
    }

    /// An attribute for `Fn::GetAtt`.
    pub fn attribute(&self, name: &str) -> &str {
        self.body["Data"][name]
            .as_str()
            .unwrap_or_else(|| panic!("an attribute {name} in {}", self.body))
    }

    /// The ARNs of all target groups, in the order of the listeners.
    pub fn target_groups(&self) -> Vec<&str> {
        self.attribute("TargetGroupArns").split(',').collect()
    }

    #[track_caller]
    pub fn assert_success(&self) {
        assert_eq!(self.body["Status"], "SUCCESS", "{:#}", self.body);
    }

    #[track_caller]
    pub fn assert_failed(&self, expected: &[&str]) {
        assert_eq!(self.body["Status"], "FAILED", "{:#}", self.body);
        for text in expected {
            assert!(
                self.reason().contains(text),
                "{text:?} is not in {}",
                self.reason()
            );
        }
        for debug in [
            "service error",
            "unhandled",
            "Error {",
            "Some(",
            "dispatch failure",
        ] {
            let reason = self.reason();
            assert!(!reason.contains(debug), "no plain words: {reason}");
        }
        assert!(
            self.invocation.result.is_ok(),
            "an answered invocation must not be run again: {:?}",
            self.invocation.result
        );
    }
}
