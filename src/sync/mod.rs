//! The seven steps of a tick: discover, registered, known before, log, metric, register,
//! deregister.
//!
//! DNS, target health and state are fetched side by side; the plan is pure; then the metric goes
//! its own way, ownership is saved before anything is registered, and where registering failed
//! nothing is deregistered.

mod apply;
mod error;
mod input;
mod observe;
pub mod plan;
mod record;
mod stand_in;
pub mod state;

pub use error::SyncError;
pub use input::TickInput;
pub use stand_in::stand_in;

use crate::binding::rule_orders;
use crate::capabilities::{AwsError, Metrics, Objects, Rules, Targets, Written};
use crate::discovery::{Discovery, DiscoveryError, Found, Run};
use crate::pause::Pause;
use crate::progress;
use futures_util::FutureExt;
use observe::Observed;
use plan::{Plan, Situation};
use std::collections::BTreeSet;
use std::future::ready;
use std::net::IpAddr;
use std::time::Duration;
use tokio::sync::oneshot;
use tracing::{info, warn};

/// What a sync asks of AWS.
pub trait SyncAws: Targets + Objects + Rules + Metrics {}
impl<T: Targets + Objects + Rules + Metrics> SyncAws for T {}

/// How often a pass starts over because somebody else wrote the state in between.
const STARTS: usize = 4;

/// A metric is not worth waiting for: a VPC may have no way to CloudWatch.
const METRIC_TIMEOUT: Duration = Duration::from_secs(3);

/// What a tick came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Every address in DNS is registered; there are so many.
    Synced { addresses: usize },
    /// The binding has been deleted: this tick came late and did nothing.
    Deleted,
}

/// On whose behalf addresses are looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Caller {
    /// The schedule.
    Rule,
    /// A schedule in place of the published function's: there is no binding, and no rule to ask.
    Environment,
    /// CloudFormation, by Create or Update: there may be no rule yet, nothing is counted.
    Provider,
}

/// One tick of the schedule; `tick` is the invocation's id, the same for a second delivery.
///
/// # Errors
/// Anything that kept an address from being registered or a missing one from being counted.
pub async fn tick(
    aws: &impl SyncAws,
    discovery: &Discovery,
    input: &TickInput,
    tick: &str,
) -> Result<Outcome, SyncError> {
    let observe = observe::observe(aws, input);
    let (found, observed) = look(start(discovery, input), observe).await;
    // Whether the binding is still there comes first: the ALB of a deleted one may be gone too.
    let Some(observed) = existing(aws, input, observed).await? else {
        return Ok(Outcome::Deleted);
    };
    pass(aws, input, tick, Caller::Rule, found?, observed).await
}

/// The first sync of a binding, or the sync of an Update: registers every address that is in
/// DNS, and waits where there is none yet.
///
/// # Errors
/// As [`tick`].
pub async fn bind(
    aws: &impl SyncAws,
    discovery: &Discovery,
    input: &TickInput,
    request: &str,
) -> Result<usize, SyncError> {
    let run = wait_for_addresses(discovery, input).await?;
    let (found, observed) = look(ready(Ok(run)), observe::observe(aws, input)).await;
    match pass(aws, input, request, Caller::Provider, found?, observed?).await? {
        Outcome::Synced { addresses } => Ok(addresses),
        Outcome::Deleted => Ok(0),
    }
}

/// Steps 1 to 3, side by side: lookups go on while AWS is still asked what was known before.
async fn look(
    run: impl Future<Output = Result<Run, DiscoveryError>>,
    observe: impl Future<Output = Result<Observed, SyncError>>,
) -> (Result<Found, DiscoveryError>, Result<Observed, SyncError>) {
    let (tell, known) = oneshot::channel();
    let observe = async {
        let observed = observe.await;
        let known = observed.as_ref().map(|seen| seen.state.addresses().len());
        // Nobody listens where the first lookup failed.
        let _ = tell.send(known.unwrap_or_default());
        observed
    };
    let discover = async {
        Ok(run
            .await?
            .finish(known.map(Result::unwrap_or_default))
            .await)
    };
    tokio::join!(discover, observe)
}

async fn start(discovery: &Discovery, input: &TickInput) -> Result<Run, DiscoveryError> {
    discovery
        .start(&input.alb_dns_name, &input.dns_servers, input.max_lookups)
        .await
}

/// A new ALB has its addresses in DNS some time after it is made. The invocation's deadline ends
/// the waiting.
async fn wait_for_addresses(
    discovery: &Discovery,
    input: &TickInput,
) -> Result<Run, DiscoveryError> {
    let mut pause = Pause::short_at_first();
    loop {
        match start(discovery, input).await {
            Err(DiscoveryError::NoAddresses { name }) => {
                info!(name, "waiting for the ALB's first address in DNS");
                progress::note(format!("waiting for the first address of {name} in DNS"));
                pause.wait().await;
            }
            started => return started,
        }
    }
}

/// `None` where what is missing is missing because these orders no longer stand.
async fn existing(
    aws: &impl SyncAws,
    input: &TickInput,
    observed: Result<Observed, SyncError>,
) -> Result<Option<Observed>, SyncError> {
    let suspicious = match &observed {
        Ok(observed) => observed.is_first || !observed.missing_groups.is_empty(),
        Err(error) => error.tells_of_absence(),
    };
    if suspicious && !stands(aws, input).await? {
        info!(binding = input.alb_nlb_binding, "{DELETED}");
        return Ok(None);
    }
    observed.map(Some)
}

const DELETED: &str = "the binding is deleted, or keeps its state elsewhere: nothing to do";

/// Whether the rule still gives these orders. Delete takes the rule away before anything else,
/// and an Update that moves the state to another bucket changes it before the state goes.
async fn stands(aws: &impl Rules, input: &TickInput) -> Result<bool, AwsError> {
    let rule = aws.rule(&input.alb_nlb_binding).await?;
    let moved = rule_orders(rule.as_ref()).is_some_and(|orders| orders.bucket != input.bucket);
    Ok(rule.is_some() && !moved)
}

/// Steps 4 to 7. Only the metric waits for nothing.
async fn pass(
    aws: &impl SyncAws,
    input: &TickInput,
    tick: &str,
    caller: Caller,
    found: Found,
    observed: Observed,
) -> Result<Outcome, SyncError> {
    let metric = publish(aws, input, &found.addresses);
    let targets = serve(aws, input, tick, caller, &found, observed);
    let ((), outcome) = tokio::join!(metric, targets);
    outcome
}

/// Steps 4, 6 and 7, started over where another invocation wrote the state in between.
async fn serve(
    aws: &impl SyncAws,
    input: &TickInput,
    tick: &str,
    caller: Caller,
    found: &Found,
    mut observed: Observed,
) -> Result<Outcome, SyncError> {
    for start in 1..=STARTS {
        if caller == Caller::Provider && observed.is_first {
            // The provider writes an empty state before it syncs; a Delete took it away.
            return Err(SyncError::Deleted);
        }
        let plan = plan::plan(&Situation {
            seen: &found.addresses,
            groups: &input.target_groups,
            registered: &observed.registered,
            state: &observed.state,
            load_balancer: &input.alb_arn,
            tick,
            rules: rules(caller, input, found),
        });
        if observe::save(aws, input, &plan, observed.etag.as_deref()).await? == Written::Done {
            record::log(input, found, &plan);
            return finish(aws, input, caller, found, &observed, &plan).await;
        }
        info!(start, "another invocation wrote the state, starting over");
        let again = observe::observe(aws, input).await;
        observed = match caller {
            Caller::Provider | Caller::Environment => again?,
            Caller::Rule => match existing(aws, input, again).await? {
                Some(observed) => observed,
                None => return Ok(Outcome::Deleted),
            },
        };
    }
    Err(SyncError::Contended {
        bucket: input.bucket.clone(),
    })
}

fn rules(caller: Caller, input: &TickInput, found: &Found) -> plan::Rules {
    match caller {
        Caller::Provider => plan::Rules::Bind,
        _ if !found.is_whole() => plan::Rules::OnlyAdd,
        _ => plan::Rules::Count {
            until: found
                .runs_needed
                .max(input.invocations_before_deregistration),
        },
    }
}

async fn finish(
    aws: &impl SyncAws,
    input: &TickInput,
    caller: Caller,
    found: &Found,
    observed: &Observed,
    plan: &Plan,
) -> Result<Outcome, SyncError> {
    let applied = apply::apply(aws, input, plan).await;
    let suspicious = applied.registered_any() || applied.tells_of_absence();
    if caller == Caller::Rule && suspicious && !stands(aws, input).await? {
        // A Delete that ran meanwhile read what is registered before this tick registered.
        applied.undo(aws).await?;
        info!("{DELETED}; what this tick registered is taken back");
        return Ok(Outcome::Deleted);
    }
    applied.into_result()?;
    if let Some(missing) = observed.missing_groups.first() {
        return Err(SyncError::NoTargetGroup {
            target_group: missing.clone(),
        });
    }
    if !found.is_whole() {
        return Err(SyncError::LookupsFailed {
            failed: found.failed_lookups,
            lookups: found.lookups,
        });
    }
    Ok(Outcome::Synced {
        addresses: found.addresses.len(),
    })
}

/// A metric that fails is no reason to fail a tick that did its work.
async fn publish(aws: &impl Metrics, input: &TickInput, addresses: &BTreeSet<IpAddr>) {
    if !input.ip_count_metric {
        return;
    }
    let put = aws.put_ip_count(&input.alb_name, addresses.len());
    match tokio::time::timeout(METRIC_TIMEOUT, put).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => {
            let error = &error as &dyn std::error::Error;
            warn!(error, "the metric was not published");
        }
        Err(_) => warn!("the metric was not published: no answer in time"),
    }
}
