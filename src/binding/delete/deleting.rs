//! The order of a Delete: `claim` writes the tombstone first, then everything that carries the id is removed, and the
//! record last, if it is still that tombstone.
//!
//! Only the id says what belongs to the binding, by name or by tag: nothing else is removed. The properties only say
//! where it may be. It is no error if something is gone already.

use super::apply::Remover;
use super::observe::observe;
use super::observed::{JustRead, RemainingResources, SearchPlaces};
use super::plan::plan;
use crate::aws::api::{Aws, AwsError};
use crate::backoff::Backoff;
use crate::binding::error::BindingError;
use crate::binding::hints::Hints;
use crate::binding::step::{Plan, Removal};
use crate::clock::Timestamp;
use crate::log::chain;
use crate::names::BindingId;
use crate::progress;
use crate::record::{RecordError, RuleEvent, StackView, Turn};
use std::cell::Cell;
use std::time::Duration;
use tracing::info;

/// For how long a removal is tried again that AWS refuses because the resource is in use. Then everything is observed
/// again: AWS might not have shown yet what uses it.
const IN_USE_FOR: Duration = Duration::from_secs(5);

/// Takes a binding away for a request that is not a Delete of it: the request's own work that is not wanted, or a
/// replacement that was rolled back.
///
/// # Errors
/// What AWS refuses.
pub(in crate::binding) async fn take_away<A: Aws>(
    aws: &A,
    turn: &Turn<'_, A>,
    id: &BindingId,
    account: &str,
    hints: &Hints,
    view: &StackView,
) -> Result<(), BindingError> {
    let mut deletion = Deletion::new(id, account, hints);
    deletion.claim(aws, turn, view, None).await?;
    deletion.remove(aws, turn, view).await
}

/// The deletion of one binding.
pub(super) struct Deletion<'a> {
    pub(super) id: &'a BindingId,
    pub(super) account: &'a str,
    pub(super) own_bucket: String,
    pub(super) hints: &'a Hints,
    pub(super) search_places: SearchPlaces,
    /// The rule and the record as the claim has read them. The next observation uses them once.
    pub(super) just_read: Option<JustRead>,
    /// The event that its rule hands to ticks.
    pub(super) event: Option<RuleEvent>,
    /// The tombstone has to stay until then. If there is none, the binding has to be observed once more after it.
    stays_until: Timestamp,
}

impl<'a> Deletion<'a> {
    pub(super) fn new(id: &'a BindingId, account: &'a str, hints: &'a Hints) -> Self {
        Self {
            id,
            account,
            own_bucket: id.bucket(account),
            hints,
            search_places: SearchPlaces::on(hints.nlb_arn.iter().cloned()),
            just_read: None,
            event: None,
            stays_until: Timestamp::default(),
        }
    }

    /// Keeps the tombstone until then. If there is none, observes until then.
    pub(super) fn stay_until(&mut self, until: Timestamp) {
        self.stays_until = until;
    }

    /// Before the last step, waits until the tombstone may go. Returns whether it waited. If so, the observation is out
    /// of date.
    async fn wait_for_tombstone<A: Aws>(&self, turn: &Turn<'_, A>, observed: Timestamp) -> bool {
        if self.stays_until <= observed {
            return false;
        }
        progress::note("waiting until no request that came before can be let through any more");
        turn.clock().wait_until(self.stays_until).await;
        true
    }

    /// Observes, plans and takes away until nothing is left: AWS may show for a moment what is gone already.
    ///
    /// # Errors
    /// If another request holds the record, and what AWS refuses.
    pub(super) async fn remove<A: Aws>(
        &mut self,
        aws: &A,
        turn: &Turn<'_, A>,
        view: &StackView,
    ) -> Result<(), BindingError> {
        let remover = Remover {
            aws,
            turn,
            id: self.id,
            leaves_bucket: Cell::new(false),
            in_use_for: IN_USE_FOR,
        };
        // What this request made is about to be taken away: from now on AWS is believed if it says that it is gone.
        turn.lease().just_made().clear();
        let mut backoff = Backoff::none_at_first();
        let mut has_ended = false;
        let mut doing = "looking at what is there".to_owned();
        'observing: loop {
            progress::note(&doing);
            if !turn.has_claimed(self.id) {
                match self.claim(aws, turn, view, None).await {
                    // The binding has been made again since.
                    Err(BindingError::Record(RecordError::Superseded)) if has_ended => {
                        return Ok(());
                    }
                    claimed => claimed?,
                }
            }
            let observed = turn.clock().now();
            let mut remaining = self.observe(aws, turn).await?;
            if remaining.has_own_bucket && !turn.has_claimed(self.id) {
                // Another request has just made the bucket, and may have made a record in it.
                backoff.wait().await;
                continue;
            }
            remaining.has_own_bucket &= !remover.leaves_bucket.get();
            if let Some(bucket) = self.bucket_of_outdated_tombstone(turn, &remaining).await? {
                turn.expect_removal(self.id);
                has_ended = true;
                remover.remove(&Removal::Record { bucket }).await?;
                turn.drop_claim(self.id);
                continue;
            }
            let plan = self.plan(&remaining);
            if plan.steps.is_empty() {
                if self.wait_for_tombstone(turn, observed).await {
                    continue;
                }
                turn.drop_claim(self.id);
                return Ok(());
            }
            if !turn.has_claimed(self.id) {
                // A request that made what is left may have made a record since.
                let (located, _) = self.locate(aws, turn).await?;
                if located.record.is_some() || located.has(&self.own_bucket).is_some_and(is_there) {
                    backoff.wait().await;
                    continue;
                }
                self.check_not_made_anew(aws, turn, view).await?;
            }
            info!(binding = %self.id, %plan, "plan");
            for removal in &plan.steps {
                if removal.is_last() {
                    if self.wait_for_tombstone(turn, observed).await {
                        continue 'observing;
                    }
                    turn.expect_removal(self.id);
                    has_ended = true;
                }
                let was_there = match remover.remove(removal).await {
                    // An earlier request found no record, and has made one.
                    Err(error) if has_ended && error.is_taken_over() => {
                        if self.is_with_another_delivery(aws, turn).await? {
                            return Err(error);
                        }
                        turn.drop_claim(self.id);
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
                    self.search_places.gone.insert(name.clone());
                }
            }
            backoff.wait().await;
        }
    }

    pub(super) async fn observe<A: Aws>(
        &mut self,
        aws: &A,
        turn: &Turn<'_, A>,
    ) -> Result<RemainingResources, BindingError> {
        let just_read = self.just_read.take();
        let search_places = &mut self.search_places;
        observe(
            aws,
            turn,
            self.id,
            &self.own_bucket,
            search_places,
            just_read,
        )
        .await
    }

    pub(super) fn plan(&self, remaining: &RemainingResources) -> Plan<Removal> {
        plan(self.id, &self.own_bucket, remaining, |arn| {
            self.is_named(arn)
        })
    }
}

fn is_there(found: Result<bool, &AwsError>) -> bool {
    found.unwrap_or(false)
}
