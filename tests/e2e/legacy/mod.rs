//! The function in place of the one that AWS published in 2018: it is set up by that one's environment variables,
//! is called with EventBridge's own scheduled event, and works in the bucket that the other one left.

mod adoption;
mod migration;
mod policies;
mod template;
mod variables;
mod without_binding;

use crate::support::{Fixture, TIMEOUT, binary};
use anyhow::Result;
use lab::{Call, InvocationResult, RunningFunction};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::SystemTime;

/// The access key of a function in the published one's place: its role is not the provider's.
pub const ACCESS_KEY: &str = "published";
pub const BUCKET: &str = "their-bucket";

/// A set-up as the article's steps make it, for port 80.
pub struct LegacySetUp {
    pub fixture: Fixture,
    pub group: String,
    pub function: RunningFunction,
}

impl LegacySetUp {
    /// An ALB with three addresses in DNS, the NLB's target group, the bucket.
    pub async fn new() -> Result<Self> {
        Self::with(&[]).await
    }

    /// The same with other variables.
    pub async fn with(changes: &[(&str, &str)]) -> Result<Self> {
        Self::of(Fixture::new().await?, changes).await
    }

    /// The same with other load balancers.
    pub async fn of(fixture: Fixture, changes: &[(&str, &str)]) -> Result<Self> {
        fixture.scale(3);
        let group = fixture.given_group("front-80", 80).await?;
        fixture.given_bucket(BUCKET).await?;
        let function = function(&fixture, &group, changes).await?;
        Ok(Self {
            fixture,
            group,
            function,
        })
    }

    /// What EventBridge gives a target without an input of its own, at the rule's next scheduled time. Each event
    /// has an id of its own.
    pub fn event(&self) -> Result<Value> {
        self.event_at(self.fixture.schedule.next())
    }

    /// The same for a given scheduled time.
    pub fn event_at(&self, time: SystemTime) -> Result<Value> {
        static NEXT: AtomicUsize = AtomicUsize::new(1);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let mut event = lab::scheduled_event(time)?;
        event["id"] = json!(format!("cdc73f9d-aea9-11e3-9d5a-{number:012}"));
        Ok(event)
    }

    /// One tick of its rule.
    pub async fn tick(&self) -> Result<InvocationResult> {
        self.function.invoke(self.event()?, TIMEOUT).await
    }

    pub async fn ticks(&self, count: usize) -> Result<()> {
        for _ in 0..count {
            self.tick().await?.success()?;
        }
        Ok(())
    }

    pub fn targets(&self) -> Vec<String> {
        self.fixture.targets(&self.group)
    }

    /// The targets are so many addresses of the ALB, its first ones, and nothing else.
    #[track_caller]
    pub fn assert_registered(&self, count: usize) {
        assert_eq!(self.targets(), self.fixture.expected(count, 80));
    }

    pub fn calls(&self) -> Vec<Call> {
        self.fixture.lab.gateway().calls_by(ACCESS_KEY)
    }

    /// Puts a file into the bucket, as another function left it.
    pub async fn leave_file(&self, key: &str, body: impl ToString) -> Result<()> {
        let put = self.fixture.s3().put_object().bucket(BUCKET).key(key);
        put.body(body.to_string().into_bytes().into())
            .send()
            .await?;
        Ok(())
    }

    /// Puts the two files where the function in Python 3 left them.
    pub async fn leave_files_of_python3(&self, active: &[String], pending: Value) -> Result<()> {
        let alb = &self.fixture.alb.dns_name;
        self.leave_file(&format!("{alb}/active_ip.json"), active_list(alb, active))
            .await?;
        self.leave_file(&format!("{alb}/pending_ip.json"), pending)
            .await
    }

    /// The first addresses of the ALB.
    pub fn addresses(&self, count: usize) -> Vec<String> {
        let addresses = self.fixture.alb.addresses(count);
        addresses.iter().map(ToString::to_string).collect()
    }

    /// Registers the first addresses of the ALB, as an earlier function did.
    pub async fn register(&self, count: usize) -> Result<()> {
        for address in self.fixture.alb.addresses(count) {
            self.fixture.register(&self.group, address, 80).await?;
        }
        Ok(())
    }
}

/// The content of `active_ip.json`.
pub fn active_list(alb: &str, addresses: &[String]) -> Value {
    json!({
        "LoadBalancerName": alb, "TimeStamp": "2021-05-19 00:19:46",
        "IPList": addresses, "IPCount": addresses.len(),
    })
}

/// A function with the published one's variables, some of them replaced, and none if a
/// replacement is "-".
pub async fn function(
    fixture: &Fixture,
    group: &str,
    changes: &[(&str, &str)],
) -> Result<RunningFunction> {
    let mut variables = BTreeMap::from([
        ("AWS_ACCESS_KEY_ID", ACCESS_KEY),
        ("ALB_DNS_NAME", &fixture.alb.dns_name),
        ("ALB_LISTENER", "80"),
        ("S3_BUCKET", BUCKET),
        ("NLB_TG_ARN", group),
        ("MAX_LOOKUP_PER_INVOCATION", "50"),
        ("INVOCATIONS_BEFORE_DEREGISTRATION", "3"),
        ("CW_METRIC_FLAG_IP_COUNT", "True"),
    ]);
    variables.extend(changes.iter().copied());
    variables.retain(|_, value| *value != "-");
    let variables: Vec<_> = variables.into_iter().collect();
    fixture.lab.function_with(binary(), &variables).await
}
