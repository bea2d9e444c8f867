//! Rule 6: a tick writes the record before every registration and deregistration.

use super::lease::{Lease, LeaseHolder};
use crate::aws::api::Objects;
use crate::clock::Clock;
use crate::log::chain;
use crate::permit::CALL_TIMEOUT;
use crate::record::data::{Failure, Record};
use crate::record::error::RecordError;
use crate::record::storage::{Store, StoredRecord};
use std::cell::RefCell;
use tokio::time::Instant;
use tracing::warn;

/// How many characters of a reason the record keeps.
const LONGEST_REASON: usize = 1000;

/// The tick as holder of a lease. Each of its looks is a write, so that the record shows until when the tick may act.
pub struct TickWrite<'a, A> {
    store: Store<'a, A>,
    clock: Clock,
    held: RefCell<StoredRecord>,
}

impl<'a, A: Objects> TickWrite<'a, A> {
    /// Writes what a tick is about to do, and gives the lease to do it. `None` if somebody else has written the
    /// record meanwhile.
    ///
    /// # Errors
    /// What S3 refuses.
    pub async fn begin(
        store: &Store<'a, A>,
        clock: Clock,
        held: &StoredRecord,
        mut next: Record,
    ) -> Result<Option<Lease<Self>>, RecordError> {
        let began = Instant::now();
        next.ticked = clock.now();
        let Some(held) = store.replace(held, next).await? else {
            return Ok(None);
        };
        let (store, held) = (store.clone(), RefCell::new(held));
        let lease = Lease::new(Self { store, clock, held }, clock);
        lease.count_as_look(began);
        Ok(Some(lease))
    }

    /// Writes into the record why the tick failed, for first aid. Nothing else depends on it, so this is not tried
    /// again if somebody else has written or S3 refuses.
    pub async fn store_failure(&self, reason: &str) {
        let held = self.held.borrow().clone();
        let mut record = held.record.clone();
        record.failed = Some(Failure {
            at: self.clock.now(),
            reason: reason.chars().take(LONGEST_REASON).collect(),
        });
        let write = self.store.replace(&held, record);
        match tokio::time::timeout(CALL_TIMEOUT, write).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => {
                let error = chain(&error);
                warn!(error, "that this tick failed is not in the record");
            }
            Err(_) => warn!("that this tick failed is not in the record: no answer in time"),
        }
    }
}

impl<A: Objects> LeaseHolder for TickWrite<'_, A> {
    async fn confirm(&self) -> Result<(), RecordError> {
        let held = self.held.borrow().clone();
        let mut record = held.record.clone();
        record.ticked = self.clock.now();
        let written = self.store.replace(&held, record).await?;
        self.held.replace(written.ok_or(RecordError::TakenOver)?);
        Ok(())
    }
}
