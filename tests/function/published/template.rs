//! By template: cfn/sync.yaml behind a real stack, fired by a real schedule.

use crate::support::{TIMEOUT, binary, expected};
use anyhow::{Context, Result};
use aws_sdk_cloudformation::Client;
use lab::policy::{Policy, requests};
use lab::story::{CODE, stack, upload};
use lab::{ACCOUNT, AlbSpec, LAB, Lab, NlbSpec, REGION, TargetState};
use serde_json::Value;
use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::path::Path;
use std::time::Duration;

/// How long EventBridge's minutes last here.
const MINUTE: Duration = Duration::from_secs(4);
const STACK: &str = "orders-sync";

/// Waits until a rule that fires once a minute has made the targets be those of these addresses.
async fn settled(lab: &Lab, group: &str, addresses: &[Ipv4Addr]) -> Result<()> {
    let wanted = expected(addresses, 80);
    let targets = || {
        let targets = lab.targets(group).into_iter();
        let targets = targets.filter(|target| target.state != TargetState::Draining);
        let targets = targets.map(|target| format!("{}:{}", target.address, target.port));
        targets.collect::<Vec<_>>()
    };
    let waiting = async {
        while targets() != wanted {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let waited = tokio::time::timeout(TIMEOUT, waiting).await;
    waited.with_context(|| format!("the targets are {:?}, not {wanted:?}", targets()))
}

/// Lambda API, `GetFunctionConfiguration`.
async fn configuration(lab: &Lab, function: &str) -> Result<Value> {
    let path = format!("/2015-03-31/functions/{function}/configuration");
    let scope = format!("Credential={LAB}/20261122/{REGION}/lambda/aws4_request");
    let client = reqwest::Client::builder().no_proxy().build()?;
    let request = client.get(format!("{}{path}", lab.endpoint()));
    let request = request.header("authorization", format!("AWS4-HMAC-SHA256 {scope}"));
    let answer = request.send().await?.error_for_status()?;
    Ok(serde_json::from_slice(&answer.bytes().await?)?)
}

#[tokio::test]
async fn the_stack_ticks_every_minute_with_the_articles_parameters_and_defaults() -> Result<()> {
    let lab = Lab::start_with_minutes_of(MINUTE).await?;
    let (alb, nlb) = (AlbSpec::new("orders"), NlbSpec::new("front"));
    let pair = lab.load_balancers(&alb, &nlb).await?;
    lab.dns().set("orders", pair.alb.addresses(3));
    let group = crate::support::target_group(&lab, &pair.nlb, "front-80", 80).await?;
    let s3 = aws_sdk_s3::Client::new(&lab.aws());
    s3.create_bucket().bucket("their-bucket").send().await?;
    upload(&lab, Path::new(&binary())).await?;

    let client = Client::new(&lab.aws());
    let mut parameters = vec![
        ("InternalALBDNSName", pair.alb.dns_name.as_str()),
        ("NLBTargetGroupARN", &group),
        ("S3BucketName", "their-bucket"),
        ("ALBListenerPort", "80"),
    ];
    parameters.extend(CODE);
    let template = stack::template("sync.yaml")?;
    let made = stack::create(&client, STACK, &template, &parameters).await?;
    let made = made.expect("CREATE_COMPLETE")?;
    settled(&lab, &group, &pair.alb.addresses(3)).await?;
    lab.dns().set("orders", pair.alb.addresses(10));
    settled(&lab, &group, &pair.alb.addresses(10)).await?;
    lab.dns().set("orders", pair.alb.addresses(2));
    settled(&lab, &group, &pair.alb.addresses(2)).await?;

    let lambda = configuration(&lab, made.output("FunctionName")?).await?;
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

    let asked = requests(&lab.gateway().history(), ACCOUNT)?;
    assert!(asked.len() > 10, "{}", asked.len());
    let given: BTreeMap<_, _> = parameters.iter().copied().collect();
    let given: Value = serde_json::to_value(given)?;
    let role = Policy::of_template("sync.yaml", "LambdaIAMRole", given);
    assert_eq!(role.refused(&asked)?, []);

    let deleted = stack::delete(&client, STACK).await?;
    deleted.expect("DELETE_COMPLETE")?;
    let kept = s3.list_objects_v2().bucket("their-bucket").send().await?;
    assert_eq!(
        kept.contents().len(),
        1,
        "the state is the user's to delete"
    );
    Ok(())
}
