//! One lab with an ALB, an NLB and the function, and the words that the tests are written in.

use crate::privilege;
use anyhow::{Context, Result};
use aws_sdk_elasticloadbalancingv2::types::{Action, ActionTypeEnum, ProtocolEnum, TargetTypeEnum};
use lab::policy::Role;
use lab::{
    AlbSpec, Call, Function, Invocation, Lab, LoadBalancers, Nlb, NlbSpec, ResponseUrl, StackView,
};
use serde_json::{Value, json};
use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

/// Longer than any test takes: only tests of deadlines give their own.
pub const TIMEOUT: Duration = Duration::from_secs(60);

pub const STACK: &str = "arn:aws:cloudformation:us-east-1:000000000000:stack/orders/0b5bd2f0-c000-11ef-9cd2-0242ac120002";

/// The binary under test: the one just built, or the one that `BINDING_BINARY` names.
pub fn binary() -> String {
    std::env::var("BINDING_BINARY")
        .unwrap_or_else(|_| env!("CARGO_BIN_EXE_alb-nlb-binding").to_owned())
}

pub struct Bench {
    pub lab: Arc<Lab>,
    pub function: Function,
    pub pair: LoadBalancers,
    requests: AtomicUsize,
    pub minutes: Minutes,
    /// The function's role, as deployed for what was named in properties.
    pub role: Mutex<Role>,
}

/// What CloudFormation was answered.
pub struct Answer {
    pub body: Value,
    pub invocation: Invocation,
    pub url: ResponseUrl,
}

impl Bench {
    /// An internal ALB named `orders` with one address in DNS, and an NLB, in two zones.
    pub async fn new() -> Result<Self> {
        Self::with(AlbSpec::new("orders"), NlbSpec::new("front")).await
    }

    pub async fn with(alb: AlbSpec, nlb: NlbSpec) -> Result<Self> {
        let lab = Lab::start().await?;
        let function = lab.function(binary()).await?;
        let pair = lab.load_balancers(&alb, &nlb).await?;
        Ok(Self::of(Arc::new(lab), function, pair))
    }

    /// One of several on the same lab.
    pub fn of(lab: Arc<Lab>, function: Function, pair: LoadBalancers) -> Self {
        lab.dns().set(&pair.alb.name, pair.alb.addresses(1));
        Self {
            lab,
            function,
            pair,
            requests: AtomicUsize::new(1),
            minutes: Minutes::default(),
            role: Mutex::default(),
        }
    }

    /// A binding of port 80 with three addresses in DNS, made.
    pub async fn bound() -> Result<(Self, Answer)> {
        let bench = Self::new().await?;
        bench.scale(3);
        let answer = bench.create(json!({})).await?;
        answer.assert_success();
        Ok((bench, answer))
    }

    /// Sets how many addresses the ALB has in DNS.
    pub fn scale(&self, count: usize) {
        self.see(self.pair.alb.addresses(count));
    }

    pub fn see(&self, addresses: Vec<Ipv4Addr>) {
        self.lab.dns().set(&self.pair.alb.name, addresses);
    }

    /// Properties with some of them replaced.
    pub fn properties(&self, changes: Value) -> Value {
        let mut properties = json!({
            "ServiceToken": "arn:aws:lambda:us-east-1:000000000000:function:alb-nlb-binding",
            "AlbArn": self.pair.alb.arn,
            "NlbArn": self.pair.nlb.arn,
            "Listeners": [{"Port": "80"}],
        });
        for (name, value) in changes.as_object().expect("changes are an object") {
            properties[name] = value.clone();
        }
        properties
    }

    /// The same with a DNS name in the place of the ALB.
    pub fn named(&self, name: &str, changes: Value) -> Value {
        let mut properties = self.properties(changes);
        let fields = properties.as_object_mut().expect("an object");
        fields.remove("AlbArn");
        fields.insert("TargetDnsName".to_owned(), json!(name));
        properties
    }

    pub async fn create(&self, changes: Value) -> Result<Answer> {
        self.create_within(changes, TIMEOUT).await
    }

    pub async fn create_within(&self, changes: Value, timeout: Duration) -> Result<Answer> {
        let properties = self.properties(changes);
        let create = json!({"RequestType": "Create", "ResourceProperties": properties});
        self.request_within(create, timeout).await
    }

    pub async fn update(&self, made: &Answer, changes: Value) -> Result<Answer> {
        self.request(json!({
            "RequestType": "Update",
            "PhysicalResourceId": made.id(),
            "ResourceProperties": self.properties(changes),
            "OldResourceProperties": self.properties(json!({})),
        }))
        .await
    }

    pub async fn delete(&self, made: &Answer, changes: Value) -> Result<Answer> {
        self.request(json!({
            "RequestType": "Delete",
            "PhysicalResourceId": made.id(),
            "ResourceProperties": self.properties(changes),
        }))
        .await
    }

    pub async fn request(&self, event: Value) -> Result<Answer> {
        self.request_within(event, TIMEOUT).await
    }

    pub async fn request_within(&self, event: Value, timeout: Duration) -> Result<Answer> {
        let url = self.lab.response_url();
        let invocation = self
            .function
            .invoke(self.event(event, url.url()), timeout)
            .await?;
        let body = url
            .the_answer()
            .with_context(|| format!("{invocation:?}"))?;
        Ok(Answer {
            body,
            invocation,
            url,
        })
    }

    /// The rest of a CloudFormation event.
    pub fn event(&self, mut event: Value, url: &str) -> Value {
        let number = self.requests.fetch_add(1, Ordering::Relaxed);
        event["ResponseURL"] = json!(url);
        if event["StackId"].is_null() {
            event["StackId"] = json!(STACK);
        }
        event["RequestId"] = json!(format!("request-{number}"));
        event["ResourceType"] = json!("Custom::AlbNlbBinding");
        if event["LogicalResourceId"].is_null() {
            event["LogicalResourceId"] = json!("Binding");
        }
        let mut role = self.role.lock().expect("no panic");
        privilege::give(&mut role, &event);
        event
    }

    /// What the rule gives the function in its next minute, as EventBridge would.
    pub async fn rule_input(&self, made: &Answer) -> Result<Value> {
        self.rule_input_at(made, self.minutes.next()).await
    }

    /// The same for the minute of a given time.
    pub async fn rule_input_at(&self, made: &Answer, time: SystemTime) -> Result<Value> {
        rule_input(&self.lab, made.id(), time).await
    }

    /// One tick, as the rule would fire it now.
    pub async fn tick(&self, made: &Answer) -> Result<Invocation> {
        let input = self.rule_input(made).await?;
        self.function.invoke(input, TIMEOUT).await
    }

    /// What CloudFormation shows from now on: its stack, and the binding in it.
    pub fn shows(&self, stack: &str, resource: &str, id: Option<&str>) {
        let stack = StackView::new(stack).with_resource("Binding", resource, id);
        self.lab.gateway().set_stack(STACK, stack);
    }

    /// So many ticks, none of which may fail.
    pub async fn ticks(&self, made: &Answer, count: usize) -> Result<()> {
        for _ in 0..count {
            self.tick(made).await?.success()?;
        }
        Ok(())
    }

    /// The targets of a group that traffic goes to, as `address:port`.
    pub fn targets(&self, target_group: &str) -> Vec<String> {
        self.lab
            .targets(target_group)
            .into_iter()
            .filter(|target| target.state != lab::TargetState::Draining)
            .map(|target| format!("{}:{}", target.address, target.port))
            .collect()
    }

    /// What the targets of a group should be for so many addresses of the ALB.
    pub fn expected(&self, count: usize, port: u16) -> Vec<String> {
        expected(&self.pair.alb.addresses(count), port)
    }

    /// The function's calls since the start that may change something.
    pub fn changes(&self) -> Vec<Call> {
        self.function_calls()
            .into_iter()
            .filter(|call| !is_reading(&call.operation))
            .collect()
    }

    /// The same without the metric, which is published side by side with the rest.
    pub fn wiring_changes(&self) -> Vec<Call> {
        let mut changes = self.changes();
        changes.retain(|call| call.operation != "PutMetricData");
        changes
    }

    pub fn function_calls(&self) -> Vec<Call> {
        self.lab.gateway().calls_by(self.function.access_key())
    }

    /// Everything that is left of the binding, as names.
    pub async fn leftovers(&self, id: &str) -> Result<Vec<String>> {
        let config = self.lab.aws();
        let mut left = Vec::new();
        let elb = aws_sdk_elasticloadbalancingv2::Client::new(&config);
        let digits = id.trim_start_matches("alb-nlb-binding-");
        for group in elb.describe_target_groups().send().await?.target_groups() {
            let name = group.target_group_name().unwrap_or_default();
            if name.contains(digits) {
                left.push(format!("target group {name}"));
            }
        }
        let nlb = &self.pair.nlb.arn;
        let listeners = elb.describe_listeners().load_balancer_arn(nlb).send();
        // A load balancer that is gone has none.
        for listener in listeners.await.iter().flat_map(|listed| listed.listeners()) {
            left.push(format!("listener on {:?}", listener.port()));
        }
        let s3 = aws_sdk_s3::Client::new(&config);
        for bucket in s3.list_buckets().send().await?.buckets() {
            let name = bucket.name().unwrap_or_default();
            if name.contains(digits) {
                left.push(format!("bucket {name}"));
            }
        }
        let events = aws_sdk_eventbridge::Client::new(&config);
        for rule in events.list_rules().send().await?.rules() {
            let name = rule.name().unwrap_or_default();
            if name.contains(digits) {
                left.push(format!("rule {name}"));
            }
        }
        Ok(left)
    }

    /// A target group of somebody else's in the NLB's VPC, with a listener to it.
    pub async fn given_group(&self, name: &str, port: u16) -> Result<String> {
        target_group(&self.lab, &self.pair.nlb, name, port).await
    }

    /// A bucket of somebody else's.
    pub async fn given_bucket(&self, name: &str) -> Result<()> {
        self.s3().create_bucket().bucket(name).send().await?;
        Ok(())
    }

    /// An address in the VPC that is not the ALB's.
    pub fn foreign_address(&self) -> Ipv4Addr {
        self.pair.alb.addresses_after(200, 1)[0]
    }

    pub async fn register(&self, target_group: &str, address: Ipv4Addr, port: u16) -> Result<()> {
        let elb = aws_sdk_elasticloadbalancingv2::Client::new(&self.lab.aws());
        let target = aws_sdk_elasticloadbalancingv2::types::TargetDescription::builder()
            .id(address.to_string())
            .port(i32::from(port))
            .build();
        elb.register_targets()
            .target_group_arn(target_group)
            .targets(target)
            .send()
            .await?;
        Ok(())
    }

    pub fn s3(&self) -> aws_sdk_s3::Client {
        aws_sdk_s3::Client::new(&self.lab.aws())
    }

    /// Keys in a bucket.
    pub async fn keys(&self, bucket: &str) -> Result<Vec<String>> {
        let listed = self.s3().list_objects_v2().bucket(bucket).send().await?;
        Ok(listed
            .contents()
            .iter()
            .filter_map(|object| object.key().map(str::to_owned))
            .collect())
    }
}

/// Every test is one of privileges as well.
impl Drop for Bench {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            privilege::assert_allowed(self);
        }
    }
}

impl Answer {
    pub fn id(&self) -> &str {
        self.body["PhysicalResourceId"].as_str().expect("an id")
    }

    pub fn reason(&self) -> &str {
        self.body["Reason"].as_str().expect("a reason")
    }

    /// An attribute for `Fn::GetAtt`.
    pub fn attribute(&self, name: &str) -> &str {
        self.body["Data"][name]
            .as_str()
            .unwrap_or_else(|| panic!("an attribute {name} in {}", self.body))
    }

    #[track_caller]
    pub fn assert_success(&self) {
        assert_eq!(self.body["Status"], "SUCCESS", "{:#}", self.body);
    }

    #[track_caller]
    pub fn assert_failed(&self, expected: &[&str]) {
        assert_eq!(self.body["Status"], "FAILED", "{:#}", self.body);
        for text in expected {
            assert!(
                self.reason().contains(text),
                "{text:?} is not in {}",
                self.reason()
            );
        }
        for debug in [
            "service error",
            "unhandled",
            "Error {",
            "Some(",
            "dispatch failure",
        ] {
            let reason = self.reason();
            assert!(!reason.contains(debug), "no plain words: {reason}");
        }
        assert!(
            self.invocation.result.is_ok(),
            "an answered invocation must not be run again: {:?}",
            self.invocation.result
        );
    }
}

/// The times that a schedule fires at, each once: ticks of one scheduled time count once. They are
/// whole seconds, and where a test's ticks come faster, they run ahead of the clock.
#[derive(Default)]
pub struct Minutes(AtomicU64);

impl Minutes {
    pub fn next(&self) -> SystemTime {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let now = now.expect("it is later than 1970").as_secs();
        let next = |last: u64| now.max(last + 1);
        let (set, fetch) = (Ordering::Relaxed, Ordering::Relaxed);
        let last = self.0.fetch_update(set, fetch, |last| Some(next(last)));
        let time = next(last.expect("it always has a next"));
        SystemTime::UNIX_EPOCH + Duration::from_secs(time)
    }
}

/// Waits until a rule that fires once a minute has made the targets be those of these addresses.
pub async fn settled(lab: &Lab, group: &str, addresses: &[Ipv4Addr]) -> Result<()> {
    let wanted = expected(addresses, 80);
    let targets = || {
        let targets = lab.targets(group).into_iter();
        let targets = targets.filter(|target| target.state != lab::TargetState::Draining);
        let targets = targets.map(|target| format!("{}:{}", target.address, target.port));
        targets.collect::<Vec<_>>()
    };
    let waiting = async {
        while targets() != wanted {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let waited = tokio::time::timeout(TIMEOUT, waiting).await;
    waited.with_context(|| format!("the targets are {:?}, not {wanted:?}", targets()))
}

/// What a rule gives the function at a scheduled time.
pub async fn rule_input(lab: &Lab, rule: &str, time: SystemTime) -> Result<Value> {
    let events = aws_sdk_eventbridge::Client::new(&lab.aws());
    let targets = events.list_targets_by_rule().rule(rule).send().await?;
    let [target] = targets.targets() else {
        anyhow::bail!("a rule with one target, not {:?}", targets.targets());
    };
    lab::rule_event(target, time)
}

/// A target group of somebody else's in the NLB's VPC, with a listener to it.
pub async fn target_group(lab: &Lab, nlb: &Nlb, name: &str, port: u16) -> Result<String> {
    let group = idle_group(lab, nlb, name, port).await?;
    listener(lab, nlb, port, &group).await?;
    Ok(group)
}

/// The same, that no listener forwards to yet.
pub async fn idle_group(lab: &Lab, nlb: &Nlb, name: &str, port: u16) -> Result<String> {
    let elb = aws_sdk_elasticloadbalancingv2::Client::new(&lab.aws());
    let group = elb
        .create_target_group()
        .name(name)
        .protocol(ProtocolEnum::Tcp)
        .port(i32::from(port))
        .vpc_id(&nlb.vpc.id)
        .target_type(TargetTypeEnum::Ip)
        .send()
        .await?;
    let group = group.target_groups().first();
    let arn = group.and_then(|group| group.target_group_arn());
    arn.map(str::to_owned).context("a target group has an ARN")
}

/// A TCP listener of somebody else's on the NLB.
pub async fn listener(lab: &Lab, nlb: &Nlb, port: u16, group: &str) -> Result<String> {
    let elb = aws_sdk_elasticloadbalancingv2::Client::new(&lab.aws());
    let listener = elb
        .create_listener()
        .load_balancer_arn(&nlb.arn)
        .protocol(ProtocolEnum::Tcp)
        .port(i32::from(port))
        .default_actions(forward(group))
        .send()
        .await?;
    let listener = listener.listeners().first();
    let arn = listener.and_then(|listener| listener.listener_arn());
    arn.map(str::to_owned).context("a listener has an ARN")
}

pub fn forward(group: &str) -> Action {
    let action = Action::builder().r#type(ActionTypeEnum::Forward);
    action.target_group_arn(group).build()
}

pub fn expected(addresses: &[Ipv4Addr], port: u16) -> Vec<String> {
    let mut addresses = addresses.to_vec();
    addresses.sort_unstable();
    addresses
        .into_iter()
        .map(|address| format!("{address}:{port}"))
        .collect()
}

/// Whether an operation only reads.
pub fn is_reading(operation: &str) -> bool {
    ["Describe", "List", "Get", "Head"]
        .iter()
        .any(|verb| operation.starts_with(verb))
}

/// The operations of calls, in their order.
pub fn operations(calls: &[Call]) -> Vec<&str> {
    calls.iter().map(|call| call.operation.as_str()).collect()
}
