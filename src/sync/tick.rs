//! The seven steps of a tick, whether a binding's rule or the function of 2018 asks for it:
//!
//! 1. Discover: `discovery::run`, which `observe` calls.
//! 2. Registered: `registered_targets` in `observe`.
//! 3. Known before: [`Source::read`].
//! 4. Log: `tick_log`.
//! 5. Metric: `metric`.
//! 6. Register: `register` in `apply`.
//! 7. Deregister: `deregister` in `apply`.
//!
//! Steps 1 to 3 run side by side, and step 5 as soon as DNS has answered. What steps 6 and 7 do is planned before
//! (`plan`) and written to the record first (rule 6 of the record). A tick that finds the record changed starts
//! over.

use super::apply::apply;
use super::error::SyncError;
use super::metric;
use super::observe::{Observation, ProbableOrders, observe};
use super::plan::{self, Mode, Situation, TickPlan, plan, waits_until};
use super::source::Source;
use super::tick_log;
use crate::aws::api::Aws;
use crate::backoff::Backoff;
use crate::clock::{Clock, Timestamp};
use crate::discovery::Dns;
use crate::log::chain;
use crate::model::Endpoint;
use crate::progress;
use crate::record::{Counting, Orders, Store, TickWrite};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::Instant;
use tracing::{info, warn};

/// How long a tick reads the records of other bindings at most, before it registers what is in DNS.
const OTHER_RECORDS_TIMEOUT: Duration = Duration::from_secs(10);

/// How a tick has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TickOutcome {
    /// Every address in DNS is registered.
    Synced { addresses: usize },
    /// There was nothing to do: the binding is deleted, or is not made yet.
    Idle,
}

/// One tick of one binding.
pub struct Tick<'a, A, D> {
    pub aws: &'a A,
    pub dns: &'a D,
    pub clock: Clock,
    pub store: Store<'a, A>,
    pub name: TickName,
}

/// The name by which a tick counts only once.
#[derive(Debug, Clone)]
pub struct TickName {
    name: String,
    scheduled: Option<Timestamp>,
}

impl TickName {
    /// The scheduled time, because EventBridge may deliver several events for one; without it the `id` of the event
    /// or of the invocation.
    pub fn new(scheduled: Option<Timestamp>, id: &str) -> Self {
        let name = scheduled.map_or_else(|| id.to_owned(), |time| time.to_string());
        Self { name, scheduled }
    }
}

impl<A: Aws, D: Dns> Tick<'_, A, D> {
    /// Takes the seven steps. `probable_orders` are the orders that are probably in the record, and `expected` is the
    /// number of addresses that they probably lead to.
    ///
    /// # Errors
    /// Anything that kept an address from being registered, or a missing one from being counted.
    pub async fn run(
        &self,
        source: &impl Source,
        mut probable_orders: Option<Orders>,
        expected: usize,
    ) -> Result<TickOutcome, SyncError> {
        let mut is_first_try = true;
        let mut backoff = Backoff::none_at_first();
        loop {
            progress::note("looking at DNS, at the targets and at the record");
            let (send_count, count) = oneshot::channel();
            let probable = probable_orders
                .as_ref()
                .map(|orders| ProbableOrders { orders, expected });
            let publishes = std::mem::take(&mut is_first_try);
            let work = async {
                let new = BTreeSet::new();
                // Steps 1 to 3: discover, registered, known before.
                let observing = observe(
                    self.aws,
                    self.dns,
                    probable,
                    &new,
                    send_count,
                    source.read(),
                );
                let Some(observed) = observing.await? else {
                    return Ok(None);
                };
                // Step 5 is late if the probable orders were missing, or gave the metric another name.
                let late_metric = async {
                    let is_published = probable.is_some_and(|probable| {
                        probable.orders.has_same_metric_as(&observed.orders)
                    });
                    if publishes && !is_published {
                        let count = observed.found.addresses.len();
                        metric::publish(self.aws, &observed.orders, count).await;
                    }
                };
                let (is_done, ()) =
                    tokio::join!(self.plan_and_apply(&observed, source), late_metric);
                Ok::<_, SyncError>(Some((is_done?, observed)))
            };
            // Step 5: metric.
            let metric = async {
                if let (true, Some(probable), Ok(count)) = (publishes, probable, count.await) {
                    metric::publish(self.aws, probable.orders, count).await;
                }
            };
            let (done, ()) = tokio::join!(work, metric);
            let Some((is_done, observed)) = done? else {
                info!(
                    binding = self.store.owner(),
                    "the binding is deleted, or not made yet: nothing to do"
                );
                return Ok(TickOutcome::Idle);
            };
            if is_done {
                return outcome(&observed, self.clock.now());
            }
            probable_orders = Some(observed.orders);
            info!("somebody else wrote the record meanwhile, starting over");
            progress::note("starting over because somebody else wrote the record meanwhile");
            backoff.wait().await;
        }
    }

    /// Steps 4, 6 and 7. `false` if the tick has to start over, because the record has changed meanwhile or
    /// because it had to wait.
    async fn plan_and_apply(
        &self,
        observed: &Observation,
        source: &impl Source,
    ) -> Result<bool, SyncError> {
        let now = self.clock.now();
        let record = &observed.held.record;
        let groups = record.groups_for_ticks(&observed.orders, now);
        let may_leave = source.may_leave(&observed.orders);
        let none = BTreeMap::new();
        let situation = Situation {
            seen: &observed.found.addresses,
            groups: &groups,
            registered: &observed.registered,
            record,
            others: &none,
            mode: self.mode(observed, &may_leave),
            now,
        };
        if let Some(until) = waits_until(&situation) {
            info!("a target that is wanted again was put out just now: waiting until that is done");
            self.clock.wait_until(until).await;
            return Ok(false);
        }
        let mut plan = plan(&situation);
        let mut others_error = None;
        if plan.deregisters() {
            let others;
            (others, others_error) = served_by_others(source, &plan).await;
            plan = plan::plan(&Situation {
                others: &others,
                // Whoever wants a target again waits from the time at which it was deregistered. So this must not be
                // the time of the first plan: reading the records of other bindings may have taken 10 s since.
                now: self.clock.now(),
                ..situation
            });
        }
        let lease = match plan.record.clone() {
            Some(next) => {
                let ticking = TickWrite::begin(&self.store, self.clock, &observed.held, next);
                let Some(lease) = ticking.await? else {
                    return Ok(false);
                };
                Some(lease)
            }
            None => None,
        };
        // Step 4: log.
        tick_log::log(self.store.owner(), &observed.orders, &observed.found, &plan);
        if let Some(lease) = lease {
            progress::note("registering and deregistering");
            let zone = observed.orders.availability_zone.as_deref();
            // Steps 6 and 7: register, deregister.
            let applied = apply(self.aws, &lease, zone, &plan).await;
            if applied.was_stopped() {
                return Ok(false);
            }
            let failure = applied.into_result().err().or(others_error.take());
            if let Some(error) = failure {
                lease.holder().store_failure(&chain(&error)).await;
                return Err(error);
            }
        }
        others_error.map_or(Ok(true), Err)
    }

    /// Whether this tick counts.
    fn mode<'m>(&'m self, observed: &Observation, may_leave: &'m BTreeSet<String>) -> Mode<'m> {
        let record = &observed.held.record;
        let (now, scheduled) = (self.clock.now(), self.name.scheduled);
        match record.counting(&self.name.name, scheduled, now) {
            _ if !observed.found.is_complete() => Mode::OnlyAdd,
            Counting::Counts | Counting::AlreadyCounted => Mode::Count {
                tick: &self.name.name,
                at: scheduled.map_or(now, |scheduled| scheduled.max(now)),
                until: observed.orders.invocations_before_deregistration,
                evidence: observed.found.evidence,
                may_leave,
            },
            Counting::Late => {
                warn!("this tick comes too late after its scheduled time, so it counts nothing");
                Mode::OnlyAdd
            }
            Counting::Claimed => {
                info!("a request of CloudFormation is under way, so this tick counts nothing");
                Mode::OnlyAdd
            }
        }
    }
}

/// Rule 11 of the record: the targets that the plan would deregister but that others serve as well, by target group. If
/// that cannot be found out for a group, all of them stay there, and the tick registers what is in DNS and then fails
/// with the error given here.
async fn served_by_others(
    source: &impl Source,
    plan: &TickPlan,
) -> (BTreeMap<String, BTreeSet<Endpoint>>, Option<SyncError>) {
    let until = Instant::now() + OTHER_RECORDS_TIMEOUT;
    let mut others = BTreeMap::new();
    let mut failure = None;
    for (group, work) in &plan.groups {
        if work.deregister.is_empty() {
            continue;
        }
        let served = source.served_by_others(group, &work.deregister);
        let served = tokio::time::timeout_at(until, served).await;
        match served.unwrap_or(Err(SyncError::OthersTooSlow)) {
            Ok(stays) if stays.is_empty() => {}
            Ok(stays) => {
                info!(
                    group,
                    "another binding still wants what has left this one's DNS"
                );
                others.insert(group.clone(), stays);
            }
            Err(error) => {
                let all = work.deregister.keys().copied();
                others.insert(group.clone(), all.collect());
                failure.get_or_insert(error);
            }
        }
    }
    (others, failure)
}

/// How a tick that has taken all steps ends.
fn outcome(observed: &Observation, now: Timestamp) -> Result<TickOutcome, SyncError> {
    if let Some(missing) = observed.missing.first() {
        let target_group = missing.clone();
        let error = SyncError::NoTargetGroup { target_group };
        if !observed.held.record.is_being_changed(now) {
            return Err(error);
        }
        let error = chain(&error);
        warn!(
            error,
            "an Update may have taken it away, whose success ticks do not know of"
        );
    }
    if !observed.found.is_complete() {
        return Err(observed.found.failed_lookups_error());
    }
    let addresses = observed.found.addresses.len();
    Ok(TickOutcome::Synced { addresses })
}
