//! Finds the record of a binding that is being deleted, says from which given target groups its targets may be
//! deregistered, and claims the record with the tombstone before anything is removed.
//!
//! Removes nothing.

use super::deleting::Deletion;
use super::observed::JustRead;
use crate::aws::api::Aws;
use crate::backoff::Backoff;
use crate::binding::error::BindingError;
use crate::binding::hints::candidates;
use crate::discovery::Dns;
use crate::log::chain;
use crate::model::Rule;
use crate::record::{
    ClaimPurpose, ClaimResult, Located, Orders, Record, RuleEvent, StackView, Turn,
};
use crate::sync::{self, WhenDnsFails};
use std::collections::BTreeSet;
use tracing::warn;

impl Deletion<'_> {
    /// Finds the record and the rule. Remembers what the rule says, because the rule is deleted before the record.
    pub(super) async fn locate<A: Aws>(
        &mut self,
        aws: &A,
        turn: &Turn<'_, A>,
    ) -> Result<(Located, Option<Rule>), BindingError> {
        let rule = aws.rule(&self.id.rule()).await?;
        if let Some(event) = RuleEvent::of_rule(rule.as_ref()) {
            let orders = event.orders.as_ref();
            let nlbs = orders.map(|orders| orders.nlb_arn.clone());
            self.search_places.nlbs.extend(nlbs);
            self.event = Some(event);
        }
        let of_rule = self.event.as_ref().map(|event| event.bucket.clone());
        let named = [Some(self.own_bucket.clone()), self.hints.bucket.clone()];
        let named = named.into_iter().flatten();
        let candidates = candidates(of_rule, named, &self.own_bucket);
        let located = turn.store(self.id).locate(candidates).await?;
        Ok((located, rule))
    }

    /// Restores a lost record, because only the record says which targets in given target groups are own. Returns
    /// whether it did. Nothing else depends on the record, so a failure only warns.
    pub(super) async fn restore_lost_record<A: Aws>(
        &self,
        aws: &A,
        dns: &impl Dns,
        turn: &Turn<'_, A>,
        located: &Located,
    ) -> bool {
        let Some(event) = self.event.as_ref().filter(|event| located.is_lost(event)) else {
            return false;
        };
        let groups = self.named_groups();
        if !located.empty.contains(&event.bucket) {
            if !groups.is_empty() {
                warn!(
                    groups,
                    "the record is lost with its bucket; own targets in given target groups stay there"
                );
            }
            return false;
        }
        match sync::restore_record(aws, dns, &turn.store(self.id), event, WhenDnsFails::Wait).await
        {
            Ok(held) => held.is_some(),
            Err(error) => {
                let error = chain(&error);
                warn!(
                    error,
                    groups, "the record is lost; own targets in given target groups stay there"
                );
                false
            }
        }
    }

    /// Whether the rule or the properties name a target group. The record does not count: everybody who can write to
    /// its bucket can write it.
    pub(super) fn is_named(&self, arn: &str) -> bool {
        let event = self.event.as_ref();
        self.hints.given.contains(arn) || event.is_some_and(|event| event.names_group(arn))
    }

    /// The given target groups that the rule or the properties name, for a warning.
    fn named_groups(&self) -> String {
        let orders = self.event.iter().filter_map(|event| event.orders.as_ref());
        let of_rule = orders.flat_map(Orders::groups);
        let given = of_rule.filter(|arn| !self.id.made_group(arn));
        let given: BTreeSet<_> = given
            .chain(self.hints.given.iter().map(String::as_str))
            .collect();
        given.into_iter().collect::<Vec<_>>().join(", ")
    }

    /// Warns of own targets that this leaves in target groups that are not named.
    fn warn_of_unnamed(&self, record: &Record) {
        for (group, own) in &record.own {
            if !own.is_empty() && !self.id.made_group(group) && !self.is_named(group) {
                warn!(
                    group,
                    "own targets stay in a target group that neither the rule nor the properties name"
                );
            }
        }
    }

    /// Claims the record by writing the tombstone; if there is neither record nor bucket, writes none. `located` is
    /// the record that was found already: the tombstone replaces only this one.
    ///
    /// # Errors
    /// If this request was superseded, taken over or answered already, and what AWS refuses.
    pub(super) async fn claim<A: Aws>(
        &mut self,
        aws: &A,
        turn: &Turn<'_, A>,
        view: &StackView,
        mut located: Option<(Located, Option<Rule>)>,
    ) -> Result<(), BindingError> {
        let mut backoff = Backoff::none_at_first();
        loop {
            let (located, rule) = match located.take() {
                Some(located) => located,
                None => self.locate(aws, turn).await?,
            };
            if let Some(unreadable) = &located.unreadable {
                let error = chain(&unreadable.why);
                let groups = self.named_groups();
                warn!(
                    error,
                    groups,
                    "the record cannot be read; own targets in given target groups stay there"
                );
            }
            if let Some(record) = located.record_or_rebuilt() {
                self.warn_of_unnamed(record);
            }
            let has_own_bucket = located.empty.contains(&self.own_bucket);
            let is_there = located.record.is_some() || located.unreadable.is_some();
            let is_there = is_there || has_own_bucket || !located.stubs.is_empty();
            let remaining = match is_there {
                true => None,
                false => Some(self.observe(aws, turn).await?),
            };
            if remaining.is_some_and(|remaining| self.plan(&remaining).steps.is_empty()) {
                // Nothing is left to take away. A tombstone would stay for ever if Lambda stopped this request.
                return Ok(());
            }
            if located.record.is_none() && located.unreadable.is_none() {
                self.check_not_made_anew(aws, turn, view).await?;
            }
            let bucket = match located.empty.first() {
                // A stub in the own bucket may lead to a bucket that is gone.
                _ if has_own_bucket || located.stubs.contains_key(&self.own_bucket) => {
                    &self.own_bucket
                }
                Some(bucket) => bucket,
                None if located.record.is_none() && located.unreadable.is_none() => return Ok(()),
                None => &self.own_bucket,
            };
            let store = turn.store(self.id);
            let claiming = ClaimPurpose::ToDelete;
            match turn.claim(&store, &located, bucket, view, claiming).await? {
                ClaimResult::Claimed { waited, .. } => {
                    self.search_places.gone.clear();
                    let held = turn.last_known(self.id);
                    self.just_read = (!waited).then_some(JustRead { rule, held });
                    return Ok(());
                }
                ClaimResult::WrittenByAnother => backoff.wait().await,
            }
        }
    }
}
