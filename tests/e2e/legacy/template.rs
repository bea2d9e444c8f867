//! cfn/sync.yaml, deployed by CloudFormation and fired by EventBridge as the lab has them.

use super::BUCKET;
use crate::support::{SHORT_MINUTE, binary, make_target_group, wait_for_targets};
use anyhow::{Context, Result};
use aws_sdk_cloudformation::Client;
use lab::package::{CODE_PARAMETERS, upload};
use lab::policy::{Policy, of_key, requests};
use lab::{ACCOUNT, AlbAndNlb, AlbSpec, Lab, NlbSpec, stack};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;

const SYNC_STACK: &str = "orders-sync";

/// The lab with what a stack of cfn/sync.yaml is given: load balancers, a target group and a bucket.
struct SyncStack {
    lab: Lab,
    pair: AlbAndNlb,
    group: String,
    client: Client,
}

impl SyncStack {
    async fn new() -> Result<Self> {
        let lab = Lab::start_with_minutes_of(SHORT_MINUTE).await?;
        let (alb, nlb) = (AlbSpec::new("orders"), NlbSpec::new("front"));
        let pair = lab.load_balancers(&alb, &nlb).await?;
        lab.dns().set("orders", pair.alb.addresses(3));
        let group = make_target_group(&lab, &pair.nlb, "front-80", 80).await?;
        let s3 = aws_sdk_s3::Client::new(&lab.aws());
        s3.create_bucket().bucket(BUCKET).send().await?;
        upload(&lab, Path::new(&binary())).await?;
        let client = Client::new(&lab.aws());
        Ok(Self {
            lab,
            pair,
            group,
            client,
        })
    }

    /// The article's parameters that have no default.
    fn parameters(&self) -> Vec<(&str, &str)> {
        vec![
            ("InternalALBDNSName", &self.pair.alb.dns_name),
            ("NLBTargetGroupARN", &self.group),
            ("S3BucketName", BUCKET),
            ("ALBListenerPort", "80"),
        ]
    }

    async fn keys(&self) -> Result<Vec<String>> {
        let s3 = aws_sdk_s3::Client::new(&self.lab.aws());
        let listed = s3.list_objects_v2().bucket(BUCKET).send().await?;
        let keys = listed.contents().iter().filter_map(|object| object.key());
        Ok(keys.map(str::to_owned).collect())
    }

    /// What the stack calls its function.
    async fn function(&self) -> Result<String> {
        let described = self.client.describe_stack_resource().stack_name(SYNC_STACK);
        let described = described
            .logical_resource_id("LambdaFunction")
            .send()
            .await?;
        let resource = described.stack_resource_detail();
        let name = resource.and_then(|resource| resource.physical_resource_id());
        Ok(name.context("a function")?.to_owned())
    }
}

#[tokio::test]
async fn the_stack_ticks_every_minute_with_the_articles_parameters_and_defaults() -> Result<()> {
    let sync = SyncStack::new().await?;
    let SyncStack { lab, client, .. } = &sync;
    let mut parameters = sync.parameters();
    parameters.extend(CODE_PARAMETERS);
    let template = stack::template("sync.yaml")?;
    let made = stack::create(client, SYNC_STACK, &template, &parameters).await?;
    let made = made.expect("CREATE_COMPLETE")?;
    for count in [3, 10, 2] {
        lab.dns().set("orders", sync.pair.alb.addresses(count));
        wait_for_targets(lab, &sync.group, &sync.pair.alb.addresses(count)).await?;
    }

    let lambda = lab
        .function_configuration(made.output("FunctionName")?)
        .await?;
    let variables = &lambda["Environment"]["Variables"];
    for (name, value) in [
        ("MAX_LOOKUP_PER_INVOCATION", "50"),
        ("INVOCATIONS_BEFORE_DEREGISTRATION", "3"),
        ("CW_METRIC_FLAG_IP_COUNT", "True"),
        ("SAME_VPC", "True"),
    ] {
        assert_eq!(variables[name], value, "{name}");
    }
    assert_eq!(lambda["Runtime"], "provided.al2023");

    let mut asked = requests(&lab.gateway().history(), ACCOUNT)?;
    assert!(asked.len() > 10, "{}", asked.len());
    let key = "arn:aws:kms:us-east-1:000000000000:key/theirs";
    let mut given: BTreeMap<_, _> = parameters.iter().copied().collect();
    given.insert("S3BucketKeyARN", key);
    asked.extend(of_key(key, BUCKET));
    let given: Value = serde_json::to_value(given)?;
    let role = Policy::of_template("sync.yaml", "LambdaIAMRole", given);
    assert_eq!(role.refused(&asked)?, []);

    let deleted = stack::delete(client, SYNC_STACK).await?;
    deleted.expect("DELETE_COMPLETE")?;
    let kept = sync.keys().await?;
    assert_eq!(
        kept.len(),
        1,
        "the record is the user's to delete: {kept:?}"
    );
    Ok(())
}

/// The article's template as its transform expands it, without what makes no difference here. Its function does
/// nothing.
fn article() -> Value {
    let parameter = json!({"Type": "String", "Default": ""});
    let trust = json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }]});
    let function = json!({"Fn::GetAtt": ["LambdaFunction", "Arn"]});
    json!({
        "Parameters": {
            "InternalALBDNSName": parameter, "NLBTargetGroupARN": parameter,
            "S3BucketName": parameter, "ALBListenerPort": parameter,
            "Region": {"Type": "String", "Default": "us-east-1"},
        },
        "Resources": {
            "LambdaFunction": {"Type": "AWS::Lambda::Function", "Properties": {
                "Code": {"ZipFile": "def lambda_handler(event, context):\n    pass\n"},
                "Handler": "index.lambda_handler", "Timeout": 300, "Runtime": "python3.11",
                "Role": {"Fn::GetAtt": ["LambdaIAMRole", "Arn"]},
                "Environment": {"Variables": {"ALB_DNS_NAME": {"Ref": "InternalALBDNSName"}}},
            }},
            "ScheduledRule": {"Type": "AWS::Events::Rule", "Properties": {
                "Description": "ScheduledRule", "ScheduleExpression": "rate(1 minute)",
                "State": "ENABLED", "Targets": [{"Arn": function, "Id": "TargetFunctionV1"}],
            }},
            "LambdaInvokePermission": {"Type": "AWS::Lambda::Permission", "Properties": {
                "FunctionName": function, "Action": "lambda:InvokeFunction",
                "Principal": "events.amazonaws.com",
                "SourceArn": {"Fn::GetAtt": ["ScheduledRule", "Arn"]},
            }},
            "LambdaIAMRole": {"Type": "AWS::IAM::Role", "Properties": {
                "AssumeRolePolicyDocument": trust, "Path": "/",
            }},
        },
    })
}

#[tokio::test]
async fn a_stack_of_the_articles_template_is_updated_in_place() -> Result<()> {
    let sync = SyncStack::new().await?;
    let SyncStack { lab, client, .. } = &sync;
    let mut parameters = sync.parameters();
    let made = stack::create(client, SYNC_STACK, &article().to_string(), &parameters).await?;
    made.expect("CREATE_COMPLETE")?;
    let function = sync.function().await?;

    parameters.extend(CODE_PARAMETERS);
    let template = stack::template("sync.yaml")?;
    let updated = stack::update(client, SYNC_STACK, &template, &parameters).await?;
    updated.expect("UPDATE_COMPLETE")?;
    assert_eq!(sync.function().await?, function);
    wait_for_targets(lab, &sync.group, &sync.pair.alb.addresses(3)).await?;
    let updated = lab.function_configuration(&function).await?;
    assert_eq!(updated["Runtime"], "provided.al2023");
    let deleted = stack::delete(client, SYNC_STACK).await?;
    deleted.expect("DELETE_COMPLETE")?;
    Ok(())
}
