//! What the role must allow if the function was set up by hand: the policy of the article's Appendix A allows
//! enough, and docs/policy.json allows just as much as is needed.

use super::{ACCESS_KEY, BUCKET, LegacySetUp, function};
use crate::support::TIMEOUT;
use anyhow::Result;
use lab::FUNCTION_NAME;
use lab::policy::{IamRequest, Policy, of_key, requests};
use serde_json::json;
use std::collections::BTreeSet;

/// The policy in the article, which is the same today as in 2018.
const APPENDIX_A: &str = include_str!("fixtures/appendix-a.json");
/// The key of the bucket. The policy does not name it.
const ANY_KMS_KEY: &str = "arn:aws:kms:us-east-1:000000000000:key/any";
const TIGHT: &str = include_str!("../../../docs/policy.json");

/// All that a function asks in its life: it adopts, registers, measures and deregisters.
async fn life() -> Result<(LegacySetUp, Vec<IamRequest>)> {
    let set_up = LegacySetUp::new().await?;
    let known = set_up.addresses(4);
    set_up.register(4).await?;
    set_up
        .leave_files_of_python3(&known[1..], json!({}))
        .await?;
    set_up.ticks(3).await?;
    set_up.fixture.scale(4);
    set_up.ticks(1).await?;
    // The second function finds no file in its bucket, so it asks for each that another function may have left.
    let secure = set_up.fixture.given_group("front-443", 443).await?;
    let fresh = [("ALB_LISTENER", "443"), ("S3_BUCKET", "new-bucket")];
    set_up.fixture.given_bucket("new-bucket").await?;
    let fresh = function(&set_up.fixture, &secure, &fresh).await?;
    fresh.invoke(set_up.event()?, TIMEOUT).await?.success()?;
    let history = set_up.fixture.lab.gateway().history();
    let mut asked = requests(&history, ACCESS_KEY)?;
    // Lambda writes the log with the function's role (Lambda guide, "Execution role").
    let group =
        format!("arn:aws:logs:us-east-1:000000000000:log-group:/aws/lambda/{FUNCTION_NAME}");
    asked.push(IamRequest::new("logs:CreateLogGroup", format!("{group}:*")));
    let stream = format!("{group}:log-stream:2026/11/01/[$LATEST]0");
    asked.push(IamRequest::new("logs:CreateLogStream", &stream));
    asked.push(IamRequest::new("logs:PutLogEvents", stream));
    asked.extend(of_key(ANY_KMS_KEY, BUCKET));
    Ok((set_up, asked))
}

/// docs/policy.json, with the words in capitals replaced as docs/console.md says.
fn tight_policy(set_up: &LegacySetUp) -> Result<Policy> {
    let policy = TIGHT
        .replace("ALB_DNS_NAME", &set_up.fixture.alb.dns_name)
        .replace("S3_BUCKET", BUCKET)
        .replace("NLB_TG_ARN", &set_up.group)
        .replace("FUNCTION_NAME", FUNCTION_NAME);
    Policy::new(&policy)
}

/// The requests of the first function alone, for which docs/policy.json was filled in.
fn of_the_first_function(set_up: &LegacySetUp, asked: Vec<IamRequest>) -> Vec<IamRequest> {
    let others = |request: &IamRequest| {
        request.resource.contains("new-bucket") || request.resource.contains("front-443")
    };
    assert!(asked.iter().any(|request| request.resource == set_up.group));
    asked
        .into_iter()
        .filter(|request| !others(request))
        .collect()
}

#[tokio::test]
async fn the_policy_of_appendix_a_allows_all_that_is_called() -> Result<()> {
    let (_set_up, mut asked) = life().await?;
    // The article's policy allows neither the EC2 actions that the guide asks for, nor the use of a key.
    let besides = ["ec2:", "kms:"];
    asked.retain(|request| {
        !besides
            .iter()
            .any(|service| request.action.starts_with(service))
    });
    assert!(asked.len() > 20, "{}", asked.len());
    assert_eq!(Policy::new(APPENDIX_A)?.refused(&asked)?, []);
    Ok(())
}

#[tokio::test]
async fn the_tight_policy_allows_all_that_is_called_and_nothing_that_is_not() -> Result<()> {
    let (set_up, asked) = life().await?;
    let policy = tight_policy(&set_up)?;
    let asked = of_the_first_function(&set_up, asked);
    assert_eq!(policy.refused(&asked)?, []);
    assert_eq!(policy.judge(&asked)?.unneeded(&asked), BTreeSet::new());
    Ok(())
}

#[tokio::test]
async fn the_tight_policy_allows_nothing_elsewhere() -> Result<()> {
    let (set_up, asked) = life().await?;
    let policy = tight_policy(&set_up)?;
    let looks = |request: &&IamRequest| request.resource == "*";
    for request in asked.iter().filter(|request| !looks(request)) {
        let mut stranger = request.clone();
        for (ours, theirs) in [
            (BUCKET, "others-bucket"),
            ("/front-80/", "/others/"),
            ("/aws/lambda/", "/aws/lambda/other-"),
        ] {
            stranger.resource = stranger.resource.replace(ours, theirs);
            // The policy allows a key by the bucket that S3 uses it for.
            for value in stranger.context.values_mut() {
                if let Some(text) = value.as_str() {
                    *value = text.replace(ours, theirs).into();
                }
            }
        }
        let refused = policy.refused(std::slice::from_ref(&stranger))?;
        assert_eq!(refused, [stranger], "{request}");
    }
    let metric = IamRequest::new("cloudwatch:PutMetricData", "*");
    let metric = metric.with("cloudwatch:namespace", "AWS/ApplicationELB");
    assert_eq!(policy.refused(std::slice::from_ref(&metric))?, [metric]);
    Ok(())
}
