//! CloudFormation as AWS shows it while a custom resource's request runs, and as a test tells it.

mod python_function;

use std::time::Duration;

use anyhow::{Context, Result};
use aws_sdk_cloudformation::Client;
use aws_sdk_cloudformation::error::ProvideErrorMetadata;
use lab::stack::{self, SettledStack};
use lab::{ACCOUNT, FakeStackView, Fault, FaultKind, HeldCalls, Lab};
use python_function::template;

/// It asks for S3's buckets before it answers, so that a fault that holds that call keeps the request running. The id
/// of the resource is that of its properties.
const PYTHON_CODE: &str = r#"
import json, os, urllib.request
def handler(event, context):
    credential = os.environ["AWS_ACCESS_KEY_ID"] + "/20260101/us-east-1/s3/aws4_request"
    headers = {"authorization": "AWS4-HMAC-SHA256 Credential=" + credential}
    url = os.environ["AWS_ENDPOINT_URL"] + "/"
    urllib.request.urlopen(urllib.request.Request(url, headers=headers)).close()
    given = event["ResourceProperties"]
    fails = event["RequestType"] != "Delete" and given["Fails"] == "yes"
    answer = {"Status": "FAILED" if fails else "SUCCESS", "Reason": "told to"}
    answer["PhysicalResourceId"] = event.get("PhysicalResourceId") if fails else given["Id"]
    answer |= {name: event[name] for name in ("StackId", "RequestId", "LogicalResourceId")}
    request = urllib.request.Request(event["ResponseURL"], json.dumps(answer).encode(), method="PUT")
    urllib.request.urlopen(request).close()
"#;

/// There is no resource if the id is `none`.
const CUSTOM_RESOURCE: &str = r#"
  Custom:
    Type: Custom::Anything
    Condition: HasResource
    Properties:
      ServiceToken: !GetAtt Function.Arn
      ServiceTimeout: 30
      Id: !Ref Id
      Fails: !Ref Fails
Parameters:
  Id: {Type: String}
  Fails: {Type: String, Default: "no"}
Conditions:
  HasResource: !Not [!Equals [!Ref Id, none]]
"#;

/// How long a request may take until it reaches the function.
const ARRIVAL_TIMEOUT: Duration = Duration::from_secs(60);

struct CloudFormation {
    lab: Lab,
    client: Client,
    template: String,
}

impl CloudFormation {
    async fn start() -> Result<Self> {
        let lab = Lab::start().await?;
        let client = Client::new(&lab.aws_as("someone"));
        let template = template(PYTHON_CODE, CUSTOM_RESOURCE);
        Ok(Self {
            lab,
            client,
            template,
        })
    }

    /// Holds the function's nth call from now on. MiniStack gives it its account's number for an access key.
    fn hold(&self, nth: usize) -> HeldCalls {
        let hold = HeldCalls::default();
        let fault = Fault::new("s3", "ListBuckets", FaultKind::Hold(hold.clone()));
        self.lab.gateway().inject(fault.by(ACCOUNT).nth(nth));
        hold
    }

    /// `stack status, resource status, physical id` while the call is held; then the call goes on.
    async fn seen_at(&self, hold: HeldCalls) -> Result<String> {
        let arrived = tokio::time::timeout(ARRIVAL_TIMEOUT, hold.arrived(1)).await;
        arrived.context("the function never asked")?;
        let seen = self.seen("stack").await;
        hold.release();
        seen
    }

    async fn seen(&self, stack: &str) -> Result<String> {
        let described = self
            .client
            .describe_stacks()
            .stack_name(stack)
            .send()
            .await?;
        let status = described
            .stacks()
            .first()
            .and_then(|stack| stack.stack_status());
        let status = status.context("a status")?.as_str().to_owned();
        Ok(format!(
            "{status}, {}",
            self.resource(stack, "Custom").await?
        ))
    }

    /// `resource status, physical id`
    async fn resource(&self, stack: &str, logical_id: &str) -> Result<String> {
        let request = self.client.describe_stack_resource().stack_name(stack);
        let described = request.logical_resource_id(logical_id).send().await?;
        let detail = described.stack_resource_detail().context("a detail")?;
        let status = detail.resource_status().context("a status")?;
        let id = detail.physical_resource_id().unwrap_or("none");
        Ok(format!("{}, {id}", status.as_str()))
    }

    async fn create(&self, id: &str) -> Result<SettledStack> {
        stack::create(&self.client, "stack", &self.template, &[("Id", id)]).await
    }

    async fn update(&self, id: &str, fails: &str) -> Result<SettledStack> {
        let parameters = [("Id", id), ("Fails", fails)];
        stack::update(&self.client, "stack", &self.template, &parameters).await
    }
}

#[tokio::test]
async fn a_request_is_in_progress_while_its_function_runs() -> Result<()> {
    let cfn = CloudFormation::start().await?;
    let hold = cfn.hold(1);
    let (made, seen) = tokio::try_join!(cfn.create("old"), cfn.seen_at(hold))?;
    let id = cfn
        .client
        .describe_stacks()
        .stack_name("stack")
        .send()
        .await?;
    let id = id.stacks().first().and_then(|stack| stack.stack_id());
    let id = id.context("an id")?.to_owned();
    made.expect("CREATE_COMPLETE")?;
    assert_eq!(seen, "CREATE_IN_PROGRESS, CREATE_IN_PROGRESS, none");
    assert_eq!(
        cfn.seen(&id).await?,
        "CREATE_COMPLETE, CREATE_COMPLETE, old"
    );

    // The second call is that of the predecessor's Delete.
    let (update, cleanup) = (cfn.hold(1), cfn.hold(2));
    let seen = async { anyhow::Ok((cfn.seen_at(update).await?, cfn.seen_at(cleanup).await?)) };
    let (updated, seen) = tokio::try_join!(cfn.update("new", "no"), seen)?;
    updated.expect("UPDATE_COMPLETE")?;
    let (update, cleanup) = seen;
    assert_eq!(update, "UPDATE_IN_PROGRESS, UPDATE_IN_PROGRESS, old");
    assert_eq!(
        cleanup,
        "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS, UPDATE_COMPLETE, new"
    );
    assert_eq!(
        cfn.seen(&id).await?,
        "UPDATE_COMPLETE, UPDATE_COMPLETE, new"
    );

    let hold = cfn.hold(1);
    let (deleted, seen) = tokio::try_join!(stack::delete(&cfn.client, "stack"), cfn.seen_at(hold))?;
    deleted.expect("DELETE_COMPLETE")?;
    assert_eq!(seen, "DELETE_IN_PROGRESS, DELETE_IN_PROGRESS, new");
    assert_eq!(
        cfn.seen(&id).await?,
        "DELETE_COMPLETE, DELETE_COMPLETE, new"
    );
    Ok(())
}

#[tokio::test]
async fn a_failed_update_is_rolled_back_in_progress_as_well() -> Result<()> {
    let cfn = CloudFormation::start().await?;
    cfn.create("it").await?.expect("CREATE_COMPLETE")?;
    let (update, rollback) = (cfn.hold(1), cfn.hold(2));
    let seen = async { anyhow::Ok((cfn.seen_at(update).await?, cfn.seen_at(rollback).await?)) };
    let (updated, seen) = tokio::try_join!(cfn.update("it", "yes"), seen)?;
    updated.expect("UPDATE_ROLLBACK_COMPLETE")?;
    let (update, rollback) = seen;
    assert_eq!(update, "UPDATE_IN_PROGRESS, UPDATE_IN_PROGRESS, it");
    assert_eq!(
        rollback,
        "UPDATE_ROLLBACK_IN_PROGRESS, UPDATE_IN_PROGRESS, it"
    );
    assert_eq!(
        cfn.resource("stack", "Custom").await?,
        "UPDATE_COMPLETE, it"
    );
    Ok(())
}

#[tokio::test]
async fn what_joins_and_leaves_a_template_is_made_and_deleted_by_the_update() -> Result<()> {
    let cfn = CloudFormation::start().await?;
    cfn.create("none").await?.expect("CREATE_COMPLETE")?;
    let none = cfn.client.describe_stack_resource().stack_name("stack");
    let none = none
        .logical_resource_id("Custom")
        .send()
        .await
        .expect_err("none");
    let message = "Resource Custom does not exist for stack stack";
    assert_eq!(
        (none.code(), none.message()),
        (Some("ValidationError"), Some(message))
    );

    let hold = cfn.hold(1);
    let (updated, seen) = tokio::try_join!(cfn.update("it", "no"), cfn.seen_at(hold))?;
    updated.expect("UPDATE_COMPLETE")?;
    assert_eq!(seen, "UPDATE_IN_PROGRESS, CREATE_IN_PROGRESS, none");
    assert_eq!(
        cfn.resource("stack", "Custom").await?,
        "CREATE_COMPLETE, it"
    );

    let hold = cfn.hold(1);
    let (updated, seen) = tokio::try_join!(cfn.update("none", "no"), cfn.seen_at(hold))?;
    updated.expect("UPDATE_COMPLETE")?;
    let cleanup = "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS, DELETE_IN_PROGRESS, it";
    assert_eq!(seen, cleanup);
    assert_eq!(
        cfn.resource("stack", "Custom").await?,
        "DELETE_COMPLETE, it"
    );
    Ok(())
}

#[tokio::test]
async fn a_stack_is_as_a_test_says_until_it_is_forgotten() -> Result<()> {
    const ID: &str = "arn:aws:cloudformation:us-east-1:000000000000:stack/told/1";
    let cfn = CloudFormation::start().await?;
    let unknown = async || {
        let stacks = cfn.client.describe_stacks().stack_name(ID).send().await;
        let resource = cfn.client.describe_stack_resource().stack_name(ID);
        let resource = resource.logical_resource_id("Custom").send().await;
        let errors = (stacks.expect_err("unknown"), resource.expect_err("unknown"));
        assert_eq!(errors.0.code(), Some("ValidationError"));
        assert_eq!(errors.1.code(), Some("ValidationError"));
        assert!(
            errors
                .0
                .message()
                .is_some_and(|text| text.ends_with("does not exist"))
        );
        assert!(
            errors
                .1
                .message()
                .is_some_and(|text| text.ends_with("does not exist"))
        );
    };
    unknown().await;

    let making = FakeStackView::new("UPDATE_IN_PROGRESS")
        .with_tag("team", "orders & more")
        .with_resource("Custom", "CREATE_IN_PROGRESS", None);
    cfn.lab.gateway().set_stack(ID, making);
    assert_eq!(
        cfn.seen(ID).await?,
        "UPDATE_IN_PROGRESS, CREATE_IN_PROGRESS, none"
    );
    let described = cfn.client.describe_stacks().stack_name(ID).send().await?;
    let described = &described.stacks()[0];
    let tag = &described.tags()[0];
    assert_eq!(
        (described.stack_name(), described.stack_id()),
        (Some("told"), Some(ID))
    );
    assert_eq!(
        (tag.key(), tag.value()),
        (Some("team"), Some("orders & more"))
    );
    let other = cfn.resource(ID, "Other").await.expect_err("not told");
    assert!(format!("{other:?}").contains("Resource Other does not exist for stack told"));

    let leaving = FakeStackView::new("UPDATE_ROLLBACK_IN_PROGRESS");
    let leaving = leaving.with_resource("Custom", "DELETE_IN_PROGRESS", Some("it"));
    cfn.lab.gateway().set_stack(ID, leaving);
    assert_eq!(
        cfn.seen(ID).await?,
        "UPDATE_ROLLBACK_IN_PROGRESS, DELETE_IN_PROGRESS, it"
    );
    cfn.lab.gateway().forget_stack(ID);
    unknown().await;
    Ok(())
}
