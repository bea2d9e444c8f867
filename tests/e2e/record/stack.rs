//! A stack with a binding in it: CloudFormation's part, the schedule's, and what can be seen of them.

use super::request::StackRequest;
use crate::support::{Fixture, Response, STACK_ID, TIMEOUT, binary, is_reading, rule_input};
use anyhow::{Context, Result, ensure};
use lab::{
    AlbSpec, Call, Fault, FaultId, Function, HeldCalls, Invocation, Lab, NlbSpec, StackView, What,
};
use serde_json::{Value, json};
use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;

const LOGICAL_ID: &str = "Binding";

/// A stack with a binding in it, and CloudFormation's part of both.
pub struct BindingStack {
    pub fixture: Fixture,
    pub id: String,
    /// How many calls of the function are looked away from.
    past: Cell<usize>,
}

impl BindingStack {
    pub async fn new() -> Result<Self> {
        let fixture = Fixture::new().await?;
        fixture.scale(3);
        let id = STACK_ID.to_owned();
        let past = Cell::default();
        Ok(Self { fixture, id, past })
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
            let past = Cell::default();
            stacks.push(Self { fixture, id, past });
        }
        Ok(stacks)
    }

    /// With a binding of three addresses in it.
    pub async fn bound(changes: Value) -> Result<(Self, Response)> {
        let stack = Self::new().await?;
        let made = stack.bind(changes).await?;
        Ok((stack, made))
    }

    /// Makes the binding, as a stack's creation does.
    pub async fn bind(&self, changes: Value) -> Result<Response> {
        self.shows("CREATE_IN_PROGRESS", "CREATE_IN_PROGRESS", None);
        let made = self.succeeds(&self.create(changes)).await?;
        self.shows("CREATE_COMPLETE", "CREATE_COMPLETE", Some(made.id()));
        Ok(made)
    }

    /// What CloudFormation shows from now on: the stack, and the binding in it.
    pub fn shows(&self, stack: &str, resource: &str, id: Option<&str>) {
        let stack = StackView::new(stack).with_resource(LOGICAL_ID, resource, id);
        self.lab().gateway().set_stack(&self.id, stack);
    }

    /// The same where the binding is no longer in the stack.
    pub fn shows_none(&self, stack: &str) {
        self.lab()
            .gateway()
            .set_stack(&self.id, StackView::new(stack));
    }

    /// From now on it is nobody's stack that this account knows.
    pub fn becomes_unknown(&self) {
        self.lab().gateway().forget_stack(&self.id);
    }

    pub fn lab(&self) -> &Lab {
        &self.fixture.lab
    }

    pub fn create(&self, changes: Value) -> StackRequest {
        let properties = self.fixture.properties(changes);
        self.request(json!({"RequestType": "Create", "ResourceProperties": properties}))
    }

    /// From some properties to others.
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

    /// Delivers a request to the function of the fixture, which answers once.
    pub async fn delivers(&self, request: &StackRequest) -> Result<Response> {
        request.answered_by(&self.fixture.function).await
    }

    pub async fn succeeds(&self, request: &StackRequest) -> Result<Response> {
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
    pub async fn another_environment(&self) -> Result<Function> {
        let key = self.fixture.function.access_key();
        let variables = [("AWS_ACCESS_KEY_ID", key)];
        self.lab().function_with(binary(), &variables).await
    }

    /// What its rule gives the function in the next minute.
    pub async fn tick_event(&self, id: &str) -> Result<Value> {
        rule_input(self.lab(), id, self.fixture.schedule.next()).await
    }

    pub async fn tick(&self, id: &str) -> Result<Invocation> {
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
        let fault = Fault::new(service, operation, What::Hold(hold.clone()));
        self.injects(fault.nth(nth));
        hold
    }

    /// Calls begin anew.
    pub fn forgets_earlier_calls(&self) {
        self.past.set(self.history().len());
    }

    /// The function's calls, in whichever environment, since then.
    pub fn calls(&self) -> Vec<Call> {
        self.history().split_off(self.past.get())
    }

    fn history(&self) -> Vec<Call> {
        let key = self.fixture.function.access_key();
        let mut history = self.lab().gateway().history();
        history.retain(|call| call.source == key);
        history
    }

    /// Waits until the function's calls are such.
    pub async fn waits_until(&self, condition: impl Fn(&[Call]) -> bool) -> Result<()> {
        let waiting = async {
            while !condition(&self.calls()) {
                tokio::time::sleep(Duration::from_millis(30)).await;
            }
        };
        let waited = tokio::time::timeout(TIMEOUT, waiting).await;
        waited.context("it never comes so far")
    }

    /// Waits until another look at DNS is made.
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

    pub async fn bucket(&self, name: &str) -> Result<()> {
        self.fixture.given_bucket(name).await
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
