//! Many bindings of one stack, made, changed and deleted at one moment each, with ELBv2's request rates as they are on
//! AWS. CloudFormation's part is played here: each request is an event of its own, and each answer is read where
//! CloudFormation would wait for it.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use demo::Console;
use lab::{
    ACCOUNT, AlbAndNlb, AlbSpec, FUNCTION_ACCESS_KEY, FUNCTION_NAME, FakeStackView, Lab, NlbSpec,
    REGION,
};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::fleet::{COLUMNS, Fleet};
use crate::settings::{ADDRESSES_PER_ALB, set_delays};
use crate::table::Table;

/// The timeout of the deployed function.
const PROVIDER_TIMEOUT: Duration = Duration::from_secs(300);
/// An NLB has at most 50 listeners (NLB guide, "Quotas"), and an Update has each binding add one.
const BINDINGS_PER_NLB: usize = 25;

/// One binding of the stack.
struct StackBinding {
    logical_id: String,
    alb: String,
    nlb: String,
    port: usize,
    /// Its physical id, once it is made.
    id: Option<String>,
}

/// The result of one request for each binding.
#[derive(Default)]
struct RequestFigures {
    took: Duration,
    requests: Vec<Duration>,
    /// The reasons of those that failed.
    failed: Vec<String>,
    calls: usize,
    of_elb: usize,
    /// How many of those are `Describe*`.
    reading: usize,
    throttled: usize,
}

pub async fn measure(console: &Console, binary: &Path, count: usize) -> Result<()> {
    console.heading(&format!(
        "{count} bindings of one stack at one moment, with ELBv2's request rates as on AWS"
    ));
    let lab = Arc::new(Lab::start_over_tls().await?);
    let mut wanted = prepare(&lab, count).await?;
    set_delays(&lab);
    let mut times = Table::new(COLUMNS);
    let mut calls = Table::new(["calls", "all", "ELBv2", "Describe* of ELBv2", "throttled"]);
    for (title, kind) in [
        ("Create", "Create"),
        ("Update, another listener each", "Update"),
        ("Delete", "Delete"),
    ] {
        let fleet = Arc::new(Fleet::new(Arc::clone(&lab), binary.to_owned(), count));
        console
            .wait("starting environments", fleet.start(count))
            .await?;
        lab.gateway().limit_rates(1.0);
        let done = console
            .wait(title, request(&lab, &fleet, &mut wanted, kind))
            .await?;
        let seconds = |time: Duration| format!("{:.1} s", time.as_secs_f64());
        let failed = done.failed.len();
        let row = fleet.row(title, failed, done.took, &done.requests, seconds);
        times.row(row.await?);
        calls.row(done.counts(title));
        for reason in done.failed.iter().take(3) {
            console.line(reason);
        }
    }
    times.show(console);
    calls.show(console);
    Ok(())
}

async fn prepare(lab: &Lab, count: usize) -> Result<Vec<StackBinding>> {
    let mut wanted = Vec::new();
    for number in 0..count.div_ceil(BINDINGS_PER_NLB) {
        let alb = AlbSpec::new(&format!("orders-{number}"));
        let nlb = NlbSpec::new(&format!("front-{number}"));
        let AlbAndNlb { alb, nlb } = lab.load_balancers(&alb, &nlb).await?;
        lab.dns().set(&alb.name, alb.addresses(ADDRESSES_PER_ALB));
        let ports = 8000..8000 + BINDINGS_PER_NLB;
        wanted.extend(ports.map(|port| StackBinding {
            logical_id: format!("Binding{number}x{port}"),
            alb: alb.arn.clone(),
            nlb: nlb.arn.clone(),
            port,
            id: None,
        }));
    }
    wanted.truncate(count);
    Ok(wanted)
}

fn stack() -> String {
    format!("arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/hundred/1")
}

impl StackBinding {
    fn properties(&self, ports: &[usize]) -> Value {
        let listeners = ports
            .iter()
            .map(|port| json!({"Port": port, "AlbPort": 80}));
        json!({
            "ServiceToken": format!("arn:aws:lambda:{REGION}:{ACCOUNT}:function:{FUNCTION_NAME}"),
            "AlbArn": self.alb,
            "NlbArn": self.nlb,
            "Listeners": listeners.collect::<Vec<_>>(),
        })
    }

    fn event(&self, kind: &str, url: &str) -> Value {
        let (one, two) = ([self.port], [self.port, self.port + 1000]);
        let mut event = json!({
            "RequestType": kind,
            "RequestId": format!("{kind} {}", self.logical_id),
            "ResponseURL": url,
            "ResourceType": "Custom::AlbNlbBinding",
            "LogicalResourceId": self.logical_id,
            "StackId": stack(),
            "ResourceProperties": self.properties(match kind {
                "Create" => &one,
                _ => &two,
            }),
        });
        if kind == "Update" {
            event["OldResourceProperties"] = self.properties(&one);
        }
        if let Some(id) = &self.id {
            event["PhysicalResourceId"] = json!(id);
        }
        event
    }
}

/// Sends one request for each binding, all at one moment.
async fn request(
    lab: &Lab,
    fleet: &Arc<Fleet>,
    wanted: &mut [StackBinding],
    kind: &str,
) -> Result<RequestFigures> {
    let status = format!("{}_IN_PROGRESS", kind.to_uppercase());
    let view = wanted
        .iter()
        .fold(FakeStackView::new(&status), |view, wanted| {
            view.with_resource(&wanted.logical_id, &status, wanted.id.as_deref())
        });
    lab.gateway().set_stack(&stack(), view);
    lab.gateway().clear();
    let start = Instant::now();
    let mut requests = JoinSet::new();
    for (index, wanted) in wanted.iter().enumerate() {
        let url = lab.response_url();
        let event = wanted.event(kind, url.url());
        let fleet = Arc::clone(fleet);
        requests.spawn(async move {
            let invocation = fleet.invoke(event, PROVIDER_TIMEOUT).await?;
            anyhow::Ok((index, invocation.took, url.the_answer()?))
        });
    }
    let mut done = RequestFigures::default();
    while let Some(request) = requests.join_next().await {
        let (index, took, answer) = request??;
        done.requests.push(took);
        if answer["Status"] != "SUCCESS" {
            done.failed.push(answer["Reason"].to_string());
        }
        let wanted = wanted.get_mut(index).context("one of them")?;
        wanted.id = answer["PhysicalResourceId"].as_str().map(str::to_owned);
    }
    done.took = start.elapsed();
    for call in lab.gateway().calls_by(FUNCTION_ACCESS_KEY) {
        done.calls += 1;
        done.throttled += usize::from(call.error.as_deref() == Some("Throttling"));
        if call.service == "elasticloadbalancing" {
            done.of_elb += 1;
            done.reading += usize::from(call.operation.starts_with("Describe"));
        }
    }
    Ok(done)
}

impl RequestFigures {
    fn counts(&self, title: &str) -> [String; 5] {
        let counts = [self.calls, self.of_elb, self.reading, self.throttled];
        let [calls, of_elb, reading, throttled] = counts.map(|count| count.to_string());
        [title.to_owned(), calls, of_elb, reading, throttled]
    }
}
