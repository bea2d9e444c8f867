//! One request's turn with the record: rules 2 to 5 carried out, and its outcome put down at the end.
//!
//! Decides nothing about the binding itself: what is made or taken away is the caller's.

use super::body::{Phase, Record};
use super::claim::{Asking, Verdict, Wait, judge};
use super::error::RecordError;
use super::holds::{Claimed, Claims};
use super::lease::Lease;
use super::located::Located;
use super::request::TAKEN_OVER;
use super::request::{Caller, Claim, Replacement, RequestType};
use super::store::Store;
use super::wanted::{Asker, Meant, Resource, View};
use crate::aws::api::{Objects, Stacks};
use crate::clock::{Clock, Timestamp};
use crate::names::BindingId;
use crate::progress;
use std::cell::Cell;
use std::collections::BTreeSet;
use tokio::time::Instant;
use tracing::info;

/// A request's turn.
pub struct Turn<'a, A> {
    aws: &'a A,
    clock: Clock,
    caller: Caller,
    lease: Lease<Claims<'a, A>>,
    /// Whether it was taken over, and has started anew.
    pub(super) is_anew: Cell<bool>,
    /// When it first asked whether the stack rolls back.
    asked: Cell<Option<Timestamp>>,
}

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
    pub fn new(aws: &'a A, clock: Clock, caller: Caller) -> Self {
        let claims = Claims::none_yet(caller.mark.clone());
        let lease = Lease::new(claims, clock);
        Self {
            aws,
            clock,
            caller,
            lease,
            is_anew: Cell::new(false),
            asked: Cell::default(),
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
        Store::new(self.aws, id.to_string()).waiting_for(self.lease.fresh().clone())
    }

    /// The binding that a note in the record means.
    pub fn replacement(&self, replaced: &Replacement) -> BindingId {
        let Caller {
            stack_id,
            logical_id,
            ..
        } = &self.caller;
        BindingId::derive(stack_id, logical_id, &replaced.nlb_arn)
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

    /// What CloudFormation says of the resource now; of the stack as in `view`, unless it is the stack that
    /// tells.
    pub async fn view_again(&self, view: &View) -> View {
        match self.asker().resource().await {
            resource @ Resource::Known(_) => View {
                resource,
                ..view.clone()
            },
            _ => self.view().await,
        }
    }

    /// What CloudFormation says of the stack now.
    pub(super) async fn stack(&self) -> View {
        View {
            stack: self.asker().stack().await,
            resource: Resource::Unknown,
        }
    }

    /// Rule 5.
    ///
    /// # Errors
    /// `Err` with what CloudFormation says by then and the reason, where it does not want this request.
    pub async fn is_wanted(
        &self,
        id: &BindingId,
        record: Option<&Record>,
        view: View,
    ) -> Result<View, (View, String)> {
        let meant = Meant {
            id,
            given: self.caller.physical_id.as_deref(),
            has_record: record.is_some(),
        };
        let kind = self.caller.kind;
        self.asker().wants(&self.clock, kind, meant, view).await
    }

    /// What CloudFormation says once it names a binding as the living one; it may lag behind.
    pub async fn view_of_living(&self, id: &BindingId, view: &View) -> View {
        let names = |view: &View| view.names(id);
        let now = self.clock.now();
        self.asker()
            .says(&self.clock, now, view.clone(), names)
            .await
    }

    /// Whether the stack is known not to roll back, also by what CloudFormation may show later only. That is
    /// waited for once.
    pub async fn goes_on(&self) -> bool {
        let asked = self.asked.get().unwrap_or_else(|| self.clock.now());
        self.asked.set(Some(asked));
        let is_clear = |view: &View| {
            view.stack.is_none() || view.is_rolling_back() == Some(true) || view.is_past_rollback()
        };
        let view = self.view().await;
        let view = self.asker().says(&self.clock, asked, view, is_clear).await;
        view.rollback() == Some(false)
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
            rolls_back: view.is_rolling_back(),
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
        let record = located.known().cloned();
        let is_held = |record: &Record| {
            let claimed = self.lease.hold().of(store.owner());
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
        let claimed = Claimed {
            store: store.clone(),
            last,
            may_be_gone: false,
        };
        self.lease.hold().hold(claimed.clone());
        self.has_looked(began);
        let now = self.clock.now();
        let wait_until = match wait {
            Wait::Until(settled) => settled,
            Wait::TakenOver => now + TAKEN_OVER,
        };
        self.lease.waits_for_others(wait_until);
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
        let claimed = Claimed {
            may_be_gone,
            ..claimed
        };
        match self.lease.hold().read(&claimed).await? {
            Some(_) => {
                let waited = true;
                Ok(Hand::Holds { made, waited })
            }
            None => {
                self.lease.hold().release(store.owner());
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
