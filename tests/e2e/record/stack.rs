//! A stack with a binding in it: the requests and ticks that come, the calls that are held, and what can be seen.

use super::request::StackRequest;
use crate::support::{
    Fixture, STACK_ID, SentResponse, TIMEOUT, binary, called, is_reading, rule_input,
};
use anyhow::{Context, Result, ensure};
use futures_util::future::join_all;
use lab::{
    AlbSpec, Call, Fault, FaultId, FaultKind, HeldCalls, InvocationResult, Lab, NlbSpec,
    RunningFunction,
};
use serde_json::{Value, json};
use std::cell::Cell;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

/// The binding's logical id, which its events have, too.
pub(super) const LOGICAL_ID: &str = "Binding";

/// Plays a test for each of several cases at the same time, each on a stack of its own.
pub async fn each_on_its_own_stack<C>(
    cases: impl IntoIterator<Item = C>,
    test: impl AsyncFn(&BindingStack, C) -> Result<()>,
) -> Result<()> {
    let cases: Vec<_> = cases.into_iter().collect();
    let stacks = BindingStack::several(cases.len()).await?;
    let played = stacks.iter().zip(cases);
    let played = played.map(|(stack, case)| test(stack, case));
    for played in join_all(played).await {
        played?;
    }
    Ok(())
}

/// A stack with a binding in it, and CloudFormation's part of both.
pub struct BindingStack {
    pub fixture: Fixture,
    pub id: String,
    /// How many of the function's first calls are forgotten.
    forgotten: Cell<usize>,
}

impl BindingStack {
    pub async fn new() -> Result<Self> {
        let fixture = Fixture::new().await?;
        fixture.scale(3);
        let id = STACK_ID.to_owned();
        let forgotten = Cell::default();
        Ok(Self {
            fixture,
            id,
            forgotten,
        })
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
            let fixture = Fixture::on(Arc::clone(&lab), function, pair);
            fixture.scale(3);
            let id = STACK_ID.replace("stack/orders", &format!("stack/orders{number}"));
            let forgotten = Cell::default();
            stacks.push(Self {
                fixture,
                id,
                forgotten,
            });
        }
        Ok(stacks)
    }

    /// A stack in which a binding with three addresses has been created.
    pub async fn bound(changes: Value) -> Result<(Self, SentResponse)> {
        let stack = Self::new().await?;
        let made = stack.bind(changes).await?;
        Ok((stack, made))
    }

    /// Creates the binding, and shows it created.
    pub async fn bind(&self, changes: Value) -> Result<SentResponse> {
        self.shows_creating();
        let made = self.succeeds(&self.create(changes)).await?;
        self.shows("CREATE_COMPLETE", "CREATE_COMPLETE", Some(made.id()));
        Ok(made)
    }

    pub fn lab(&self) -> &Lab {
        &self.fixture.lab
    }

    pub fn create(&self, changes: Value) -> StackRequest {
        let properties = self.fixture.properties(changes);
        self.request(json!({"RequestType": "Create", "ResourceProperties": properties}))
    }

    /// An Update from some properties to others.
    pub fn update(&self, id: &str, old: Value, new: Value) -> StackRequest {
        self.request(json!({
            "RequestType": "Update",
            "PhysicalResourceId": id,
            "OldResourceProperties": self.fixture.properties(old),
            "ResourceProperties": self.fixture.properties(new),
        }))
    }

    pub fn delete(&self, id: &str, changes: Value) -> StackRequest {
        self.request(json!({
            "RequestType": "Delete",
            "PhysicalResourceId": id,
            "ResourceProperties": self.fixture.properties(changes),
        }))
    }

    fn request(&self, mut event: Value) -> StackRequest {
        event["StackId"] = json!(self.id);
        let url = self.lab().response_url();
        let event = self.fixture.event(event, url.url());
        StackRequest { event, url }
    }

    /// Delivers a request, which is responded to once, to the function of the fixture.
    pub async fn delivers(&self, request: &StackRequest) -> Result<SentResponse> {
        request.answered_by(&self.fixture.function).await
    }

    pub async fn succeeds(&self, request: &StackRequest) -> Result<SentResponse> {
        let response = self.delivers(request).await?;
        ensure!(
            response.body["Status"] == "SUCCESS",
            "{:#}\n{:#?}",
            response.body,
            response.invocation.log
        );
        Ok(response)
    }

    /// Another environment of the same function.
    pub async fn another_environment(&self) -> Result<RunningFunction> {
        let key = self.fixture.function.access_key();
        let variables = [("AWS_ACCESS_KEY_ID", key)];
        self.lab().function_with(binary(), &variables).await
    }

    /// What the rule gives the function at its next scheduled time.
    pub async fn tick_event(&self, id: &str) -> Result<Value> {
        rule_input(self.lab(), id, self.fixture.schedule.next()).await
    }

    pub async fn tick(&self, id: &str) -> Result<InvocationResult> {
        let event = self.tick_event(id).await?;
        self.fixture.function.invoke(event, TIMEOUT).await
    }

    /// So many ticks, none of which may fail.
    pub async fn ticks(&self, id: &str, count: usize) -> Result<()> {
        for _ in 0..count {
            self.tick(id).await?.success()?;
        }
        Ok(())
    }

    /// A target group of somebody else's, behind port 8000 of the NLB.
    pub async fn given_group(&self) -> Result<String> {
        let name = format!("theirs-{}", self.fixture.alb.name);
        self.fixture.given_group(&name, 8000).await
    }

    /// The same with a target of somebody else's in it.
    pub async fn given_group_with_foreign_target(&self) -> Result<(String, Ipv4Addr)> {
        let name = format!("theirs-{}", self.fixture.alb.name);
        let fixture = &self.fixture;
        fixture.given_group_with_foreign_target(&name, 8000).await
    }

    pub fn injects(&self, fault: Fault) -> FaultId {
        let fault = fault.by(self.fixture.function.access_key());
        self.lab().gateway().inject(fault)
    }

    /// Keeps the next call of an operation waiting.
    pub fn holds(&self, service: &str, operation: &str) -> HeldCalls {
        self.holds_nth(service, operation, 1)
    }

    pub fn holds_nth(&self, service: &str, operation: &str, nth: usize) -> HeldCalls {
        let hold = HeldCalls::default();
        let fault = Fault::new(service, operation, FaultKind::Hold(hold.clone()));
        self.injects(fault.nth(nth));
        hold
    }

    /// From now on `calls` gives only what is called from now on.
    pub fn forgets_earlier_calls(&self) {
        self.forgotten.set(self.history().len());
    }

    /// The function's calls, in whichever environment, that are not forgotten.
    pub fn calls(&self) -> Vec<Call> {
        self.history().split_off(self.forgotten.get())
    }

    fn history(&self) -> Vec<Call> {
        let key = self.fixture.function.access_key();
        let mut history = self.lab().gateway().history();
        history.retain(|call| call.source == key);
        history
    }

    /// Waits until the function's calls fulfil a condition.
    pub async fn waits_until(&self, condition: impl Fn(&[Call]) -> bool) -> Result<()> {
        let waiting = async {
            while !condition(&self.calls()) {
                tokio::time::sleep(Duration::from_millis(30)).await;
            }
        };
        let waited = tokio::time::timeout(TIMEOUT, waiting).await;
        waited.context("the calls never come so far")
    }

    /// Resolves when the function writes to S3 once more than when this was called.
    pub fn next_write(&self) -> impl Future<Output = Result<()>> {
        let writes = called(&self.calls(), "PutObject");
        self.waits_until(move |calls| called(calls, "PutObject") > writes)
    }

    /// Lets a held call go when the function writes to S3 once more: then the request that waits for its turn has
    /// claimed the record.
    pub fn releases_at_the_next_write(&self, hold: &HeldCalls) -> impl Future<Output = Result<()>> {
        let written = self.next_write();
        async {
            written.await?;
            hold.release();
            Ok(())
        }
    }

    /// Waits until DNS is asked for a load balancer once more.
    pub async fn waits_for_dns_query(&self, load_balancer: &str) -> Result<()> {
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

    /// The addresses that the function has deregistered, forgotten calls included.
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
        let get = self.fixture.s3().get_object().bucket(bucket);
        let got = get.key(format!("{id}/state.json")).send().await?;
        Ok(serde_json::from_slice(&got.body.collect().await?.to_vec())?)
    }

    pub async fn writes_record(&self, bucket: &str, id: &str, body: impl ToString) -> Result<()> {
        let put = self.fixture.s3().put_object().bucket(bucket);
        let put = put.key(format!("{id}/state.json"));
        put.body(body.to_string().into_bytes().into())
            .send()
            .await?;
        Ok(())
    }

    #[track_caller]
    pub fn assert_unchanged(&self) {
        let mut changes = self.calls();
        changes.retain(|call| !is_reading(&call.operation) && call.operation != "PutMetricData");
        assert!(changes.is_empty(), "{changes:#?}");
    }

    pub async fn assert_gone(&self, id: &str, after: &str) -> Result<()> {
        let left = self.fixture.leftovers(id).await?;
        assert!(left.is_empty(), "{after}: {left:#?}");
        Ok(())
    }
}
