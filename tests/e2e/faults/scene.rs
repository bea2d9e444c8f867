//! Two ALBs, an NLB and things of others beside them, on a lab that many scenes share; and what
//! CloudFormation and the schedule ask of a binding there. Checks nothing but the form of answers.

use super::world::World;
use crate::support::{Answer, Bench, STACK, TIMEOUT, binary};
use alb_nlb_binding::names::BindingId;
use anyhow::{Context, Result, ensure};
use lab::{Alb, AlbSpec, Call, Invocation, Lab, LoadBalancers, NlbSpec, Vpc, rule_event};
use serde_json::{Value, json};
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// The NLB's port that somebody else has a listener on.
pub const THEIR_PORT: u16 = 8000;

/// What scenes share: the lab, its network and clients.
pub struct Stage {
    pub lab: Arc<Lab>,
    vpc: Vpc,
    pub elb: aws_sdk_elasticloadbalancingv2::Client,
    pub events: aws_sdk_eventbridge::Client,
    pub s3: aws_sdk_s3::Client,
    scenes: AtomicUsize,
}

/// What a binding is asked to be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shape {
    /// Whether it binds the second ALB.
    pub next_alb: bool,
    /// The NLB's ports and the ALB's.
    pub ports: &'static [(u16, u16)],
    /// Whether the record is in a bucket of the user's.
    pub given_bucket: bool,
}

pub struct Scene {
    pub bench: Bench,
    pub stage: Arc<Stage>,
    /// The access key of the scene's function.
    pub source: String,
    pub next: Alb,
    /// Somebody else's target group, which the binding is given.
    pub theirs: String,
    pub their_bucket: String,
    /// What belongs to others, and must be there at all times.
    pub foreign: World,
    pub id: BindingId,
}

impl Stage {
    pub async fn new() -> Result<Arc<Self>> {
        let lab = Arc::new(Lab::start().await?);
        let config = lab.aws();
        Ok(Arc::new(Self {
            vpc: lab.vpc().await?,
            elb: aws_sdk_elasticloadbalancingv2::Client::new(&config),
            events: aws_sdk_eventbridge::Client::new(&config),
            s3: aws_sdk_s3::Client::new(&config),
            scenes: AtomicUsize::new(0),
            lab,
        }))
    }
}

impl Scene {
    pub async fn new(stage: &Arc<Stage>) -> Result<Self> {
        let number = stage.scenes.fetch_add(1, Ordering::Relaxed);
        let source = format!("scene{number}");
        let alb = |name: &str| AlbSpec {
            ports: vec![80, 81, 82],
            ..AlbSpec::new(&format!("{name}-{number}"))
        };
        let lab = &stage.lab;
        let pair = LoadBalancers {
            alb: lab.alb(&stage.vpc, &alb("orders")).await?,
            nlb: lab
                .nlb(&stage.vpc, &NlbSpec::new(&format!("front-{number}")))
                .await?,
        };
        let next = lab.alb(&stage.vpc, &alb("next")).await?;
        let id = BindingId::derive(STACK, "Binding", &pair.nlb.arn);
        let function = lab
            .function_with(binary(), &[("AWS_ACCESS_KEY_ID", &source)])
            .await?;
        let bench = Bench::of(Arc::clone(lab), function, pair);
        let their_bucket = format!("theirs-{number}");
        let theirs = bench.given_group(&their_bucket, THEIR_PORT).await?;
        bench.register(&theirs, bench.foreign_address(), 80).await?;
        stage
            .s3
            .create_bucket()
            .bucket(&their_bucket)
            .send()
            .await?;
        let object = stage.s3.put_object().bucket(&their_bucket).key("theirs");
        object.body(b"x".to_vec().into()).send().await?;
        let rule = stage.events.put_rule().name(&their_bucket);
        rule.schedule_expression("rate(7 days)").send().await?;
        let mut scene = Self {
            bench,
            stage: Arc::clone(stage),
            source,
            next,
            theirs,
            their_bucket,
            foreign: World::new(),
            id,
        };
        scene.foreign = scene.world().await?;
        ensure!(scene.foreign.len() == 5, "{:?}", scene.foreign);
        Ok(scene)
    }

    /// A new process of the function: the SDK's retries have a budget, and each scenario its own.
    pub async fn restart(&mut self) -> Result<()> {
        let variables = [("AWS_ACCESS_KEY_ID", self.source.as_str())];
        self.bench.function = self.stage.lab.function_with(binary(), &variables).await?;
        self.stage
            .lab
            .dns()
            .set(&self.next.name, self.seen(true, 3));
        self.bench.scale(3);
        Ok(())
    }

    /// So many addresses of one of the ALBs; the two have none in common.
    pub fn seen(&self, next_alb: bool, count: usize) -> Vec<Ipv4Addr> {
        if next_alb {
            self.next.addresses_after(100, count)
        } else {
            self.bench.pair.alb.addresses(count)
        }
    }

    pub fn see(&self, next_alb: bool, addresses: Vec<Ipv4Addr>) {
        let name = if next_alb {
            &self.next.name
        } else {
            &self.bench.pair.alb.name
        };
        self.stage.lab.dns().set(name, addresses);
    }

    pub fn properties(&self, shape: Shape) -> Value {
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
        self.bench.properties(changes)
    }

    /// CloudFormation's request for a change from one shape to another.
    pub async fn request(
        &self,
        old: Option<Shape>,
        new: Option<Shape>,
        deadline: Duration,
    ) -> Result<Answer> {
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
        let answer = self.bench.request_within(event, deadline).await?;
        ensure!(answer.id() == self.id.to_string(), "{:#}", answer.body);
        ensure!(answer.invocation.result.is_ok(), "{:?}", answer.invocation);
        Ok(answer)
    }

    /// The same where it must succeed.
    pub async fn succeed(&self, old: Option<Shape>, new: Option<Shape>) -> Result<()> {
        let answer = self.request(old, new, TIMEOUT).await?;
        let log = || format!("{:#}\n{}", answer.body, lines(&answer.invocation));
        ensure!(answer.body["Status"] == "SUCCESS", "{}", log());
        Ok(())
    }

    /// What the rule gives the function in its next minute; `None` where it has no target.
    pub async fn orders(&self) -> Result<Option<Value>> {
        let listed = self.stage.events.list_targets_by_rule();
        let listed = listed.rule(self.id.rule()).send().await;
        let Ok(listed) = listed else {
            return Ok(None);
        };
        let target = listed.targets().first();
        let time = self.bench.minutes.next();
        target.map(|target| rule_event(target, time)).transpose()
    }

    pub async fn tick(&self) -> Result<()> {
        let orders = self.orders().await?.context("a rule with a target")?;
        let tick = self.bench.function.invoke(orders, TIMEOUT).await?;
        tick.success().context("a tick")?;
        Ok(())
    }

    pub fn calls(&self) -> Vec<Call> {
        self.stage.lab.gateway().calls_by(&self.source)
    }
}

/// What a function logged, a line each.
pub fn lines(invocation: &Invocation) -> String {
    let lines: Vec<_> = invocation.log.iter().map(ToString::to_string).collect();
    lines.join("\n")
}
