//! CloudFormation as it can be asked, and the place where it takes answers. CloudFormation API,
//! `DescribeStacks`, `DescribeStackResource`; guide, "Custom resource response objects".
//!
//! What is shown may lag. An answer that nobody waits for any more changes nothing.

use super::{SimulatedAws, missing, reads};
use crate::lambda::Process;
use crate::slot::Slot;
use crate::weather::Service::CloudFormation;
use crate::world::World;
use alb_nlb_binding::aws::api::{
    AwsResult, PutError, Responder, ResponseUrl, Stack, StackResource, Stacks,
};
use alb_nlb_binding::model::Tags;
use serde_json::Value;
use std::rc::Rc;
use std::time::Duration;

impl Stacks for SimulatedAws {
    async fn stack(&self, stack_id: &str) -> AwsResult<Option<Stack>> {
        let wanted = stack_id.to_owned();
        self.call(
            reads(CloudFormation, "DescribeStacks"),
            stack_id,
            move |world, process| {
                let Some(stack) = process.stack().filter(|stack| stack.id == wanted) else {
                    return Ok(None);
                };
                if stack.is_denied {
                    return Err(missing("DescribeStacks", &wanted, "AccessDenied"));
                }
                let shown = stack.shown(world).filter(|_| stack.is_known);
                Ok(shown.map(|shown| Stack {
                    tags: Tags::from([("team".to_owned(), "web".to_owned())]),
                    status: shown.status.to_owned(),
                }))
            },
        )
        .await
    }

    async fn stack_resource(
        &self,
        stack_id: &str,
        logical_id: &str,
    ) -> AwsResult<Option<StackResource>> {
        let (wanted, resource) = (stack_id.to_owned(), logical_id.to_owned());
        self.call(
            reads(CloudFormation, "DescribeStackResource"),
            logical_id,
            move |world, process| {
                let unknown = || missing("DescribeStackResource", &wanted, "ValidationError");
                let stack = process
                    .stack()
                    .filter(|stack| stack.id == wanted && stack.is_known);
                let stack = stack.ok_or_else(unknown)?;
                if stack.is_denied {
                    return Err(missing("DescribeStackResource", &resource, "AccessDenied"));
                }
                let shown = stack.shown(world).and_then(|shown| shown.resource);
                world.tell(process, || format!("is shown {shown:?}"));
                Ok(shown.map(|(physical_id, status)| StackResource {
                    physical_id,
                    status: status.to_owned(),
                }))
            },
        )
        .await
    }
}

/// What one process answers by.
pub struct Post {
    pub world: Rc<World>,
    pub process: Rc<Process>,
}

enum Put {
    Taken(u16),
    Broken,
}

impl Responder for Post {
    async fn put(
        &self,
        url: &ResponseUrl,
        body: String,
        timeout: Duration,
    ) -> Result<u16, PutError> {
        let Self { world, process } = self;
        let slot = Slot::new();
        let fails = world.dice.chance(world.weather.climate().answer_put_fails);
        let arrives = !fails || world.dice.chance(500);
        let go = {
            let (world, process, slot) = (Rc::clone(world), Rc::clone(process), slot.clone());
            let url = url.secret().to_owned();
            move || {
                if arrives {
                    take(&world, &process, &url, &body);
                }
                if fails {
                    world
                        .tally
                        .count("answers that CloudFormation's address did not take");
                }
                let put = match (fails, arrives) {
                    (false, _) => Put::Taken(200),
                    (true, true) => Put::Broken,
                    (true, false) => Put::Taken(503),
                };
                let deliver = Rc::clone(&process);
                deliver.delivers(&world, move || slot.fill(put));
            }
        };
        process.submits(world, false, 5 + world.dice.between(0, 40), Box::new(go));
        let broken = || PutError {
            may_pass: true,
            source: "broken".into(),
        };
        match tokio::time::timeout(timeout, slot.take()).await {
            Ok(Put::Taken(status)) => Ok(status),
            Ok(Put::Broken) | Err(_) => Err(broken()),
        }
    }
}

/// CloudFormation reads an answer.
fn take(world: &World, process: &Process, url: &str, body: &str) {
    let sent = world.sent.borrow().get(url).cloned();
    let Some(sent) = sent else {
        return world.violate("an answer went to an address that CloudFormation does not know");
    };
    if body.len() > 4096 {
        return world.violate("an answer is longer than 4096 bytes");
    }
    process.notes.has_answered.set(true);
    let answer: Value = serde_json::from_str(body).expect("JSON");
    let text = |name: &str| answer[name].as_str().unwrap_or_default().to_owned();
    let is_success = text("Status") == "SUCCESS";
    let physical_id = text("PhysicalResourceId");
    let what = if is_success {
        String::new()
    } else {
        format!(" ({})", text("Reason"))
    };
    let to = if sent.is_open() {
        ""
    } else {
        ", for which nobody waits"
    };
    world.tell(process, || {
        format!("answers {} {physical_id}{what}{to}", text("Status"))
    });
    world
        .judge
        .answers(world, process, &sent, is_success, &physical_id);
    sent.is_answered(world, is_success, physical_id);
}
