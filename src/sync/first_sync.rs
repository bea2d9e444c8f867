//! The first sync of a binding, and the sync of an Update: registers every address that is in DNS
//! before CloudFormation is answered, and waits where there is none yet. Counts nothing, and takes
//! nothing away.

use super::apply::apply;
use super::error::SyncError;
use super::observe::{Guess, Observation, observe};
use super::plan::{Mode, Situation, plan, waits_until};
use super::{metric, tick_log};
use crate::aws::api::Aws;
use crate::backoff::Backoff;
use crate::discovery::{Dns, DnsError};
use crate::log::chain;
use crate::names::BindingId;
use crate::progress;
use crate::record::{Held, Orders, Own, RecordError, Turn};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::Instant;
use tracing::{info, warn};

/// How long servers are waited for that are no caches, where one has answered. In a VPC without a way
/// to the internet they never come.
const CACHED: Duration = Duration::from_secs(15);

/// How long DNS that is silent is waited for where the binding stands without it: a rollback has to get through.
const SILENT: Duration = Duration::from_secs(15);

/// What CloudFormation wants to be served.
pub struct FirstSync<'a> {
    pub id: &'a BindingId,
    pub orders: &'a Orders,
    /// Those of the target groups that the user gives.
    pub given: &'a BTreeSet<String>,
    /// Those that were made just now, in which nothing is registered.
    pub new: BTreeSet<String>,
    /// What an earlier function knew of them.
    pub adopted: &'a BTreeMap<String, Own>,
    /// Whether the binding stood on a name that nothing but DNS tells of.
    pub may_be_silent: bool,
}

/// Registers every address; gives how many there are.
///
/// # Errors
/// Where an address cannot be registered, or the request has lost its claim.
pub async fn first_sync<A: Aws>(
    aws: &A,
    dns: &impl Dns,
    turn: &Turn<'_, A>,
    first: &FirstSync<'_>,
) -> Result<usize, SyncError> {
    let mut backoff = Backoff::short_at_first();
    let began = Instant::now();
    let mut cached_until = None;
    // As it was claimed will do at first: what is written has its condition, and without a write nothing is
    // changed that depends on it.
    let mut known = turn.last(first.id).map(|held| (held, &first.new));
    loop {
        let sight = match first.look(aws, dns, turn, known.take()).await {
            Err(SyncError::Dns(error)) if passes(&error) => {
                if first.may_be_silent && began.elapsed() >= SILENT {
                    let error = chain(&error);
                    warn!(
                        error,
                        "the binding stood on this name before, so it stands without its addresses"
                    );
                    return Ok(0);
                }
                info!(error = %error, "waiting for addresses in DNS");
                progress::note(format!("waiting for addresses in DNS: {error}"));
                backoff.wait().await;
                continue;
            }
            sight => sight?,
        };
        // AWS may not show yet what has just been made.
        if sight.missing.iter().any(|arn| first.id.made_group(arn)) {
            progress::note("waiting until AWS shows the target groups that were made");
            backoff.wait().await;
            continue;
        }
        if !first.serve(aws, turn, &sight).await? {
            continue;
        }
        let Some(doubt) = sight.found.doubted() else {
            return Ok(sight.found.addresses.len());
        };
        if matches!(doubt, SyncError::Cached)
            && Instant::now() >= *cached_until.get_or_insert_with(|| Instant::now() + CACHED)
        {
            return Ok(sight.found.addresses.len());
        }
        info!(error = %doubt, "waiting until DNS has shown every address");
        progress::note(format!(
            "waiting until DNS has shown every address: {doubt}"
        ));
        backoff.wait().await;
    }
}

/// Where DNS_SERVERS is wrong, waiting does not help.
const fn passes(error: &DnsError) -> bool {
    !matches!(error, DnsError::Default { .. })
}

impl FirstSync<'_> {
    async fn look<A: Aws>(
        &self,
        aws: &A,
        dns: &impl Dns,
        turn: &Turn<'_, A>,
        known: Option<(Held, &BTreeSet<String>)>,
    ) -> Result<Observation, SyncError> {
        let (held, new) = known.unzip();
        let read = async {
            let held = match held {
                Some(held) => Some(held),
                None => turn.read(self.id).await?,
            };
            Ok(held.map(|held| (held, self.orders.clone())))
        };
        let nothing = BTreeSet::new();
        let new = new.unwrap_or(&nothing);
        let guess = Some(Guess::of(self.orders));
        let sight = observe(aws, dns, guess, new, oneshot::channel().0, read).await?;
        Ok(sight.ok_or(RecordError::TakenOver)?)
    }

    /// `false` where somebody else wrote the record meanwhile, or time has to pass first.
    async fn serve<A: Aws>(
        &self,
        aws: &A,
        turn: &Turn<'_, A>,
        sight: &Observation,
    ) -> Result<bool, SyncError> {
        let to = self.orders.alb_dns_name.as_str();
        let from = sight.held.record.orders.as_ref();
        let from = from.map(|from| from.alb_dns_name.as_str());
        let situation = Situation {
            seen: &sight.found.addresses,
            groups: &self.orders.target_groups,
            registered: &sight.registered,
            record: &sight.held.record,
            others: &BTreeMap::new(),
            mode: Mode::Bind {
                given: self.given,
                adopted: self.adopted,
                moves: from.filter(|from| *from != to).map(|from| (from, to)),
            },
            now: turn.clock().now(),
        };
        if let Some(until) = waits_until(&situation) {
            progress::note("waiting until targets that are wanted again have been put out");
            turn.clock().wait_until(until).await;
            return Ok(false);
        }
        let plan = plan(&situation);
        if let Some(next) = &plan.record
            && !turn.write(self.id, &sight.held, next.clone()).await?
        {
            return Ok(false);
        }
        tick_log::log(&self.id.to_string(), self.orders, &sight.found, &plan);
        let zone = self.orders.availability_zone.as_deref();
        let register = apply(aws, turn.lease(), zone, &plan);
        let measure = metric::publish(aws, self.orders, sight.found.addresses.len());
        let (applied, ()) = tokio::join!(register, measure);
        applied.into_result()?;
        if let Some(missing) = sight.missing.first() {
            let target_group = missing.clone();
            return Err(SyncError::NoTargetGroup { target_group });
        }
        Ok(true)
    }
}
