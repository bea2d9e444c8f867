//! Finds another binding's record, in whichever bucket it is. Changes nothing.

use super::error::BindingError;
use super::hints::candidates;
use crate::aws::api::Aws;
use crate::names::BindingId;
use crate::record::{Located, RuleEvent, Turn};

/// Finds another binding's record.
pub(super) async fn locate<A: Aws>(
    aws: &A,
    turn: &Turn<'_, A>,
    id: &BindingId,
    said: Option<String>,
    own_bucket: &str,
) -> Result<Located, BindingError> {
    let rule = aws.rule(&id.rule()).await?;
    let ruled = RuleEvent::of_rule(rule.as_ref()).map(|event| event.bucket);
    let candidates = candidates(ruled, said, own_bucket);
    Ok(turn.store(id).locate(candidates).await?)
}
