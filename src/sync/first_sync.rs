//! The first sync of a binding, and the sync of an Update: registers every address that is in DNS before CloudFormation
//! is answered. If there is none yet, it waits. Takes all steps of a tick but the seventh.
//!
//! Never counts a missing address, and never deregisters a target.

use super::apply::apply;
use super::error::SyncError;
use super::observe::{Observation, ProbableOrders, observe};
use super::plan::{Mode, Situation, plan, waits_until};
use super::{metric, tick_log};
use crate::aws::api::Aws;
use crate::backoff::Backoff;
use crate::discovery::{Dns, DnsError};
use crate::log::chain;
use crate::names::BindingId;
use crate::progress;
use crate::record::{Orders, OwnTargets, RecordError, StoredRecord, Turn};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::Instant;
use tracing::{info, warn};

/// How long a request waits for servers that are no caches when a cache has answered. In a VPC without a way to the
/// internet no such server ever answers.
const WAIT_FOR_UNCACHED: Duration = Duration::from_secs(15);

/// How long a request waits for addresses in DNS if the binding may do without them, so that a rollback gets through.
const WAIT_WHERE_OPTIONAL: Duration = Duration::from_secs(15);

/// What a request asks to be registered.
pub struct FirstSync<'a> {
    pub id: &'a BindingId,
    pub orders: &'a Orders,
    /// The target groups of the orders that the user gives.
    pub given: &'a BTreeSet<String>,
    /// The target groups that were made just now, so that nothing is registered in them.
    pub new: BTreeSet<String>,
    /// The targets that an earlier function knew, by target group.
    pub adopted: &'a BTreeMap<String, OwnTargets>,
    /// Whether the binding may do without addresses: it served this name before, and only DNS can say that a name is
    /// gone.
    pub may_lack_addresses: bool,
}

/// Registers every address, and gives the number of addresses.
///
/// # Errors
/// If an address cannot be registered, or if the request has lost its claim.
pub async fn first_sync<A: Aws>(
    aws: &A,
    dns: &impl Dns,
    turn: &Turn<'_, A>,
    first: &FirstSync<'_>,
) -> Result<usize, SyncError> {
    let mut backoff = Backoff::short_at_first();
    let began = Instant::now();
    let mut cached_until = None;
    // The first try takes the record as it was claimed: every write is conditional, and what changes nothing needs
    // no write.
    let mut claimed = turn.last_known(first.id).map(|held| (held, &first.new));
    loop {
        let observed = match first.observe(aws, dns, turn, claimed.take()).await {
            Err(SyncError::Dns(error)) if may_pass(&error) => {
                if first.may_lack_addresses && began.elapsed() >= WAIT_WHERE_OPTIONAL {
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
            observed => observed?,
        };
        // AWS might not show a target group yet that was made just now.
        if observed.missing.iter().any(|arn| first.id.made_group(arn)) {
            progress::note("waiting until AWS shows the target groups that were made");
            backoff.wait().await;
            continue;
        }
        if !first.register_all(aws, turn, &observed).await? {
            continue;
        }
        let Some(reason) = observed.found.why_incomplete() else {
            return Ok(observed.found.addresses.len());
        };
        if matches!(reason, SyncError::Cached)
            && Instant::now()
                >= *cached_until.get_or_insert_with(|| Instant::now() + WAIT_FOR_UNCACHED)
        {
            return Ok(observed.found.addresses.len());
        }
        info!(error = %reason, "waiting until DNS has shown every address");
        progress::note(format!(
            "waiting until DNS has shown every address: {reason}"
        ));
        backoff.wait().await;
    }
}

/// Whether waiting may help. It does not if DNS_SERVERS is wrong.
const fn may_pass(error: &DnsError) -> bool {
    !matches!(error, DnsError::Default { .. })
}

impl FirstSync<'_> {
    async fn observe<A: Aws>(
        &self,
        aws: &A,
        dns: &impl Dns,
        turn: &Turn<'_, A>,
        claimed: Option<(StoredRecord, &BTreeSet<String>)>,
    ) -> Result<Observation, SyncError> {
        let (held, new) = claimed.unzip();
        let read = async {
            let held = match held {
                Some(held) => Some(held),
                None => turn.read(self.id).await?,
            };
            Ok(held.map(|held| (held, self.orders.clone())))
        };
        let none = BTreeSet::new();
        let new = new.unwrap_or(&none);
        let probable = Some(ProbableOrders::of(self.orders));
        let observed = observe(aws, dns, probable, new, oneshot::channel().0, read).await?;
        Ok(observed.ok_or(RecordError::TakenOver)?)
    }

    /// Steps 4 to 6. `false` if the sync has to start over, because the record has changed meanwhile or because
    /// it had to wait.
    async fn register_all<A: Aws>(
        &self,
        aws: &A,
        turn: &Turn<'_, A>,
        observed: &Observation,
    ) -> Result<bool, SyncError> {
        let to = self.orders.alb_dns_name.as_str();
        let from = observed.held.record.orders.as_ref();
        let from = from.map(|from| from.alb_dns_name.as_str());
        let situation = Situation {
            seen: &observed.found.addresses,
            groups: &self.orders.target_groups,
            registered: &observed.registered,
            record: &observed.held.record,
            others: &BTreeMap::new(),
            mode: Mode::Request {
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
            && !turn.write(self.id, &observed.held, next.clone()).await?
        {
            return Ok(false);
        }
        tick_log::log(&self.id.to_string(), self.orders, &observed.found, &plan);
        let zone = self.orders.availability_zone.as_deref();
        let register = apply(aws, turn.lease(), zone, &plan);
        let measure = metric::publish(aws, self.orders, observed.found.addresses.len());
        let (applied, ()) = tokio::join!(register, measure);
        applied.into_result()?;
        if let Some(missing) = observed.missing.first() {
            let target_group = missing.clone();
            return Err(SyncError::NoTargetGroup { target_group });
        }
        Ok(true)
    }
}
