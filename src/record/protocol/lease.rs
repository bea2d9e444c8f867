//! Rule 1: each call that changes something on AWS starts within 5 s of a write of the record, or of a look that shows
//! the claim unchanged, and each retry looks again.
//!
//! Only the lease gives permits, so only it can repeat such a call. It undoes nothing: if the claim is gone it
//! makes no more calls.

use crate::aws::api::{AwsResult, TRIES, Trouble};
use crate::backoff::Backoff;
use crate::clock::{Clock, Timestamp};
use crate::log::chain;
use crate::permit::{CALL_TIMEOUT, FRESH_FOR, Permit};
use crate::progress;
use crate::record::error::RecordError;
use crate::record::just_made::JustMade;
use std::cell::Cell;
use tokio::sync::Mutex;
use tokio::time::Instant;
use tracing::info;

/// The permission to act, as long as looks at the record confirm it.
pub struct Lease<H> {
    holder: H,
    clock: Clock,
    /// When the last good look began. `None`: the next call looks first.
    looked_at: Cell<Option<Instant>>,
    one_look: Mutex<()>,
    /// How many calls have no answer yet.
    under_way: Cell<usize>,
    last_call: Cell<Timestamp>,
    /// Until this time, calls of requests whose claims were taken over may take effect.
    others_act_until: Cell<Timestamp>,
    just_made: JustMade,
}

/// Who holds a lease: a request by its claims, or a tick by its own write.
pub trait LeaseHolder {
    /// Sees whether the holder may still act: a request reads the record, and a tick writes it.
    ///
    /// # Errors
    /// If it must not, or if the record cannot be read.
    async fn confirm(&self) -> Result<(), RecordError>;
}

impl<H: LeaseHolder> Lease<H> {
    /// A new lease: its first call looks first.
    pub fn new(holder: H, clock: Clock) -> Self {
        Self {
            holder,
            clock,
            looked_at: Cell::new(None),
            one_look: Mutex::default(),
            under_way: Cell::new(0),
            last_call: Cell::default(),
            others_act_until: Cell::default(),
            just_made: JustMade::default(),
        }
    }

    pub fn holder(&self) -> &H {
        &self.holder
    }

    /// What this request has just made. A call that fails because AWS does not know it yet is made again.
    pub fn just_made(&self) -> &JustMade {
        &self.just_made
    }

    /// A write of the record, or a look at it, that began at `began` counts as a look.
    pub fn count_as_look(&self, began: Instant) {
        self.looked_at.set(Some(began));
    }

    /// The next call looks first.
    pub fn expire(&self) {
        self.looked_at.set(None);
    }

    /// Makes a call that changes something, each time after a fresh look. Makes it again if it fails with an error that
    /// may pass.
    ///
    /// # Errors
    /// If AWS refuses the call, or the claim is gone.
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
                    waits_for.map(progress::note_success);
                    return Ok(answer);
                }
            };
            // An answer of AWS, even that it is busy, ends a row of failures.
            let passes = error.trouble == Trouble::Passes || self.just_made.explains(&error);
            failures = if passes { 0 } else { failures + 1 };
            if !passes && (error.trouble == Trouble::Stays || failures == TRIES) {
                return Err(error.into());
            }
            info!(error = chain(&error), "trying again");
            progress::note_retry(error.operation, error.to_string());
            waits_for = Some(error.operation);
            backoff.wait().await;
            self.expire();
        }
    }

    /// Requests whose claims were taken over may act until then.
    pub fn note_others(&self, until: Timestamp) {
        self.others_act_until
            .set(self.others_act_until.get().max(until));
    }

    /// After this time no call of this lease, or of a request whose claim was taken over, can take effect.
    pub fn quiet_from(&self) -> Timestamp {
        let own = match self.under_way.get() {
            0 => self.clock.now(),
            _ => self.last_call.get() + CALL_TIMEOUT,
        };
        own.max(self.others_act_until.get())
    }

    async fn permit(&self) -> Result<Permit, RecordError> {
        let _one_at_a_time = self.one_look.lock().await;
        let is_fresh = |looked_at: Instant| looked_at.elapsed() < FRESH_FOR;
        // A look that takes too long is not fresh any more when it ends.
        while !self.looked_at.get().is_some_and(is_fresh) {
            let began = Instant::now();
            self.holder.confirm().await?;
            self.looked_at.set(Some(began));
        }
        Ok(Permit::after_a_look())
    }
}

#[cfg(test)]
mod tests;
