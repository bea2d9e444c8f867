//! One request's turn with the record: rules 2 to 5 carried out, and its outcome put down at the end.
//!
//! Decides nothing about the binding itself: what is made or taken away is the caller's.

use super::RecordError;
use super::body::{
    Answer, Claim, Digest, Mark, Outcome, Phase, Record, Replacement, RequestType, Signed,
};
use super::claim::{Asking, TAKEN_OVER, Verdict, Wait, judge};
use super::lease::{Claimed, Claims, Lease};
use super::orders::Orders;
use super::store::{Held, Located, Store};
use super::wanted::{Asker, View};
use crate::capabilities::{Objects, Stacks};
use crate::clock::Clock;
use crate::names::BindingId;
use crate::progress;
use std::time::Duration;
use tokio::time::Instant;
use tracing::info;

/// How long lies between two looks at what another delivery of the same request has come to.
const BETWEEN: Duration = Duration::from_secs(1);

/// A request of CloudFormation, as far as the record is concerned.
#[derive(Debug, Clone)]
pub struct Caller {
    pub kind: RequestType,
    /// CloudFormation's id of the request, the same for each delivery, and what tells this delivery.
    pub mark: Mark,
    pub signed: Option<Signed>,
    pub wants: Digest,
    pub wanted_before: Digest,
    pub stack_id: String,
    pub logical_id: String,
}

/// A request's turn.
pub struct Turn<'a, A> {
    aws: &'a A,
    clock: Clock,
    caller: Caller,
    lease: Lease<Claims<'a, A>>,
}

/// What a record is claimed for.
#[derive(Debug, Clone, Copy)]
pub enum Claiming<'a> {
    ToMake,
    /// Delete's tombstone.
    ToTakeAway,
    /// Rule 9: it is the record of the binding that `by` is made in place of.
    ToReplace {
        by: &'a BindingId,
    },
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
    pub fn new(aws: &'a A, clock: Clock, caller: Caller) -> Self {
        let claims = Claims::none_yet(caller.mark.clone());
        let lease = Lease::new(claims, clock);
        Self {
            aws,
            clock,
            caller,
            lease,
        }
    }

    pub fn clock(&self) -> Clock {
        self.clock
    }

    pub fn caller(&self) -> &Caller {
        &self.caller
    }

    /// What gives this request leave to act.
    pub fn lease(&self) -> &Lease<Claims<'a, A>> {
        &self.lease
    }

    pub fn store(&self, id: &BindingId) -> Store<'a, A> {
        Store::new(self.aws, id.to_string())
    }

    fn asker(&self) -> Asker<'_, A> {
        Asker {
            aws: self.aws,
            stack_id: &self.caller.stack_id,
            logical_id: &self.caller.logical_id,
        }
    }

    /// What CloudFormation says now.
    pub async fn view(&self) -> View {
        self.asker().look().await
    }

    /// Rule 5.
    ///
    /// # Errors
    /// `Err` with what CloudFormation says by then and the reason, where it does not want this request.
    pub async fn is_wanted(&self, id: &BindingId, view: View) -> Result<View, (View, String)> {
        let asker = self.asker();
        asker.wants(&self.clock, self.caller.kind, id, view).await
    }

    /// Rules 3 and 4: whether this request may claim a record, and what it then waits for.
    ///
    /// # Errors
    /// Where it was answered already, or where a later request has come before it.
    pub fn judge(&self, record: Option<&Record>, view: &View) -> Result<Wait, RecordError> {
        let Some(record) = record else {
            return Ok(Wait::default());
        };
        let asking = Asking {
            request: &self.caller.mark.request,
            kind: self.caller.kind,
            signed: self.caller.signed,
            wants: &self.caller.wants,
            wanted_before: &self.caller.wanted_before,
            rolls_back: view.rolls_back(),
        };
        match judge(record, &asking) {
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
        let record = held.map(|held| held.record.clone());
        let is_held = |record: &Record| {
            let owner = store.owner();
            let claimed = self.lease.hold().all().into_iter();
            let mut owners = claimed.map(|claimed| claimed.store.owner().to_owned());
            record.is_held_by(&self.caller.mark) && owners.any(|held| held == owner)
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
            Claiming::ToMake | Claiming::ToReplace { .. } => self.caller.kind,
        };
        record.claim_for(self.new_claim(kind, view, made));
        if let Claiming::ToReplace { by } = claim {
            let (by, done) = (by.clone(), false);
            record.replaced = Some(Replacement { by, done });
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
            (None, None) => store.write(bucket, record, None).await?,
        };
        let Some(Held { record, bucket, .. }) = written else {
            return Ok(Hand::Again);
        };
        let made = record.claim.is_some_and(|claim| claim.made);
        let claimed = Claimed {
            store: store.clone(),
            bucket,
            may_be_gone: false,
        };
        self.lease.hold().hold(claimed.clone());
        self.lease.confirmed(began);
        let now = self.clock.now();
        let wait_until = match wait {
            Wait::Until(settled) => settled,
            Wait::TakenOver => now + TAKEN_OVER,
        };
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
        match store.again(&claimed.bucket).await? {
            Some(held) if held.record.is_held_by(&self.caller.mark) => {
                let waited = true;
                Ok(Hand::Holds { made, waited })
            }
            // A Delete that was about to end has taken it along.
            None => {
                self.lease.hold().release(store.owner());
                Ok(Hand::Again)
            }
            Some(_) => Err(RecordError::TakenOver),
        }
    }

    fn new_claim(&self, kind: RequestType, view: &View, made: bool) -> Claim {
        Claim {
            mark: self.caller.mark.clone(),
            kind,
            signed: self.caller.signed,
            at: self.clock.now(),
            rolls_back: view.rolls_back(),
            wants: self.caller.wants.clone(),
            wanted_before: self.caller.wanted_before.clone(),
            made,
            gives_up: Default::default(),
            outcome: None,
        }
    }

    /// The record as it is now; `None` where this request holds none.
    ///
    /// # Errors
    /// Where somebody else has claimed it.
    pub async fn read(&self, id: &BindingId) -> Result<Option<Held>, RecordError> {
        match self.claimed(id) {
            Some(claimed) => self.lease.hold().read(&claimed).await,
            None => Ok(None),
        }
    }

    /// Whether this request has claimed a binding.
    pub fn holds(&self, id: &BindingId) -> bool {
        self.claimed(id).is_some()
    }

    fn claimed(&self, id: &BindingId) -> Option<Claimed<'a, A>> {
        let owner = id.to_string();
        let mut all = self.lease.hold().all().into_iter();
        all.find(|claimed| claimed.store.owner() == owner)
    }

    /// Changes the record, as often as others write in between.
    ///
    /// # Errors
    /// Where somebody else has claimed it.
    pub async fn change(
        &self,
        id: &BindingId,
        change: impl Fn(&mut Record),
    ) -> Result<(), RecordError> {
        loop {
            let began = Instant::now();
            let Some(held) = self.read(id).await? else {
                return Ok(());
            };
            let mut record = held.record.clone();
            change(&mut record);
            let is_changed = record != held.record;
            if !is_changed || self.store(id).replace(&held, record).await?.is_some() {
                self.lease.confirmed(began);
                return Ok(());
            }
        }
    }

    /// Rule 10: takes the record to another bucket.
    ///
    /// # Errors
    /// Where somebody else has claimed it, or the bucket cannot be used.
    pub async fn take_to(&self, id: &BindingId, bucket: &str) -> Result<(), RecordError> {
        let store = self.store(id);
        loop {
            let Some(held) = self.read(id).await? else {
                return Err(RecordError::TakenOver);
            };
            let is_there = held.bucket == bucket;
            if is_there || store.take(&held, bucket).await?.is_some() {
                let bucket = bucket.to_owned();
                let may_be_gone = false;
                self.lease.hold().hold(Claimed {
                    store,
                    bucket,
                    may_be_gone,
                });
                return Ok(());
            }
        }
    }

    /// Before Delete's last step: from here on the record may be gone.
    pub fn lets_go_of(&self, id: &BindingId) {
        if let Some(claimed) = self.claimed(id) {
            let may_be_gone = true;
            let claimed = Claimed {
                may_be_gone,
                ..claimed
            };
            self.lease.hold().hold(claimed);
            self.lease.doubt();
        }
    }

    /// After Delete's last step: there is no record to hold any more.
    pub fn has_taken_away(&self, id: &BindingId) {
        self.lease.hold().release(&id.to_string());
    }

    /// Rule 3: puts the answer down in every record that is claimed, before it is sent; and with a
    /// success of `serves`, what ticks go by from now on, all in one write.
    ///
    /// # Errors
    /// Where somebody else has claimed one of them.
    pub async fn conclude(
        &self,
        answer: &Answer,
        serves: Option<(&BindingId, &Orders)>,
    ) -> Result<(), RecordError> {
        let settled = self.lease.settled();
        for claimed in self.lease.hold().all() {
            let Some(id) = BindingId::parse(claimed.store.owner()) else {
                continue;
            };
            let orders = serves.filter(|(serves, _)| **serves == id);
            self.change(&id, |record| {
                if let Some(claim) = &mut record.claim {
                    let answer = answer.clone();
                    claim.outcome.get_or_insert(Outcome { answer, settled });
                }
                record.arriving_from = None;
                if let Some(replaced) = &mut record.replaced {
                    replaced.done |= serves.is_some_and(|(serves, _)| *serves == replaced.by);
                }
                if let Some((_, orders)) = orders {
                    record.orders = Some(orders.clone());
                    record.phase = Phase::Serving;
                }
            })
            .await?;
        }
        Ok(())
    }

    /// What another delivery of the same request, which has taken it over, comes to.
    ///
    /// # Errors
    /// Where the record cannot be read.
    pub async fn of_another_delivery(&self) -> Result<Ending, RecordError> {
        let Some(claimed) = self.lease.hold().all().pop() else {
            return Ok(Ending::Unknown);
        };
        let request = &self.caller.mark.request;
        loop {
            let Some(held) = claimed.store.again(&claimed.bucket).await? else {
                return Ok(Ending::Gone);
            };
            if let Some(answer) = held.record.answer_to(request) {
                return Ok(Ending::Answered(answer.clone()));
            }
            let claim = held.record.claim.as_ref();
            if claim.is_none_or(|claim| claim.mark.request != *request) {
                return Ok(Ending::Unknown);
            }
            progress::note("waiting for what another delivery of this request comes to");
            tokio::time::sleep(BETWEEN).await;
        }
    }
}

/// What became of a request that another delivery has taken over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    Answered(Answer),
    /// The record is gone, as after a Delete.
    Gone,
    /// Another request has claimed the binding.
    Unknown,
}
