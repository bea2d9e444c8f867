//! How a binding leaves: its tombstone first, then what carries its id, and the record last, while it is
//! still that tombstone.
//!
//! Goes by the id. The properties only hint at where to look; and what is looked at is taken away only
//! if it is the binding's by name or tag. What is gone already is fine.

use super::hints::{Hints, candidates};
use super::plan::lines;
use super::remains::Remains;
use super::removal::{Removal, Remover};
use super::{BindingAws, BindingError, replaced};
use crate::capabilities::{AwsError, Dns};
use crate::clock::Timestamp;
use crate::names::BindingId;
use crate::pause::Pause;
use crate::progress;
use crate::record::{
    Claiming, Found, Hand, Located, Orders, Record, RecordError, RuleEvent, Turn, View,
};
use crate::sync;
use std::cell::Cell;
use std::collections::BTreeSet;
use tracing::{info, warn};

/// Takes a binding away for a request that is no Delete of it: what it made itself and is not wanted, or
/// what a replacement that was rolled back has made.
///
/// # Errors
/// What AWS refuses.
pub(super) async fn take_away<A: BindingAws>(
    aws: &A,
    turn: &Turn<'_, A>,
    id: &BindingId,
    account: &str,
    hints: &Hints,
    view: &View,
) -> Result<(), BindingError> {
    let mut leaving = Leaving::new(id, account, hints);
    leaving.claim(aws, turn, view).await?;
    leaving.remove(aws, turn, view).await
}

/// A binding on its way out.
pub(super) struct Leaving<'a> {
    id: &'a BindingId,
    account: &'a str,
    own_bucket: String,
    hints: &'a Hints,
    /// NLBs that its listeners may be on.
    nlbs: BTreeSet<String>,
    /// What its rule gave ticks.
    ruled: Option<RuleEvent>,
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
            nlbs: hints.nlb_arn.iter().cloned().collect(),
            ruled: None,
            stays_until: Timestamp::default(),
        }
    }

    pub(super) fn stays_until(&mut self, until: Timestamp) {
        self.stays_until = until;
    }

    /// Whether time had to pass before the last step, since the last look was begun.
    async fn has_waited<A: BindingAws>(&self, turn: &Turn<'_, A>, looked: Timestamp) -> bool {
        if self.stays_until <= looked {
            return false;
        }
        progress::note("waiting until no request that came before can be let through any more");
        turn.clock().wait_until(self.stays_until).await;
        true
    }

    /// Finds the record, and remembers what the rule says, which goes before the record.
    pub(super) async fn locate<A: BindingAws>(
        &mut self,
        aws: &A,
        turn: &Turn<'_, A>,
    ) -> Result<Located, BindingError> {
        let rule = aws.rule(&self.id.rule()).await?;
        if let Some(event) = RuleEvent::of_rule(rule.as_ref()) {
            let orders = event.orders.as_ref();
            self.nlbs
                .extend(orders.map(|orders| orders.nlb_arn.clone()));
            self.ruled = Some(event);
        }
        let ruled = self.ruled.as_ref().map(|event| event.bucket.clone());
        let said = [Some(self.own_bucket.clone()), self.hints.bucket.clone()];
        let said = said.into_iter().flatten();
        let candidates = candidates(ruled, said, &self.own_bucket);
        Ok(turn.store(self.id).locate(candidates).await?)
    }

    /// Makes a lost record anew, for it tells what is own in given target groups; whether it did. Nothing
    /// else depends on it, so failing in that only warns.
    pub(super) async fn restores<A: BindingAws>(
        &self,
        aws: &A,
        dns: &impl Dns,
        turn: &Turn<'_, A>,
        located: &Located,
    ) -> bool {
        let is_there =
            |event: &&RuleEvent| located.has_lost(event) && located.empty.contains(&event.bucket);
        let Some(event) = self.ruled.as_ref().filter(is_there) else {
            return false;
        };
        match sync::make_anew(aws, dns, &turn.store(self.id), event).await {
            Ok(held) => held.is_some(),
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                let groups = self.named();
                warn!(
                    error,
                    groups, "the record is lost; own targets in given target groups stay there"
                );
                false
            }
        }
    }

    /// Whether its orders name or named a target group, by what nobody else can write: its rule, and the
    /// properties. A record may be written by whoever may write to its bucket.
    fn names(&self, arn: &str) -> bool {
        let ruled = self.ruled.as_ref();
        self.hints.given.contains(arn) || ruled.is_some_and(|event| event.names(arn))
    }

    /// The given target groups that are known to be named, to be told.
    fn named(&self) -> String {
        let orders = self.ruled.iter().filter_map(|event| event.orders.as_ref());
        let ruled = orders.flat_map(Orders::groups);
        let given = ruled.filter(|arn| !self.id.made_group(arn));
        let given: BTreeSet<_> = given
            .chain(self.hints.given.iter().map(String::as_str))
            .collect();
        given.into_iter().collect::<Vec<_>>().join(", ")
    }

    /// Own targets that this leaves where they are.
    fn warn_of_unnamed(&self, record: &Record) {
        for (group, own) in &record.own {
            if !own.is_empty() && !self.id.made_group(group) && !self.names(group) {
                warn!(
                    group,
                    "own targets stay in a target group that neither the rule nor the properties name"
                );
            }
        }
    }

    /// Writes the tombstone. Where there is neither record nor bucket there is nothing to write it to.
    pub(super) async fn claim<A: BindingAws>(
        &mut self,
        aws: &A,
        turn: &Turn<'_, A>,
        view: &View,
    ) -> Result<(), BindingError> {
        let mut pause = Pause::none_at_first();
        loop {
            let located = self.locate(aws, turn).await?;
            if let Some(unreadable) = &located.unreadable {
                let error = &unreadable.why as &dyn std::error::Error;
                let groups = self.named();
                warn!(
                    error,
                    groups,
                    "the record cannot be read; own targets in given target groups stay there"
                );
            }
            if let Some(record) = located.known() {
                self.warn_of_unnamed(record);
            }
            let has_own_bucket = located.empty.contains(&self.own_bucket);
            let is_there = located.record.is_some() || located.unreadable.is_some();
            let is_there = is_there || has_own_bucket || !located.stubs.is_empty();
            let remains = match is_there {
                true => None,
                false => Some(self.observe(aws, turn).await?),
            };
            if remains.is_some_and(|remains| self.plan(&remains).is_empty()) {
                // A tombstone for nothing would stay where Lambda stops this request.
                return Ok(());
            }
            if located.record.is_none() && located.unreadable.is_none() {
                self.is_not_made_anew(aws, turn, view).await?;
            }
            let bucket = match located.empty.first() {
                // A stub there may lead to a bucket that is gone.
                _ if has_own_bucket || located.stubs.contains_key(&self.own_bucket) => {
                    &self.own_bucket
                }
                Some(bucket) => bucket,
                None if located.record.is_none() && located.unreadable.is_none() => return Ok(()),
                None => &self.own_bucket,
            };
            let store = turn.store(self.id);
            let claiming = Claiming::ToTakeAway;
            match turn.claim(&store, &located, bucket, view, claiming).await? {
                Hand::Holds { .. } => return Ok(()),
                Hand::Again => pause.wait().await,
            }
        }
    }

    /// Takes away what is there, and looks again until nothing is: AWS may show what is gone for a moment
    /// longer.
    pub(super) async fn remove<A: BindingAws>(
        &mut self,
        aws: &A,
        turn: &Turn<'_, A>,
        view: &View,
    ) -> Result<(), BindingError> {
        let remover = Remover {
            aws,
            turn,
            id: self.id,
            view,
            leaves_bucket: Cell::new(false),
        };
        let mut pause = Pause::none_at_first();
        let mut has_ended = false;
        'looking: loop {
            progress::note("looking at what is there");
            if !turn.holds(self.id) {
                match self.claim(aws, turn, view).await {
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
                pause.wait().await;
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
                let located = self.locate(aws, turn).await?;
                if located.record.is_some() || located.has(&self.own_bucket).is_some_and(is_there) {
                    pause.wait().await;
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
                match remover.remove(removal).await {
                    // A request that came before found no record any more, and has made one.
                    Err(error) if has_ended && error.is_taken_over() => {
                        if self.is_with_another_delivery(aws, turn).await? {
                            return Err(error);
                        }
                        turn.has_taken_away(self.id);
                        break;
                    }
                    removed => removed?,
                }
            }
            pause.wait().await;
        }
    }

    async fn is_not_made_anew<A: BindingAws>(
        &self,
        aws: &A,
        turn: &Turn<'_, A>,
        view: &View,
    ) -> Result<(), BindingError> {
        let Self {
            id, account, hints, ..
        } = self;
        replaced::is_not_made_anew(aws, turn, id, account, hints, view).await
    }

    /// The bucket of this tombstone, where meanwhile another request has made the binding's record in its own
    /// bucket: then that one is the record.
    async fn made_anew_beside<A: BindingAws>(
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
            Found::Record(held) if held.record.arriving_from.is_none()
        );
        Ok(is_record.then(|| bucket.clone()))
    }

    /// Whether another delivery of this Delete has taken it over.
    async fn is_with_another_delivery<A: BindingAws>(
        &mut self,
        aws: &A,
        turn: &Turn<'_, A>,
    ) -> Result<bool, BindingError> {
        let located = self.locate(aws, turn).await?;
        let record = located.record.map(|held| held.record);
        Ok(record.is_some_and(|record| record.is_served_for(turn.caller())))
    }

    async fn observe<A: BindingAws>(
        &mut self,
        aws: &A,
        turn: &Turn<'_, A>,
    ) -> Result<Remains, BindingError> {
        Remains::observe(aws, turn, self.id, &self.own_bucket, &mut self.nlbs).await
    }

    fn plan(&self, remains: &Remains) -> Vec<Removal> {
        remains.plan(self.id, &self.own_bucket, |arn| self.names(arn))
    }
}

fn is_there(seen: Result<bool, &AwsError>) -> bool {
    seen.unwrap_or(false)
}
