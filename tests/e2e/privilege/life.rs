//! A binding's whole life, in which the function makes every call that it can make.

use crate::support::{Fixture, STACK_ID, SentResponse, TIMEOUT, asked_of_iam, binary};
use anyhow::{Context, Result, ensure};
use aws_sdk_elasticloadbalancingv2::types::{Action, ActionTypeEnum};
use lab::policy::{IamRequest, Role, of_key};
use lab::{AlbSpec, FakeStackView, NlbSpec};
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
    let mut fixture = Fixture::with(alb, NlbSpec::new("front")).await?;
    // The function logs all that it can, for the lab searches every log for secrets.
    let variables = [("LOG_LEVEL", "DEBUG")];
    fixture.function = fixture.lab.function_with(binary(), &variables).await?;
    fixture.scale(3);
    let theirs = fixture.given_group("theirs", 8000).await?;
    fixture.given_bucket("their-bucket").await?;
    let mut stack = TaggedStack { team: "orders" };

    let made = stack.create(&fixture, json!({})).await?;
    fixture.scale(2);
    ticks(&fixture, &made).await?;
    for question in [
        json!({"Action": "Status"}),
        json!({"Action": "Status", "PhysicalResourceId": made.id()}),
    ] {
        fixture
            .function
            .invoke(question, TIMEOUT)
            .await?
            .success()?;
    }
    stack.team = "invoices";
    let listeners = json!([
        {"Port": 80, "HealthCheck": {"Protocol": "HTTP", "Path": "/up"},
         "TargetGroupAttributes": [{"Key": "deregistration_delay.timeout_seconds", "Value": "9"}]},
        {"Port": 81, "IdleTimeoutSeconds": "400"},
        {"Port": 81, "TargetGroupArn": theirs},
    ]);
    let changes = json!({"Listeners": listeners, "Schedule": "rate(5 minutes)"});
    stack.update(&fixture, &made, changes).await?;
    redirect_listener(&fixture, &made, &theirs).await?;
    let moved = json!({"BucketName": "their-bucket"});
    stack.update(&fixture, &made, moved.clone()).await?;
    ticks(&fixture, &made).await?;
    // With a given group and a given bucket the function looks for what an earlier function left there.
    let listeners = json!([{"Port": 80}, {"Port": 81, "TargetGroupArn": theirs}]);
    let given = json!({"BucketName": "their-bucket", "Listeners": listeners});
    stack.update(&fixture, &made, given.clone()).await?;
    stack.delete(&fixture, &made, given).await?;
    let left = fixture.leftovers(made.id()).await?;
    ensure!(left == ["listener on Some(8000)"], "{left:?}");

    let mut asked = asked_of_iam(&fixture.lab, fixture.function.access_key())?;
    // Lambda writes the log with the function's role (Lambda guide, "Execution role").
    let stream = "log-group:/aws/lambda/alb-nlb-binding:log-stream:2026/11/01/[$LATEST]0";
    for action in ["logs:CreateLogStream", "logs:PutLogEvents"] {
        let stream = format!("arn:aws:logs:us-east-1:000000000000:{stream}");
        asked.push(IamRequest::new(action, stream));
    }
    let key = "arn:aws:kms:us-east-1:000000000000:key/theirs";
    asked.extend(of_key(key, "their-bucket"));
    let mut role = fixture.role.lock().expect("no panic").clone();
    role.given_bucket_keys.insert(key.to_owned());
    Ok(Life { role, asked })
}

/// As many ticks as it takes to deregister an address that is missing.
async fn ticks(fixture: &Fixture, made: &SentResponse) -> Result<()> {
    for _ in 0..3 {
        fixture.tick(made).await?.success()?;
    }
    Ok(())
}

/// Somebody lets the binding's listener forward elsewhere.
async fn redirect_listener(
    fixture: &Fixture,
    made: &SentResponse,
    target_group: &str,
) -> Result<()> {
    let forward = Action::builder()
        .r#type(ActionTypeEnum::Forward)
        .target_group_arn(target_group)
        .build();
    fixture
        .elb()
        .modify_listener()
        .listener_arn(made.attribute("ListenerArn"))
        .default_actions(forward)
        .send()
        .await?;
    Ok(())
}

/// The stack that the binding is in, with a tag that changes.
struct TaggedStack {
    team: &'static str,
}

impl TaggedStack {
    async fn create(&self, fixture: &Fixture, changes: Value) -> Result<SentResponse> {
        let event = json!({"RequestType": "Create"});
        self.request(fixture, event, changes).await
    }

    async fn update(
        &self,
        fixture: &Fixture,
        made: &SentResponse,
        changes: Value,
    ) -> Result<SentResponse> {
        let old = fixture.properties(json!({}));
        let event = json!({
            "RequestType": "Update", "PhysicalResourceId": made.id(), "OldResourceProperties": old,
        });
        self.request(fixture, event, changes).await
    }

    async fn delete(
        &self,
        fixture: &Fixture,
        made: &SentResponse,
        changes: Value,
    ) -> Result<SentResponse> {
        let event = json!({"RequestType": "Delete", "PhysicalResourceId": made.id()});
        self.request(fixture, event, changes).await
    }

    async fn request(
        &self,
        fixture: &Fixture,
        mut event: Value,
        changes: Value,
    ) -> Result<SentResponse> {
        let kind = event["RequestType"].as_str().context("a type")?;
        let status = format!("{}_IN_PROGRESS", kind.to_uppercase());
        let id = event["PhysicalResourceId"].as_str();
        let shown = FakeStackView::new(&status)
            .with_tag("team", self.team)
            .with_resource("Binding", &status, id);
        fixture.lab.gateway().set_stack(STACK_ID, shown);
        event["ResourceProperties"] = fixture.properties(changes);
        let response = fixture.request(event).await?;
        ensure!(response.body["Status"] == "SUCCESS", "{:#}", response.body);
        Ok(response)
    }
}
