//! How a binding leaves: its tombstone first (`tombstone`), then what carries its id, and the record last,
//! while it is still that tombstone.
//!
//! Goes by the id. The properties only hint at where to look; and what is looked at is taken away only
//! if it is the binding's by name or tag. What is gone already is fine.

use super::apply::Remover;
use super::observe::{Remains, Seen, Whereabouts};
use crate::aws::api::{Aws, AwsError};
use crate::backoff::Backoff;
use crate::binding::error::BindingError;
use crate::binding::hints::Hints;
use crate::binding::step::{Removal, lines};
use crate::clock::Timestamp;
use crate::log::chain;
use crate::names::BindingId;
use crate::progress;
use crate::record::{Contents, RecordError, RuleEvent, Turn, View};
use std::cell::Cell;
use std::time::Duration;
use tracing::info;

/// For how long what is in use is tried again before all is looked at anew: AWS may not have shown yet what
/// uses it.
const IN_USE_FOR: Duration = Duration::from_secs(5);

/// Takes a binding away for a request that is no Delete of it: what it made itself and is not wanted, or
/// what a replacement that was rolled back has made.
///
/// # Errors
/// What AWS refuses.
pub(in crate::binding) async fn take_away<A: Aws>(
    aws: &A,
    turn: &Turn<'_, A>,
    id: &BindingId,
    account: &str,
    hints: &Hints,
    view: &View,
) -> Result<(), BindingError> {
    let mut leaving = Leaving::new(id, account, hints);
    leaving.claim(aws, turn, view, None).await?;
    leaving.remove(aws, turn, view).await
}

/// A binding on its way out.
pub(super) struct Leaving<'a> {
    pub(super) id: &'a BindingId,
    pub(super) account: &'a str,
    pub(super) own_bucket: String,
    pub(super) hints: &'a Hints,
    pub(super) whereabouts: Whereabouts,
    /// What the tombstone was written by, until it is looked at anew.
    pub(super) seen: Option<Seen>,
    /// What its rule gave ticks.
    pub(super) ruled: Option<RuleEvent>,
    /// Until when its tombstone stays, or where there is none, until when it looks once more.
    stays_until: Timestamp,
}

impl<'a> Leaving<'a> {
    pub(super) fn new(id: &'a BindingId, account: &'a str, hints: &'a Hints) -> Self {
        Self {
            id,
            account,
            own_bucket: id.bucket(account),
            hints,
            whereabouts: Whereabouts::on(hints.nlb_arn.iter().cloned()),
            seen: None,
            ruled: None,
            stays_until: Timestamp::default(),
        }
    }

    pub(super) fn stays_until(&mut self, until: Timestamp) {
        self.stays_until = until;
    }

    /// Whether time had to pass before the last step, since the last look was begun.
    async fn has_waited<A: Aws>(&self, turn: &Turn<'_, A>, looked: Timestamp) -> bool {
        if self.stays_until <= looked {
            return false;
        }
        progress::note("waiting until no request that came before can be let through any more");
        turn.clock().wait_until(self.stays_until).await;
        true
    }

    /// Takes away what is there, and looks again until nothing is: AWS may show what is gone for a moment
    /// longer.
    pub(super) async fn remove<A: Aws>(
        &mut self,
        aws: &A,
        turn: &Turn<'_, A>,
        view: &View,
    ) -> Result<(), BindingError> {
        let remover = Remover {
            aws,
            turn,
            id: self.id,
            leaves_bucket: Cell::new(false),
            in_use_for: IN_USE_FOR,
        };
        // What is taken away may be gone.
        turn.lease().fresh().clear();
        let mut backoff = Backoff::none_at_first();
        let mut has_ended = false;
        let mut doing = "looking at what is there".to_owned();
        'looking: loop {
            progress::note(&doing);
            if !turn.holds(self.id) {
                match self.claim(aws, turn, view, None).await {
                    // The binding has been made anew since.
                    Err(BindingError::Record(RecordError::Superseded)) if has_ended => {
                        return Ok(());
                    }
                    claimed => claimed?,
                }
            }
            let looked = turn.clock().now();
            let mut remains = self.observe(aws, turn).await?;
            if remains.has_own_bucket && !turn.holds(self.id) {
                // Somebody has just made it, and may have made a record in it.
                backoff.wait().await;
                continue;
            }
            remains.has_own_bucket &= !remover.leaves_bucket.get();
            if let Some(bucket) = self.made_anew_beside(turn, &remains).await? {
                turn.lets_go_of(self.id);
                has_ended = true;
                remover.remove(&Removal::Record { bucket }).await?;
                turn.has_taken_away(self.id);
                continue;
            }
            let plan = self.plan(&remains);
            if plan.is_empty() {
                if self.has_waited(turn, looked).await {
                    continue;
                }
                turn.has_taken_away(self.id);
                return Ok(());
            }
            if !turn.holds(self.id) {
                // What there is may have come with a record since.
                let (located, _) = self.locate(aws, turn).await?;
                if located.record.is_some() || located.has(&self.own_bucket).is_some_and(is_there) {
                    backoff.wait().await;
                    continue;
                }
                self.is_not_made_anew(aws, turn, view).await?;
            }
            info!(binding = %self.id, plan = lines(&plan), "plan");
            for removal in &plan {
                if removal.is_last() {
                    if self.has_waited(turn, looked).await {
                        continue 'looking;
                    }
                    turn.lets_go_of(self.id);
                    has_ended = true;
                }
                let was_there = match remover.remove(removal).await {
                    // A request that came before found no record any more, and has made one.
                    Err(error) if has_ended && error.is_taken_over() => {
                        if self.is_with_another_delivery(aws, turn).await? {
                            return Err(error);
                        }
                        turn.has_taken_away(self.id);
                        break;
                    }
                    Err(error) if error.is_in_use() => {
                        let error = chain(&error);
                        info!(error, "looking again");
                        doing = format!("looking again at what is there, for {error}");
                        break;
                    }
                    removed => removed?,
                };
                if let (true, Removal::TargetGroup { name, .. }) = (was_there, removal) {
                    self.whereabouts.gone.insert(name.clone());
                }
            }
            backoff.wait().await;
        }
    }

    /// The bucket of this tombstone, where meanwhile another request has made the binding's record in its own
    /// bucket: then that one is the record.
    async fn made_anew_beside<A: Aws>(
        &self,
        turn: &Turn<'_, A>,
        remains: &Remains,
    ) -> Result<Option<String>, BindingError> {
        let record = remains.record.as_ref();
        let elsewhere = record.filter(|(_, bucket)| *bucket != self.own_bucket);
        let Some((_, bucket)) = elsewhere.filter(|_| remains.has_own_bucket) else {
            return Ok(None);
        };
        let found = turn.store(self.id).look(&self.own_bucket).await?;
        let is_record = matches!(
            found,
            Contents::Record(held) if held.record.arriving_from.is_none()
        );
        Ok(is_record.then(|| bucket.clone()))
    }

    /// Whether another delivery of this Delete has taken it over.
    async fn is_with_another_delivery<A: Aws>(
        &mut self,
        aws: &A,
        turn: &Turn<'_, A>,
    ) -> Result<bool, BindingError> {
        let (located, _) = self.locate(aws, turn).await?;
        let record = located.record.map(|held| held.record);
        Ok(record.is_some_and(|record| record.is_served_for(turn.caller())))
    }

    pub(super) async fn observe<A: Aws>(
        &mut self,
        aws: &A,
        turn: &Turn<'_, A>,
    ) -> Result<Remains, BindingError> {
        let seen = self.seen.take();
        let whereabouts = &mut self.whereabouts;
        Remains::observe(aws, turn, self.id, &self.own_bucket, whereabouts, seen).await
    }

    pub(super) fn plan(&self, remains: &Remains) -> Vec<Removal> {
        remains.plan(self.id, &self.own_bucket, |arn| self.names(arn))
    }
}

fn is_there(seen: Result<bool, &AwsError>) -> bool {
    seen.unwrap_or(false)
}
