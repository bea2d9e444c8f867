//! `Check` and `Plan`: what a request finds and does, before it is one.

use super::{ask, texts};
use crate::support::{Bench, STACK};
use anyhow::Result;
use lab::{AlbSpec, DnsFailure, NlbSpec};
use serde_json::{Value, json};

fn plan(bench: &Bench, changes: Value) -> Value {
    json!({
        "Action": "Plan",
        "StackId": STACK,
        "LogicalResourceId": "Binding",
        "ResourceProperties": bench.properties(changes),
    })
}

#[tokio::test]
async fn a_plan_prints_the_steps_that_the_create_then_logs() -> Result<()> {
    let bench = Bench::new().await?;
    bench.scale(3);
    let planned = ask(&bench, plan(&bench, json!({}))).await?;
    let steps = texts(&planned, "Steps");
    let verdict = format!("all checks pass; {} steps are to be done", steps.len());
    assert_eq!(planned["Verdict"], verdict);
    assert_eq!(
        planned["Dns"]["Addresses"].as_array().map(Vec::len),
        Some(3)
    );
    let made = bench.create(json!({})).await?;
    made.assert_success();
    assert_eq!(planned["PhysicalResourceId"], made.id());
    let mut logged = made
        .invocation
        .log
        .iter()
        .filter_map(|line| line["plan"].as_str());
    let logged: Vec<_> = logged.next().expect("a plan in the log").lines().collect();
    assert_eq!(steps, logged);

    let again = ask(&bench, plan(&bench, json!({}))).await?;
    let verdict = again["Verdict"].as_str().expect("a verdict");
    assert!(verdict.starts_with("nothing is to be done"), "{verdict}");
    // By its own id as well.
    let by_id = json!({
        "Action": "Plan",
        "PhysicalResourceId": made.id(),
        "ResourceProperties": bench.properties(json!({"Schedule": "rate(5 minutes)"})),
    });
    let changed = ask(&bench, by_id).await?;
    assert!(
        texts(&changed, "Steps").contains(&"+ rule rate(5 minutes)"),
        "{changed:#}"
    );
    Ok(())
}

#[tokio::test]
async fn a_check_tells_every_problem_of_the_properties_and_every_finding() -> Result<()> {
    let nlb = NlbSpec {
        zones: lab::ZONES[..1].to_vec(),
        ..NlbSpec::new("front")
    };
    let bench = Bench::with(AlbSpec::new("orders"), nlb).await?;
    let check = |changes: Value| json!({"Action": "Check", "ResourceProperties": bench.properties(changes)});
    let wrong = json!({"Schedule": "rate(1 minutes)", "Listeners": [{"Port": 0}]});
    let answer = ask(&bench, check(wrong)).await?;
    let findings = texts(&answer, "Findings");
    assert_eq!(findings.len(), 2, "{answer:#}");
    assert!(
        findings[0].starts_with("Schedule: given \"rate(1 minutes)\""),
        "{findings:?}"
    );
    assert_eq!(answer["Verdict"], "a request would fail, for 2 findings");
    assert!(answer["PhysicalResourceId"].is_null());
    assert!(answer.get("Steps").is_none());

    let answer = ask(&bench, check(json!({"Listeners": [{"Port": 443}]}))).await?;
    let findings = texts(&answer, "Findings").join("\n");
    for text in [
        "Availability Zones differ",
        "no HTTP or HTTPS listener on AlbPort 443",
    ] {
        assert!(findings.contains(text), "{text:?} is not in {findings}");
    }
    let failed = bench.create(json!({"Listeners": [{"Port": 443}]})).await?;
    failed.assert_failed(&["Availability Zones differ"]);
    Ok(())
}

#[tokio::test]
async fn a_check_tells_that_dns_has_no_address() -> Result<()> {
    let bench = Bench::new().await?;
    bench.lab.dns().fail("orders", DnsFailure::NxDomain);
    let check = json!({"Action": "Check", "ResourceProperties": bench.properties(json!({}))});
    let answer = ask(&bench, check.clone()).await?;
    let findings = texts(&answer, "Findings");
    assert!(
        findings[0].contains("a request waits for an address"),
        "{findings:?}"
    );
    bench.lab.dns().fail("orders", None);
    assert_eq!(ask(&bench, check).await?["Verdict"], "all checks pass");
    Ok(())
}

#[tokio::test]
async fn what_the_standing_binding_has_only_warns() -> Result<()> {
    let (bench, made) = Bench::bound().await?;
    let elb = aws_sdk_elasticloadbalancingv2::Client::new(&bench.lab.aws());
    let idle = aws_sdk_elasticloadbalancingv2::types::LoadBalancerAttribute::builder()
        .key("idle_timeout.timeout_seconds")
        .value("4000");
    let modify = elb.modify_load_balancer_attributes();
    let modify = modify.load_balancer_arn(&bench.pair.alb.arn);
    modify.attributes(idle.build()).send().await?;
    let answer = ask(
        &bench,
        plan(&bench, json!({"InvocationsBeforeDeregistration": 2})),
    )
    .await?;
    assert_eq!(texts(&answer, "Findings"), Vec::<&str>::new(), "{answer:#}");
    let warnings = texts(&answer, "Warnings");
    assert!(
        warnings[0].contains("the binding stands all the same"),
        "{warnings:?}"
    );
    let updated = bench
        .update(&made, json!({"InvocationsBeforeDeregistration": 2}))
        .await?;
    updated.assert_success();
    Ok(())
}

#[tokio::test]
async fn another_nlb_by_the_bindings_id_alone_is_told_to_be_another_binding() -> Result<()> {
    let (bench, made) = Bench::bound().await?;
    let other = bench
        .lab
        .nlb(&bench.pair.alb.vpc, &NlbSpec::new("other"))
        .await?;
    let changes = json!({"NlbArn": other.arn});
    let by_id = json!({
        "Action": "Plan",
        "PhysicalResourceId": made.id(),
        "ResourceProperties": bench.properties(changes.clone()),
    });
    let answer = ask(&bench, by_id).await?;
    let verdict = answer["Verdict"].as_str().expect("a verdict");
    assert!(
        verdict.contains("give StackId and LogicalResourceId"),
        "{verdict}"
    );
    let answer = ask(&bench, plan(&bench, changes)).await?;
    assert_ne!(answer["PhysicalResourceId"], made.id());
    assert!(
        texts(&answer, "Steps")
            .iter()
            .any(|step| step.starts_with("+ listener")),
        "{answer:#}"
    );
    Ok(())
}
