//! One scenario: an event of a binding's life with something that goes wrong, and what
//! CloudFormation and the schedule do next, until nothing is left. Scenarios are played side by
//! side, on scenes of their own.

use super::scene::{Scene, Shape, Stage, lines};
use super::world::World;
use crate::support::{TIMEOUT, is_reading};
use anyhow::{Context, Result, bail, ensure};
use lab::{Call, Fault};
use serde_json::Value;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Scenes side by side on one lab: most of the time most of them wait for a retry.
const SCENES: usize = 16;

/// An event of a binding's life.
#[derive(Clone, Copy, Debug)]
pub struct Event {
    pub name: &'static str,
    /// `None` before a Create.
    pub old: Option<Shape>,
    /// `None` after a Delete. A tick leaves the shape as it is.
    pub new: Option<Shape>,
}

impl Event {
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
    /// What failed is worth no failure.
    Either,
}

#[derive(Clone, Debug)]
pub struct Scenario {
    pub name: String,
    pub event: Event,
    pub faults: Vec<Fault>,
    pub expects: Expects,
    pub deadline: Duration,
}

/// Plays those scenarios whose name the variable FAULT begins, and tells of all that fail.
pub async fn play_all(stage: &Arc<Stage>, mut scenarios: Vec<Scenario>) -> Result<()> {
    let wanted = std::env::var("FAULT").unwrap_or_default();
    scenarios.retain(|scenario| scenario.name.starts_with(&wanted));
    let count = scenarios.len();
    let waiting = Mutex::new(VecDeque::from(scenarios));
    let failures = Mutex::new(Vec::new());
    let workers = (0..SCENES.min(count)).map(|_| async {
        let mut scene = None;
        while let Some(scenario) = next(&waiting) {
            if let Err(error) = play_on(stage, &mut scene, &scenario).await {
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

fn next(waiting: &Mutex<VecDeque<Scenario>>) -> Option<Scenario> {
    waiting.lock().expect("no panic").pop_front()
}

/// A scene that a scenario leaves as it was is as good as new; one where it failed is left alone.
async fn play_on(
    stage: &Arc<Stage>,
    held: &mut Option<Scene>,
    scenario: &Scenario,
) -> Result<Vec<Call>> {
    let mut scene = match held.take() {
        Some(scene) => scene,
        None => Scene::new(stage).await.context("the scene")?,
    };
    let calls = scenario.play(&mut scene).await?;
    *held = Some(scene);
    Ok(calls)
}

impl Scenario {
    /// From an empty scene to an empty scene; returns the calls of the event.
    pub async fn play(&self, scene: &mut Scene) -> Result<Vec<Call>> {
        scene.restart().await?;
        let mut foreign = Vec::new();
        if let Some(old) = self.event.old {
            scene.succeed(None, Some(old)).await.context("to begin")?;
            foreign.push(scene.intrude().await?);
            // One address is about to leave: who forgets that it is own never takes it away.
            scene.bench.scale(2);
            // A Delete would wait for the end of a tick just under way, each time.
            if self.event.new.is_some() {
                scene.tick().await?;
            }
        }
        if self.event.is_tick() {
            scene.tick().await?;
            let mut seen = scene.seen(false, 4);
            seen.remove(2);
            scene.see(false, seen);
        }
        let orders = scene.orders().await?;
        let before = scene.calls().len();
        let gateway = scene.stage.lab.gateway();
        let faults = self.faults.iter().cloned();
        let faults = faults.map(|fault| gateway.inject(fault.by(&scene.source)));
        let faults: Vec<_> = faults.collect();
        let outcome = self.fire(scene, orders.as_ref()).await?;
        let calls = scene.calls().split_off(before);
        let hits: Vec<_> = faults.iter().map(|fault| gateway.hits(*fault)).collect();
        for fault in faults {
            gateway.remove_fault(fault);
        }
        let gone_on = async {
            ensure!(!hits.contains(&0), "the call was never made");
            self.expects.check(&outcome)?;
            if self.event.is_update() && !outcome.succeeded && calls.iter().all(only_reads) {
                // What a rollback of no change does is the same for every call that only reads,
                // and what the first call that writes shows when it is denied.
                return self.end(scene, self.event.old, orders).await;
            }
            self.go_on(scene, outcome.succeeded, &foreign, orders).await
        };
        gone_on
            .await
            .with_context(|| format!("after {}", outcome.told))?;
        Ok(calls)
    }

    async fn fire(&self, scene: &Scene, orders: Option<&Value>) -> Result<Outcome> {
        if self.event.is_tick() {
            let orders = orders.context("a rule with a target")?.clone();
            let tick = scene.bench.function.invoke(orders, self.deadline).await?;
            return Ok(Outcome {
                succeeded: tick.result.is_ok(),
                reason: format!("{:?}", tick.result),
                told: format!("{:?}\n{}", tick.result, lines(&tick)),
            });
        }
        let Event { old, new, .. } = self.event;
        let answer = scene.request(old, new, self.deadline).await?;
        Ok(Outcome {
            succeeded: answer.body["Status"] == "SUCCESS",
            reason: answer.reason().to_owned(),
            told: format!("{:#}\n{}", answer.body, lines(&answer.invocation)),
        })
    }

    /// What CloudFormation and the schedule do next, until the binding is deleted.
    async fn go_on(
        &self,
        scene: &Scene,
        succeeded: bool,
        foreign: &[String],
        orders: Option<Value>,
    ) -> Result<()> {
        let Event { old, new, .. } = self.event;
        let calls = scene.calls().len();
        if let (Some(old), Some(new), true) = (old, new, self.event.is_update() && !succeeded) {
            serves(scene, old, new).await.context("after the failure")?;
            scene.tick().await.context("between failure and rollback")?;
            let rollback = scene.succeed(Some(new), Some(old));
            rollback.await.context("the rollback")?;
        }
        let shape = if succeeded { new } else { old.or(new) };
        let is_whole = succeeded || (old.is_some() && new.is_some());
        if let Some(shape) = shape.filter(|_| is_whole) {
            // An address that leaves is gone after three ticks, and so is the other ALB.
            let seen = scene.seen(shape.next_alb, 1);
            scene.see(shape.next_alb, seen.clone());
            for _ in 0..3 {
                scene.tick().await?;
            }
            let mut expected = scene.expected(shape, &seen, foreign);
            if old.is_some_and(|old| !old.given_bucket) {
                // It is deleted with the binding.
                expected.insert(scene.own_bucket());
            }
            let mut world = scene.world().await?;
            // Where the record was, a stub stays until the next Update, or the Delete.
            world.retain(|line| !line.starts_with("stub "));
            same(&world, &expected).context("three ticks after")?;
            let gone = scene.deregistered_since(calls);
            let lost = seen.iter().find(|live| gone.contains(&live.to_string()));
            ensure!(lost.is_none(), "{lost:?} is in DNS and was deregistered");
        }
        self.end(scene, shape, orders).await
    }

    /// The Delete, and a tick that comes too late.
    async fn end(&self, scene: &Scene, shape: Option<Shape>, orders: Option<Value>) -> Result<()> {
        let orders = scene.orders().await?.or(orders);
        if let Some(shape) = shape {
            let delete = scene.succeed(Some(shape), None);
            delete.await.context("the Delete afterwards")?;
        }
        same(&scene.world().await?, &scene.foreign).context("after the Delete")?;
        if let Some(orders) = orders {
            let late = scene.bench.function.invoke(orders, TIMEOUT).await?;
            late.success().context("a late tick")?;
            same(&scene.world().await?, &scene.foreign).context("after a late tick")?;
        }
        Ok(())
    }
}

struct Outcome {
    succeeded: bool,
    /// The answer's reason or the invocation's error.
    reason: String,
    /// The answer or the result, and the log.
    told: String,
}

impl Expects {
    fn check(&self, outcome: &Outcome) -> Result<()> {
        match self {
            Self::Success => ensure!(outcome.succeeded, "it should have succeeded"),
            Self::Failure(reason) => {
                ensure!(!outcome.succeeded, "the failure is hidden");
                ensure!(outcome.reason.contains(reason), "no word of {reason}");
            }
            Self::Warning { reason, warning } => ensure!(
                match outcome.succeeded {
                    true => outcome.told.contains(warning),
                    false => outcome.reason.contains(reason),
                },
                "the failure is hidden, or there is no word of {reason}"
            ),
            Self::Either => {}
        }
        Ok(())
    }
}

fn only_reads(call: &Call) -> bool {
    is_reading(&call.operation)
}

/// A failed Update that will be rolled back has taken away nothing of what it was to keep.
async fn serves(scene: &Scene, old: Shape, new: Shape) -> Result<()> {
    let world = scene.world().await?;
    let kept = old.ports.iter().filter(|port| new.ports.contains(port));
    for (port, alb_port) in kept {
        let listens = format!("listener on {port} to {}", scene.group(*port));
        ensure!(world.contains(&listens), "{listens} is gone: {world:#?}");
        let group = format!("target group {}:", scene.group(*port));
        let group = world.iter().find(|line| line.starts_with(&group));
        let group = group.context("a target group is gone")?;
        for address in scene.seen(old.next_alb, 2) {
            let target = format!("\"{address}:{alb_port}\"");
            ensure!(group.contains(&target), "{target} is gone from {group}");
        }
    }
    Ok(())
}

fn same(world: &World, expected: &World) -> Result<()> {
    let lacks: Vec<_> = expected.difference(world).collect();
    let surplus: Vec<_> = world.difference(expected).collect();
    ensure!(
        lacks.is_empty() && surplus.is_empty(),
        "lacks {lacks:#?}, has instead {surplus:#?}"
    );
    Ok(())
}
