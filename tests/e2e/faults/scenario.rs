//! One scenario: something goes wrong in an event of a binding's life, and then CloudFormation and the schedule do
//! what they do next, until nothing is left. Scenarios are played at the same time, each on a site of its own.

use super::inventory::Inventory;
use super::shared_lab::SharedLab;
use super::site::{BindingShape, Site, lines};
use crate::support::{TIMEOUT, is_reading};
use anyhow::{Context, Result, bail, ensure};
use lab::{Call, Fault};
use serde_json::Value;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How many sites are played at once on one lab: most of the time most of them wait for a retry.
const SITES_AT_ONCE: usize = 16;

/// An event of a binding's life.
#[derive(Clone, Copy, Debug)]
pub struct FaultedEvent {
    pub name: &'static str,
    /// `None` before a Create.
    pub old: Option<BindingShape>,
    /// `None` after a Delete. A tick leaves the shape as it is.
    pub new: Option<BindingShape>,
}

impl FaultedEvent {
    fn is_tick(self) -> bool {
        self.old.is_some() && self.old == self.new
    }

    fn is_update(self) -> bool {
        self.old.is_some() && self.new.is_some() && !self.is_tick()
    }
}

/// What an event is to come to.
#[derive(Clone, Debug)]
pub enum Expects {
    Success,
    /// With this in the reason or the error.
    Failure(String),
    /// The same, or a success with this in the log.
    Warning {
        reason: String,
        warning: String,
    },
    /// The event may succeed or fail.
    Either,
}

#[derive(Clone, Debug)]
pub struct FaultScenario {
    pub name: String,
    pub event: FaultedEvent,
    pub faults: Vec<Fault>,
    pub expects: Expects,
    pub deadline: Duration,
}

/// Plays the scenarios whose names begin with the variable FAULT, and tells of all that fail.
pub async fn play_all(shared: &Arc<SharedLab>, mut scenarios: Vec<FaultScenario>) -> Result<()> {
    let wanted = std::env::var("FAULT").unwrap_or_default();
    scenarios.retain(|scenario| scenario.name.starts_with(&wanted));
    let count = scenarios.len();
    let waiting = Mutex::new(VecDeque::from(scenarios));
    let failures = Mutex::new(Vec::new());
    let workers = (0..SITES_AT_ONCE.min(count)).map(|_| async {
        let mut site = None;
        while let Some(scenario) = next(&waiting) {
            if let Err(error) = play_on(shared, &mut site, &scenario).await {
                let name = &scenario.name;
                let report = format!("{name} fails: {error:#}\n  alone: FAULT=\"{name}\"");
                println!("{report}");
                failures.lock().expect("no panic").push(report);
            }
        }
    });
    futures_util::future::join_all(workers).await;
    let failures = failures.into_inner()?;
    if failures.is_empty() {
        return Ok(());
    }
    bail!(
        "{} of {count} scenarios fail:\n{}",
        failures.len(),
        failures.join("\n")
    )
}

fn next(waiting: &Mutex<VecDeque<FaultScenario>>) -> Option<FaultScenario> {
    waiting.lock().expect("no panic").pop_front()
}

/// A site that a scenario leaves as it was can be used again. If the scenario failed, its site is left alone.
async fn play_on(
    shared: &Arc<SharedLab>,
    held: &mut Option<Site>,
    scenario: &FaultScenario,
) -> Result<Vec<Call>> {
    let mut site = match held.take() {
        Some(site) => site,
        None => Site::new(shared).await.context("the site")?,
    };
    let calls = scenario.play(&mut site).await?;
    *held = Some(site);
    Ok(calls)
}

impl FaultScenario {
    /// From an empty site to an empty site; returns the calls of the event.
    pub async fn play(&self, site: &mut Site) -> Result<Vec<Call>> {
        site.restart().await?;
        let mut foreign = Vec::new();
        if let Some(old) = self.event.old {
            site.succeed(None, Some(old)).await.context("to begin")?;
            foreign.push(site.somebody_registers_a_target().await?);
            // One address is about to leave: who forgets that it is own never takes it away.
            site.fixture.scale(2);
            // A Delete would wait for the end of a tick just under way, each time.
            if self.event.new.is_some() {
                site.tick().await?;
            }
        }
        if self.event.is_tick() {
            site.tick().await?;
            let mut in_dns = site.addresses(false, 4);
            in_dns.remove(2);
            site.show_in_dns(false, in_dns);
        }
        let orders = site.orders().await?;
        let before = site.calls().len();
        let gateway = site.shared.lab.gateway();
        let faults = self.faults.iter().cloned();
        let faults = faults.map(|fault| gateway.inject(fault.by(&site.source)));
        let faults: Vec<_> = faults.collect();
        let result = self.fire(site, orders.as_ref()).await?;
        let calls = site.calls().split_off(before);
        let hits: Vec<_> = faults.iter().map(|fault| gateway.hits(*fault)).collect();
        for fault in faults {
            gateway.remove_fault(fault);
        }
        let gone_on = async {
            ensure!(!hits.contains(&0), "the call was never made");
            self.expects.check(&result)?;
            let only_reads = calls.iter().all(|call| is_reading(&call.operation));
            if self.event.is_update() && !result.succeeded && only_reads {
                // What a rollback of no change does is the same for every call that only reads,
                // and what the first call that writes shows when it is denied.
                return self.end(site, self.event.old, orders).await;
            }
            self.go_on(site, result.succeeded, &foreign, orders).await
        };
        gone_on
            .await
            .with_context(|| format!("after {}", result.told))?;
        Ok(calls)
    }

    async fn fire(&self, site: &Site, orders: Option<&Value>) -> Result<EventResult> {
        if self.event.is_tick() {
            let orders = orders.context("a rule with a target")?.clone();
            let tick = site.fixture.function.invoke(orders, self.deadline).await?;
            return Ok(EventResult {
                succeeded: tick.result.is_ok(),
                reason: format!("{:?}", tick.result),
                told: format!("{:?}\n{}", tick.result, lines(&tick)),
            });
        }
        let FaultedEvent { old, new, .. } = self.event;
        let response = site.request(old, new, self.deadline).await?;
        Ok(EventResult {
            succeeded: response.body["Status"] == "SUCCESS",
            reason: response.reason().to_owned(),
            told: format!("{:#}\n{}", response.body, lines(&response.invocation)),
        })
    }

    /// What CloudFormation and the schedule do next, until the binding is deleted.
    async fn go_on(
        &self,
        site: &Site,
        succeeded: bool,
        foreign: &[String],
        orders: Option<Value>,
    ) -> Result<()> {
        let FaultedEvent { old, new, .. } = self.event;
        let calls = site.calls().len();
        if let (Some(old), Some(new), true) = (old, new, self.event.is_update() && !succeeded) {
            ensure_serves(site, old, new)
                .await
                .context("after the failure")?;
            site.tick().await.context("between failure and rollback")?;
            let rollback = site.succeed(Some(new), Some(old));
            rollback.await.context("the rollback")?;
        }
        let shape = if succeeded { new } else { old.or(new) };
        let is_whole = succeeded || (old.is_some() && new.is_some());
        if let Some(shape) = shape.filter(|_| is_whole) {
            // An address that leaves is gone after three ticks, and so is the other ALB.
            let in_dns = site.addresses(shape.next_alb, 1);
            site.show_in_dns(shape.next_alb, in_dns.clone());
            for _ in 0..3 {
                site.tick().await?;
            }
            let mut expected = site.expected(shape, &in_dns, foreign);
            if old.is_some_and(|old| !old.given_bucket) {
                // It is deleted with the binding.
                expected.insert(site.own_bucket());
            }
            let mut inventory = site.inventory().await?;
            // At the record's former place a stub stays until the next Update, or the Delete.
            inventory.retain(|line| !line.starts_with("stub "));
            ensure_same(&inventory, &expected).context("three ticks after")?;
            let gone = site.deregistered_since(calls);
            let lost = in_dns.iter().find(|live| gone.contains(&live.to_string()));
            ensure!(lost.is_none(), "{lost:?} is in DNS and was deregistered");
        }
        self.end(site, shape, orders).await
    }

    /// The Delete, and a tick that comes too late.
    async fn end(
        &self,
        site: &Site,
        shape: Option<BindingShape>,
        orders: Option<Value>,
    ) -> Result<()> {
        let orders = site.orders().await?.or(orders);
        if let Some(shape) = shape {
            let delete = site.succeed(Some(shape), None);
            delete.await.context("the Delete afterwards")?;
        }
        ensure_same(&site.inventory().await?, &site.foreign).context("after the Delete")?;
        if let Some(orders) = orders {
            let late = site.fixture.function.invoke(orders, TIMEOUT).await?;
            late.success().context("a late tick")?;
            ensure_same(&site.inventory().await?, &site.foreign).context("after a late tick")?;
        }
        Ok(())
    }
}

struct EventResult {
    succeeded: bool,
    /// The answer's reason or the invocation's error.
    reason: String,
    /// The answer or the result, and the log.
    told: String,
}

impl Expects {
    fn check(&self, result: &EventResult) -> Result<()> {
        match self {
            Self::Success => ensure!(result.succeeded, "it should have succeeded"),
            Self::Failure(reason) => {
                ensure!(!result.succeeded, "the failure is hidden");
                ensure!(result.reason.contains(reason), "no word of {reason}");
            }
            Self::Warning { reason, warning } => ensure!(
                match result.succeeded {
                    true => result.told.contains(warning),
                    false => result.reason.contains(reason),
                },
                "the failure is hidden, or there is no word of {reason}"
            ),
            Self::Either => {}
        }
        Ok(())
    }
}

/// A failed Update that will be rolled back has taken away nothing of what it was to keep.
async fn ensure_serves(site: &Site, old: BindingShape, new: BindingShape) -> Result<()> {
    let inventory = site.inventory().await?;
    let kept = old.ports.iter().filter(|port| new.ports.contains(port));
    for (port, alb_port) in kept {
        let listens = format!("listener on {port} to {}", site.group(*port));
        ensure!(
            inventory.contains(&listens),
            "{listens} is gone: {inventory:#?}"
        );
        let group = format!("target group {}:", site.group(*port));
        let group = inventory.iter().find(|line| line.starts_with(&group));
        let group = group.context("a target group is gone")?;
        for address in site.addresses(old.next_alb, 2) {
            let target = format!("\"{address}:{alb_port}\"");
            ensure!(group.contains(&target), "{target} is gone from {group}");
        }
    }
    Ok(())
}

fn ensure_same(inventory: &Inventory, expected: &Inventory) -> Result<()> {
    let lacks: Vec<_> = expected.difference(inventory).collect();
    let surplus: Vec<_> = inventory.difference(expected).collect();
    ensure!(
        lacks.is_empty() && surplus.is_empty(),
        "lacks {lacks:#?}, has instead {surplus:#?}"
    );
    Ok(())
}
