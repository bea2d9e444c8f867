//! One binding from properties to wiring: observe, check, plan, apply; and its mirror, delete.
//!
//! Create and Update are one operation that does the difference between what should be and what
//! is. Nothing is ever changed or deleted that is not the binding's by name or by tag.

mod apply;
mod checks;
mod delete;
mod desired;
mod keeping;
mod names;
pub mod observe;
mod orders;
pub mod plan;
#[cfg(test)]
mod planning;
mod removal;
mod step;
#[cfg(test)]
mod tests;

pub use apply::Attributes;
use apply::{Context, Made};
pub use checks::Findings;
pub use delete::{Hints, delete};
pub use desired::Desired;
pub use names::{BindingId, TAG};
pub use orders::current as rule_orders;

use crate::capabilities::{
    AwsError, Buckets, ElbTags, Listeners, LoadBalancers, Metrics, Objects, Rules, Stacks,
    TargetGroups, Targets,
};
use crate::discovery::Discovery;
use crate::sync::{SyncError, state::StateError};
use tracing::info;

/// Everything that making and deleting a binding asks of AWS.
pub trait BindingAws:
    LoadBalancers
    + Listeners
    + TargetGroups
    + Targets
    + ElbTags
    + Buckets
    + Objects
    + Rules
    + Metrics
    + Stacks
{
}
impl<T> BindingAws for T where
    T: LoadBalancers
        + Listeners
        + TargetGroups
        + Targets
        + ElbTags
        + Buckets
        + Objects
        + Rules
        + Metrics
        + Stacks
{
}

/// Why a binding could not be made or deleted.
#[derive(Debug, thiserror::Error)]
pub enum BindingError {
    #[error(transparent)]
    Properties(#[from] crate::properties::Problems),
    #[error(transparent)]
    Findings(#[from] Findings),
    #[error(transparent)]
    Aws(#[from] AwsError),
    #[error("the first sync failed")]
    Sync(#[from] SyncError),
    #[error("the state in s3://{bucket} cannot be used")]
    State {
        bucket: String,
        #[source]
        source: StateError,
    },
    #[error("the state or the rule's input could not be written as JSON")]
    Json(#[source] serde_json::Error),
    #[error("the state in s3://{bucket} was written by others again and again")]
    Contended { bucket: String },
    #[error("the binding was deleted while it was made; what was made is taken away again")]
    Deleted,
    #[error("the plan names the target group {name}, which was not made")]
    Unplanned { name: String },
    #[error("the load balancers could not be read")]
    NoLoadBalancers,
}

/// How often everything is looked at anew because AWS says that something exists already.
const STARTS: usize = 3;

/// Create and Update: makes it so, and answers with the attributes for `Fn::GetAtt`.
///
/// # Errors
/// Findings of the checks come before anything is made; everything else may leave some of the
/// wiring behind, which a repetition completes and Delete removes.
pub async fn make(
    aws: &impl BindingAws,
    discovery: &Discovery,
    desired: &Desired,
    request: &str,
) -> Result<Attributes, BindingError> {
    let mut start = 1;
    let mut made = Made::default();
    let result = loop {
        let observed = observe::observe(aws, desired).await?;
        checks::check(desired, &observed)?;
        let plan = plan::plan(desired, &observed);
        info!(binding = %desired.id, %plan, "plan");
        made.has_state = observed.state_exists;
        made.was_bound = observed.rule.is_some();
        let context = Context {
            aws,
            discovery,
            desired,
            observed: &observed,
            request,
        };
        match context.carry_out(&plan, &mut made).await {
            // A create whose answer was lost and that was sent again meets its own work.
            Err(BindingError::Aws(error)) if start < STARTS && already_exists(&error) => {
                info!(error = %error, "it is there already, looking again");
                start += 1;
            }
            result => break result,
        }
    };
    // Delete takes the state away. One that ran meanwhile did not see what was made after it.
    if !made.has_state || keeping::exists(aws, &desired.id, &desired.bucket()).await? {
        return result;
    }
    // It takes the rule away before. Where that is still there the state was lost in another way,
    // and what serves stays.
    if made.was_bound && aws.rule(&desired.id.rule()).await?.is_some() {
        return result;
    }
    let hints = Hints::of(&desired.properties);
    delete::delete(aws, &desired.id, &desired.account, &hints).await?;
    Err(BindingError::Deleted)
}

fn already_exists(error: &AwsError) -> bool {
    error.is(&["DuplicateTargetGroupName", "DuplicateListener"])
}
