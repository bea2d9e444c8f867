//! One record decides: requests and ticks that are doubled, late, overtaken, killed or half done, on
//! the built binary. What a test needs to come in between is held at a call, never timed.

mod buckets;
mod cancelled;
mod deliveries;
mod found;
mod gone;
mod kills;
mod lost;
mod others;
mod overtaken;
mod replacements;
mod rollbacks;
mod ticks;
mod unwanted;

use crate::support::{Answer, Bench, STACK, TIMEOUT, binary, is_reading, rule_input};
use anyhow::{Context, Result, bail, ensure};
use lab::{
    AlbSpec, Call, Fault, FaultId, Function, Hold, Invocation, Lab, NlbSpec, ResponseUrl,
    StackView, What,
};
use serde_json::{Value, json};
use std::cell::Cell;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

const ELB: &str = "elasticloadbalancing";
const BINDING: &str = "Binding";

/// A stack with a binding in it, and CloudFormation's part of both.
pub struct Stack {
    pub bench: Bench,
    pub id: String,
    /// How many calls of the function are looked away from.
    past: Cell<usize>,
}

/// A request of CloudFormation, which may be delivered more than once and to any environment.
#[derive(Clone)]
pub struct Request {
    pub event: Value,
    pub url: ResponseUrl,
}

/// What a response address tells of when it was signed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Signature {
    /// `X-Amz-Date`.
    Dated,
    /// `Expires`, of the older form.
    Expiring,
    None,
}

pub const SIGNATURES: [Signature; 3] = [Signature::Dated, Signature::Expiring, Signature::None];

impl Stack {
    pub async fn new() -> Result<Self> {
        let bench = Bench::new().await?;
        bench.scale(3);
        let id = STACK.to_owned();
        let past = Cell::default();
        Ok(Self { bench, id, past })
    }

    /// Several on one lab, each with load balancers and a function of its own.
    pub async fn several(count: usize) -> Result<Vec<Self>> {
        let lab = Arc::new(Lab::start().await?);
        let mut stacks = Vec::new();
        for number in 0..count {
            let mut alb = AlbSpec::new(&format!("orders{number}"));
            alb.ports = vec![80, 81, 82];
            let nlb = NlbSpec::new(&format!("front{number}"));
            let pair = lab.load_balancers(&alb, &nlb).await?;
            let key = format!("function{number}");
            let variables = [("AWS_ACCESS_KEY_ID", key.as_str())];
            let function = lab.function_with(binary(), &variables).await?;
            let bench = Bench::of(Arc::clone(&lab), function, pair);
            bench.scale(3);
            let id = STACK.replace("stack/orders", &format!("stack/orders{number}"));
            let past = Cell::default();
            stacks.push(Self { bench, id, past });
        }
        Ok(stacks)
    }

    /// With a binding of three addresses in it.
    pub async fn bound(changes: Value) -> Result<(Self, Answer)> {
        let stack = Self::new().await?;
        let made = stack.bind(changes).await?;
        Ok((stack, made))
    }

    /// Makes the binding, as a stack's creation does.
    pub async fn bind(&self, changes: Value) -> Result<Answer> {
        self.shows("CREATE_IN_PROGRESS", "CREATE_IN_PROGRESS", None);
        let made = self.succeeds(&self.create(changes)).await?;
        self.shows("CREATE_COMPLETE", "CREATE_COMPLETE", Some(made.id()));
        Ok(made)
    }

    /// What CloudFormation shows from now on: the stack, and the binding in it.
    pub fn shows(&self, stack: &str, resource: &str, id: Option<&str>) {
        let stack = StackView::new(stack).with_resource(BINDING, resource, id);
        self.lab().gateway().set_stack(&self.id, stack);
    }

    /// The same where the binding is no longer in the stack.
    pub fn shows_none(&self, stack: &str) {
        self.lab()
            .gateway()
            .set_stack(&self.id, StackView::new(stack));
    }

    /// From now on it is nobody's stack that this account knows.
    pub fn is_unknown(&self) {
        self.lab().gateway().forget_stack(&self.id);
    }

    pub fn lab(&self) -> &Lab {
        &self.bench.lab
    }

    pub fn create(&self, changes: Value) -> Request {
        let properties = self.bench.properties(changes);
        self.request(json!({"RequestType": "Create", "ResourceProperties": properties}))
    }

    /// From some properties to others.
    pub fn update(&self, id: &str, old: Value, new: Value) -> Request {
        self.request(json!({
            "RequestType": "Update",
            "PhysicalResourceId": id,
            "OldResourceProperties": self.bench.properties(old),
            "ResourceProperties": self.bench.properties(new),
        }))
    }

    pub fn delete(&self, id: &str, changes: Value) -> Request {
        self.request(json!({
            "RequestType": "Delete",
            "PhysicalResourceId": id,
            "ResourceProperties": self.bench.properties(changes),
        }))
    }

    fn request(&self, mut event: Value) -> Request {
        event["StackId"] = json!(self.id);
        let url = self.lab().response_url();
        let event = self.bench.event(event, url.url());
        Request { event, url }
    }

    /// Delivers a request to the function of the bench, which answers once.
    pub async fn delivers(&self, request: &Request) -> Result<Answer> {
        request.answered_by(&self.bench.function).await
    }

    pub async fn succeeds(&self, request: &Request) -> Result<Answer> {
        let answer = self.delivers(request).await?;
        ensure!(
            answer.body["Status"] == "SUCCESS",
            "{:#}\n{:#?}",
            answer.body,
            answer.invocation.log
        );
        Ok(answer)
    }

    /// Another environment of the same function.
    pub async fn environment(&self) -> Result<Function> {
        let key = self.bench.function.access_key();
        let variables = [("AWS_ACCESS_KEY_ID", key)];
        self.lab().function_with(binary(), &variables).await
    }

    /// What its rule gives the function in the next minute.
    pub async fn tick_event(&self, id: &str) -> Result<Value> {
        rule_input(self.lab(), id, self.bench.minutes.next()).await
    }

    pub async fn tick(&self, id: &str) -> Result<Invocation> {
        let event = self.tick_event(id).await?;
        self.bench.function.invoke(event, TIMEOUT).await
    }

    /// So many ticks, none of which may fail.
    pub async fn ticks(&self, id: &str, count: usize) -> Result<()> {
        for _ in 0..count {
            self.tick(id).await?.success()?;
        }
        Ok(())
    }

    pub fn injects(&self, fault: Fault) -> FaultId {
        let fault = fault.by(self.bench.function.access_key());
        self.lab().gateway().inject(fault)
    }

    /// Keeps the next call of an operation waiting.
    pub fn holds(&self, service: &str, operation: &str) -> Hold {
        self.holds_nth(service, operation, 1)
    }

    pub fn holds_nth(&self, service: &str, operation: &str, nth: usize) -> Hold {
        let hold = Hold::default();
        let fault = Fault::new(service, operation, What::Hold(hold.clone()));
        self.injects(fault.nth(nth));
        hold
    }

    /// Calls begin anew.
    pub fn looks_away(&self) {
        self.past.set(self.history().len());
    }

    /// The function's calls, in whichever environment, since then.
    pub fn calls(&self) -> Vec<Call> {
        self.history().split_off(self.past.get())
    }

    fn history(&self) -> Vec<Call> {
        let key = self.bench.function.access_key();
        let mut history = self.lab().gateway().history();
        history.retain(|call| call.source == key);
        history
    }

    /// Waits until the function's calls are such.
    pub async fn until(&self, condition: impl Fn(&[Call]) -> bool) -> Result<()> {
        let waiting = async {
            while !condition(&self.calls()) {
                tokio::time::sleep(Duration::from_millis(30)).await;
            }
        };
        let waited = tokio::time::timeout(TIMEOUT, waiting).await;
        waited.context("it never comes so far")
    }

    /// Waits until another look at DNS is made.
    pub async fn until_asked(&self, load_balancer: &str) -> Result<()> {
        let dns = self.lab().dns();
        let before = dns.queries(load_balancer);
        let waiting = async {
            while dns.queries(load_balancer) == before {
                tokio::time::sleep(Duration::from_millis(30)).await;
            }
        };
        let waited = tokio::time::timeout(TIMEOUT, waiting).await;
        waited.context("DNS is never asked")
    }

    /// The addresses that anybody but the tests ever deregistered.
    pub fn deregistered(&self) -> Vec<String> {
        let history = self.history().into_iter();
        let calls = history
            .filter(|call| call.operation == "DeregisterTargets" && call.status == Some(200));
        let targets = calls.flat_map(|call| call.members("Targets"));
        targets
            .filter_map(|mut target| target.remove("Id"))
            .collect()
    }

    /// The record as JSON.
    pub async fn record(&self, bucket: &str, id: &str) -> Result<Value> {
        let get = self.bench.s3().get_object().bucket(bucket);
        let got = get.key(format!("{id}/state.json")).send().await?;
        Ok(serde_json::from_slice(&got.body.collect().await?.to_vec())?)
    }

    pub async fn writes_record(&self, bucket: &str, id: &str, body: impl ToString) -> Result<()> {
        let put = self.bench.s3().put_object().bucket(bucket);
        let put = put.key(format!("{id}/state.json"));
        put.body(body.to_string().into_bytes().into())
            .send()
            .await?;
        Ok(())
    }

    pub async fn bucket(&self, name: &str) -> Result<()> {
        self.bench.s3().create_bucket().bucket(name).send().await?;
        Ok(())
    }

    #[track_caller]
    pub fn assert_unchanged(&self) {
        let mut changes = self.calls();
        changes.retain(|call| !is_reading(&call.operation) && call.operation != "PutMetricData");
        assert!(changes.is_empty(), "{changes:#?}");
    }

    pub async fn assert_gone(&self, id: &str, after: &str) -> Result<()> {
        let left = self.bench.leftovers(id).await?;
        assert!(left.is_empty(), "{after}: {left:#?}");
        Ok(())
    }
}

impl Request {
    /// Signed so many minutes after the test began.
    pub fn signed(mut self, signature: Signature, minute: u64) -> Self {
        // The minutes of one day, in the form that Signature Version 4 has.
        let parameter = match signature {
            Signature::Dated => format!(
                "&X-Amz-Date=20261125T{:02}{:02}00Z",
                minute / 60,
                minute % 60
            ),
            Signature::Expiring => format!("&Expires={}", 1_795_600_000 + minute * 60),
            Signature::None => String::new(),
        };
        self.event["ResponseURL"] = json!(format!("{}{parameter}", self.url.url()));
        self
    }

    /// One delivery.
    pub async fn delivered_to(&self, function: &Function) -> Result<Invocation> {
        self.delivered_within(function, TIMEOUT).await
    }

    /// Lambda repeats a killed or failed delivery under the same id.
    pub async fn delivered_within(
        &self,
        function: &Function,
        timeout: Duration,
    ) -> Result<Invocation> {
        let id = "0c5b6b1d-0000-0000-0000-000000000001";
        function.invoke_as(id, self.event.clone(), timeout).await
    }

    /// The only delivery of a request that is answered once.
    pub async fn answered_by(&self, function: &Function) -> Result<Answer> {
        let invocation = self.delivered_to(function).await?;
        let body = self.url.the_answer();
        let body = body.with_context(|| format!("{invocation:#?}"))?;
        let url = self.url.clone();
        Ok(Answer {
            body,
            invocation,
            url,
        })
    }

    /// The answers that were taken, in their order.
    pub fn answers(&self) -> Vec<Value> {
        let answers = self.url.answers().into_iter();
        let taken = answers.filter(|answer| answer.status == 200);
        taken.map(|answer| answer.body).collect()
    }

    /// Delivers it, and kills the environment when a call of it is held.
    pub async fn killed_at(&self, hold: &Hold, function: Function) -> Result<()> {
        killed_at(hold, function, &self.event).await
    }
}

/// Runs an event until a call of it is held, and kills the environment then.
pub async fn killed_at(hold: &Hold, function: Function, event: &Value) -> Result<()> {
    let id = "0c5b6b1d-0000-0000-0000-000000000001";
    tokio::select! {
        done = function.invoke_as(id, event.clone(), TIMEOUT) => bail!("it came to its end: {done:#?}"),
        () = hold.arrived(1) => Ok(()),
    }
}

/// How often an operation was called.
pub fn called(calls: &[Call], operation: &str) -> usize {
    let calls = calls.iter();
    calls.filter(|call| call.operation == operation).count()
}

/// So long ago.
pub fn ago(seconds: u64) -> SystemTime {
    SystemTime::now() - Duration::from_secs(seconds)
}
