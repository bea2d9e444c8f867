//! The seven steps of a tick, whoever's it is: discover, registered, known before, log, metric, register, deregister.
//!
//! Steps 1 to 3 are made side by side (`observe`), the plan is pure, and the record is written before anything is
//! registered or deregistered. What a tick may do follows from the record only. A tick that finds the record changed
//! looks at DNS and at the targets anew.

use super::apply::apply;
use super::error::SyncError;
use super::metric;
use super::observe::{Guess, Observation, observe};
use super::plan::{self, Mode, Plan, Situation, plan, waits_until};
use super::source::Source;
use super::tick_log;
use crate::aws::api::Aws;
use crate::backoff::Backoff;
use crate::clock::{Clock, Timestamp};
use crate::discovery::Dns;
use crate::log::chain;
use crate::model::Endpoint;
use crate::progress;
use crate::record::{Counting, Orders, Store, Ticking};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::Instant;
use tracing::{info, warn};

/// How long other bindings are asked for at most, before what is wanted is registered.
const ASKING: Duration = Duration::from_secs(10);

/// What a tick came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TickOutcome {
    /// Every address in DNS is registered; there are so many.
    Synced { addresses: usize },
    /// There is nothing to do: the binding is deleted, or is not made yet.
    Idle,
}

/// One tick.
pub struct Tick<'a, A, D> {
    pub aws: &'a A,
    pub dns: &'a D,
    pub clock: Clock,
    pub store: Store<'a, A>,
    pub name: TickName,
}

/// What a tick is known by.
#[derive(Debug, Clone)]
pub struct TickName {
    name: String,
    scheduled: Option<Timestamp>,
}

impl TickName {
    /// Its scheduled time, of which EventBridge may deliver more than one event; else `id`, of its
    /// event or its invocation.
    pub fn new(scheduled: Option<Timestamp>, id: &str) -> Self {
        let name = scheduled.map_or_else(|| id.to_owned(), |time| time.to_string());
        Self { name, scheduled }
    }
}

impl<A: Aws, D: Dns> Tick<'_, A, D> {
    /// The seven steps. `guess` are the orders that most probably stand, and so many addresses are expected.
    ///
    /// # Errors
    /// Anything that kept an address from being registered or a missing one from being counted.
    pub async fn run(
        &self,
        source: &impl Source,
        mut guess: Option<Orders>,
        expected: usize,
    ) -> Result<TickOutcome, SyncError> {
        let mut is_first = true;
        let mut backoff = Backoff::none_at_first();
        loop {
            progress::note("looking at DNS, at the targets and at the record");
            let (tell, told) = oneshot::channel();
            let by = guess.clone();
            let by = by.as_ref().map(|orders| Guess { orders, expected });
            let measures = std::mem::take(&mut is_first);
            // 1 discover, 2 registered, 3 known before; then 4, 6 and 7
            let work = async {
                let nothing = BTreeSet::new();
                let looked = observe(self.aws, self.dns, by, &nothing, tell, source.read());
                let Some(observed) = looked.await? else {
                    return Ok(None);
                };
                let measure = async {
                    // What was guessed before the record was read was nothing, or wrong.
                    if measures && !by.is_some_and(|by| by.orders.measures_as(&observed.orders)) {
                        let count = observed.found.addresses.len();
                        metric::publish(self.aws, &observed.orders, count).await;
                    }
                };
                let (served, ()) = tokio::join!(self.serve(&observed, source), measure);
                Ok::<_, SyncError>(Some((served?, observed)))
            };
            // 5 metric, as soon as DNS has answered
            let measure = async {
                if let (true, Some(by), Ok(count)) = (measures, by, told.await) {
                    metric::publish(self.aws, by.orders, count).await;
                }
            };
            let (done, ()) = tokio::join!(work, measure);
            let Some((served, observed)) = done? else {
                info!(binding = self.store.owner(), "{IDLE}");
                return Ok(TickOutcome::Idle);
            };
            if served {
                return outcome(&observed, self.clock.now());
            }
            guess = Some(observed.orders);
            info!("somebody else wrote the record meanwhile, starting over");
            progress::note("starting over because somebody else wrote the record meanwhile");
            backoff.wait().await;
        }
    }

    /// Steps 4, 6 and 7; `false` where the record has changed meanwhile, or time has to pass first.
    async fn serve(&self, observed: &Observation, source: &impl Source) -> Result<bool, SyncError> {
        let now = self.clock.now();
        let record = &observed.held.record;
        let groups = record.looked_after(&observed.orders, now);
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
        let mut stays_unknown = None;
        if plan.takes_out() {
            let others;
            (others, stays_unknown) = of_others(source, &plan).await;
            plan = plan::plan(&Situation {
                others: &others,
                // When a target is put out others wait by it, so it does not tell of before this look.
                now: self.clock.now(),
                ..situation
            });
        }
        let lease = match plan.record.clone() {
            Some(next) => {
                let ticking = Ticking::begin(&self.store, self.clock, &observed.held, next);
                let Some(lease) = ticking.await? else {
                    return Ok(false);
                };
                Some(lease)
            }
            None => None,
        };
        // 4 log
        tick_log::log(self.store.owner(), &observed.orders, &observed.found, &plan);
        if let Some(lease) = lease {
            // 6 register, 7 deregister
            progress::note("registering and deregistering");
            let zone = observed.orders.availability_zone.as_deref();
            let applied = apply(self.aws, &lease, zone, &plan).await;
            if applied.was_stopped() {
                return Ok(false);
            }
            let failure = applied.into_result().err().or(stays_unknown.take());
            if let Some(error) = failure {
                lease.hold().failed(&chain(&error)).await;
                return Err(error);
            }
        }
        stays_unknown.map_or(Ok(true), Err)
    }

    fn mode<'m>(&'m self, observed: &Observation, may_leave: &'m BTreeSet<String>) -> Mode<'m> {
        let record = &observed.held.record;
        let (now, scheduled) = (self.clock.now(), self.name.scheduled);
        match record.counting(&self.name.name, scheduled, now) {
            _ if !observed.found.is_whole() => Mode::OnlyAdd,
            Counting::Counts | Counting::Again => Mode::Count {
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

/// What a plan would take out of a group, though others serve it there. Where that cannot be told it all
/// stays, and what is wanted is registered before the tick fails by the reason.
async fn of_others(
    source: &impl Source,
    plan: &Plan,
) -> (BTreeMap<String, BTreeSet<Endpoint>>, Option<SyncError>) {
    let until = Instant::now() + ASKING;
    let mut others = BTreeMap::new();
    let mut failure = None;
    for (group, work) in &plan.groups {
        if work.deregister.is_empty() {
            continue;
        }
        let asked = tokio::time::timeout_at(until, source.of_others(group, &work.deregister));
        match asked.await.unwrap_or(Err(SyncError::OthersTooSlow)) {
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

const IDLE: &str = "the binding is deleted, or not made yet: nothing to do";

/// What a tick that did its work came to.
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
    if !observed.found.is_whole() {
        return Err(observed.found.lookups_failed());
    }
    let addresses = observed.found.addresses.len();
    Ok(TickOutcome::Synced { addresses })
}
