//! CloudFormation as functions see it: DescribeStackResource while a request runs, and whole stacks
//! that exist only because a test says so. It makes, changes and deletes no stack.
//!
//! The forms and the errors are those of the CloudFormation API, DescribeStacks and
//! DescribeStackResource.

use std::collections::HashSet;

use anyhow::Result;

use super::call::Call;
use super::reply::{self, ApiReply, refused};
use super::stack_events::{self, ShownResource};
use super::stack_views::FakeStackView;
use super::state::{ApiRequest, State};
use crate::xml::Element;

const CLOUDFORMATION: &str = "cloudformation";
/// When everything happened to a stack of a test.
const SINCE: &str = "2026-01-01T00:00:00.000Z";

impl State {
    pub(super) async fn cloudformation(&self, request: &ApiRequest) -> Result<ApiReply> {
        let id = request.call.param("StackName");
        let told = self.stacks.get(id);
        match (request.call.operation.as_str(), told) {
            ("DescribeStacks", Some(stack)) => Ok(stack_of(id, &stack)),
            ("DescribeStackResource", Some(stack)) => Ok(resource_of(&request.call, &stack)),
            ("DescribeStackResource", None) => self.describe_stack_resource(&request.call).await,
            _ => self.forward(request, None).await,
        }
    }

    async fn describe_stack_resource(&self, call: &Call) -> Result<ApiReply> {
        let stack = [("StackName", call.param("StackName"))];
        let api = self.api(call);
        let described = api.query(CLOUDFORMATION, "DescribeStacks", &stack);
        let described = match described.await {
            Ok(described) => described,
            Err(error) => return refused(call, error),
        };
        let stacks = described.list("Stacks");
        let [name, id] = ["StackName", "StackId"].map(|part| {
            let stack = stacks.first();
            stack.map_or("", |stack| stack.text_of(part))
        });
        let events = self.stack_events(call).await?;
        Ok(
            match stack_events::resource(&events, call.param("LogicalResourceId")) {
                Some(shown) => resource(call, (name, id), &shown),
                None => no_resource(call, name),
            },
        )
    }

    /// All events of a stack, the oldest first.
    async fn stack_events(&self, call: &Call) -> Result<Vec<Element>> {
        let api = self.api(call);
        let mut events = Vec::new();
        let mut seen = HashSet::new();
        let mut token = String::new();
        loop {
            let mut params = vec![("StackName", call.param("StackName"))];
            if !token.is_empty() {
                params.push(("NextToken", &token));
            }
            let page = api.query(CLOUDFORMATION, "DescribeStackEvents", &params);
            let page = page.await?;
            // If events came meanwhile, a page repeats some of the one before.
            let unseen = page.list("StackEvents").iter();
            let unseen = unseen.filter(|event| seen.insert(event.text_of("EventId").to_owned()));
            events.extend(unseen.cloned());
            match page.find("NextToken") {
                Some(next) => token.clone_from(&next.text),
                None => break,
            }
        }
        events.reverse();
        Ok(events)
    }
}

/// `arn:aws:cloudformation:<Region>:<account>:stack/<name>/<number>`
fn name_of(stack_id: &str) -> &str {
    stack_id.split('/').nth(1).unwrap_or(stack_id)
}

fn stack_of(id: &str, stack: &FakeStackView) -> ApiReply {
    let tag = |(key, value): (&String, &String)| {
        let pair = [("Key", key), ("Value", value)];
        let pair = pair.map(|(name, text)| Element::with_text(name, text));
        Element::of("member", pair.to_vec())
    };
    let stack = Element::of(
        "member",
        texts(&[
            ("StackId", id),
            ("StackName", name_of(id)),
            ("StackStatus", &stack.status),
            ("CreationTime", SINCE),
        ]),
    )
    .with(Element::of("Tags", stack.tags.iter().map(tag).collect()));
    let stacks = Element::of("Stacks", vec![stack]);
    reply::cloudformation("DescribeStacks", &[stacks])
}

fn resource_of(call: &Call, stack: &FakeStackView) -> ApiReply {
    let id = call.param("StackName");
    let Some(found) = stack.resources.get(call.param("LogicalResourceId")) else {
        return no_resource(call, name_of(id));
    };
    let shown = ShownResource {
        status: found.status.clone(),
        physical_id: found.physical_id.clone().unwrap_or_default(),
        kind: "Custom::AlbNlbBinding".to_owned(),
        since: SINCE.to_owned(),
    };
    resource(call, (name_of(id), id), &shown)
}

fn resource(call: &Call, (stack_name, stack_id): (&str, &str), shown: &ShownResource) -> ApiReply {
    let mut detail = Element::of(
        "StackResourceDetail",
        texts(&[
            ("StackName", stack_name),
            ("StackId", stack_id),
            ("LogicalResourceId", call.param("LogicalResourceId")),
            ("ResourceType", &shown.kind),
            ("ResourceStatus", &shown.status),
            ("LastUpdatedTimestamp", &shown.since),
        ]),
    );
    if !shown.physical_id.is_empty() {
        detail.set(Element::with_text("PhysicalResourceId", &shown.physical_id));
    }
    reply::cloudformation("DescribeStackResource", &[detail])
}

fn no_resource(call: &Call, stack_name: &str) -> ApiReply {
    let resource = call.param("LogicalResourceId");
    let message = format!("Resource {resource} does not exist for stack {stack_name}");
    reply::error(call, 400, "ValidationError", &message)
}

fn texts(pairs: &[(&str, &str)]) -> Vec<Element> {
    let element = |(name, text): &(&str, &str)| Element::with_text(name, *text);
    pairs.iter().map(element).collect()
}
