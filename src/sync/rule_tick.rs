//! A tick of a binding's rule: the event says where the record is, and the record says what to do.
//!
//! Rule 8 of the record: by the copy of the orders in the event, DNS and the targets are observed while the record
//! is read.

use super::error::SyncError;
use super::lost_record::{WhenDnsFails, restore_record};
use super::source::Source;
use super::tick::{Tick, TickName, TickOutcome};
use crate::aws::api::Aws;
use crate::clock::Clock;
use crate::discovery::Dns;
use crate::model::{Endpoint, Registered};
use crate::progress;
use crate::record::{Orders, RuleEvent, Store, StoredRecord, owned_by_others};
use std::collections::BTreeSet;
use tracing::warn;

/// One tick of a binding's rule. If the event has no time, the tick is named after `invocation`, an id.
///
/// # Errors
/// Anything that kept an address from being registered, or a missing one from being counted.
pub async fn tick<A: Aws>(
    aws: &A,
    dns: &impl Dns,
    clock: Clock,
    event: &RuleEvent,
    invocation: &str,
) -> Result<TickOutcome, SyncError> {
    let store = Store::new(aws, event.id.to_string());
    let tick = Tick {
        aws,
        dns,
        clock,
        store: store.clone(),
        name: TickName::new(event.time, invocation),
    };
    let source = RuleSource {
        aws,
        dns,
        store,
        event,
    };
    // The wait counts from the scheduled time, so that a late tick, for example in a retry by Lambda, does not come
    // later still.
    let (waits, now) = (event.start_delay(), clock.now());
    let until = event.time.map_or(now, |time| time.min(now) + waits);
    if until > now {
        progress::note("waiting at the start, for other bindings may tick in the same moment");
        clock.wait_until(until).await;
    }
    tick.run(&source, event.orders.clone(), event.addresses)
        .await
}

struct RuleSource<'a, A, D> {
    aws: &'a A,
    dns: &'a D,
    store: Store<'a, A>,
    event: &'a RuleEvent,
}

impl<A: Aws, D: Dns> Source for RuleSource<'_, A, D> {
    async fn read(&self) -> Result<Option<(StoredRecord, Orders)>, SyncError> {
        let held = match self.store.read_again(&self.event.bucket).await? {
            Some(held) => Some(held),
            None => self.find_elsewhere().await?,
        };
        let Some(held) = held else {
            return Ok(None);
        };
        let orders = held.record.orders_in_force().cloned();
        Ok(orders.map(|orders| (held, orders)))
    }

    /// Targets leave a given group only if the rule names it as well ([`RuleEvent::names_group`] says why).
    fn may_leave(&self, orders: &Orders) -> BTreeSet<String> {
        let groups = orders.groups().into_iter();
        let (may, may_not): (Vec<_>, Vec<_>) = groups.partition(|arn| self.event.names_group(arn));
        if !may_not.is_empty() {
            let groups = may_not.join(", ");
            warn!(
                groups,
                "the rule names other target groups than the record, so no target leaves these; update the stack"
            );
        }
        may.into_iter().map(str::to_owned).collect()
    }

    async fn served_by_others(
        &self,
        group: &str,
        leaving: &Registered,
    ) -> Result<BTreeSet<Endpoint>, SyncError> {
        match self.event.id.made_group(group) {
            true => Ok(BTreeSet::new()),
            false => self.shared_targets(group, leaving).await,
        }
    }
}

impl<A: Aws, D: Dns> RuleSource<'_, A, D> {
    /// Rule 11 of the record: the own targets in a given group that another binding serves as well.
    async fn shared_targets(
        &self,
        group: &str,
        leaving: &Registered,
    ) -> Result<BTreeSet<Endpoint>, SyncError> {
        let others = owned_by_others(self.aws, &self.event.id, group).await?;
        let is_theirs = |endpoint: &&Endpoint| match &others {
            Some(others) => others.get(endpoint) == Some(&true),
            None => true,
        };
        Ok(leaving.keys().filter(is_theirs).copied().collect())
    }

    /// Looks for the record if it is not in the bucket that the event names. The rule now says whether the binding is
    /// deleted, has moved to another bucket since the event was sent, or has lost its record: Delete removes the rule
    /// before the record.
    async fn find_elsewhere(&self) -> Result<Option<StoredRecord>, SyncError> {
        let rule = self.aws.rule(&self.event.id.rule()).await?;
        let Some(event) = RuleEvent::of_rule(rule.as_ref()) else {
            return Ok(None);
        };
        if event.bucket != self.event.bucket
            && let Some(held) = self.store.read_again(&event.bucket).await?
        {
            return Ok(Some(held));
        }
        if event.orders.is_none() {
            return Err(SyncError::Lost);
        }
        restore_record(self.aws, self.dns, &self.store, &event, WhenDnsFails::Fail).await
    }
}
