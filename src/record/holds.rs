//! What a lease hangs on: a request's claims, which are looked at, and a tick's own write, which is made
//! anew. Rules 2 and 6 of the record.

use super::body::{Failure, Record};
use super::error::RecordError;
use super::lease::{Hold, Lease};
use super::located::Held;
use super::request::Mark;
use super::store::Store;
use crate::aws::api::Objects;
use crate::clock::Clock;
use crate::log::chain;
use crate::names::BindingId;
use crate::permit::CALL_TIMEOUT;
use std::cell::RefCell;
use tokio::time::Instant;
use tracing::warn;

/// How much of a reason is kept, in characters.
const LONGEST_REASON: usize = 1000;

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

    pub fn hold(&self, claimed: Claimed<'a, A>) {
        let mut held = self.held.borrow_mut();
        held.retain(|former| former.store.owner() != claimed.store.owner());
        held.push(claimed);
    }

    pub fn release(&self, owner: &str) {
        let mut held = self.held.borrow_mut();
        held.retain(|claimed| claimed.store.owner() != owner);
    }

    /// The claim to one binding's record.
    pub fn of(&self, owner: &str) -> Option<Claimed<'a, A>> {
        let held = self.held.borrow();
        let mut held = held.iter();
        held.find(|claimed| claimed.store.owner() == owner).cloned()
    }

    /// The bindings whose records are claimed.
    pub fn ids(&self) -> Vec<BindingId> {
        let held = self.held.borrow();
        let owners = held.iter().map(|claimed| claimed.store.owner());
        owners.filter_map(BindingId::parse).collect()
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
