//! Whether a later request, or another delivery of this one, has made the record that a Delete does not find or no
//! longer holds. Changes nothing.

use super::deleting::Deletion;
use super::observed::RemainingResources;
use crate::aws::api::Aws;
use crate::binding::error::BindingError;
use crate::binding::locate::locate;
use crate::names::BindingId;
use crate::record::{Contents, Record, StackView, Turn};

impl Deletion<'_> {
    /// For a Delete that finds no record: the record of the binding that CloudFormation names as the living one may
    /// show a later request, which makes the deleted binding again in a bucket that the Delete does not know.
    ///
    /// # Errors
    /// If it shows one, and what AWS refuses.
    pub(super) async fn check_not_made_anew<A: Aws>(
        &self,
        aws: &A,
        turn: &Turn<'_, A>,
        view: &StackView,
    ) -> Result<(), BindingError> {
        let living = view.physical_id().and_then(BindingId::parse);
        let Some(living) = living.filter(|living| living != self.id) else {
            return Ok(());
        };
        let own = living.bucket(self.account);
        let located = locate(aws, turn, &living, self.hints.bucket.clone(), &own).await?;
        let record = located.record.map(|held| held.record);
        let notes = |record: &Record| {
            let mut replaced = record.replaced.iter();
            replaced.any(|replaced| turn.replacement(replaced) == *self.id)
        };
        turn.judge(record.filter(notes).as_ref(), view)?;
        Ok(())
    }

    /// The bucket of this tombstone, if another request has since made a record in the binding's own bucket: then that
    /// one is the binding's record.
    pub(super) async fn bucket_of_outdated_tombstone<A: Aws>(
        &self,
        turn: &Turn<'_, A>,
        remaining: &RemainingResources,
    ) -> Result<Option<String>, BindingError> {
        let record = remaining.record.as_ref();
        let elsewhere = record.filter(|(_, bucket)| *bucket != self.own_bucket);
        let Some((_, bucket)) = elsewhere.filter(|_| remaining.has_own_bucket) else {
            return Ok(None);
        };
        let found = turn.store(self.id).read_bucket(&self.own_bucket).await?;
        let is_record = matches!(
            found,
            Contents::Record(held) if held.record.arriving_from.is_none()
        );
        Ok(is_record.then(|| bucket.clone()))
    }

    /// Whether another delivery of this Delete has taken it over.
    pub(super) async fn is_with_another_delivery<A: Aws>(
        &mut self,
        aws: &A,
        turn: &Turn<'_, A>,
    ) -> Result<bool, BindingError> {
        let (located, _) = self.locate(aws, turn).await?;
        let record = located.record.map(|held| held.record);
        Ok(record.is_some_and(|record| record.has_open_claim_of(turn.caller())))
    }
}
