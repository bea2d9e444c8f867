//! Finds the record of a binding other than the request's own, in whichever bucket it is. Changes nothing.

use super::error::BindingError;
use super::hints::candidates;
use crate::aws::api::Aws;
use crate::names::BindingId;
use crate::record::{Located, RuleEvent, Turn};

/// Finds another binding's record: in the bucket of its rule, in the one `named` in properties, or in its own bucket.
///
/// # Errors
/// What AWS refuses.
pub(super) async fn locate<A: Aws>(
    aws: &A,
    turn: &Turn<'_, A>,
    id: &BindingId,
    named: Option<String>,
    own_bucket: &str,
) -> Result<Located, BindingError> {
    let rule = aws.rule(&id.rule()).await?;
    let of_rule = RuleEvent::of_rule(rule.as_ref()).map(|event| event.bucket);
    let candidates = candidates(of_rule, named, own_bucket);
    Ok(turn.store(id).locate(candidates).await?)
}
