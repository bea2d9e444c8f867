//! Steady ticks at several numbers of addresses and listeners, and ticks that register. Each is set
//! beside the limit, which is one answer of DNS and one call that follows it, and beside what the
//! same lookups and calls take one after the other, which is the sum of their times as recorded.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use demo::Console;
use lab::{Alb, AlbSpec, FUNCTION_ACCESS_KEY, Lab, NlbSpec, RunningFunction};
use serde_json::Value;

use crate::binding::{self, MadeBinding, RATE};
use crate::figures::{median, megabytes, milliseconds};
use crate::legacy::LegacyFunction;
use crate::processor::{Processor, script};
use crate::settings::{FIRST_PORT, INVOCATION_TIMEOUT, Subject, set_delays};
use crate::start;
use crate::table::Table;

/// How many warm ticks a row of the table has.
const WARM_TICKS: usize = 100;
/// How many ticks register. Each adds an address, and there must stay fewer than eight.
const REGISTERING_TICKS: usize = 3;
/// How many ticks the function of 2018 has. Each takes a second and more.
const LEGACY_TICKS: usize = 20;
/// How many times its limit a steady tick may take.
const NEAR: f64 = 1.1;
/// How many listeners each binding has; each binding has its own NLB.
const LISTENER_COUNTS: [u16; 4] = [1, 2, 5, 10];
/// How many addresses the ALB has. They only grow, so that no row waits for addresses to leave.
const POOL_SIZES: [usize; 3] = [3, 28, 100];
/// How many ticks may change something before one must be steady.
const SETTLING: usize = 5;

/// One tick as it was measured.
#[derive(Clone, Copy)]
struct MeasuredTick {
    took: Duration,
    calls: usize,
    queries: usize,
    /// The slowest answer of DNS and the slowest call.
    limit: Duration,
    /// The sum of all these times.
    serial: Duration,
    /// User and system time that the process has used up to the tick's end.
    used: Duration,
    log_size: usize,
}

/// Lets bindings of one ALB tick, and measures that.
struct TickRunner<'a> {
    lab: &'a Lab,
    binary: PathBuf,
    alb: Alb,
}

pub async fn measure(
    lab: &Lab,
    console: &Console,
    subject: &Subject,
    reserved: Option<&Processor>,
    goals: &mut Table,
) -> Result<()> {
    let binary = &subject.binary;
    console.heading("Ticks: the function is up, its connections are open, nothing has changed");
    let ports = |count: u16| (FIRST_PORT..FIRST_PORT + count).collect::<Vec<_>>();
    let vpc = lab.vpc().await?;
    let mut spec = AlbSpec::new("orders");
    spec.ports = ports(10);
    let alb = lab.alb(&vpc, &spec).await?;
    lab.dns().set(&alb.name, alb.addresses(1));
    let function = lab.function(binary).await?;
    let mut bindings = Vec::new();
    for count in LISTENER_COUNTS {
        let nlb = lab
            .nlb(&vpc, &NlbSpec::new(&format!("front-{count}")))
            .await?;
        let ports = ports(count);
        let made = binding::make(lab, &function, &alb, &nlb, &ports, RATE);
        bindings.push((count, console.wait("making bindings", made).await?));
    }

    let (_, one) = bindings.first().context("a binding")?;
    let legacy = subject.legacy.as_deref();
    let legacy = legacy.map(|source| LegacyFunction::new(lab, source, &alb, one, reserved));
    let legacy = legacy.transpose()?;
    let binary = script(lab, "alone", &[binary], reserved)?;
    let runner = TickRunner { lab, binary, alb };
    set_delays(lab);
    lab.gateway().remember_answers(true);
    let head = [
        "addresses, listeners",
        "DNS",
        "calls",
        "first",
        "median",
        "limit",
        "serial",
        "CPU",
        "peak",
        "log",
    ];
    let (mut table, mut beside) = (Table::new(head), Table::new(head));
    for addresses in POOL_SIZES {
        for (listeners, binding) in &bindings {
            if *listeners != 1 && *listeners != 10 && addresses != 28 {
                continue;
            }
            let title = format!("{addresses}, {listeners}");
            let row = runner.steady(addresses, binding);
            let row = console.wait(&format!("measuring {title}"), row).await?;
            row.remember(addresses, *listeners, goals)?;
            table.row(row.cells(title.clone())?);
            if let (1, Some(legacy)) = (*listeners, &legacy) {
                beside.row(row.cells(format!("{title}: this function"))?);
                let row = runner.legacy(legacy);
                let title = format!("{title}: the one of 2018");
                let row = console.wait(&format!("measuring {title}"), row).await?;
                beside.row(row.cells(title)?);
            }
        }
        if addresses == 3 {
            start::measure_ticks(lab, console, &subject.binary, one).await?;
            let row = runner.registering(addresses, one);
            let row = console.wait("measuring ticks that register", row).await?;
            table.row(row.cells("each registers one, 1".to_owned())?);
        }
    }
    table.show(console);
    console.line(&format!(
        "{WARM_TICKS} ticks a row, {REGISTERING_TICKS} that register, {LEGACY_TICKS} of the function of 2018; times in ms, memory in MB, log in bytes"
    ));
    console.heading("Beside the function that AWS published in 2018");
    match legacy {
        Some(_) => beside.show(console),
        None => console.line("NOT MEASURED: its source is not at hand (make bench PUBLISHED=…)"),
    }
    Ok(())
}

/// What is known of one kind of tick.
struct TickFigures {
    /// The first tick of a process, which opens its connections.
    first: MeasuredTick,
    warm: Vec<MeasuredTick>,
    /// User and system time of each warm tick.
    cpu: Vec<Duration>,
    peak_memory: u64,
}

impl TickRunner<'_> {
    async fn steady(&self, addresses: usize, binding: &MadeBinding) -> Result<TickFigures> {
        let lab = self.lab;
        lab.dns().set(&self.alb.name, self.alb.addresses(addresses));
        let settling = lab.function(&self.binary).await?;
        for tick in 0.. {
            ensure!(tick < SETTLING, "ticks go on changing something");
            self.tick(&settling, binding.event()?).await?;
            let calls = lab.gateway().calls_by(FUNCTION_ACCESS_KEY);
            if calls.iter().all(|call| call.operation != "PutObject") {
                break;
            }
        }
        // The rule tells how many addresses there were when the binding was last updated.
        let binding = &binding.updated(lab, &settling).await?;
        drop(settling);
        for group in &binding.target_groups {
            let count = lab.targets(group).len();
            ensure!(count == addresses, "{group} has {count} targets");
        }
        let function = lab.function(&self.binary).await?;
        self.row(function, || binding.event(), WARM_TICKS, |_| {})
            .await
    }

    /// The ALB has as many addresses as were measured last.
    async fn legacy(&self, legacy: &LegacyFunction) -> Result<TickFigures> {
        let function = legacy.function(self.lab).await?;
        let event = || legacy.event();
        self.row(function, event, LEGACY_TICKS, |_| {}).await
    }

    /// One new address before each tick, below the number that takes more than one lookup.
    async fn registering(&self, addresses: usize, binding: &MadeBinding) -> Result<TickFigures> {
        let see = |tick| {
            let now = self.alb.addresses(addresses + 1 + tick);
            self.lab.dns().set(&self.alb.name, now);
        };
        let function = self.lab.function(&self.binary).await?;
        self.row(function, || binding.event(), REGISTERING_TICKS, see)
            .await
    }

    async fn row(
        &self,
        function: RunningFunction,
        event: impl Fn() -> Result<Value>,
        ticks: usize,
        before: impl Fn(usize),
    ) -> Result<TickFigures> {
        function.get_ready().await?;
        before(0);
        let first = self.tick(&function, event()?).await?;
        let mut used = first.used;
        let (mut warm, mut cpu) = (Vec::new(), Vec::new());
        for tick in 1..=ticks {
            before(tick);
            let tick = self.tick(&function, event()?).await?;
            cpu.push(tick.used.saturating_sub(used));
            used = tick.used;
            warm.push(tick);
        }
        Ok(TickFigures {
            first,
            warm,
            cpu,
            peak_memory: function.usage().await?.peak_memory,
        })
    }

    async fn tick(&self, function: &RunningFunction, event: Value) -> Result<MeasuredTick> {
        let (dns, gateway) = (self.lab.dns(), self.lab.gateway());
        gateway.clear();
        let asked = dns.times().len();
        let done = function.invoke(event, INVOCATION_TIMEOUT).await?;
        let (took, log_size) = (done.took, done.log_size);
        done.success()?;
        let answers = dns.times().split_off(asked);
        let calls: Vec<_> = gateway.calls_by(FUNCTION_ACCESS_KEY);
        let calls: Vec<_> = calls.into_iter().map(|call| call.took).collect();
        let slowest = |times: &[Duration]| times.iter().max().copied().unwrap_or_default();
        Ok(MeasuredTick {
            took,
            calls: calls.len(),
            queries: answers.len(),
            limit: slowest(&answers) + slowest(&calls),
            serial: answers.iter().chain(&calls).sum(),
            used: function.usage().await?.cpu,
            log_size,
        })
    }
}

impl TickFigures {
    fn middle(&self, time: fn(&MeasuredTick) -> Duration) -> Result<f64> {
        let times: Vec<_> = self.warm.iter().map(time).collect();
        Ok(milliseconds(median(&times)?))
    }

    fn cells(&self, title: String) -> Result<[String; 10]> {
        let last = self.warm.last().context("a warm tick")?;
        let middle = |time| anyhow::Ok(format!("{:.1}", self.middle(time)?));
        Ok([
            title,
            last.queries.to_string(),
            last.calls.to_string(),
            format!("{:.1}", milliseconds(self.first.took)),
            middle(|tick| tick.took)?,
            middle(|tick| tick.limit)?,
            middle(|tick| tick.serial)?,
            format!("{:.1}", milliseconds(median(&self.cpu)?)),
            format!("{:.1}", megabytes(self.peak_memory)),
            last.log_size.to_string(),
        ])
    }

    /// The figures that have a limit.
    fn remember(&self, addresses: usize, listeners: u16, goals: &mut Table) -> Result<()> {
        if listeners != 1 {
            return Ok(());
        }
        let most_of_processor = match addresses {
            3 => 1.5,
            28 => 4.0,
            _ => {
                let peak = megabytes(self.peak_memory);
                goals.at_most("peak memory, 100 addresses", peak, 12.0, "MB");
                return Ok(());
            }
        };
        let title = format!("CPU of a warm tick, {addresses} addresses");
        let cpu = milliseconds(median(&self.cpu)?);
        goals.at_most(&title, cpu, most_of_processor, "ms");
        let most = (self.middle(|tick| tick.limit)? * NEAR * 10.0).round() / 10.0;
        let title = format!("a warm tick, {addresses} addresses");
        goals.at_most(&title, self.middle(|tick| tick.took)?, most, "ms");
        Ok(())
    }
}
