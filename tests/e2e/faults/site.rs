//! A site is the place of one scenario: two ALBs, an NLB and things of others, on a lab that many sites
//! share; and what CloudFormation and the schedule ask of a binding there.

use super::inventory::{Inventory, take_inventory};
use super::shared_lab::SharedLab;
use crate::support::{Fixture, STACK_ID, SentResponse, TIMEOUT, binary};
use alb_nlb_binding::names::BindingId;
use anyhow::{Context, Result, ensure};
use lab::{ACCOUNT, Alb, AlbAndNlb, AlbSpec, Call, InvocationResult, NlbSpec, rule_event};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// The NLB's port that somebody else has a listener on.
pub const THEIR_PORT: u16 = 8000;

/// What a binding is asked to be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BindingShape {
    /// Whether it binds the second ALB.
    pub next_alb: bool,
    /// The NLB's ports and the ALB's.
    pub ports: &'static [(u16, u16)],
    /// Whether the record is in a bucket of the user's.
    pub given_bucket: bool,
}

pub struct Site {
    pub fixture: Fixture,
    pub shared: Arc<SharedLab>,
    /// The access key of the site's function.
    pub source: String,
    pub next: Alb,
    /// Somebody else's target group, which the binding is given.
    pub theirs: String,
    pub their_bucket: String,
    /// What belongs to others, and must be there at all times.
    pub foreign: Inventory,
    pub id: BindingId,
}

impl Site {
    pub async fn new(shared: &Arc<SharedLab>) -> Result<Self> {
        let number = shared.sites.fetch_add(1, Ordering::Relaxed);
        let source = format!("site{number}");
        let alb = |name: &str| AlbSpec {
            ports: vec![80, 81, 82],
            ..AlbSpec::new(&format!("{name}-{number}"))
        };
        let lab = &shared.lab;
        let pair = AlbAndNlb {
            alb: lab.alb(&shared.vpc, &alb("orders")).await?,
            nlb: lab
                .nlb(&shared.vpc, &NlbSpec::new(&format!("front-{number}")))
                .await?,
        };
        let next = lab.alb(&shared.vpc, &alb("next")).await?;
        let id = BindingId::derive(STACK_ID, "Binding", &pair.nlb.arn);
        let function = lab
            .function_with(binary(), &[("AWS_ACCESS_KEY_ID", &source)])
            .await?;
        let fixture = Fixture::on(Arc::clone(lab), function, pair);
        let their_bucket = format!("theirs-{number}");
        let theirs = fixture.given_group(&their_bucket, THEIR_PORT).await?;
        fixture
            .register(&theirs, fixture.foreign_address(), 80)
            .await?;
        shared
            .s3
            .create_bucket()
            .bucket(&their_bucket)
            .send()
            .await?;
        let object = shared.s3.put_object().bucket(&their_bucket).key("theirs");
        object.body(b"x".to_vec().into()).send().await?;
        let rule = shared.events.put_rule().name(&their_bucket);
        rule.schedule_expression("rate(7 days)").send().await?;
        let mut site = Self {
            fixture,
            shared: Arc::clone(shared),
            source,
            next,
            theirs,
            their_bucket,
            foreign: Inventory::new(),
            id,
        };
        site.foreign = site.inventory().await?;
        ensure!(site.foreign.len() == 5, "{:?}", site.foreign);
        Ok(site)
    }

    /// Starts a new process of the function, for the SDK has a budget of retries for each process.
    pub async fn restart(&mut self) -> Result<()> {
        let variables = [("AWS_ACCESS_KEY_ID", self.source.as_str())];
        self.fixture.function = self.shared.lab.function_with(binary(), &variables).await?;
        self.shared
            .lab
            .dns()
            .set(&self.next.name, self.addresses(true, 3));
        self.fixture.scale(3);
        Ok(())
    }

    /// So many addresses of one of the ALBs. The two have none in common.
    pub fn addresses(&self, next_alb: bool, count: usize) -> Vec<Ipv4Addr> {
        if next_alb {
            self.next.addresses_after(100, count)
        } else {
            self.fixture.alb.addresses(count)
        }
    }

    pub fn show_in_dns(&self, next_alb: bool, addresses: Vec<Ipv4Addr>) {
        let name = if next_alb {
            &self.next.name
        } else {
            &self.fixture.alb.name
        };
        self.shared.lab.dns().set(name, addresses);
    }

    pub fn properties(&self, shape: BindingShape) -> Value {
        let mut listeners: Vec<_> = shape
            .ports
            .iter()
            .map(|(port, alb_port)| json!({"Port": port, "AlbPort": alb_port.to_string()}))
            .collect();
        listeners.push(json!({"Port": 80, "TargetGroupArn": self.theirs}));
        let mut changes = json!({ "Listeners": listeners });
        if shape.next_alb {
            changes["AlbArn"] = json!(self.next.arn);
        }
        if shape.given_bucket {
            changes["BucketName"] = json!(self.their_bucket);
        }
        self.fixture.properties(changes)
    }

    /// CloudFormation's request for a change from one shape to another.
    pub async fn request(
        &self,
        old: Option<BindingShape>,
        new: Option<BindingShape>,
        deadline: Duration,
    ) -> Result<SentResponse> {
        let mut event = match (old, new) {
            (None, _) => json!({"RequestType": "Create"}),
            (Some(_), Some(_)) => json!({"RequestType": "Update"}),
            (Some(_), None) => json!({"RequestType": "Delete"}),
        };
        if let Some(old) = old.filter(|_| new.is_some()) {
            event["OldResourceProperties"] = self.properties(old);
        }
        if let Some(shape) = new.or(old) {
            event["ResourceProperties"] = self.properties(shape);
        }
        if old.is_some() {
            event["PhysicalResourceId"] = json!(self.id.to_string());
        }
        let response = self.fixture.request_within(event, deadline).await?;
        ensure!(response.id() == self.id.to_string(), "{:#}", response.body);
        ensure!(
            response.invocation.result.is_ok(),
            "{:?}",
            response.invocation
        );
        Ok(response)
    }

    /// The same for a request that must succeed.
    pub async fn succeed(
        &self,
        old: Option<BindingShape>,
        new: Option<BindingShape>,
    ) -> Result<()> {
        let response = self.request(old, new, TIMEOUT).await?;
        let log = || format!("{:#}\n{}", response.body, lines(&response.invocation));
        ensure!(response.body["Status"] == "SUCCESS", "{}", log());
        Ok(())
    }

    /// What the rule gives the function at its next scheduled time; `None` if the rule has no target.
    pub async fn orders(&self) -> Result<Option<Value>> {
        let listed = self.shared.events.list_targets_by_rule();
        let listed = listed.rule(self.id.rule()).send().await;
        let Ok(listed) = listed else {
            return Ok(None);
        };
        let target = listed.targets().first();
        let time = self.fixture.schedule.next();
        target.map(|target| rule_event(target, time)).transpose()
    }

    pub async fn tick(&self) -> Result<()> {
        let orders = self.orders().await?.context("a rule with a target")?;
        let tick = self.fixture.function.invoke(orders, TIMEOUT).await?;
        tick.success().context("a tick")?;
        Ok(())
    }

    pub fn calls(&self) -> Vec<Call> {
        self.shared.lab.gateway().calls_by(&self.source)
    }

    /// Everything of the binding and around it.
    pub async fn inventory(&self) -> Result<Inventory> {
        take_inventory(&self.shared, &self.fixture, &self.id, &self.their_bucket).await
    }

    /// The addresses that the function deregistered since it had made so many calls.
    pub fn deregistered_since(&self, calls: usize) -> BTreeSet<String> {
        let calls = self.calls().split_off(calls);
        let calls = calls
            .iter()
            .filter(|call| call.operation == "DeregisterTargets");
        calls
            .flat_map(|call| call.members("Targets"))
            .filter_map(|mut target| target.remove("Id"))
            .collect()
    }

    /// The name of the binding's target group for a port.
    pub fn group(&self, port: u16) -> String {
        self.id.target_group(port)
    }

    /// The binding's own bucket in the inventory.
    pub fn own_bucket(&self) -> String {
        format!("bucket {}", self.id.bucket(ACCOUNT))
    }

    /// The inventory with a binding of a shape, and with foreign targets in its own groups.
    pub fn expected(
        &self,
        shape: BindingShape,
        in_dns: &[Ipv4Addr],
        foreign: &[String],
    ) -> Inventory {
        let targets = |port: u16, others: &[String]| -> BTreeSet<String> {
            let own = in_dns.iter().map(|address| format!("{address}:{port}"));
            own.chain(others.iter().cloned()).collect()
        };
        let mut inventory = self.foreign.clone();
        inventory.retain(|line| !line.starts_with("target group"));
        let given = self.their_bucket.clone();
        let theirs = targets(80, &[format!("{}:80", self.fixture.foreign_address())]);
        inventory.insert(format!("target group {given}: {theirs:?}"));
        for (port, alb_port) in shape.ports {
            let name = self.id.target_group(*port);
            let others = if *port == 80 { foreign } else { &[] };
            let targets = targets(*alb_port, others);
            inventory.insert(format!("target group {name}: {targets:?}"));
            inventory.insert(format!("listener on {port} to {name}"));
        }
        let own = self.id.bucket(ACCOUNT);
        let bucket = if shape.given_bucket { &given } else { &own };
        inventory.insert(format!("object s3://{bucket}/{}/state.json", self.id));
        inventory.insert(format!("bucket {bucket}"));
        inventory.insert(format!("rule {}: 1 targets", self.id.rule()));
        inventory
    }
}

/// What a function logged, one line each.
pub fn lines(invocation: &InvocationResult) -> String {
    let lines: Vec<_> = invocation.log.iter().map(ToString::to_string).collect();
    lines.join("\n")
}
