//! Rule 1 of the record: whatever changes something on AWS starts within 5 s of a write of the record
//! or of a look that shows the claim unchanged, and each try looks again.
//!
//! The lease is the only one that gives permits, and so the only one that repeats such a call. What
//! it may not do any more it does not do: nothing is undone here.

use super::RecordError;
use super::request::Mark;
use super::store::{Held, Store};
use crate::capabilities::{Answer, AwsError, Objects, Trouble};
use crate::clock::{Clock, Timestamp};
use crate::pause::Pause;
use crate::permit::{CALL_TIMEOUT, Permit};
use crate::progress;
use std::cell::{Cell, RefCell};
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::Instant;
use tracing::info;

/// For how long a look is believed.
const FRESH: Duration = Duration::from_secs(5);

/// How often a call is made that AWS failed at, or that got no answer. Where AWS says that it is busy
/// the invocation's deadline ends the trying.
const TRIES: usize = 7;

/// Leave to act, for as long as looks confirm it.
pub struct Lease<H> {
    hold: H,
    clock: Clock,
    looked: Cell<Option<Instant>>,
    looking: Mutex<()>,
    under_way: Cell<usize>,
    last_call: Cell<Timestamp>,
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
        }
    }

    pub fn hold(&self) -> &H {
        &self.hold
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
    pub async fn act<T>(&self, call: impl AsyncFn(Permit) -> Answer<T>) -> Result<T, RecordError> {
        let mut pause = Pause::short_at_first();
        let mut tries = 1;
        loop {
            let permit = self.permit().await?;
            self.under_way.set(self.under_way.get() + 1);
            self.last_call.set(self.clock.now());
            let answer = call(permit).await;
            self.under_way.set(self.under_way.get().saturating_sub(1));
            let error = match answer {
                Err(error) if is_worth_another_try(&error, tries) => error,
                answer => return Ok(answer?),
            };
            info!(error = %error, tries, "trying again");
            progress::note(format!("trying again: {error}"));
            pause.wait().await;
            tries += 1;
        }
    }

    /// From when on no call that this lease let through can have an effect any more.
    pub fn settled(&self) -> Timestamp {
        match self.under_way.get() {
            0 => self.clock.now(),
            _ => self.last_call.get() + CALL_TIMEOUT,
        }
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

fn is_worth_another_try(error: &AwsError, tries: usize) -> bool {
    match error.trouble {
        Trouble::Stays => false,
        Trouble::MayPass => tries < TRIES,
        Trouble::Passes => true,
    }
}

/// The claims that one request holds: its binding's, and where it replaces another, that one's too.
pub struct Claims<'a, A> {
    mark: Mark,
    held: RefCell<Vec<Claimed<'a, A>>>,
}

/// One claim that is held.
pub struct Claimed<'a, A> {
    pub store: Store<'a, A>,
    /// As this request last wrote or read it.
    pub last: Held,
    /// Whether the record may be gone already, because Delete's last step takes it away.
    pub may_be_gone: bool,
}

impl<A> Clone for Claimed<'_, A> {
    fn clone(&self) -> Self {
        Self {
            store: self.store.clone(),
            last: self.last.clone(),
            ..*self
        }
    }
}

impl<'a, A: Objects> Claims<'a, A> {
    pub fn none_yet(mark: Mark) -> Self {
        Self {
            mark,
            held: RefCell::default(),
        }
    }

    pub fn mark(&self) -> &Mark {
        &self.mark
    }

    pub fn hold(&self, claimed: Claimed<'a, A>) {
        let mut held = self.held.borrow_mut();
        held.retain(|former| former.store.owner() != claimed.store.owner());
        held.push(claimed);
    }

    pub fn release(&self, owner: &str) {
        let mut held = self.held.borrow_mut();
        held.retain(|claimed| claimed.store.owner() != owner);
    }

    pub fn all(&self) -> Vec<Claimed<'a, A>> {
        self.held.borrow().clone()
    }

    /// The record as it is now, if this request still holds it.
    ///
    /// # Errors
    /// Where somebody else holds it, or it is gone.
    pub async fn read(&self, claimed: &Claimed<'a, A>) -> Result<Option<Held>, RecordError> {
        let last = &claimed.last;
        match claimed.store.again(&last.bucket).await {
            Ok(Some(held)) if held.record.is_held_by(&self.mark) => Ok(Some(held)),
            Ok(None) if claimed.may_be_gone => Ok(None),
            Ok(_) => Err(RecordError::TakenOver),
            // What S3 does not give, such as what it archives at once, it still knows by its ETag.
            Err(error) if error.is_unreadable() => {
                let etag = claimed.store.etag(&last.bucket).await?;
                let is_same = etag.as_ref() == Some(&last.etag);
                is_same.then(|| Some(last.clone())).ok_or(error)
            }
            Err(error) => Err(error),
        }
    }
}

impl<A: Objects> Hold for Claims<'_, A> {
    async fn confirm(&self) -> Result<(), RecordError> {
        for claimed in self.all() {
            self.read(&claimed).await?;
        }
        Ok(())
    }
}

/// A tick's hold: each look of it is a write, so that the record tells until when it may still act.
pub struct Ticking<'a, A> {
    store: Store<'a, A>,
    clock: Clock,
    held: RefCell<Held>,
}

impl<'a, A: Objects> Ticking<'a, A> {
    /// On a record that this tick has just written.
    pub fn on(store: Store<'a, A>, clock: Clock, held: Held) -> Self {
        let held = RefCell::new(held);
        Self { store, clock, held }
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

#[cfg(test)]
mod tests;
