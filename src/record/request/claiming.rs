//! Rules 2 to 4 carried out: a request claims a record.

use super::turn::Turn;
use crate::aws::api::{Objects, Stacks};
use crate::progress;
use crate::record::data::{Claim, Phase, Record, RequestType, TAKEN_OVER};
use crate::record::error::RecordError;
use crate::record::protocol::{ClaimedRecord, NewRequest, Verdict, View, Wait, judge};
use crate::record::storage::{Located, Store};
use std::collections::BTreeSet;
use tokio::time::Instant;
use tracing::info;

/// What a record is claimed for.
#[derive(Debug, Clone, Copy)]
pub enum Claiming<'a> {
    /// With target groups for listeners on these ports.
    ToMake { ports: &'a BTreeSet<u16> },
    /// Delete's tombstone.
    ToTakeAway,
    /// Rule 9: it is the record of the binding that another one, on this NLB, is made in place of.
    ToReplace { nlb_arn: &'a str },
}

/// What became of an attempt to claim a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hand {
    /// This request holds it. What was observed before a wait has to be observed anew.
    Holds { made: bool, waited: bool },
    /// Somebody else wrote or deleted it meanwhile: look again.
    Again,
}

impl<'a, A: Objects + Stacks> Turn<'a, A> {
    /// Rules 3 and 4: whether this request may claim a record, and what it then waits for.
    ///
    /// # Errors
    /// Where it was answered already, or where a later request has come before it.
    pub fn judge(&self, record: Option<&Record>, view: &View) -> Result<Wait, RecordError> {
        let Some(record) = record else {
            return Ok(Wait::default());
        };
        let new = NewRequest {
            request: &self.caller.mark.request,
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

    /// Rule 2: claims the record that was found, or makes one in `bucket`. Waits where the former request
    /// may still be acting.
    ///
    /// # Errors
    /// As [`Self::judge`], and where the record is claimed by somebody else during the wait.
    pub async fn claim(
        &self,
        store: &Store<'a, A>,
        located: &Located,
        bucket: &str,
        view: &View,
        claim: Claiming<'_>,
    ) -> Result<Hand, RecordError> {
        let held = located.record.as_ref();
        let record = located.known().cloned();
        let is_held = |record: &Record| {
            let claimed = self.lease.hold().get(store.owner());
            record.is_held_by(&self.caller.mark) && claimed.is_some()
        };
        let wait = match &record {
            // What this delivery has done itself is done.
            Some(record) if is_held(record) => Wait::default(),
            record => self.judge(record.as_ref(), view)?,
        };
        let made = record.is_none();
        let mut record = record.unwrap_or_else(|| Record::new(store.owner(), Phase::Making));
        let kind = match claim {
            Claiming::ToTakeAway => RequestType::Delete,
            Claiming::ToMake { .. } | Claiming::ToReplace { .. } => self.caller.kind,
        };
        record.claim_for(self.new_claim(kind, view, made));
        match claim {
            Claiming::ToMake { ports } if made => record.ports = Some(ports.clone()),
            Claiming::ToMake { ports } => record
                .ports
                .iter_mut()
                .for_each(|noted| noted.extend(ports)),
            Claiming::ToReplace { nlb_arn } => record.note(nlb_arn),
            Claiming::ToTakeAway => {}
        }
        let began = Instant::now();
        let written = match (held, &located.unreadable) {
            (Some(held), _) => store.replace(held, record).await?,
            (None, Some(unreadable)) => {
                let etag = store.etag_of(unreadable).await?;
                store
                    .write(&unreadable.bucket, record, etag.as_deref())
                    .await?
            }
            // A stub that leads to nothing may be in the way.
            (None, None) => {
                let etag = located.stubs.get(bucket).map(String::as_str);
                store.write(bucket, record, etag).await?
            }
        };
        let Some(last) = written else {
            return Ok(Hand::Again);
        };
        let made = last.record.claim.as_ref().is_some_and(|claim| claim.made);
        let claimed = ClaimedRecord {
            store: store.clone(),
            last,
            may_be_gone: false,
        };
        self.lease.hold().add(claimed.clone());
        self.has_looked(began);
        let now = self.clock.now();
        let wait_until = match wait {
            Wait::Until(moment) => moment,
            Wait::AfterTakeover => now + TAKEN_OVER,
        };
        self.lease.note_others(wait_until);
        if wait_until <= now {
            let waited = false;
            return Ok(Hand::Holds { made, waited });
        }
        info!(
            binding = store.owner(),
            "waiting until the request before this one has stopped"
        );
        progress::note("waiting until the request before this one has stopped");
        self.clock.wait_until(wait_until).await;
        self.lease.doubt();
        // A Delete that was about to end may have taken it along.
        let may_be_gone = true;
        let claimed = ClaimedRecord {
            may_be_gone,
            ..claimed
        };
        match self.lease.hold().read(&claimed).await? {
            Some(_) => {
                let waited = true;
                Ok(Hand::Holds { made, waited })
            }
            None => {
                self.lease.hold().remove(store.owner());
                Ok(Hand::Again)
            }
        }
    }

    fn new_claim(&self, kind: RequestType, view: &View, made: bool) -> Claim {
        Claim {
            mark: self.caller.mark.clone(),
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
