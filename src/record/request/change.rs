//! What a request does with the records that it has claimed: it reads them, changes them, moves them to another bucket
//! (rule 10), and gives its claims up.

use super::turn::Turn;
use crate::aws::api::{Objects, Stacks};
use crate::backoff::Backoff;
use crate::names::BindingId;
use crate::record::data::Record;
use crate::record::error::RecordError;
use crate::record::protocol::{ClaimedRecord, LeaseHolder};
use crate::record::storage::{Store, StoredRecord};
use tokio::time::Instant;

impl<'a, A: Objects + Stacks> Turn<'a, A> {
    /// Reads the record. `None` if this request has not claimed it.
    ///
    /// # Errors
    /// If another request or delivery has claimed it.
    pub async fn read(&self, id: &BindingId) -> Result<Option<StoredRecord>, RecordError> {
        match self.claimed(id) {
            Some(claimed) => self.lease().holder().read(&claimed).await,
            None => Ok(None),
        }
    }

    /// The record as this request last wrote or read it. The parts that only a request may change are still the same,
    /// or the claim is lost. `None` if this request has not claimed it, or if it may be gone.
    pub fn last_known(&self, id: &BindingId) -> Option<StoredRecord> {
        let claimed = self.claimed(id).filter(|claimed| !claimed.may_be_gone);
        claimed.map(|claimed| claimed.last)
    }

    /// Whether this request has claimed the record of a binding.
    pub fn has_claimed(&self, id: &BindingId) -> bool {
        self.claimed(id).is_some()
    }

    fn claimed(&self, id: &BindingId) -> Option<ClaimedRecord<'a, A>> {
        self.lease().holder().get(&id.to_string())
    }

    /// Rule 9: if a request has two claims, sees that it still has both. With one claim it reads nothing, because each
    /// call that changes something looks for itself.
    ///
    /// # Errors
    /// If another request or delivery has claimed one of the records.
    pub(super) async fn check_all_claims(&self) -> Result<(), RecordError> {
        match self.lease().holder().ids().len() {
            ..=1 => Ok(()),
            _ => self.lease().holder().confirm().await,
        }
    }

    /// Writes a record over the one that was read. `false` if somebody else has written it meanwhile.
    ///
    /// # Errors
    /// What S3 refuses.
    pub async fn write(
        &self,
        id: &BindingId,
        held: &StoredRecord,
        next: Record,
    ) -> Result<bool, RecordError> {
        let began = Instant::now();
        let written = self.store(id).replace(held, next).await?;
        let is_written = written.is_some();
        if let Some(last) = written {
            self.renew_lease(began);
            self.keep(self.store(id), last);
        }
        Ok(is_written)
    }

    /// Changes the record, again and again while others write in between. It begins with the record as this request
    /// last knew it, because the condition of the write shows whether that is still so.
    ///
    /// # Errors
    /// If another request or delivery has claimed it.
    pub async fn change(
        &self,
        id: &BindingId,
        change: impl Fn(&mut Record),
    ) -> Result<(), RecordError> {
        let mut backoff = Backoff::none_at_first();
        let changed = |held: &StoredRecord| {
            let mut record = held.record.clone();
            change(&mut record);
            (record != held.record).then_some(record)
        };
        // If nothing seems to change, the record has to be read.
        let mut known = self.last_known(id).filter(|held| changed(held).is_some());
        loop {
            let began = Instant::now();
            let held = match known.take() {
                Some(held) => Some(held),
                None => self.read(id).await?,
            };
            let Some(held) = held else {
                return Ok(());
            };
            let written = match changed(&held) {
                None => Some(held),
                Some(record) => self.store(id).replace(&held, record).await?,
            };
            if let Some(last) = written {
                self.renew_lease(began);
                self.keep(self.store(id), last);
                return Ok(());
            }
            backoff.wait().await;
        }
    }

    /// Rule 10: moves the record to another bucket.
    ///
    /// # Errors
    /// If another request or delivery has claimed it, or the bucket cannot be used.
    pub async fn move_to(&self, id: &BindingId, bucket: &str) -> Result<(), RecordError> {
        let store = self.store(id);
        let mut backoff = Backoff::none_at_first();
        loop {
            let Some(held) = self.read(id).await? else {
                return Err(RecordError::TakenOver);
            };
            let arrived = match held.bucket == bucket {
                true => Some(held),
                false => store.move_to(&held, bucket).await?,
            };
            if let Some(last) = arrived {
                self.keep(store, last);
                return Ok(());
            }
            backoff.wait().await;
        }
    }

    /// A look at the record, or a write of it, that began at `began` renews the lease if this request has no other
    /// claim.
    pub fn renew_lease(&self, began: Instant) {
        if self.lease().holder().all().len() == 1 {
            self.lease().count_as_look(began);
        }
    }

    /// Keeps a record as this request last wrote it.
    fn keep(&self, store: Store<'a, A>, last: StoredRecord) {
        let may_be_gone = false;
        self.lease().holder().add(ClaimedRecord {
            store,
            last,
            may_be_gone,
        });
    }

    /// Before Delete's last step: from now on the record may be gone.
    pub fn expect_removal(&self, id: &BindingId) {
        if let Some(claimed) = self.claimed(id) {
            let may_be_gone = true;
            let claimed = ClaimedRecord {
                may_be_gone,
                ..claimed
            };
            self.lease().holder().add(claimed);
            self.lease().expire();
        }
    }

    /// Gives all claims up, because another request has taken one over: the records must be found and judged again.
    pub fn start_again(&self) {
        for id in self.lease().holder().ids() {
            self.drop_claim(&id);
        }
        self.lease().expire();
        self.has_started_again.set(true);
    }

    /// Whether a Create or Update may make the record if there is none.
    ///
    /// # Errors
    /// If this request was overtaken before: then the other request has removed the record since.
    pub fn may_make_record(&self) -> Result<(), RecordError> {
        match self.has_started_again.get() {
            true => Err(RecordError::Superseded),
            false => Ok(()),
        }
    }

    /// After Delete's last step: there is no record any more.
    pub fn drop_claim(&self, id: &BindingId) {
        self.lease().holder().remove(&id.to_string());
    }
}
