//! A binding made by the function itself, as CloudFormation would have it made, so that its ticks
//! have the input that its rule really has.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::TIMEOUT;
use crate::{ACCOUNT, Alb, FUNCTION_NAME, Function, Lab, Nlb, REGION};

/// Enough for a hundred addresses.
const MAX_LOOKUPS: usize = 200;

pub(super) struct Binding {
    /// What its rule gives the function.
    pub input: Value,
    pub target_groups: Vec<String>,
}

pub(super) async fn make(
    lab: &Lab,
    function: &Function,
    alb: &Alb,
    nlb: &Nlb,
    ports: &[u16],
) -> Result<Binding> {
    let url = lab.response_url();
    let listeners: Vec<_> = ports.iter().map(|port| json!({"Port": port})).collect();
    let event = json!({
        "RequestType": "Create",
        "RequestId": nlb.name,
        "ResponseURL": url.url(),
        "ResourceType": "Custom::AlbNlbBinding",
        "LogicalResourceId": "Binding",
        "StackId": format!("arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/{}/1", nlb.name),
        "ResourceProperties": {
            "ServiceToken": format!("arn:aws:lambda:{REGION}:{ACCOUNT}:function:{FUNCTION_NAME}"),
            "AlbArn": alb.arn,
            "NlbArn": nlb.arn,
            "Listeners": listeners,
            "MaxLookupsPerInvocation": MAX_LOOKUPS,
        },
    });
    function.invoke(event, TIMEOUT).await?.success()?;
    let answer = url.the_answer()?;
    ensure!(answer["Status"] == "SUCCESS", "no binding: {answer:#}");
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let id = text(&answer["PhysicalResourceId"]).context("an id")?;
    let groups = text(&answer["Data"]["TargetGroupArns"]).context("target groups")?;

    let events = aws_sdk_eventbridge::Client::new(&lab.aws());
    let targets = events.list_targets_by_rule().rule(id).send().await?;
    let input = targets.targets().first().and_then(|target| target.input());
    Ok(Binding {
        input: serde_json::from_str(input.context("a rule's target has an input")?)?,
        target_groups: groups.split(',').map(str::to_owned).collect(),
    })
}
