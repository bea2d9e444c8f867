//! Rule 2: the claims of one request, and whether it still has them.

use super::lease::LeaseHolder;
use crate::aws::api::Objects;
use crate::names::BindingId;
use crate::record::data::DeliveryId;
use crate::record::error::RecordError;
use crate::record::storage::{Store, StoredRecord};
use std::cell::RefCell;

/// The claims of one request: to its binding's record and, if it replaces another binding, to that one's too.
pub struct Claims<'a, A> {
    delivery: DeliveryId,
    held: RefCell<Vec<ClaimedRecord<'a, A>>>,
}

/// A record that this request has claimed.
pub struct ClaimedRecord<'a, A> {
    pub store: Store<'a, A>,
    /// The record as this request last wrote or read it.
    pub last: StoredRecord,
    /// Whether the record may be gone already, because Delete's last step removes it.
    pub may_be_gone: bool,
}

impl<A> Clone for ClaimedRecord<'_, A> {
    fn clone(&self) -> Self {
        Self {
            store: self.store.clone(),
            last: self.last.clone(),
            ..*self
        }
    }
}

impl<'a, A: Objects> Claims<'a, A> {
    pub fn none(delivery: DeliveryId) -> Self {
        Self {
            delivery,
            held: RefCell::default(),
        }
    }

    pub fn add(&self, claimed: ClaimedRecord<'a, A>) {
        let mut held = self.held.borrow_mut();
        held.retain(|former| former.store.owner() != claimed.store.owner());
        held.push(claimed);
    }

    pub fn remove(&self, owner: &str) {
        let mut held = self.held.borrow_mut();
        held.retain(|claimed| claimed.store.owner() != owner);
    }

    /// The claimed record of one binding.
    pub fn get(&self, owner: &str) -> Option<ClaimedRecord<'a, A>> {
        let held = self.held.borrow();
        let mut held = held.iter();
        held.find(|claimed| claimed.store.owner() == owner).cloned()
    }

    /// The bindings whose records this request has claimed.
    pub fn ids(&self) -> Vec<BindingId> {
        let held = self.held.borrow();
        let owners = held.iter().map(|claimed| claimed.store.owner());
        owners.filter_map(BindingId::parse).collect()
    }

    pub fn all(&self) -> Vec<ClaimedRecord<'a, A>> {
        self.held.borrow().clone()
    }

    /// Reads a claimed record. `None` if it is gone and is allowed to be.
    ///
    /// # Errors
    /// If another request or delivery has claimed it, or if it is gone and must not be.
    pub async fn read(
        &self,
        claimed: &ClaimedRecord<'a, A>,
    ) -> Result<Option<StoredRecord>, RecordError> {
        let last = &claimed.last;
        match claimed.store.read_again(&last.bucket).await {
            Ok(Some(held)) if held.record.is_held_by(&self.delivery) => Ok(Some(held)),
            Ok(None) if claimed.may_be_gone => Ok(None),
            Ok(_) => Err(RecordError::TakenOver),
            // An object that cannot be read, because it is archived, still has its ETag. The same ETag means that
            // nobody has written it.
            Err(error) if error.is_unreadable() => {
                let etag = claimed.store.etag(&last.bucket).await?;
                let is_same = etag.as_ref() == Some(&last.etag);
                is_same.then(|| Some(last.clone())).ok_or(error)
            }
            Err(error) => Err(error),
        }
    }
}

impl<A: Objects> LeaseHolder for Claims<'_, A> {
    async fn confirm(&self) -> Result<(), RecordError> {
        for claimed in self.all() {
            self.read(&claimed).await?;
        }
        Ok(())
    }
}
