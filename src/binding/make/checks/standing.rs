//! What a binding stands on while an Update of it is checked. Pure.

use crate::binding::desired::Desired;
use crate::binding::make::observed::Observed;
use crate::properties::{Properties, TargetProperties};
use crate::record::Orders;

/// What a binding stands on: the properties that it last had a success for, in a rollback those that it goes
/// back to as well, and the orders that came of the former.
#[derive(Debug, Clone, Copy)]
pub struct Standing<'a> {
    pub properties: &'a [Properties],
    pub orders: &'a Orders,
}

impl Standing<'_> {
    /// Whether the bucket is the one that the record is in, or that a rollback goes back to.
    pub(super) fn has_bucket(&self, desired: &Desired, observed: &Observed) -> bool {
        let record = observed.record.as_ref();
        record.is_some_and(|(_, bucket)| *bucket == desired.bucket())
            || self.properties.contains(&desired.properties)
    }

    pub(super) fn is_on(&self, target: &TargetProperties) -> bool {
        let mut stands = self.properties.iter();
        stands.any(|properties| properties.target == *target)
    }
}
