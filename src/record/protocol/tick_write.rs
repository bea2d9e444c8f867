//! Rule 6: a tick writes the record before every registration and deregistration.

use super::lease::{Hold, Lease};
use crate::aws::api::Objects;
use crate::clock::Clock;
use crate::log::chain;
use crate::permit::CALL_TIMEOUT;
use crate::record::data::{Failure, Record};
use crate::record::error::RecordError;
use crate::record::storage::{Held, Store};
use std::cell::RefCell;
use tokio::time::Instant;
use tracing::warn;

/// How much of a reason is kept, in characters.
const LONGEST_REASON: usize = 1000;

/// A tick's hold: each look of it is a write, so that the record tells until when it may still act.
pub struct Ticking<'a, A> {
    store: Store<'a, A>,
    clock: Clock,
    held: RefCell<Held>,
}

impl<'a, A: Objects> Ticking<'a, A> {
    /// Writes what a tick is about to do, and gives it leave to do it; `None` where somebody else has written
    /// the record meanwhile.
    pub async fn begin(
        store: &Store<'a, A>,
        clock: Clock,
        held: &Held,
        mut next: Record,
    ) -> Result<Option<Lease<Self>>, RecordError> {
        let began = Instant::now();
        next.ticked = clock.now();
        let Some(held) = store.replace(held, next).await? else {
            return Ok(None);
        };
        let (store, held) = (store.clone(), RefCell::new(held));
        let lease = Lease::new(Self { store, clock, held }, clock);
        lease.confirmed(began);
        Ok(Some(lease))
    }

    /// Puts down why it failed, for whoever asks how the binding fares. Nothing depends on it, so somebody else's
    /// write, and whatever S3 refuses, is let be.
    pub async fn failed(&self, reason: &str) {
        let held = self.held.borrow().clone();
        let mut record = held.record.clone();
        record.failed = Some(Failure {
            at: self.clock.now(),
            reason: reason.chars().take(LONGEST_REASON).collect(),
        });
        let put_down = self.store.replace(&held, record);
        match tokio::time::timeout(CALL_TIMEOUT, put_down).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => {
                let error = chain(&error);
                warn!(error, "that this tick failed is not in the record");
            }
            Err(_) => warn!("that this tick failed is not in the record: no answer in time"),
        }
    }
}

impl<A: Objects> Hold for Ticking<'_, A> {
    async fn confirm(&self) -> Result<(), RecordError> {
        let held = self.held.borrow().clone();
        let mut record = held.record.clone();
        record.ticked = self.clock.now();
        let written = self.store.replace(&held, record).await?;
        self.held.replace(written.ok_or(RecordError::TakenOver)?);
        Ok(())
    }
}
