//! A binding's whole life, in which every call is made that the function has.

use super::asked;
use crate::support::{Answer, Bench, STACK, TIMEOUT, binary};
use anyhow::{Context, Result, ensure};
use aws_sdk_elasticloadbalancingv2::types::{Action, ActionTypeEnum};
use lab::policy::{IamRequest, Role, of_key};
use lab::{AlbSpec, NlbSpec, StackView};
use serde_json::{Value, json};
use tokio::sync::OnceCell;

pub struct Life {
    /// The role, as deployed for the bucket, its key, and the target group that the binding was given.
    pub role: Role,
    pub asked: Vec<IamRequest>,
}

/// It is lived once for all tests.
pub async fn recorded() -> &'static Life {
    static LIFE: OnceCell<Life> = OnceCell::const_new();
    let life = LIFE.get_or_try_init(live).await;
    life.expect("nothing fails in this life")
}

async fn live() -> Result<Life> {
    let mut alb = AlbSpec::new("orders");
    alb.ports.push(81);
    let mut bench = Bench::with(alb, NlbSpec::new("front")).await?;
    // As talkative as it can be: the lab searches every log for secrets.
    let variables = [("LOG_LEVEL", "DEBUG")];
    bench.function = bench.lab.function_with(binary(), &variables).await?;
    bench.scale(3);
    let theirs = bench.given_group("theirs", 8000).await?;
    bench.given_bucket("their-bucket").await?;
    let mut stack = Stack { team: "orders" };

    let made = stack.create(&bench, json!({})).await?;
    bench.scale(2);
    ticks(&bench, &made).await?;
    for question in [
        json!({"Action": "Status"}),
        json!({"Action": "Status", "PhysicalResourceId": made.id()}),
    ] {
        bench.function.invoke(question, TIMEOUT).await?.success()?;
    }
    stack.team = "invoices";
    let listeners = json!([
        {"Port": 80, "HealthCheck": {"Protocol": "HTTP", "Path": "/up"},
         "TargetGroupAttributes": [{"Key": "deregistration_delay.timeout_seconds", "Value": "9"}]},
        {"Port": 81, "IdleTimeoutSeconds": "400"},
        {"Port": 81, "TargetGroupArn": theirs},
    ]);
    let changes = json!({"Listeners": listeners, "Schedule": "rate(5 minutes)"});
    stack.update(&bench, &made, changes).await?;
    divert(&bench, &made, &theirs).await?;
    let moved = json!({"BucketName": "their-bucket"});
    stack.update(&bench, &made, moved.clone()).await?;
    ticks(&bench, &made).await?;
    // Given in a given bucket: an earlier function may have left something about it.
    let listeners = json!([{"Port": 80}, {"Port": 81, "TargetGroupArn": theirs}]);
    let given = json!({"BucketName": "their-bucket", "Listeners": listeners});
    stack.update(&bench, &made, given.clone()).await?;
    stack.delete(&bench, &made, given).await?;
    let left = bench.leftovers(made.id()).await?;
    ensure!(left == ["listener on Some(8000)"], "{left:?}");

    let mut asked = asked(&bench)?;
    // Lambda writes the log with the function's role (Lambda guide, "Execution role").
    let stream = "log-group:/aws/lambda/alb-nlb-binding:log-stream:2026/11/01/[$LATEST]0";
    for action in ["logs:CreateLogStream", "logs:PutLogEvents"] {
        let stream = format!("arn:aws:logs:us-east-1:000000000000:{stream}");
        asked.push(IamRequest::new(action, stream));
    }
    let key = "arn:aws:kms:us-east-1:000000000000:key/theirs";
    asked.extend(of_key(key, "their-bucket"));
    let mut role = bench.role.lock().expect("no panic").clone();
    role.given_bucket_keys.insert(key.to_owned());
    Ok(Life { role, asked })
}

/// As many as deregister what is missing.
async fn ticks(bench: &Bench, made: &Answer) -> Result<()> {
    for _ in 0..3 {
        bench.tick(made).await?.success()?;
    }
    Ok(())
}

/// Somebody lets the binding's listener forward elsewhere.
async fn divert(bench: &Bench, made: &Answer, target_group: &str) -> Result<()> {
    let forward = Action::builder()
        .r#type(ActionTypeEnum::Forward)
        .target_group_arn(target_group)
        .build();
    aws_sdk_elasticloadbalancingv2::Client::new(&bench.lab.aws())
        .modify_listener()
        .listener_arn(made.attribute("ListenerArn"))
        .default_actions(forward)
        .send()
        .await?;
    Ok(())
}

/// The stack that the binding is in, with a tag that changes.
struct Stack {
    team: &'static str,
}

impl Stack {
    async fn create(&self, bench: &Bench, changes: Value) -> Result<Answer> {
        let event = json!({"RequestType": "Create"});
        self.request(bench, event, changes).await
    }

    async fn update(&self, bench: &Bench, made: &Answer, changes: Value) -> Result<Answer> {
        let old = bench.properties(json!({}));
        let event = json!({
            "RequestType": "Update", "PhysicalResourceId": made.id(), "OldResourceProperties": old,
        });
        self.request(bench, event, changes).await
    }

    async fn delete(&self, bench: &Bench, made: &Answer, changes: Value) -> Result<Answer> {
        let event = json!({"RequestType": "Delete", "PhysicalResourceId": made.id()});
        self.request(bench, event, changes).await
    }

    async fn request(&self, bench: &Bench, mut event: Value, changes: Value) -> Result<Answer> {
        let kind = event["RequestType"].as_str().context("a type")?;
        let status = format!("{}_IN_PROGRESS", kind.to_uppercase());
        let id = event["PhysicalResourceId"].as_str();
        let shown = StackView::new(&status)
            .with_tag("team", self.team)
            .with_resource("Binding", &status, id);
        bench.lab.gateway().set_stack(STACK, shown);
        event["ResourceProperties"] = bench.properties(changes);
        let answer = bench.request(event).await?;
        ensure!(answer.body["Status"] == "SUCCESS", "{:#}", answer.body);
        Ok(answer)
    }
}
