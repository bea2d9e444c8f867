//! What is asked of CloudFormation. The response to it goes another way: [`super::Responder`].

use super::error::AwsResult;
use crate::model::Tags;

/// The part of a stack that CloudFormation does not send to a custom resource.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stack {
    pub tags: Tags,
    /// For example `UPDATE_ROLLBACK_IN_PROGRESS` (CloudFormation API, `Stack`, `StackStatus`).
    pub status: String,
}

/// One resource of a stack (CloudFormation API, `StackResourceDetail`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StackResource {
    pub physical_id: Option<String>,
    /// For example `CREATE_IN_PROGRESS`.
    pub status: String,
}

/// Stacks, which are only read.
pub trait Stacks {
    /// `None` if this account has no such stack.
    async fn stack(&self, stack_id: &str) -> AwsResult<Option<Stack>>;
    /// `None` if the stack has no such resource. An unknown stack is an error.
    async fn stack_resource(
        &self,
        stack_id: &str,
        logical_id: &str,
    ) -> AwsResult<Option<StackResource>>;
}
