//! `Status`: looks at everything of a binding, and tells what is wrong with it.

use super::report::{
    self, Dns, LastTick, Listener, Request, Rule, Status, Statuses, Target, TargetGroup,
};
use super::sight::{RecordSight, Sight, Wiring};
use super::{FirstAid, diagnosis};
use crate::binding::{self, BindingAws, BindingError, Desired, MadeListener, Standing, Step};
use crate::capabilities::{self, gather};
use crate::clock::Timestamp;
use crate::log::chain;
use crate::model::{HealthState, Registered, Tags, TargetHealth};
use crate::names::{BindingId, PREFIX, unqualified};
use crate::properties;
use crate::record::{Candidate, Located, Orders, Record, RuleEvent, Store};
use crate::sync::plan::{Mode, Plan, Situation, plan};
use futures_util::stream::{self, StreamExt};
use std::collections::{BTreeMap, BTreeSet};
use tokio::time::Instant;

/// How many bindings are looked at side by side: a look asks ELBv2 some ten times, which it takes forty times at once
/// (ELB guide, "Request throttling for the Elastic Load Balancing API").
const SIDE_BY_SIDE: usize = 4;

impl<A: BindingAws, D: capabilities::Dns> FirstAid<'_, A, D> {
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
            .buffered(SIDE_BY_SIDE)
            .collect()
            .await;
        let sick = bindings.iter().filter(|status| !status.problems.is_empty());
        let sick: Vec<_> = sick
            .map(|status| status.physical_resource_id.as_str())
            .collect();
        let verdict = match (bindings.len(), sick.as_slice()) {
            (0, _) => "there is no binding in this account and Region".to_owned(),
            (all, []) => format!("well: all {all} bindings are"),
            (all, sick) => format!(
                "{} of {all} bindings are not well: {}",
                sick.len(),
                sick.join(", ")
            ),
        };
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

    async fn look(&self, id: &BindingId) -> Result<Sight, BindingError> {
        let rule = self.aws.rule(&id.rule()).await?;
        let event = RuleEvent::of_rule(rule.as_ref());
        let (located, record) = self.record(id, event.as_ref()).await;
        let known = record.record();
        let copy = event.as_ref().and_then(|event| event.orders.as_ref());
        let orders = known
            .and_then(|record| record.orders.as_ref())
            .or(copy)
            .cloned();
        let (dns, groups, wiring) = tokio::join!(
            self.addresses(orders.as_ref(), known),
            self.targets(orders.as_ref()),
            self.wiring(id, &located, known, rule.clone()),
        );
        let next_tick = next_tick(id, orders.as_ref(), known, &dns, &groups, self.clock.now());
        let mut leftovers = Vec::new();
        if rule.is_none() && known.is_none() {
            let groups = self
                .aws
                .target_groups_named(&id.target_group_prefix())
                .await?;
            leftovers = groups.into_iter().map(|group| group.name).collect();
        }
        Ok(Sight {
            id: id.clone(),
            function_arn: unqualified(self.function_arn),
            now: self.clock.now(),
            rule,
            event,
            record,
            orders,
            dns,
            groups,
            next_tick,
            wiring,
            leftovers,
        })
    }

    /// Where the rule says that the record is, and where it else may be.
    async fn record(&self, id: &BindingId, event: Option<&RuleEvent>) -> (Located, RecordSight) {
        let store = Store::new(self.aws, id.to_string());
        let account = crate::names::account(self.function_arn);
        let ruled = event.map(|event| event.bucket.clone());
        let state_bucket = properties::state_bucket(self.state_bucket, id)
            .ok()
            .flatten();
        let surely = ruled.into_iter().map(|bucket| (bucket, true));
        let maybe = state_bucket.into_iter().chain([id.bucket(account)]);
        let candidates = surely.chain(maybe.map(|bucket| (bucket, false)));
        let candidates = candidates.map(|(bucket, surely)| Candidate { bucket, surely });
        let candidates: Vec<_> = candidates.collect();
        let buckets: BTreeSet<_> = candidates
            .iter()
            .map(|candidate| candidate.bucket.clone())
            .collect();
        let mut located = match store.locate(candidates).await {
            Ok(located) => located,
            Err(error) => {
                let why = chain(&error);
                return (Located::default(), RecordSight::Unreadable { why });
            }
        };
        let sight = match (&located.record, located.unreadable.take()) {
            (Some(held), _) => RecordSight::There {
                record: Box::new(held.record.clone()),
                place: format!("s3://{}/{}", held.bucket, store.key()),
            },
            (None, Some(unreadable)) => RecordSight::Unreadable {
                why: chain(&unreadable.why),
            },
            (None, None) => RecordSight::Gone {
                buckets: buckets.into_iter().collect(),
            },
        };
        (located, sight)
    }

    async fn addresses(
        &self,
        orders: Option<&Orders>,
        record: Option<&Record>,
    ) -> Option<Result<crate::discovery::Found, String>> {
        let orders = orders?;
        let known = record.map(|record| record.known_of(&orders.alb_dns_name));
        let known = known.unwrap_or_default();
        let (name, servers) = (&orders.alb_dns_name, &orders.dns_servers);
        Some(
            self.discover(name, servers, orders.max_lookups, known)
                .await,
        )
    }

    async fn targets(
        &self,
        orders: Option<&Orders>,
    ) -> BTreeMap<String, Result<Option<Vec<TargetHealth>>, String>> {
        let groups = orders.map(Orders::groups).unwrap_or_default();
        let targets = gather(groups.into_iter().map(|arn| async move {
            let targets = self.aws.target_health(arn).await;
            let targets = targets.map_err(|error| chain(&error));
            Ok::<_, std::convert::Infallible>((arn.to_owned(), targets))
        }));
        let Ok(targets) = targets.await;
        targets.into_iter().collect()
    }

    /// What a request with the properties that stand would find and do.
    async fn wiring(
        &self,
        id: &BindingId,
        located: &Located,
        record: Option<&Record>,
        rule: Option<crate::model::Rule>,
    ) -> Option<Result<Wiring, String>> {
        let record = record?;
        let properties = record.properties.as_ref()?;
        let read = Desired::read(
            properties,
            id.clone(),
            self.region,
            self.function_arn,
            self.state_bucket,
        );
        let desired = match read {
            Ok(desired) => desired,
            Err(problems) => return Some(Err(problems.to_string())),
        };
        let observed = binding::observe(self.aws, &desired, located, Tags::new(), rule).await;
        let observed = match observed {
            Ok(observed) => observed,
            Err(error) => return Some(Err(chain(&error))),
        };
        let all = binding::check(&desired, None, &observed).err();
        let stands = desired.standing(record, false);
        let standing = stands
            .as_ref()
            .map(|(properties, orders)| Standing { properties, orders });
        let checked = binding::check(&desired, standing, &observed).ok();
        let steps = checked.map(|(checked, _)| binding::plan::plan(&desired, &checked).steps);
        let unused = observed.given_groups.iter().filter(|(_, given)| {
            let group = given.as_ref().map(|given| &given.group);
            group.is_some_and(|group| group.load_balancers.is_empty())
        });
        Some(Ok(Wiring {
            findings: all
                .iter()
                .flat_map(|all| all.iter())
                .map(str::to_owned)
                .collect(),
            steps: steps.unwrap_or_default(),
            listeners: desired
                .made()
                .map(|made| listener(&made, &observed))
                .collect(),
            unused: unused.map(|(arn, _)| arn.clone()).collect(),
        }))
    }
}

/// Kept of the time for the answer to be written.
const SPARED: std::time::Duration = std::time::Duration::from_millis(500);

const LATE: &str = "not looked at, for the time was over: ask for it by its PhysicalResourceId";

fn listener(made: &MadeListener<'_>, observed: &binding::Observed) -> Listener {
    let own = observed.nlb_listeners.iter();
    let mut own = own.filter(|own| own.is_own && own.listener.port == made.port);
    let own = own.next().map(|own| &own.listener);
    let group = observed
        .groups
        .iter()
        .find(|own| own.group.name == made.group);
    let forwards_to = own.map(|own| own.forwards_to.clone()).unwrap_or_default();
    Listener {
        port: made.port,
        arn: own.map(|own| own.arn.clone()),
        is_right: group.is_some_and(|group| forwards_to == [group.group.arn.clone()]),
        forwards_to,
    }
}

/// The plan of a tick by what is there now, which counts nothing. `None` where that is not known.
fn next_tick(
    id: &BindingId,
    orders: Option<&Orders>,
    record: Option<&Record>,
    dns: &Option<Result<crate::discovery::Found, String>>,
    groups: &BTreeMap<String, Result<Option<Vec<TargetHealth>>, String>>,
    now: Timestamp,
) -> Option<Plan> {
    let orders = orders?;
    let found = dns.as_ref()?.as_ref().ok()?;
    let registered = groups.iter().filter_map(|(arn, targets)| {
        let targets = targets.as_ref().ok()?.as_ref()?.iter();
        let targets = targets.filter(|target| target.state != HealthState::Draining);
        let targets: Registered = targets
            .map(|target| (target.endpoint, target.zone.clone()))
            .collect();
        Some((arn.clone(), targets))
    });
    let registered = registered.collect();
    let anew;
    let record = match record {
        Some(record) => record,
        None => {
            anew = Record::made_anew(id, orders, &registered, &found.addresses);
            &anew
        }
    };
    Some(plan(&Situation {
        seen: &found.addresses,
        groups: &record.looked_after(orders, now),
        registered: &registered,
        record,
        others: &BTreeMap::new(),
        mode: Mode::OnlyAdd,
        now,
    }))
}

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
        Some(Ok(wiring)) => wiring.steps.as_slice(),
        _ => &[],
    };
    let steps = steps
        .iter()
        .filter(|step| !matches!(step, Step::Claim { .. } | Step::Sync { .. }));
    let next_tick = sight.next_tick.as_ref();
    Status {
        physical_resource_id: sight.id.to_string(),
        verdict: diagnosis::verdict(&sight, &problems),
        notes: diagnosis::notes(&sight),
        phase: record.map(|record| format!("{:?}", record.phase)),
        request: record.and_then(request),
        dns: found.map(|found| Dns::new(dns_name.unwrap_or_default(), found)),
        target_groups: target_groups.collect(),
        pending: next_tick
            .map(|plan| plan.pending.clone())
            .unwrap_or_default(),
        next_tick: next_tick
            .map(|plan| lines(plan.to_string()))
            .unwrap_or_default(),
        last_tick: record.map(last_tick),
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

fn last_tick(record: &Record) -> LastTick {
    let counted = record.counted.last();
    let counted =
        counted.map(|tick| Timestamp::named(tick).map_or_else(|| tick.clone(), Timestamp::rfc3339));
    LastTick {
        acted_at: report::moment(record.ticked),
        counted,
        outcome: match &record.failed {
            Some(failed) => format!("failed at {}: {}", failed.at.rfc3339(), failed.reason),
            None if record.ticked == Timestamp::default() => {
                "no tick has had anything to do yet".to_owned()
            }
            None => "did all that it had to do; ticks since then had nothing to do".to_owned(),
        },
    }
}
