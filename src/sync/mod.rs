//! The seven steps of a tick: discover, registered, known before, log, metric, register,
//! deregister.
//!
//! Steps 1 to 3 are made side by side (`look`), the plan is pure, and the record is written before
//! anything is registered or deregistered. What a tick may do follows from the record only. A tick
//! that finds the record changed looks at DNS and at the targets anew.

mod apply;
mod binding;
mod error;
mod first;
mod look;
mod metric;
pub mod plan;
mod tick_log;

pub use binding::{Unseen, anew, make_anew, tick};
pub use error::SyncError;
pub use first::{First, first};
pub use look::Read;

use crate::capabilities::{Dns, Metrics, Objects, Rules, Targets};
use crate::clock::{Clock, Timestamp};
use crate::log::chain;
use crate::model::{Endpoint, Registered};
use crate::pause::Pause;
use crate::progress;
use crate::record::{Counting, Orders, Store, Ticking};
use apply::apply;
use look::{Guess, Sight, look};
use plan::{Mode, Plan, Situation, plan, waits_until};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::Instant;
use tracing::{info, warn};

/// How long other bindings are asked for at most, before what is wanted is registered.
const ASKING: Duration = Duration::from_secs(10);

/// What a sync asks of AWS.
pub trait SyncAws: Targets + Objects + Rules + Metrics {}
impl<T: Targets + Objects + Rules + Metrics> SyncAws for T {}

/// What a tick came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Every address in DNS is registered; there are so many.
    Synced { addresses: usize },
    /// There is nothing to do: the binding is deleted, or is not made yet.
    Idle,
}

/// Whose tick it is: where its record and its orders come from.
pub trait Source {
    /// The record as it is now; `None` where there is nothing to do.
    async fn read(&self) -> Result<Read, SyncError>;
    /// The target groups that targets may leave by this tick.
    fn may_leave(&self, orders: &Orders) -> BTreeSet<String>;
    /// Which of these targets, that are about to leave a group, others still serve there.
    async fn of_others(
        &self,
        group: &str,
        leaving: &Registered,
    ) -> Result<BTreeSet<Endpoint>, SyncError>;
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

impl<A: SyncAws, D: Dns> Tick<'_, A, D> {
    /// The seven steps. `guess` are the orders that most probably stand, and so many addresses are expected.
    ///
    /// # Errors
    /// Anything that kept an address from being registered or a missing one from being counted.
    pub async fn run(
        &self,
        source: &impl Source,
        mut guess: Option<Orders>,
        expected: usize,
    ) -> Result<Outcome, SyncError> {
        let mut is_first = true;
        let mut pause = Pause::none_at_first();
        loop {
            progress::note("looking at DNS, at the targets and at the record");
            let (tell, told) = oneshot::channel();
            let by = guess.clone();
            let by = by.as_ref().map(|orders| Guess { orders, expected });
            let measures = std::mem::take(&mut is_first);
            // 1 discover, 2 registered, 3 known before; then 4, 6 and 7
            let work = async {
                let nothing = BTreeSet::new();
                let looked = look(self.aws, self.dns, by, &nothing, tell, source.read());
                let Some(sight) = looked.await? else {
                    return Ok(None);
                };
                let measure = async {
                    // What was guessed before the record was read was nothing, or wrong.
                    if measures && !by.is_some_and(|by| by.orders.measures_as(&sight.orders)) {
                        let count = sight.found.addresses.len();
                        metric::publish(self.aws, &sight.orders, count).await;
                    }
                };
                let (served, ()) = tokio::join!(self.serve(&sight, source), measure);
                Ok::<_, SyncError>(Some((served?, sight)))
            };
            // 5 metric, as soon as DNS has answered
            let measure = async {
                if let (true, Some(by), Ok(count)) = (measures, by, told.await) {
                    metric::publish(self.aws, by.orders, count).await;
                }
            };
            let (done, ()) = tokio::join!(work, measure);
            let Some((served, sight)) = done? else {
                info!(binding = self.store.owner(), "{IDLE}");
                return Ok(Outcome::Idle);
            };
            if served {
                return outcome(&sight, self.clock.now());
            }
            guess = Some(sight.orders);
            info!("somebody else wrote the record meanwhile, starting over");
            progress::note("starting over because somebody else wrote the record meanwhile");
            pause.wait().await;
        }
    }

    /// Steps 4, 6 and 7; `false` where the record has changed meanwhile, or time has to pass first.
    async fn serve(&self, sight: &Sight, source: &impl Source) -> Result<bool, SyncError> {
        let now = self.clock.now();
        let record = &sight.held.record;
        let groups = record.looked_after(&sight.orders, now);
        let may_leave = source.may_leave(&sight.orders);
        let none = BTreeMap::new();
        let situation = Situation {
            seen: &sight.found.addresses,
            groups: &groups,
            registered: &sight.registered,
            record,
            others: &none,
            mode: self.mode(sight, &may_leave),
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
                let ticking = Ticking::begin(&self.store, self.clock, &sight.held, next);
                let Some(lease) = ticking.await? else {
                    return Ok(false);
                };
                Some(lease)
            }
            None => None,
        };
        // 4 log
        tick_log::log(self.store.owner(), &sight.orders, &sight.found, &plan);
        if let Some(lease) = lease {
            // 6 register, 7 deregister
            progress::note("registering and deregistering");
            let zone = sight.orders.availability_zone.as_deref();
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

    fn mode<'m>(&'m self, sight: &Sight, may_leave: &'m BTreeSet<String>) -> Mode<'m> {
        let record = &sight.held.record;
        let (now, scheduled) = (self.clock.now(), self.name.scheduled);
        match record.counting(&self.name.name, scheduled, now) {
            _ if !sight.found.is_whole() => Mode::OnlyAdd,
            Counting::Counts | Counting::Again => Mode::Count {
                tick: &self.name.name,
                at: scheduled.map_or(now, |scheduled| scheduled.max(now)),
                until: sight.orders.invocations_before_deregistration,
                evidence: sight.found.evidence,
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
fn outcome(sight: &Sight, now: Timestamp) -> Result<Outcome, SyncError> {
    if let Some(missing) = sight.missing.first() {
        let target_group = missing.clone();
        let error = SyncError::NoTargetGroup { target_group };
        if !sight.held.record.is_being_changed(now) {
            return Err(error);
        }
        let error = chain(&error);
        warn!(
            error,
            "an Update may have taken it away, whose success ticks do not know of"
        );
    }
    if !sight.found.is_whole() {
        return Err(sight.found.lookups_failed());
    }
    let addresses = sight.found.addresses.len();
    Ok(Outcome::Synced { addresses })
}
