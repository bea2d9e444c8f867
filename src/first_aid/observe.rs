//! Observes everything of one binding at once. Decides nothing.

use super::context::FirstAid;
use super::observed::{Drift, GroupTargets, METRIC_WINDOW, ObservedBinding, ObservedRecord};
use super::report::ListenerReport;
use crate::aws::api::{Aws, gather};
use crate::binding::{self, BindingError, Desired, LastSuccess, MadeListener};
use crate::clock::Timestamp;
use crate::discovery::{Dns, Found};
use crate::log::chain;
use crate::model::{Rule, Tags, registered};
use crate::names::{BindingId, account, unqualified};
use crate::permit::CALL_TIMEOUT;
use crate::properties;
use crate::record::{Located, Orders, Record, RuleEvent, Store};
use crate::sync::{Mode, Situation, TickPlan, plan};
use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;

impl<A: Aws, D: Dns> FirstAid<'_, A, D> {
    pub(super) async fn observe(&self, id: &BindingId) -> Result<ObservedBinding, BindingError> {
        let rule = self.aws.rule(&id.rule()).await?;
        let event = RuleEvent::of_rule(rule.as_ref());
        let (located, record) = self.observe_record(id, event.as_ref()).await;
        let known = record.record();
        let copy = event.as_ref().and_then(|event| event.orders.as_ref());
        let orders = known
            .and_then(|record| record.orders.as_ref())
            .or(copy)
            .cloned();
        let (dns, groups, drift, last_measured) = tokio::join!(
            self.observe_dns(orders.as_ref(), known),
            self.observe_targets(orders.as_ref()),
            self.observe_drift(id, &located, known, rule.clone()),
            self.observe_metric(orders.as_ref()),
        );
        let next_tick = next_tick(id, orders.as_ref(), known, &dns, &groups, self.clock.now());
        let mut leftovers = Vec::new();
        if rule.is_none() && known.is_none() {
            let groups = self
                .aws
                .target_groups_with_prefix(&id.target_group_prefix())
                .await?;
            leftovers = groups.into_iter().map(|group| group.name).collect();
        }
        Ok(ObservedBinding {
            id: id.clone(),
            region: self.region.to_owned(),
            account: account(self.function_arn).to_owned(),
            function_arn: unqualified(self.function_arn),
            now: self.clock.now(),
            rule,
            event,
            record,
            orders,
            dns,
            groups,
            next_tick,
            last_measured,
            drift,
            leftovers,
        })
    }

    /// Looks for the record where the rule says that it is, and in the other buckets where it may be.
    async fn observe_record(
        &self,
        id: &BindingId,
        event: Option<&RuleEvent>,
    ) -> (Located, ObservedRecord) {
        let store = Store::new(self.aws, id.to_string());
        let account = account(self.function_arn);
        let ruled = event.map(|event| event.bucket.clone());
        let state_bucket = properties::state_bucket(self.state_bucket, id);
        let state_bucket = state_bucket.ok().flatten();
        let candidates = binding::candidates(ruled, state_bucket, &id.bucket(account));
        let buckets: BTreeSet<_> = candidates
            .iter()
            .map(|candidate| candidate.bucket.clone())
            .collect();
        let mut located = match store.locate(candidates).await {
            Ok(located) => located,
            Err(error) => {
                let why = chain(&error);
                return (Located::default(), ObservedRecord::Hidden { why });
            }
        };
        let observed = match (&located.record, located.unreadable.take()) {
            (Some(held), _) => ObservedRecord::There {
                record: Box::new(held.record.clone()),
                place: format!("s3://{}/{}", held.bucket, store.key()),
            },
            (None, Some(unreadable)) => ObservedRecord::Unreadable {
                why: chain(&unreadable.why),
            },
            (None, None) if !located.refused.is_empty() => ObservedRecord::Hidden {
                why: located
                    .refused
                    .values()
                    .map(|error| chain(error))
                    .collect::<Vec<_>>()
                    .join("; "),
            },
            (None, None) => ObservedRecord::Gone {
                buckets,
                missing: located.missing.clone(),
            },
        };
        (located, observed)
    }

    async fn observe_dns(
        &self,
        orders: Option<&Orders>,
        record: Option<&Record>,
    ) -> Option<Result<Found, String>> {
        let orders = orders?;
        let known = record.map(|record| record.current_addresses_of(&orders.alb_dns_name));
        let known = known.unwrap_or_default();
        let (name, servers) = (&orders.alb_dns_name, &orders.dns_servers);
        Some(
            self.discover(name, servers, orders.max_lookups, known)
                .await,
        )
    }

    /// Waits no longer than for any call, because a VPC may have no way to CloudWatch, and only a note depends on the
    /// metric.
    async fn observe_metric(
        &self,
        orders: Option<&Orders>,
    ) -> Option<Result<Option<Timestamp>, String>> {
        let orders = orders.filter(|orders| orders.ip_count_metric)?;
        let now = self.clock.now();
        let from = now.before(METRIC_WINDOW);
        let last = self.aws.last_ip_count(&orders.alb_name, from, now);
        Some(match tokio::time::timeout(CALL_TIMEOUT, last).await {
            Ok(last) => last.map_err(|error| chain(&error)),
            Err(_) => Err("CloudWatch did not answer in time".to_owned()),
        })
    }

    async fn observe_targets(&self, orders: Option<&Orders>) -> GroupTargets {
        let groups = orders.map(Orders::groups).unwrap_or_default();
        let targets = gather(groups.into_iter().map(|arn| async move {
            let targets = self.aws.target_health(arn).await;
            let targets = targets.map_err(|error| chain(&error));
            Ok::<_, Infallible>((arn.to_owned(), targets))
        }));
        let Ok(targets) = targets.await;
        targets.into_iter().collect()
    }

    /// What an Update with the properties of the last success would find and do.
    async fn observe_drift(
        &self,
        id: &BindingId,
        located: &Located,
        record: Option<&Record>,
        rule: Option<Rule>,
    ) -> Option<Result<Drift, String>> {
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
        let last_success = desired.last_success(record, false);
        let last_success = last_success
            .as_ref()
            .map(|(properties, orders)| LastSuccess { properties, orders });
        let checked = binding::check(&desired, last_success, &observed).ok();
        let steps = checked.map(|(checked, _)| binding::plan(&desired, &checked).steps);
        Some(Ok(Drift {
            findings: all
                .iter()
                .flat_map(|all| all.iter())
                .map(str::to_owned)
                .collect(),
            steps: steps.unwrap_or_default(),
            listeners: desired
                .made()
                .map(|made| listener_report(&made, &observed))
                .collect(),
        }))
    }
}

fn listener_report(made: &MadeListener<'_>, observed: &binding::Observed) -> ListenerReport {
    let own = observed.nlb_listeners.iter();
    let mut own = own.filter(|own| own.is_own && own.listener.port == made.port);
    let own = own.next().map(|own| &own.listener);
    let group = observed
        .groups
        .iter()
        .find(|own| own.group.name == made.group);
    let forwards_to = own.map(|own| own.forwards_to.clone()).unwrap_or_default();
    ListenerReport {
        port: made.port,
        arn: own.map(|own| own.arn.clone()),
        is_right: group.is_some_and(|group| forwards_to == [group.group.arn.clone()]),
        forwards_to,
    }
}

/// The plan of a tick that counts nothing, by what was observed. `None` if DNS or the orders are not known.
fn next_tick(
    id: &BindingId,
    orders: Option<&Orders>,
    record: Option<&Record>,
    dns: &Option<Result<Found, String>>,
    groups: &GroupTargets,
    now: Timestamp,
) -> Option<TickPlan> {
    let orders = orders?;
    let found = dns.as_ref()?.as_ref().ok()?;
    let there = groups.iter().filter_map(|(arn, targets)| {
        let targets = targets.as_ref().ok()?.as_ref()?;
        Some((arn.clone(), registered(targets.iter().cloned())))
    });
    let registered = there.collect();
    let rebuilt;
    let record = match record {
        Some(record) => record,
        None => {
            rebuilt = Record::rebuilt(id, orders, &registered, &found.addresses);
            &rebuilt
        }
    };
    Some(plan(&Situation {
        seen: &found.addresses,
        groups: &record.groups_for_ticks(orders, now),
        registered: &registered,
        record,
        others: &BTreeMap::new(),
        mode: Mode::OnlyAdd,
        now,
    }))
}
