//! The properties and orders of the last success: a finding that they have as well does not fail an Update. Pure.

use crate::binding::desired::Desired;
use crate::binding::make::observed::Observed;
use crate::properties::{Properties, TargetProperties};
use crate::record::Orders;

/// The properties and orders of the last success. In a rollback, the properties that it goes back to count as well.
#[derive(Debug, Clone, Copy)]
pub struct LastSuccess<'a> {
    pub properties: &'a [Properties],
    pub orders: &'a Orders,
}

impl LastSuccess<'_> {
    /// Whether the record is in the desired bucket, or a rollback goes back to it.
    pub(super) fn has_bucket(&self, desired: &Desired, observed: &Observed) -> bool {
        let record = observed.record.as_ref();
        record.is_some_and(|(_, bucket)| *bucket == desired.bucket())
            || self.properties.contains(&desired.properties)
    }

    /// Whether the binding already uses this target.
    pub(super) fn has_target(&self, target: &TargetProperties) -> bool {
        let mut properties = self.properties.iter();
        properties.any(|properties| properties.target == *target)
    }
}
