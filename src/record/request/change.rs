//! What a request does with the records that it holds: reads them, changes them, takes them to another
//! bucket (rule 10), and lets go of them.

use super::turn::Turn;
use crate::aws::api::{Objects, Stacks};
use crate::backoff::Backoff;
use crate::names::BindingId;
use crate::permit::CALL_TIMEOUT;
use crate::record::data::Record;
use crate::record::error::RecordError;
use crate::record::protocol::{ClaimedRecord, Hold, is_cancelled};
use crate::record::storage::{Held, Store};
use tokio::time::Instant;

impl<'a, A: Objects + Stacks> Turn<'a, A> {
    /// The record as it is now; `None` where this request holds none.
    ///
    /// # Errors
    /// Where somebody else has claimed it.
    pub async fn read(&self, id: &BindingId) -> Result<Option<Held>, RecordError> {
        match self.claimed(id) {
            Some(claimed) => self.lease().hold().read(&claimed).await,
            None => Ok(None),
        }
    }

    /// The record as this request last wrote or read it: what only a claim changes is so still, or the claim is
    /// lost. `None` where this request holds none, and where it may be gone.
    pub fn last(&self, id: &BindingId) -> Option<Held> {
        let claimed = self.claimed(id).filter(|claimed| !claimed.may_be_gone);
        claimed.map(|claimed| claimed.last)
    }

    /// Whether this request has claimed a binding.
    pub fn holds(&self, id: &BindingId) -> bool {
        self.claimed(id).is_some()
    }

    fn claimed(&self, id: &BindingId) -> Option<ClaimedRecord<'a, A>> {
        self.lease().hold().get(&id.to_string())
    }

    /// Whether an Update has been cancelled since it claimed the record: its rollback is on the way, and what
    /// ticks go by stays as it was.
    ///
    /// # Errors
    /// Where it has been, and where somebody else has claimed the record.
    pub async fn is_not_rolled_back(&self, id: &BindingId) -> Result<(), RecordError> {
        let claim = self.last(id).and_then(|held| held.record.claim);
        let claim = claim.filter(|claim| is_cancelled(claim, Some(true)));
        let Some(claim) = claim else {
            return self.holds_all().await;
        };
        // Where CloudFormation does not say so at once it cannot be asked.
        let stack = tokio::time::timeout(CALL_TIMEOUT, self.stack());
        let (held, view) = tokio::join!(self.lease().hold().confirm(), stack);
        held?;
        let rollback = view.ok().and_then(|view| view.is_rolling_back());
        match is_cancelled(&claim, rollback) {
            true => Err(RecordError::RolledBack),
            false => Ok(()),
        }
    }

    /// Rule 9: where a request holds two records, that it holds both still. A single one is looked at by
    /// whatever changes something.
    ///
    /// # Errors
    /// Where somebody else has claimed one of them.
    pub async fn holds_all(&self) -> Result<(), RecordError> {
        match self.lease().hold().ids().len() {
            ..=1 => Ok(()),
            _ => self.lease().hold().confirm().await,
        }
    }

    /// Writes a record over the one that was read; `false` where somebody else has written it meanwhile.
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

    /// Changes the record, as often as others write in between. As it was last known will do to begin with,
    /// for its condition tells whether it is so still.
    ///
    /// # Errors
    /// Where somebody else has claimed it.
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
        // That nothing is to be changed, only the record itself tells.
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

    /// Rule 10: takes the record to another bucket.
    ///
    /// # Errors
    /// Where somebody else has claimed it, or the bucket cannot be used.
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

    /// A look at a record, or a write of it, that was begun at `began` is good for all, where no other is held.
    pub fn has_looked(&self, began: Instant) {
        if self.lease().hold().all().len() == 1 {
            self.lease().count_as_look(began);
        }
    }

    /// Remembers a record as this request last wrote it.
    fn keep(&self, store: Store<'a, A>, last: Held) {
        let may_be_gone = false;
        self.lease().hold().add(ClaimedRecord {
            store,
            last,
            may_be_gone,
        });
    }

    /// Before Delete's last step: from here on the record may be gone.
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

    /// Lets go of all records: what they hold has to be found and judged anew.
    pub fn starts_anew(&self) {
        for id in self.lease().hold().ids() {
            self.has_taken_away(&id);
        }
        self.lease().doubt();
        self.is_anew.set(true);
    }

    /// For a request that makes: whether it may make the record where there is none. Who was taken over may
    /// not, for whoever took it over has taken the record away since.
    ///
    /// # Errors
    /// Where it may not.
    pub fn may_make(&self) -> Result<(), RecordError> {
        match self.is_anew.get() {
            true => Err(RecordError::Superseded),
            false => Ok(()),
        }
    }

    /// After Delete's last step: there is no record to hold any more.
    pub fn has_taken_away(&self, id: &BindingId) {
        self.lease().hold().remove(&id.to_string());
    }
}
