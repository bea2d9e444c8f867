//! What a lease hangs on: a request's claims, which are looked at, and a tick's own write, which is made
//! anew. Rules 2 and 6 of the record.

use super::lease::Hold;
use crate::aws::api::Objects;
use crate::names::BindingId;
use crate::record::data::Mark;
use crate::record::error::RecordError;
use crate::record::storage::{Held, Store};
use std::cell::RefCell;

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
