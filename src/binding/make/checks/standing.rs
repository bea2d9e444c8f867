//! What a binding stands on before an Update: a finding that it stands with already does not fail the Update. Pure.

use crate::binding::desired::Desired;
use crate::binding::make::observed::Observed;
use crate::properties::{Properties, TargetProperties};
use crate::record::Orders;

/// What a binding stands on: the properties of its last success, in a rollback also those that it goes back to, and the
/// orders of the last success.
#[derive(Debug, Clone, Copy)]
pub struct Standing<'a> {
    pub properties: &'a [Properties],
    pub orders: &'a Orders,
}

impl Standing<'_> {
    /// Whether the record is in the desired bucket, or a rollback goes back to it.
    pub(super) fn has_bucket(&self, desired: &Desired, observed: &Observed) -> bool {
        let record = observed.record.as_ref();
        record.is_some_and(|(_, bucket)| *bucket == desired.bucket())
            || self.properties.contains(&desired.properties)
    }

    /// Whether the binding stands on this target already.
    pub(super) fn is_on(&self, target: &TargetProperties) -> bool {
        let mut stands = self.properties.iter();
        stands.any(|properties| properties.target == *target)
    }
}
