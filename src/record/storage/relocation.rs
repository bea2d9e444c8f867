//! Rule 10: the record moves to another bucket, and a stub in the old one says where it is.

use super::buckets::{Contents, StoredRecord};
use super::store::Store;
use crate::aws::api::{Objects, WriteOutcome};
use crate::permit::{CALL_TIMEOUT, FRESH_FOR};
use crate::record::data::StateObject;
use crate::record::error::RecordError;
use tokio::time::Instant;

impl<A: Objects> Store<'_, A> {
    /// Moves a record to another bucket and leaves a stub in its place. The record names that bucket before the copy is
    /// written, so that a copy that never counts is found and removed later. `None` if somebody else wrote in between.
    /// Then the caller starts again.
    ///
    /// # Errors
    /// If S3 refuses, or the other bucket does not exist.
    pub async fn move_to(
        &self,
        held: &StoredRecord,
        to: &str,
    ) -> Result<Option<StoredRecord>, RecordError> {
        let mut announced = held.record.clone();
        announced.elsewhere.insert(to.to_owned());
        // This record no longer depends on another bucket: of two copies only one may come from the other.
        announced.arriving_from = None;
        let began = Instant::now();
        let Some(held) = self.replace(held, announced).await? else {
            return Ok(None);
        };
        // The other bucket may hold a stub of an earlier move, or a copy that never counted.
        let there = match self.read_bucket(to).await? {
            Contents::Nothing => None,
            Contents::Record(former) => Some(former.etag),
            Contents::Stub { etag, .. } => Some(etag),
            Contents::Unreadable(unreadable) => Some(self.etag_of(&unreadable).await?).flatten(),
            Contents::NoBucket => {
                let bucket = to.to_owned();
                return Err(RecordError::NoBucket { bucket });
            }
        };
        let mut copy = held.record.clone();
        copy.elsewhere.remove(to);
        copy.elsewhere.insert(held.bucket.clone());
        copy.arriving_from = Some(held.bucket.clone());
        // The condition of the copy's write does not show whether somebody has claimed the record meanwhile.
        if began.elapsed() >= FRESH_FOR {
            return Ok(None);
        }
        let copied = tokio::time::timeout(CALL_TIMEOUT, self.write(to, copy, there.as_deref()));
        let Some(arrived) = copied.await.unwrap_or(Ok(None))? else {
            return Ok(None);
        };
        let is_first = self.leave_stub(&held, to).await?;
        Ok(is_first.then_some(arrived))
    }

    /// Replaces a record by a stub. `false` if somebody else wrote first.
    async fn leave_stub(&self, held: &StoredRecord, to: &str) -> Result<bool, RecordError> {
        let body = StateObject::stub(&self.owner, to).map_err(RecordError::Unwritable)?;
        let key = self.key();
        let written = self
            .aws
            .write(&held.bucket, &key, body, Some(&held.etag))
            .await?;
        Ok(written != WriteOutcome::Lost)
    }
}
