//! Whose tick it is: a binding's, by its rule's event, or one in the place of the function of 2018.

use super::error::SyncError;
use super::observe::Read;
use crate::model::{Endpoint, Registered};
use crate::record::Orders;
use std::collections::BTreeSet;

/// Where a tick's record and its orders come from.
pub trait Source {
    /// The record as it is now; `None` where there is nothing to do.
    async fn read(&self) -> Result<Read, SyncError>;
    /// The target groups that targets may leave by this tick.
    fn may_leave(&self, orders: &Orders) -> BTreeSet<String>;
    /// Which of these targets, that are about to leave a group, others still serve there.
    async fn of_others(
        &self,
        group: &str,
        leaving: &Registered,
    ) -> Result<BTreeSet<Endpoint>, SyncError>;
}
