//! Where a tick gets its orders: from the rule of a binding, or from the environment variables of the function that
//! AWS published in 2018.

use super::error::SyncError;
use crate::model::{Endpoint, Registered};
use crate::record::{Orders, StoredRecord};
use std::collections::BTreeSet;

/// Where a tick gets its record and its orders.
pub trait Source {
    /// Step 3, "known before": the record now, and the orders by which the tick works. `None` if there is
    /// nothing to do.
    async fn read(&self) -> Result<Option<(StoredRecord, Orders)>, SyncError>;
    /// The target groups that this tick may deregister targets from.
    fn may_leave(&self, orders: &Orders) -> BTreeSet<String>;
    /// Which of the targets that are about to leave a group stay, because others serve them there as well.
    async fn served_by_others(
        &self,
        group: &str,
        leaving: &Registered,
    ) -> Result<BTreeSet<Endpoint>, SyncError>;
}
