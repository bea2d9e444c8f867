//! `Status`: from what is observed of a binding, or of all, to the report that a person gets.

use super::context::FirstAid;
use super::diagnosis;
use super::observed::{ObservedBinding, ObservedRecord};
use super::report::{
    BindingReport, DnsReport, RegionReport, RequestReport, RuleReport, TargetGroupReport,
    TargetReport, TickReport, time,
};
use crate::aws::api::Aws;
use crate::binding::BindingError;
use crate::clock::Timestamp;
use crate::discovery::Dns;
use crate::log::chain;
use crate::model::TargetHealth;
use crate::names::{BindingId, PREFIX};
use crate::record::{Record, ResponseStatus};
use futures_util::stream::{self, StreamExt};
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::time::Instant;

/// How many bindings are observed at once. Each takes some ten calls of ELBv2, which allows forty at once (ELB guide,
/// "Request throttling for the Elastic Load Balancing API").
const BINDINGS_SIDE_BY_SIDE: usize = 4;

/// The part of the time that is kept for the answer to be written.
const KEPT_FOR_THE_ANSWER: Duration = Duration::from_millis(500);

const NOT_REACHED: &str =
    "not looked at, for the time was over: ask for it by its PhysicalResourceId";

impl<A: Aws, D: Dns> FirstAid<'_, A, D> {
    /// How all bindings of the Region are. A binding is found by its rule, or by a target group of its own.
    pub(super) async fn statuses(&self, deadline: Instant) -> RegionReport {
        let ids = match self.all_ids().await {
            Ok(ids) => ids,
            Err(error) => {
                let verdict = format!("cannot be told: {}", chain(&error));
                let bindings = Vec::new();
                return RegionReport { verdict, bindings };
            }
        };
        let deadline = deadline - KEPT_FOR_THE_ANSWER;
        let statuses = ids.into_iter().map(async |id| {
            let status = tokio::time::timeout_at(deadline, self.status(&id)).await;
            status.unwrap_or_else(|_| BindingReport {
                physical_resource_id: id.to_string(),
                verdict: NOT_REACHED.to_owned(),
                problems: vec![NOT_REACHED.to_owned()],
                ..BindingReport::default()
            })
        });
        let bindings: Vec<BindingReport> = stream::iter(statuses)
            .buffered(BINDINGS_SIDE_BY_SIDE)
            .collect()
            .await;
        let (others, bindings): (Vec<_>, Vec<_>) = bindings
            .into_iter()
            .partition(|status| status.is_of_another_function);
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
        RegionReport { verdict, bindings }
    }

    async fn all_ids(&self) -> Result<BTreeSet<BindingId>, BindingError> {
        let (rules, groups) = tokio::try_join!(
            self.aws.rules_with_prefix(PREFIX),
            self.aws.target_groups_with_prefix("anb-"),
        )?;
        let of_rules = rules.iter().filter_map(|name| BindingId::parse(name));
        let of_groups = groups
            .iter()
            .filter_map(|group| BindingId::of_target_group(&group.arn));
        Ok(of_rules.chain(of_groups).collect())
    }

    /// How one binding is.
    pub(super) async fn status(&self, id: &BindingId) -> BindingReport {
        match self.observe(id).await {
            Ok(observed) => report(observed),
            Err(error) => {
                let verdict = format!("cannot be told: {}", chain(&error));
                BindingReport {
                    physical_resource_id: id.to_string(),
                    problems: vec![verdict.clone()],
                    verdict,
                    ..BindingReport::default()
                }
            }
        }
    }
}

fn report(observed: ObservedBinding) -> BindingReport {
    let problems = diagnosis::problems(&observed);
    let record = observed.record.record();
    let own = |arn: &str, target: &TargetHealth| {
        let own = record.and_then(|record| record.own.get(arn));
        own.is_some_and(|own| own.contains_key(&target.endpoint))
    };
    let found = observed.found();
    let in_dns = |target: &TargetHealth| {
        found.is_some_and(|found| found.addresses.contains(&target.endpoint.address))
    };
    let target_groups = observed.groups.iter().map(|(arn, targets)| {
        let targets = targets.iter().flatten().flatten();
        let targets = targets.map(|target| TargetReport {
            target: target.endpoint.to_string(),
            health: target.state.to_string(),
            reason: target.reason.clone(),
            own: own(arn, target),
            in_dns: in_dns(target),
        });
        TargetGroupReport {
            arn: arn.clone(),
            targets: targets.collect(),
        }
    });
    let dns_name = observed
        .orders
        .as_ref()
        .map(|orders| orders.alb_dns_name.as_str());
    let lines = |text: String| text.lines().map(str::to_owned).collect::<Vec<_>>();
    let steps = match &observed.drift {
        Some(Ok(drift)) if observed.may_serve() => drift.steps.as_slice(),
        _ => &[],
    };
    let steps = steps.iter().filter(|step| !step.is_in_every_plan());
    let next_tick = observed.next_tick.as_ref().filter(|_| observed.may_serve());
    let last_measured = observed.last_measured.as_ref();
    let last_measured = last_measured.and_then(|last| *last.as_ref().ok()?);
    BindingReport {
        physical_resource_id: observed.id.to_string(),
        verdict: diagnosis::verdict(&observed, &problems),
        notes: diagnosis::notes(&observed),
        is_of_another_function: diagnosis::is_of_another_function(&observed),
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
        last_tick: record.map(|record| last_tick(record, last_measured)),
        rule: observed.rule.as_ref().map(|rule| RuleReport {
            name: observed.id.rule(),
            schedule: rule.schedule.clone(),
            enabled: rule.enabled,
            targets: rule
                .targets
                .iter()
                .map(|target| target.arn.clone())
                .collect(),
        }),
        record: match &observed.record {
            ObservedRecord::There { place, .. } => Some(place.clone()),
            _ => None,
        },
        next_update: steps.map(ToString::to_string).collect(),
        listeners: match observed.drift {
            Some(Ok(drift)) => drift.listeners,
            _ => Vec::new(),
        },
        orders: observed.orders,
        problems,
    }
}

fn request(record: &Record) -> Option<RequestReport> {
    let claim = record.claim.as_ref()?;
    let outcome = claim.outcome.as_ref().map(|outcome| &outcome.answer);
    Some(RequestReport {
        r#type: claim.kind,
        at: claim.at.rfc3339(),
        outcome: match outcome {
            None => "under way".to_owned(),
            Some(answer) if answer.status == ResponseStatus::Success => "SUCCESS".to_owned(),
            Some(answer) => format!("FAILED: {}", answer.reason),
        },
    })
}

fn last_tick(record: &Record, last_measured: Option<Timestamp>) -> TickReport {
    let counted = record.counted.last();
    let counted =
        counted.map(|tick| Timestamp::named(tick).map_or_else(|| tick.clone(), Timestamp::rfc3339));
    TickReport {
        acted_at: time(record.ticked),
        measured_at: last_measured.map(Timestamp::rfc3339),
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
