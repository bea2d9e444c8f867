//! CloudFormation: the parts of a stack that it does not send to a custom resource, such as the stack's tags.

use super::{Sdk, failed};
use crate::aws::api::{AwsError, AwsResult, Stack, StackResource, Stacks};
use aws_sdk_cloudformation::types;

impl Stacks for Sdk {
    async fn stack(&self, stack_id: &str) -> AwsResult<Option<Stack>> {
        let answer = self
            .cloudformation
            .describe_stacks()
            .stack_name(stack_id)
            .send()
            .await
            .map_err(failed("DescribeStacks", stack_id));
        match answer {
            Ok(output) => Ok(output
                .stacks
                .unwrap_or_default()
                .into_iter()
                .next()
                .map(stack)),
            Err(error) if is_missing(&error, "Stack") => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn stack_resource(
        &self,
        stack_id: &str,
        logical_id: &str,
    ) -> AwsResult<Option<StackResource>> {
        let answer = self
            .cloudformation
            .describe_stack_resource()
            .stack_name(stack_id)
            .logical_resource_id(logical_id)
            .send()
            .await
            .map_err(failed(
                "DescribeStackResource",
                format!("{logical_id} of {stack_id}"),
            ));
        match answer {
            Ok(output) => Ok(output.stack_resource_detail.map(|detail| StackResource {
                physical_id: detail.physical_resource_id.filter(|id| !id.is_empty()),
                status: detail
                    .resource_status
                    .map(|status| status.as_str().to_owned())
                    .unwrap_or_default(),
            })),
            Err(error) if is_missing(&error, "Resource") => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// CloudFormation has no code of its own for an unknown stack or resource, only the words "Stack with id … does not
/// exist" and "Resource … does not exist for stack …" (CloudFormation API, `DescribeStacks`, `DescribeStackResource`).
fn is_missing(error: &AwsError, what: &str) -> bool {
    let says = format!("ValidationError: {what}");
    error.is(&["ValidationError"])
        && error.reason.starts_with(&says)
        && error.reason.contains("does not exist")
}

fn stack(described: types::Stack) -> Stack {
    let tags = described.tags.unwrap_or_default().into_iter();
    Stack {
        tags: tags
            .filter_map(|tag| Some((tag.key?, tag.value.unwrap_or_default())))
            .collect(),
        status: described
            .stack_status
            .map(|status| status.as_str().to_owned())
            .unwrap_or_default(),
    }
}
