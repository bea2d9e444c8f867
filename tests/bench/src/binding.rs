//! A binding made by the function itself, as CloudFormation would have it made, so that its ticks
//! have the event that its rule really gives; and copies of it, which nobody made.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, ensure};
use aws_sdk_eventbridge::types::Target;
use lab::{ACCOUNT, Alb, FUNCTION_NAME, Lab, Nlb, REGION, RunningFunction, rule_event};
use serde_json::{Value, json};

use crate::settings::INVOCATION_TIMEOUT;

/// The schedules that the bindings have.
pub const RATE: &str = "rate(1 minute)";
pub const CRON: &str = "cron(* * * * ? *)";
/// This many lookups make a list of a hundred addresses certain.
const MAX_LOOKUPS: usize = 200;

pub struct MadeBinding {
    pub id: String,
    pub target_groups: Vec<String>,
    /// The request of CloudFormation that made it.
    request: Value,
    /// The target of its rule.
    target: Target,
    /// The scheduled time of its last tick, in seconds since 1970.
    last: AtomicU64,
}

impl MadeBinding {
    /// What its rule gives the function now. One scheduled time counts once, and EventBridge's are
    /// whole seconds: when ticks come faster, they run ahead of the clock.
    pub fn event(&self) -> Result<Value> {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
        let next = |last: u64| now.as_secs().max(last + 1);
        let last = self
            .last
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| {
                Some(next(last))
            });
        let time = next(last.unwrap_or_default());
        rule_event(
            &self.target,
            SystemTime::UNIX_EPOCH + Duration::from_secs(time),
        )
    }

    /// A copy whose rule has other texts in place of these.
    pub fn copy(&self, id: &str, target_groups: Vec<String>, texts: &TextReplacements) -> Self {
        let mut target = self.target.clone();
        if let Some(input) = &mut target.input {
            *input = texts.put_into(input);
        }
        if let Some(transformer) = &mut target.input_transformer {
            transformer.input_template = texts.put_into(&transformer.input_template);
        }
        Self {
            id: id.to_owned(),
            target_groups,
            request: self.request.clone(),
            target,
            last: AtomicU64::new(0),
        }
    }

    /// The binding after an Update that changes no property.
    pub async fn updated(&self, lab: &Lab, function: &RunningFunction) -> Result<Self> {
        let mut request = self.request.clone();
        let last = self.last.load(Ordering::Relaxed);
        request["RequestType"] = json!("Update");
        request["RequestId"] = json!(format!("{} after {last}", self.id));
        request["PhysicalResourceId"] = json!(self.id);
        request["OldResourceProperties"] = request["ResourceProperties"].clone();
        Ok(Self {
            last: AtomicU64::new(last),
            ..of(lab, function, request).await?
        })
    }
}

/// Texts of one binding and the texts of another that replace them, in this order.
/// So a copy needs no knowledge of what the function writes.
#[derive(Default)]
pub struct TextReplacements(Vec<(String, String)>);

impl TextReplacements {
    pub fn with(mut self, from: impl Into<String>, to: impl Into<String>) -> Self {
        self.0.push((from.into(), to.into()));
        self
    }

    pub fn put_into(&self, text: &str) -> String {
        let put = |text: String, (from, to): &(String, String)| text.replace(from, to);
        self.0.iter().fold(text.to_owned(), put)
    }
}

pub async fn make(
    lab: &Lab,
    function: &RunningFunction,
    alb: &Alb,
    nlb: &Nlb,
    ports: &[u16],
    schedule: &str,
) -> Result<MadeBinding> {
    let listeners: Vec<_> = ports.iter().map(|port| json!({"Port": port})).collect();
    let event = json!({
        "RequestType": "Create",
        "RequestId": format!("{} {schedule}", nlb.name),
        "ResourceType": "Custom::AlbNlbBinding",
        "LogicalResourceId": "Binding",
        "StackId": format!("arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/{}/1", nlb.name),
        "ResourceProperties": {
            "ServiceToken": format!("arn:aws:lambda:{REGION}:{ACCOUNT}:function:{FUNCTION_NAME}"),
            "AlbArn": alb.arn,
            "NlbArn": nlb.arn,
            "Listeners": listeners,
            "MaxLookupsPerInvocation": MAX_LOOKUPS,
            "Schedule": schedule,
        },
    });
    of(lab, function, event).await
}

/// Sends a request, and reads what it made.
async fn of(lab: &Lab, function: &RunningFunction, request: Value) -> Result<MadeBinding> {
    let url = lab.response_url();
    let mut event = request.clone();
    event["ResponseURL"] = json!(url.url());
    function
        .invoke(event, INVOCATION_TIMEOUT)
        .await?
        .success()?;
    let answer = url.the_answer()?;
    ensure!(answer["Status"] == "SUCCESS", "no binding: {answer:#}");
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let id = text(&answer["PhysicalResourceId"]).context("an id")?;
    let groups = text(&answer["Data"]["TargetGroupArns"]).context("target groups")?;

    let events = aws_sdk_eventbridge::Client::new(&lab.aws());
    let targets = events.list_targets_by_rule().rule(&id).send().await?;
    let target = targets.targets.unwrap_or_default().pop();
    Ok(MadeBinding {
        id,
        target_groups: groups.split(',').map(str::to_owned).collect(),
        request,
        target: target.context("a rule has a target")?,
        last: AtomicU64::new(0),
    })
}
