//! What a request does with the records that it has claimed: it reads them, changes them, moves them to another bucket
//! (rule 10), and gives its claims up.

use super::turn::Turn;
use crate::aws::api::{Objects, Stacks};
use crate::backoff::Backoff;
use crate::names::BindingId;
use crate::record::data::Record;
use crate::record::error::RecordError;
use crate::record::protocol::{ClaimedRecord, Hold};
use crate::record::storage::{Held, Store};
use tokio::time::Instant;

impl<'a, A: Objects + Stacks> Turn<'a, A> {
    /// Reads the record. `None` where this request has not claimed it.
    ///
    /// # Errors
    /// Where another request or delivery has claimed it.
    pub async fn read(&self, id: &BindingId) -> Result<Option<Held>, RecordError> {
        match self.claimed(id) {
            Some(claimed) => self.lease().hold().read(&claimed).await,
            None => Ok(None),
        }
    }

    /// The record as this request last wrote or read it. What only a request may change in it is still the same, or the
    /// claim is lost. `None` where this request has not claimed it, and where it may be gone.
    pub fn last(&self, id: &BindingId) -> Option<Held> {
        let claimed = self.claimed(id).filter(|claimed| !claimed.may_be_gone);
        claimed.map(|claimed| claimed.last)
    }

    /// Whether this request has claimed the record of a binding.
    pub fn holds(&self, id: &BindingId) -> bool {
        self.claimed(id).is_some()
    }

    fn claimed(&self, id: &BindingId) -> Option<ClaimedRecord<'a, A>> {
        self.lease().hold().get(&id.to_string())
    }

    /// Rule 9: where a request has two claims, sees that both still stand. With one claim nothing is read, for
    /// each call that changes something looks for itself.
    ///
    /// # Errors
    /// Where another request or delivery has claimed one of the records.
    pub(super) async fn check_all_claims(&self) -> Result<(), RecordError> {
        match self.lease().hold().ids().len() {
            ..=1 => Ok(()),
            _ => self.lease().hold().confirm().await,
        }
    }

    /// Writes a record over the one that was read. `false` where somebody else has written it meanwhile.
    ///
    /// # Errors
    /// What S3 refuses.
    pub async fn write(
        &self,
        id: &BindingId,
        held: &Held,
        next: Record,
    ) -> Result<bool, RecordError> {
        let began = Instant::now();
        let written = self.store(id).replace(held, next).await?;
        let is_written = written.is_some();
        if let Some(last) = written {
            self.has_looked(began);
            self.keep(self.store(id), last);
        }
        Ok(is_written)
    }

    /// Changes the record, again and again where others write in between. It begins with the record as this request
    /// last knew it, for the condition of the write shows whether that is still so.
    ///
    /// # Errors
    /// Where another request or delivery has claimed it.
    pub async fn change(
        &self,
        id: &BindingId,
        change: impl Fn(&mut Record),
    ) -> Result<(), RecordError> {
        let mut backoff = Backoff::none_at_first();
        let changed = |held: &Held| {
            let mut record = held.record.clone();
            change(&mut record);
            (record != held.record).then_some(record)
        };
        // Where there seems to be nothing to change, the record has to be read.
        let mut known = self.last(id).filter(|held| changed(held).is_some());
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
                self.has_looked(began);
                self.keep(self.store(id), last);
                return Ok(());
            }
            backoff.wait().await;
        }
    }

    /// Rule 10: moves the record to another bucket.
    ///
    /// # Errors
    /// Where another request or delivery has claimed it, or the bucket cannot be used.
    pub async fn take_to(&self, id: &BindingId, bucket: &str) -> Result<(), RecordError> {
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

    /// A look at the record, or a write of it, that began at `began` renews the lease, where this request has no other
    /// claim.
    pub fn has_looked(&self, began: Instant) {
        if self.lease().hold().all().len() == 1 {
            self.lease().count_as_look(began);
        }
    }

    /// Keeps a record as this request last wrote it.
    fn keep(&self, store: Store<'a, A>, last: Held) {
        let may_be_gone = false;
        self.lease().hold().add(ClaimedRecord {
            store,
            last,
            may_be_gone,
        });
    }

    /// Before Delete's last step: from now on the record may be gone.
    pub fn lets_go_of(&self, id: &BindingId) {
        if let Some(claimed) = self.claimed(id) {
            let may_be_gone = true;
            let claimed = ClaimedRecord {
                may_be_gone,
                ..claimed
            };
            self.lease().hold().add(claimed);
            self.lease().doubt();
        }
    }

    /// Gives all claims up, for another request has taken one over: the records must be found and judged again.
    pub fn starts_anew(&self) {
        for id in self.lease().hold().ids() {
            self.has_taken_away(&id);
        }
        self.lease().doubt();
        self.is_anew.set(true);
    }

    /// Whether a Create or Update may make the record where there is none.
    ///
    /// # Errors
    /// Where this request was taken over before: whoever took it over has removed the record since.
    pub fn may_make(&self) -> Result<(), RecordError> {
        match self.is_anew.get() {
            true => Err(RecordError::Superseded),
            false => Ok(()),
        }
    }

    /// After Delete's last step: there is no record any more.
    pub fn has_taken_away(&self, id: &BindingId) {
        self.lease().hold().remove(&id.to_string());
    }
}
