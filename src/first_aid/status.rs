//! `Status`: looks at everything of a binding, and tells what is wrong with it.

use super::observed::{RecordSight, Sight};
use super::report::{
    self, DnsReport, LastTick, Request, Rule, Status, Statuses, Target, TargetGroup,
};
use super::{FirstAid, diagnosis};
use crate::aws::api::Aws;
use crate::binding::BindingError;
use crate::clock::Timestamp;
use crate::discovery::Dns;
use crate::log::chain;
use crate::model::TargetHealth;
use crate::names::{BindingId, PREFIX};
use crate::record::Record;
use futures_util::stream::{self, StreamExt};
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::time::Instant;

/// How many bindings are looked at side by side: a look asks ELBv2 some ten times, which it takes forty times at once
/// (ELB guide, "Request throttling for the Elastic Load Balancing API").
const BINDINGS_SIDE_BY_SIDE: usize = 4;

impl<A: Aws, D: Dns> FirstAid<'_, A, D> {
    /// How all bindings of the Region fare: those that have a rule, or a target group of their own.
    pub(super) async fn statuses(&self, until: Instant) -> Statuses {
        let ids = match self.all().await {
            Ok(ids) => ids,
            Err(error) => {
                let verdict = format!("cannot be told: {}", chain(&error));
                let bindings = Vec::new();
                return Statuses { verdict, bindings };
            }
        };
        let statuses = ids.into_iter().map(async |id| {
            let status = tokio::time::timeout_at(until - SPARED, self.status(&id)).await;
            status.unwrap_or_else(|_| Status {
                physical_resource_id: id.to_string(),
                verdict: LATE.to_owned(),
                problems: vec![LATE.to_owned()],
                ..Status::default()
            })
        });
        let bindings: Vec<Status> = stream::iter(statuses)
            .buffered(BINDINGS_SIDE_BY_SIDE)
            .collect()
            .await;
        let (others, bindings): (Vec<_>, Vec<_>) = bindings
            .into_iter()
            .partition(|status| status.is_of_another);
        let sick = bindings.iter().filter(|status| !status.problems.is_empty());
        let sick: Vec<_> = sick
            .map(|status| status.physical_resource_id.as_str())
            .collect();
        let mut verdict = match (bindings.len(), sick.as_slice()) {
            (0, _) => "there is no binding of this function in this account and Region".to_owned(),
            (all, []) => format!("well: all {all} bindings are"),
            (all, sick) => format!(
                "{} of {all} bindings are not well: {}",
                sick.len(),
                sick.join(", ")
            ),
        };
        if !others.is_empty() {
            verdict.push_str(&format!("; {} more are of other functions", others.len()));
        }
        Statuses { verdict, bindings }
    }

    async fn all(&self) -> Result<BTreeSet<BindingId>, BindingError> {
        let (rules, groups) = tokio::try_join!(
            self.aws.rules_named(PREFIX),
            self.aws.target_groups_named("anb-"),
        )?;
        let of_rules = rules.iter().filter_map(|name| BindingId::parse(name));
        let of_groups = groups
            .iter()
            .filter_map(|group| BindingId::of_target_group(&group.arn));
        Ok(of_rules.chain(of_groups).collect())
    }

    /// How one binding fares.
    pub(super) async fn status(&self, id: &BindingId) -> Status {
        match self.look(id).await {
            Ok(sight) => told(sight),
            Err(error) => {
                let verdict = format!("cannot be told: {}", chain(&error));
                Status {
                    physical_resource_id: id.to_string(),
                    problems: vec![verdict.clone()],
                    verdict,
                    ..Status::default()
                }
            }
        }
    }
}

/// Kept of the time for the answer to be written.
const SPARED: Duration = Duration::from_millis(500);

const LATE: &str = "not looked at, for the time was over: ask for it by its PhysicalResourceId";

/// The answer.
fn told(sight: Sight) -> Status {
    let problems = diagnosis::problems(&sight);
    let record = sight.record.record();
    let own = |arn: &str, target: &TargetHealth| {
        let own = record.and_then(|record| record.own.get(arn));
        own.is_some_and(|own| own.contains_key(&target.endpoint))
    };
    let found = sight.dns.as_ref().and_then(|dns| dns.as_ref().ok());
    let in_dns = |target: &TargetHealth| {
        found.is_some_and(|found| found.addresses.contains(&target.endpoint.address))
    };
    let target_groups = sight.groups.iter().map(|(arn, targets)| {
        let targets = targets.iter().flatten().flatten();
        let targets = targets.map(|target| Target {
            target: target.endpoint.to_string(),
            health: target.state.to_string(),
            reason: target.reason.clone(),
            own: own(arn, target),
            in_dns: in_dns(target),
        });
        TargetGroup {
            arn: arn.clone(),
            targets: targets.collect(),
        }
    });
    let dns_name = sight
        .orders
        .as_ref()
        .map(|orders| orders.alb_dns_name.as_str());
    let lines = |text: String| text.lines().map(str::to_owned).collect::<Vec<_>>();
    let steps = match &sight.wiring {
        Some(Ok(wiring)) if sight.may_serve() => wiring.steps.as_slice(),
        _ => &[],
    };
    let steps = steps.iter().filter(|step| !step.is_in_every_plan());
    let next_tick = sight.next_tick.as_ref().filter(|_| sight.may_serve());
    let measured = sight.measured.as_ref();
    let measured = measured.and_then(|measured| *measured.as_ref().ok()?);
    Status {
        physical_resource_id: sight.id.to_string(),
        verdict: diagnosis::verdict(&sight, &problems),
        notes: diagnosis::notes(&sight),
        is_of_another: diagnosis::is_of_another(&sight),
        phase: record.map(|record| format!("{:?}", record.phase)),
        request: record.and_then(request),
        dns: found.map(|found| DnsReport::new(dns_name.unwrap_or_default(), found)),
        target_groups: target_groups.collect(),
        pending: next_tick
            .map(|plan| plan.pending.clone())
            .unwrap_or_default(),
        next_tick: next_tick
            .map(|plan| lines(plan.to_string()))
            .unwrap_or_default(),
        last_tick: record.map(|record| last_tick(record, measured)),
        rule: sight.rule.as_ref().map(|rule| Rule {
            name: sight.id.rule(),
            schedule: rule.schedule.clone(),
            enabled: rule.enabled,
            targets: rule
                .targets
                .iter()
                .map(|target| target.arn.clone())
                .collect(),
        }),
        record: match &sight.record {
            RecordSight::There { place, .. } => Some(place.clone()),
            _ => None,
        },
        next_update: steps.map(ToString::to_string).collect(),
        listeners: match sight.wiring {
            Some(Ok(wiring)) => wiring.listeners,
            _ => Vec::new(),
        },
        orders: sight.orders,
        problems,
    }
}

fn request(record: &Record) -> Option<Request> {
    let claim = record.claim.as_ref()?;
    let outcome = claim.outcome.as_ref().map(|outcome| &outcome.answer);
    Some(Request {
        r#type: claim.kind,
        at: claim.at.rfc3339(),
        outcome: match outcome {
            None => "under way".to_owned(),
            Some(answer) if answer.status == crate::record::Status::Success => "SUCCESS".to_owned(),
            Some(answer) => format!("FAILED: {}", answer.reason),
        },
    })
}

fn last_tick(record: &Record, measured: Option<Timestamp>) -> LastTick {
    let counted = record.counted.last();
    let counted =
        counted.map(|tick| Timestamp::named(tick).map_or_else(|| tick.clone(), Timestamp::rfc3339));
    LastTick {
        acted_at: report::moment(record.ticked),
        measured_at: measured.map(Timestamp::rfc3339),
        counted,
        outcome: match &record.failed {
            Some(failed) => format!("failed at {}: {}", failed.at.rfc3339(), failed.reason),
            None if record.ticked == Timestamp::default() => {
                "no tick has had anything to do yet".to_owned()
            }
            None => "did all that it had to do; one that failed since then before it wrote is only in the log".to_owned(),
        },
    }
}
