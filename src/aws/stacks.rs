//! CloudFormation: what it does not hand to a custom resource, the stack's own tags above all.

use super::{Aws, failed};
use crate::capabilities::{Answer, Stack, Stacks};
use aws_sdk_cloudformation::types::{self, StackStatus};

impl Stacks for Aws {
    async fn stack(&self, stack_id: &str) -> Answer<Option<Stack>> {
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
            // CloudFormation has no code of its own for this (API reference, DescribeStacks).
            Err(error)
                if error.is(&["ValidationError"]) && error.reason.contains("does not exist") =>
            {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}

fn stack(described: types::Stack) -> Stack {
    let tags = described.tags.unwrap_or_default().into_iter();
    Stack {
        tags: tags
            .filter_map(|tag| Some((tag.key?, tag.value.unwrap_or_default())))
            .collect(),
        is_leaving: matches!(
            described.stack_status,
            Some(StackStatus::DeleteInProgress | StackStatus::DeleteComplete)
        ),
    }
}
