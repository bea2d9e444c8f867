//! CloudFormation: what it shows of stacks. CloudFormation API, `DescribeStacks`, `DescribeStackResource`.
//!
//! The shown status may lag behind.

use super::call::{SimulatedAws, read, rejected};
use crate::state::Service::CloudFormation;
use alb_nlb_binding::aws::api::{AwsResult, Stack, StackResource, Stacks};
use alb_nlb_binding::model::Tags;

impl Stacks for SimulatedAws {
    async fn stack(&self, stack_id: &str) -> AwsResult<Option<Stack>> {
        let wanted = stack_id.to_owned();
        self.call(
            read(CloudFormation, "DescribeStacks"),
            stack_id,
            move |world, process| {
                let Some(stack) = process.stack().filter(|stack| stack.id == wanted) else {
                    return Ok(None);
                };
                if stack.is_denied {
                    return Err(rejected("DescribeStacks", &wanted, "AccessDenied"));
                }
                let shown = stack
                    .visible_status(world.scheduler.now(), &world.dice)
                    .filter(|_| stack.is_known);
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
            read(CloudFormation, "DescribeStackResource"),
            logical_id,
            move |world, process| {
                let unknown = || rejected("DescribeStackResource", &wanted, "ValidationError");
                let stack = process
                    .stack()
                    .filter(|stack| stack.id == wanted && stack.is_known);
                let stack = stack.ok_or_else(unknown)?;
                if stack.is_denied {
                    return Err(rejected("DescribeStackResource", &resource, "AccessDenied"));
                }
                let shown = stack
                    .visible_status(world.scheduler.now(), &world.dice)
                    .and_then(|shown| shown.resource);
                world.log(&process.name, format!("is shown {shown:?}"));
                Ok(shown.map(|(physical_id, status)| StackResource {
                    physical_id,
                    status: status.to_owned(),
                }))
            },
        )
        .await
    }
}
