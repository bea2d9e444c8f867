//! Rule 1 of the record: whatever changes something on AWS starts within 5 s of a write of the record
//! or of a look that shows the claim unchanged, and each try looks again.
//!
//! The lease is the only one that gives permits, and so the only one that repeats such a call. What
//! it may not do any more it does not do: nothing is undone here.

use crate::aws::api::{AwsResult, TRIES, Trouble};
use crate::backoff::Backoff;
use crate::clock::{Clock, Timestamp};
use crate::log::chain;
use crate::permit::{CALL_TIMEOUT, FRESH, Permit};
use crate::progress;
use crate::record::error::RecordError;
use crate::record::just_made::Fresh;
use std::cell::Cell;
use tokio::sync::Mutex;
use tokio::time::Instant;
use tracing::info;

/// Leave to act, for as long as looks confirm it.
pub struct Lease<H> {
    hold: H,
    clock: Clock,
    looked: Cell<Option<Instant>>,
    looking: Mutex<()>,
    under_way: Cell<usize>,
    last_call: Cell<Timestamp>,
    /// When what others did is done.
    others: Cell<Timestamp>,
    fresh: Fresh,
}

/// What a lease hangs on.
pub trait Hold {
    /// Looks whether the holder may still act.
    ///
    /// # Errors
    /// Where it may not, or where that cannot be seen.
    async fn confirm(&self) -> Result<(), RecordError>;
}

impl<H: Hold> Lease<H> {
    /// A lease that has not been looked for yet.
    pub fn new(hold: H, clock: Clock) -> Self {
        Self {
            hold,
            clock,
            looked: Cell::new(None),
            looking: Mutex::default(),
            under_way: Cell::new(0),
            last_call: Cell::default(),
            others: Cell::default(),
            fresh: Fresh::default(),
        }
    }

    pub fn hold(&self) -> &H {
        &self.hold
    }

    /// What this request has just made, so that calls about it are made again where AWS does not know it yet.
    pub fn fresh(&self) -> &Fresh {
        &self.fresh
    }

    /// A write of the record that was begun at `began` is as good as a look.
    pub fn confirmed(&self, began: Instant) {
        self.looked.set(Some(began));
    }

    /// The next call looks first.
    pub fn doubt(&self) {
        self.looked.set(None);
    }

    /// Makes a call that changes something, and makes it again where it is worth it; each time after
    /// a look that is fresh.
    ///
    /// # Errors
    /// What AWS refuses, and where the lease is gone.
    pub async fn act<T>(
        &self,
        call: impl AsyncFn(Permit) -> AwsResult<T>,
    ) -> Result<T, RecordError> {
        let mut backoff = Backoff::short_at_first();
        let mut failures = 0;
        let mut waits_for = None;
        loop {
            let permit = self.permit().await?;
            self.under_way.set(self.under_way.get() + 1);
            self.last_call.set(self.clock.now());
            let answer = call(permit).await;
            self.under_way.set(self.under_way.get().saturating_sub(1));
            let error = match answer {
                Err(error) => error,
                Ok(answer) => {
                    waits_for.map(progress::has_passed);
                    return Ok(answer);
                }
            };
            // AWS's answer, even that it is busy, ends a row of failures.
            let passes = error.trouble == Trouble::Passes || self.fresh.is_not_shown(&error);
            failures = if passes { 0 } else { failures + 1 };
            if !passes && (error.trouble == Trouble::Stays || failures == TRIES) {
                return Err(error.into());
            }
            info!(error = chain(&error), "trying again");
            progress::waits(error.operation, error.to_string());
            waits_for = Some(error.operation);
            backoff.wait().await;
            self.doubt();
        }
    }

    /// Others, from whom it was taken, may be acting until then.
    pub fn waits_for_others(&self, until: Timestamp) {
        self.others.set(self.others.get().max(until));
    }

    /// From when on no call that this lease let through, nor one of those from whom it was taken, can have an
    /// effect any more.
    pub fn settled(&self) -> Timestamp {
        let own = match self.under_way.get() {
            0 => self.clock.now(),
            _ => self.last_call.get() + CALL_TIMEOUT,
        };
        own.max(self.others.get())
    }

    async fn permit(&self) -> Result<Permit, RecordError> {
        let _one_at_a_time = self.looking.lock().await;
        let is_fresh = |looked: Instant| looked.elapsed() < FRESH;
        // A look that takes too long has to be repeated.
        while !self.looked.get().is_some_and(is_fresh) {
            let began = Instant::now();
            self.hold.confirm().await?;
            self.looked.set(Some(began));
        }
        Ok(Permit::after_a_look())
    }
}

#[cfg(test)]
mod tests;
