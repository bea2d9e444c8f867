//! Many bindings and one function, all ticking within a minute, with ELBv2's request rates as they
//! are on AWS. The bindings have an ALB in DNS, a target group, a bucket and a rule each; what their
//! rules give and what is in their buckets is that of one binding that was really made, with those
//! names and addresses in place of its own.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use aws_sdk_elasticloadbalancingv2::types::{ProtocolEnum, TargetTypeEnum};
use aws_sdk_eventbridge::types::RuleState;
use demo::Console;
use lab::{ACCOUNT, AlbAndNlb, AlbSpec, FUNCTION_ACCESS_KEY, Lab, NlbSpec, REGION};
use serde_json::Value;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::binding::{self, CRON, MadeBinding, RATE, TextReplacements};
use crate::figures::milliseconds;
use crate::fleet::{COLUMNS, Fleet};
use crate::settings::{ADDRESSES_PER_ALB, INVOCATION_TIMEOUT, set_delays};
use crate::table::Table;

const MINUTE: Duration = Duration::from_secs(60);
/// The reserved concurrency of the one run that has any.
const RESERVED: usize = 10;
/// How many more minutes ticks may fail because there were too many calls.
const MINUTES_TO_RECOVER: usize = 5;

/// The result of one minute's ticks.
struct Minute {
    /// The time from the first event to the last report.
    took: Duration,
    ticks: Vec<Duration>,
    /// The bindings whose ticks failed, and why.
    failed: Vec<(Arc<MadeBinding>, Value)>,
    calls: BTreeMap<String, usize>,
    throttled: usize,
    queries: usize,
}

pub async fn measure(console: &Console, binary: &Path, count: usize) -> Result<()> {
    console.heading(&format!(
        "{count} bindings and one function, with ELBv2's request rates as on AWS"
    ));
    let lab = Arc::new(Lab::start_over_tls().await?);
    let made = prepare(&lab, binary, count);
    let bound = console
        .wait("making target groups, buckets and rules", made)
        .await?;
    set_delays(&lab);
    lab.gateway().remember_answers(true);

    let gap = MINUTE / u32::try_from(count)?;
    let now = Duration::ZERO;
    // The title, the bindings that tick, the time between two events, the concurrency, and the environments that
    // are started before.
    let (rate, cron) = (&bound.rate, &bound.cron);
    let reserved = format!("the same, {RESERVED} at a time");
    let runs = [
        ("each registers, over a minute", rate, gap, count, 0),
        ("steady, over a minute", rate, gap, count, 0),
        ("steady, at one moment", rate, now, count, count),
        (&reserved, rate, now, RESERVED, RESERVED),
        ("steady, at one moment by a cron", cron, now, count, count),
    ];
    let mut minutes = Table::new(COLUMNS);
    let mut calls = Table::new([
        "calls",
        "DescribeTargetHealth",
        "GetObject",
        "PutMetricData",
        "others",
        "throttled",
        "DNS",
    ]);
    for (title, bound, gap, concurrency, started) in runs {
        let fleet = Arc::new(Fleet::new(Arc::clone(&lab), binary.to_owned(), concurrency));
        console
            .wait("starting environments", fleet.start(started))
            .await?;
        lab.gateway().limit_rates(1.0);
        let minute = console.wait(title, tick(&lab, &fleet, bound, gap)).await?;
        let shown = |time| format!("{:.0} ms", milliseconds(time));
        let failed = minute.failed.len();
        let row = fleet.row(title, failed, minute.took, &minute.ticks, shown);
        minutes.row(row.await?);
        calls.row(minute.calls(title.to_owned()));
        repair(&lab, &fleet, console, minute).await?;
        for group in bound.iter().flat_map(|bound| &bound.target_groups) {
            let targets = lab.targets(group).len();
            ensure!(
                targets == ADDRESSES_PER_ALB,
                "{group} has {targets} targets"
            );
        }
    }
    minutes.show(console);
    calls.show(console);
    console.line(&format!(
        "all {} targets of all {count} bindings are registered",
        count * ADDRESSES_PER_ALB
    ));
    Ok(())
}

/// The same bindings, with ticks by each of the two kinds of schedules.
#[derive(Default)]
struct CopiedBindings {
    rate: Vec<Arc<MadeBinding>>,
    cron: Vec<Arc<MadeBinding>>,
}

async fn prepare(lab: &Lab, binary: &Path, count: usize) -> Result<CopiedBindings> {
    let AlbAndNlb { alb, nlb } = lab
        .load_balancers(&AlbSpec::new("shop"), &NlbSpec::new("front"))
        .await?;
    // It has as many addresses as each copy, so that each address of a copy replaces one of them.
    lab.dns().set(&alb.name, alb.addresses(ADDRESSES_PER_ALB));
    let function = lab.function(binary).await?;
    let model = binding::make(lab, &function, &alb, &nlb, &[80], RATE).await?;
    let [model_group] = model.target_groups.as_slice() else {
        bail!("one target group, not {:?}", model.target_groups);
    };
    let model_hex = model.id.rsplit('-').next().context("an id")?;

    let elb = aws_sdk_elasticloadbalancingv2::Client::new(&lab.aws());
    let events = aws_sdk_eventbridge::Client::new(&lab.aws());
    let s3 = aws_sdk_s3::Client::new(&lab.aws());
    let state = s3.get_object().bucket(format!("{}-{ACCOUNT}", model.id));
    let state = state.key(state_key(&model.id)).send().await?;
    let state = String::from_utf8(state.body.collect().await?.to_vec())?;
    let cron = binding::make(lab, &function, &alb, &nlb, &[80], CRON).await?;
    let mut bound = CopiedBindings::default();
    for number in 0..count {
        let hex = format!("{number:016x}");
        let id = format!("alb-nlb-binding-{hex}");
        let (name, bucket) = (format!("shop-{number}"), format!("{id}-{ACCOUNT}"));
        let group = elb
            .create_target_group()
            .name(format!("anb-{hex}-80"))
            .protocol(ProtocolEnum::Tcp)
            .port(80)
            .vpc_id(&nlb.vpc.id)
            .target_type(TargetTypeEnum::Ip)
            .send()
            .await?;
        let group = group.target_groups().first();
        let group = group.and_then(|group| group.target_group_arn());
        let group = group.context("an ARN")?.to_owned();
        let addresses = alb.addresses_after((number + 1) * ADDRESSES_PER_ALB, ADDRESSES_PER_ALB);
        lab.dns().set(&name, addresses.clone());
        let dns_name = format!("{name}-1a2b3c4d.{REGION}.elb.amazonaws.com");
        let mut texts = TextReplacements::default()
            .with(model_group, &group)
            .with(model_hex, &hex)
            .with(&alb.arn, format!("{}-{number}", alb.arn))
            .with(&alb.dns_name, dns_name)
            .with(format!("{:?}", alb.name), format!("{name:?}"));
        for (from, to) in alb.addresses(ADDRESSES_PER_ALB).iter().zip(addresses) {
            texts = texts
                .with(format!("\"{from}\""), format!("\"{to}\""))
                .with(format!("\"{from}:"), format!("\"{to}:"));
        }
        s3.create_bucket().bucket(&bucket).send().await?;
        let put = s3.put_object().bucket(&bucket).key(state_key(&id));
        let state = texts.put_into(&state).into_bytes();
        put.body(state.into()).send().await?;
        // It only has to be there: the events come from here, not from MiniStack.
        let rule = events.put_rule().name(&id).state(RuleState::Disabled);
        rule.schedule_expression(RATE).send().await?;
        let copy = |model: &MadeBinding| Arc::new(model.copy(&id, vec![group.clone()], &texts));
        bound.rate.push(copy(&model));
        bound.cron.push(copy(&cron));
    }
    Ok(bound)
}

fn state_key(id: &str) -> String {
    format!("{id}/state.json")
}

async fn tick(
    lab: &Lab,
    fleet: &Arc<Fleet>,
    bound: &[Arc<MadeBinding>],
    gap: Duration,
) -> Result<Minute> {
    lab.gateway().clear();
    let asked = lab.dns().times().len();
    let start = Instant::now();
    let mut events = JoinSet::new();
    for (binding, number) in bound.iter().zip(0..) {
        let (fleet, binding) = (Arc::clone(fleet), Arc::clone(binding));
        events.spawn(async move {
            tokio::time::sleep_until(start + gap * number).await;
            let event = binding.event()?;
            anyhow::Ok((binding, fleet.invoke(event, INVOCATION_TIMEOUT).await?))
        });
    }
    let mut minute = Minute {
        took: Duration::ZERO,
        ticks: Vec::new(),
        failed: Vec::new(),
        calls: BTreeMap::new(),
        throttled: 0,
        queries: 0,
    };
    while let Some(event) = events.join_next().await {
        let (binding, done) = event??;
        minute.ticks.push(done.took);
        if let Err(error) = done.result {
            minute.failed.push((binding, error));
        }
    }
    minute.took = start.elapsed();
    minute.queries = lab.dns().times().len() - asked;
    for call in lab.gateway().calls_by(FUNCTION_ACCESS_KEY) {
        minute.throttled += usize::from(call.error.as_deref() == Some("Throttling"));
        *minute.calls.entry(call.operation).or_default() += 1;
    }
    Ok(minute)
}

/// Lets bindings whose ticks failed tick in the next minutes. ELBv2's allowance is full again in each of them.
async fn repair(lab: &Lab, fleet: &Arc<Fleet>, console: &Console, minute: Minute) -> Result<()> {
    let mut failed = minute.failed;
    if let Some((_, why)) = failed.first() {
        console.line(&format!(
            "{} ticks failed, one of them as {}",
            failed.len(),
            why["errorMessage"]
        ));
    }
    for minutes in 1.. {
        if failed.is_empty() {
            break;
        }
        ensure!(
            minutes <= MINUTES_TO_RECOVER,
            "{} bindings fail for good",
            failed.len()
        );
        lab.gateway().limit_rates(1.0);
        let again: Vec<_> = failed.into_iter().map(|(binding, _)| binding).collect();
        failed = tick(lab, fleet, &again, Duration::ZERO).await?.failed;
        console.line(&format!(
            "{minutes} minutes later {} of them failed",
            failed.len()
        ));
    }
    Ok(())
}

impl Minute {
    fn calls(&self, title: String) -> [String; 7] {
        let of = |operation: &str| self.calls.get(operation).copied().unwrap_or(0);
        let named = ["DescribeTargetHealth", "GetObject", "PutMetricData"].map(of);
        let others = self.calls.values().sum::<usize>() - named.iter().sum::<usize>();
        let [health, state, metric] = named;
        let counts = [health, state, metric, others, self.throttled, self.queries];
        let [health, state, metric, others, throttled, dns] = counts.map(|count| count.to_string());
        [title, health, state, metric, others, throttled, dns]
    }
}
