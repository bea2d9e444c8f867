//! CloudFormation's part: properties, the events that have them, and what the function responds.

use super::constants::{STACK_ID, TIMEOUT};
use super::fixture::Fixture;
use super::privileges;
use super::response::SentResponse;
use anyhow::Result;
use lab::FakeStackView;
use serde_json::{Value, json};
use std::sync::atomic::Ordering;
use std::time::Duration;

impl Fixture {
    /// A binding of port 80 with three addresses in DNS, made.
    pub async fn bound() -> Result<(Self, SentResponse)> {
        let fixture = Self::new().await?;
        fixture.scale(3);
        let made = fixture.create(json!({})).await?;
        made.assert_success();
        Ok((fixture, made))
    }

    /// Properties with some of them replaced.
    pub fn properties(&self, changes: Value) -> Value {
        let mut properties = json!({
            "ServiceToken": "arn:aws:lambda:us-east-1:000000000000:function:alb-nlb-binding",
            "AlbArn": self.alb.arn,
            "NlbArn": self.nlb.arn,
            "Listeners": [{"Port": "80"}],
        });
        for (name, value) in changes.as_object().expect("changes are an object") {
            properties[name] = value.clone();
        }
        properties
    }

    /// The same with a DNS name in the place of the ALB.
    pub fn properties_with_dns_name(&self, name: &str, changes: Value) -> Value {
        let mut properties = self.properties(changes);
        let fields = properties.as_object_mut().expect("an object");
        fields.remove("AlbArn");
        fields.insert("TargetDnsName".to_owned(), json!(name));
        properties
    }

    pub async fn create(&self, changes: Value) -> Result<SentResponse> {
        self.create_within(changes, TIMEOUT).await
    }

    pub async fn create_within(&self, changes: Value, timeout: Duration) -> Result<SentResponse> {
        let properties = self.properties(changes);
        let create = json!({"RequestType": "Create", "ResourceProperties": properties});
        self.request_within(create, timeout).await
    }

    /// From the properties without changes to those with them.
    pub async fn update(&self, made: &SentResponse, changes: Value) -> Result<SentResponse> {
        self.update_from(made, json!({}), changes).await
    }

    /// From properties with some changes to properties with others.
    pub async fn update_from(
        &self,
        made: &SentResponse,
        old: Value,
        new: Value,
    ) -> Result<SentResponse> {
        self.request(json!({
            "RequestType": "Update",
            "PhysicalResourceId": made.id(),
            "ResourceProperties": self.properties(new),
            "OldResourceProperties": self.properties(old),
        }))
        .await
    }

    pub async fn delete(&self, made: &SentResponse, changes: Value) -> Result<SentResponse> {
        self.request(json!({
            "RequestType": "Delete",
            "PhysicalResourceId": made.id(),
            "ResourceProperties": self.properties(changes),
        }))
        .await
    }

    pub async fn request(&self, event: Value) -> Result<SentResponse> {
        self.request_within(event, TIMEOUT).await
    }

    pub async fn request_within(&self, event: Value, timeout: Duration) -> Result<SentResponse> {
        let url = self.lab.response_url();
        let event = self.event(event, url.url());
        let invocation = self.function.invoke(event, timeout).await?;
        SentResponse::to(url, invocation)
    }

    /// An event with the fields that CloudFormation adds, if it has none of its own.
    pub fn event(&self, mut event: Value, url: &str) -> Value {
        let number = self.next_request.fetch_add(1, Ordering::Relaxed);
        event["ResponseURL"] = json!(url);
        if event["StackId"].is_null() {
            event["StackId"] = json!(STACK_ID);
        }
        event["RequestId"] = json!(format!("request-{number}"));
        event["ResourceType"] = json!("Custom::AlbNlbBinding");
        if event["LogicalResourceId"].is_null() {
            event["LogicalResourceId"] = json!("Binding");
        }
        let mut role = self.role.lock().expect("no panic");
        privileges::grant_what_is_named(&mut role, &event);
        event
    }

    /// Sets what CloudFormation shows: the status of its stack, and that of the binding in it.
    pub fn shows(&self, stack: &str, resource: &str, id: Option<&str>) {
        let stack = FakeStackView::new(stack).with_resource("Binding", resource, id);
        self.lab.gateway().set_stack(STACK_ID, stack);
    }
}
