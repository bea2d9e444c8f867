//! Rules 2 to 4 for one request: it claims a record, and waits for the request before it.

use super::turn::Turn;
use crate::aws::api::{Objects, Stacks};
use crate::clock::Timestamp;
use crate::progress;
use crate::record::data::{Claim, Phase, Record, RequestType, TAKEOVER_WAIT};
use crate::record::error::RecordError;
use crate::record::protocol::{ClaimedRecord, NewRequest, StackView, Verdict, Wait, judge};
use crate::record::storage::{Located, Store, StoredRecord};
use std::collections::BTreeSet;
use tokio::time::Instant;
use tracing::info;

/// Why a record is claimed.
#[derive(Debug, Clone, Copy)]
pub enum ClaimPurpose<'a> {
    /// To make a binding with target groups for listeners on these ports.
    ToMake { ports: &'a BTreeSet<u16> },
    /// To delete it: the claim is the tombstone.
    ToDelete,
    /// Rule 9: to replace it by a binding on this NLB.
    ToReplace { nlb_arn: &'a str },
}

/// The result of an attempt to claim a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClaimResult {
    /// The record is claimed. `made`: this request made it, or makes the binding again. `waited`: the caller must
    /// observe again.
    Claimed { made: bool, waited: bool },
    /// Somebody else has written or deleted the record meanwhile: the caller must find it again.
    WrittenByAnother,
}

impl<'a, A: Objects + Stacks> Turn<'a, A> {
    /// Rules 3 and 4: whether this request may claim a record, and how long it then waits.
    ///
    /// # Errors
    /// If it was answered already, or was superseded.
    pub fn judge(&self, record: Option<&Record>, view: &StackView) -> Result<Wait, RecordError> {
        let Some(record) = record else {
            return Ok(Wait::default());
        };
        let new = NewRequest {
            request: &self.caller.delivery.request,
            kind: self.caller.kind,
            signed: self.caller.signed,
            wants: &self.caller.wants,
            wanted_before: &self.caller.wanted_before,
            rolls_back: view.is_rolling_back(),
        };
        match judge(record, &new) {
            Verdict::Claim { wait } => Ok(wait),
            Verdict::Answered(answer) => Err(RecordError::Answered(Box::new(answer))),
            Verdict::Superseded => Err(RecordError::Superseded),
        }
    }

    /// Rule 2: claims the record that was found, or makes one in `bucket`. Then waits if the former request may
    /// still be acting.
    ///
    /// # Errors
    /// Those of [`Self::judge`], and if somebody else claims the record during the wait.
    pub async fn claim(
        &self,
        store: &Store<'a, A>,
        located: &Located,
        bucket: &str,
        view: &StackView,
        claim: ClaimPurpose<'_>,
    ) -> Result<ClaimResult, RecordError> {
        let record = located.record_or_rebuilt().cloned();
        let is_held = |record: &Record| {
            let claimed = self.lease.holder().get(store.owner());
            record.is_held_by(&self.caller.delivery) && claimed.is_some()
        };
        let wait = match &record {
            // This delivery has claimed the record before, and does not wait for itself.
            Some(record) if is_held(record) => Wait::default(),
            record => self.judge(record.as_ref(), view)?,
        };
        let record = self.claimed_record(store.owner(), record, view, claim);
        let began = Instant::now();
        let Some(last) = write_claim(store, located, bucket, record).await? else {
            return Ok(ClaimResult::WrittenByAnother);
        };
        let made = last.record.claim.as_ref().is_some_and(|claim| claim.made);
        let claimed = ClaimedRecord {
            store: store.clone(),
            last,
            may_be_gone: false,
        };
        self.lease.holder().add(claimed.clone());
        self.renew_lease(began);
        let now = self.clock.now();
        let wait_until = match wait {
            Wait::Until(moment) => moment,
            Wait::AfterTakeover => now + TAKEOVER_WAIT,
        };
        self.lease.note_others(wait_until);
        let waited = wait_until > now;
        if waited && !self.still_holds_after(wait_until, claimed).await? {
            return Ok(ClaimResult::WrittenByAnother);
        }
        Ok(ClaimResult::Claimed { made, waited })
    }

    /// Waits until then. Returns whether the record still exists. It may be gone, because the former request may have
    /// been a Delete that was about to end.
    async fn still_holds_after(
        &self,
        wait_until: Timestamp,
        claimed: ClaimedRecord<'a, A>,
    ) -> Result<bool, RecordError> {
        info!(
            binding = claimed.store.owner(),
            "waiting until the request before this one has stopped"
        );
        progress::note("waiting until the request before this one has stopped");
        self.clock.wait_until(wait_until).await;
        self.lease.expire();
        let may_be_gone = true;
        let claimed = ClaimedRecord {
            may_be_gone,
            ..claimed
        };
        let is_there = self.lease.holder().read(&claimed).await?.is_some();
        if !is_there {
            self.lease.holder().remove(claimed.store.owner());
        }
        Ok(is_there)
    }

    /// The record with this request's claim in it.
    fn claimed_record(
        &self,
        owner: &str,
        record: Option<Record>,
        view: &StackView,
        claim: ClaimPurpose<'_>,
    ) -> Record {
        let made = record.is_none();
        let mut record = record.unwrap_or_else(|| Record::new(owner, Phase::Making));
        let kind = match claim {
            ClaimPurpose::ToDelete => RequestType::Delete,
            ClaimPurpose::ToMake { .. } | ClaimPurpose::ToReplace { .. } => self.caller.kind,
        };
        record.claim_for(self.new_claim(kind, view, made));
        match claim {
            ClaimPurpose::ToMake { ports } if made => record.ports = Some(ports.clone()),
            ClaimPurpose::ToMake { ports } => record
                .ports
                .iter_mut()
                .for_each(|noted| noted.extend(ports)),
            ClaimPurpose::ToReplace { nlb_arn } => record.note_replacement(nlb_arn),
            ClaimPurpose::ToDelete => {}
        }
        record
    }

    fn new_claim(&self, kind: RequestType, view: &StackView, made: bool) -> Claim {
        Claim {
            delivery: self.caller.delivery.clone(),
            kind,
            signed: self.caller.signed,
            at: self.clock.now(),
            rolls_back: view.is_rolling_back(),
            goes_on: false,
            takes_back: false,
            wants: self.caller.wants.clone(),
            wanted_before: self.caller.wanted_before.clone(),
            made,
            gives_up: Default::default(),
            outcome: None,
        }
    }
}

/// Writes a claimed record in place of what was found. `None` if somebody else wrote first.
async fn write_claim<A: Objects>(
    store: &Store<'_, A>,
    located: &Located,
    bucket: &str,
    record: Record,
) -> Result<Option<StoredRecord>, RecordError> {
    match (&located.record, &located.unreadable) {
        (Some(held), _) => store.replace(held, record).await,
        (None, Some(unreadable)) => {
            let etag = store.etag_of(unreadable).await?;
            store
                .write(&unreadable.bucket, record, etag.as_deref())
                .await
        }
        // A stub that leads to no record may be in the way.
        (None, None) => {
            let etag = located.stubs.get(bucket).map(String::as_str);
            store.write(bucket, record, etag).await
        }
    }
}
