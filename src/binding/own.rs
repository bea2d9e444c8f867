//! Which target groups and listeners may be a binding's own.
//!
//! Changes nothing.

use crate::aws::api::{Aws, AwsResult};
use crate::model::{Listener, TargetGroup};
use crate::names::BindingId;
use std::collections::BTreeSet;

/// Whether a listener may be the binding's: where the record tells on which `ports` it has any, one on these, and
/// one that leads to its target groups, or nowhere. Those of the other bindings on an NLB go while they are asked
/// about, and each costs a call then.
pub(super) fn may_be_own(
    id: &BindingId,
    ports: Option<&BTreeSet<u16>>,
    listener: &Listener,
) -> bool {
    let mut forwards = listener.forwards_to.iter();
    ports.is_none_or(|ports| ports.contains(&listener.port))
        || listener.forwards_to.is_empty()
        || forwards.any(|arn| id.made_group(arn))
}

/// The binding's own target groups, by their names where these are known.
pub(super) async fn own_groups(
    aws: &impl Aws,
    id: &BindingId,
    names: Option<Vec<String>>,
) -> AwsResult<Vec<TargetGroup>> {
    match names {
        Some(names) => aws.target_groups_called(&names).await,
        None => aws.target_groups_named(&id.target_group_prefix()).await,
    }
}
