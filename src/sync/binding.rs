//! A binding's tick: its rule's event says where the record is, and the record says what to do.

use super::look::{Guess, see};
use super::{Outcome, Read, Source, SyncAws, SyncError, Tick, TickName};
use crate::capabilities::{Dns, DnsError};
use crate::clock::Clock;
use crate::log::chain;
use crate::model::{Endpoint, Registered};
use crate::pause::Pause;
use crate::progress;
use crate::record::{Held, Orders, Record, RecordError, RuleEvent, Store, owned_by_others};
use std::collections::BTreeSet;
use std::future::ready;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::Instant;
use tracing::warn;

/// One tick of a binding's rule; `invocation` tells it from others where the event has no time.
///
/// # Errors
/// Anything that kept an address from being registered or a missing one from being counted.
pub async fn tick<A: SyncAws>(
    aws: &A,
    dns: &impl Dns,
    clock: Clock,
    event: &RuleEvent,
    invocation: &str,
) -> Result<Outcome, SyncError> {
    let store = Store::new(aws, event.id.to_string());
    let tick = Tick {
        aws,
        dns,
        clock,
        store: store.clone(),
        name: TickName::new(event.time, invocation),
    };
    let source = Binding {
        aws,
        dns,
        store,
        event,
    };
    // One that comes late, as Lambda's repetition does, must not come later still.
    let (waits, now) = (event.waits(), clock.now());
    let until = event.time.map_or(now, |time| time.min(now) + waits);
    if until > now {
        progress::note("waiting at the start, for other bindings may tick in the same moment");
        clock.wait_until(until).await;
    }
    tick.run(&source, event.orders.clone(), event.addresses)
        .await
}

struct Binding<'a, A, D> {
    aws: &'a A,
    dns: &'a D,
    store: Store<'a, A>,
    event: &'a RuleEvent,
}

impl<A: SyncAws, D: Dns> Source for Binding<'_, A, D> {
    async fn read(&self) -> Result<Read, SyncError> {
        let held = match self.store.again(&self.event.bucket).await? {
            Some(held) => Some(held),
            None => self.find().await?,
        };
        let Some(held) = held else {
            return Ok(None);
        };
        let orders = held.record.served().cloned();
        Ok(orders.map(|orders| (held, orders)))
    }

    /// Of groups that are not the binding's own by name, targets leave only those that the rule names.
    fn may_leave(&self, orders: &Orders) -> BTreeSet<String> {
        let groups = orders.groups().into_iter();
        let (may, may_not): (Vec<_>, Vec<_>) = groups.partition(|arn| self.event.names(arn));
        if !may_not.is_empty() {
            let groups = may_not.join(", ");
            warn!(
                groups,
                "the rule names other target groups than the record, so no target leaves these; update the stack"
            );
        }
        may.into_iter().map(str::to_owned).collect()
    }

    async fn of_others(
        &self,
        group: &str,
        leaving: &Registered,
    ) -> Result<BTreeSet<Endpoint>, SyncError> {
        match self.event.id.made_group(group) {
            true => Ok(BTreeSet::new()),
            false => self.shared(group, leaving).await,
        }
    }
}

impl<A: SyncAws, D: Dns> Binding<'_, A, D> {
    /// Own targets in a given group that another binding serves, too.
    async fn shared(
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

    /// The record is not where the event says: the binding is deleted, or keeps it elsewhere since the
    /// event was made, or it is lost. The rule tells, which Delete takes away before the record.
    async fn find(&self) -> Result<Option<Held>, SyncError> {
        let rule = self.aws.rule(&self.event.id.rule()).await?;
        let Some(event) = RuleEvent::of_rule(rule.as_ref()) else {
            return Ok(None);
        };
        if event.bucket != self.event.bucket
            && let Some(held) = self.store.again(&event.bucket).await?
        {
            return Ok(Some(held));
        }
        if event.orders.is_none() {
            return Err(SyncError::Lost);
        }
        make_anew(self.aws, self.dns, &self.store, &event, Unseen::Fails).await
    }
}

/// What follows where DNS does not show which targets are own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unseen {
    /// A tick fails, and the next one comes soon.
    Fails,
    /// A request waits until that passes, and then goes on without.
    IsWaitedFor,
}

/// How long DNS that fails is waited for where a request can go on without.
const FAILING: Duration = Duration::from_secs(15);

/// Writes a lost record anew, where the rule says that it was.
///
/// # Errors
/// As [`anew`], and where the bucket is gone as well.
pub async fn make_anew<A: SyncAws>(
    aws: &A,
    dns: &impl Dns,
    store: &Store<'_, A>,
    event: &RuleEvent,
    unseen: Unseen,
) -> Result<Option<Held>, SyncError> {
    let Some(record) = anew(aws, dns, event, unseen).await? else {
        return Ok(None);
    };
    let RuleEvent { id, bucket, .. } = event;
    if let Some(held) = store.write(bucket, record, None).await? {
        return Ok(Some(held));
    }
    // Somebody else was faster, or the bucket is gone.
    match store.again(bucket).await? {
        None if aws.rule(&id.rule()).await?.is_some() => {
            let bucket = bucket.clone();
            Err(RecordError::NoBucket { bucket }.into())
        }
        held => Ok(held),
    }
}

/// The record of a binding that has lost it while its rule stands, as by a lifecycle rule of the bucket:
/// made anew from the rule's copy of the orders, and not written yet. `None` where there is no copy, and
/// where the rule is gone meanwhile.
///
/// # Errors
/// Where the target groups cannot be looked at, or DNS in a tick.
pub async fn anew<A: SyncAws>(
    aws: &A,
    dns: &impl Dns,
    event: &RuleEvent,
    unseen: Unseen,
) -> Result<Option<Record>, SyncError> {
    let RuleEvent { id, orders, .. } = event;
    let Some(orders) = orders else {
        return Ok(None);
    };
    let mut groups = orders.groups().into_iter();
    let depends_on_dns = groups.any(|arn| !id.made_group(arn));
    let until = Instant::now() + FAILING;
    let mut pause = Pause::short_at_first();
    let mut addresses = BTreeSet::new();
    let registered = loop {
        let seen = see(
            aws,
            dns,
            Guess::of(orders),
            &BTreeSet::new(),
            ready(addresses.clone()),
            oneshot::channel().0,
        )
        .await;
        let registered = seen.targets?;
        let doubt = match seen.found {
            Ok(found) => {
                let doubt = found.doubted();
                addresses.extend(found.addresses);
                doubt.or_else(|| (!found.certain).then_some(SyncError::Uncertain))
            }
            Err(error) => Some(error.into()),
        };
        let Some(doubt) = doubt.filter(|_| depends_on_dns) else {
            break registered;
        };
        let passes = !matches!(
            doubt,
            SyncError::Dns(DnsError::NoAddresses { .. } | DnsError::Default { .. })
        );
        match unseen {
            Unseen::Fails if matches!(doubt, SyncError::Cached | SyncError::Uncertain) => {
                break registered;
            }
            Unseen::Fails => return Err(doubt),
            Unseen::IsWaitedFor if passes && Instant::now() < until => {
                progress::note(format!(
                    "waiting until DNS tells which targets are own: {doubt}"
                ));
                pause.wait().await;
            }
            Unseen::IsWaitedFor => {
                let error = chain(&doubt);
                warn!(error, binding = %id, "nobody can tell which targets in given target groups are own");
                break registered;
            }
        }
    };
    let registered = registered.into_iter();
    let registered = registered.filter_map(|(arn, registered)| Some((arn, registered?)));
    let record = Record::made_anew(id, orders, &registered.collect(), &addresses);
    // A Delete takes the rule away before the record, which may have been seen in this order, too.
    if aws.rule(&id.rule()).await?.is_none() {
        return Ok(None);
    }
    let bucket = &event.bucket;
    warn!(binding = %id, bucket, "the record was lost; it is made anew from the rule's copy");
    Ok(Some(record))
}
