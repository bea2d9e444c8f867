//! `Check` and `Plan`: they tell what a request would find and do.

use super::{ask, texts};
use crate::support::{Fixture, STACK_ID};
use anyhow::Result;
use lab::{AlbSpec, DnsFailure, NlbSpec};
use serde_json::{Value, json};

fn plan(fixture: &Fixture, changes: Value) -> Value {
    json!({
        "Action": "Plan",
        "StackId": STACK_ID,
        "LogicalResourceId": "Binding",
        "ResourceProperties": fixture.properties(changes),
    })
}

#[tokio::test]
async fn a_plan_prints_the_steps_that_the_create_then_logs() -> Result<()> {
    let fixture = Fixture::new().await?;
    fixture.scale(3);
    let planned = ask(&fixture, plan(&fixture, json!({}))).await?;
    let steps = texts(&planned, "Steps");
    let verdict = format!("all checks pass; {} steps are to be done", steps.len());
    assert_eq!(planned["Verdict"], verdict);
    assert_eq!(
        planned["Dns"]["Addresses"].as_array().map(Vec::len),
        Some(3)
    );
    let made = fixture.create(json!({})).await?;
    made.assert_success();
    assert_eq!(planned["PhysicalResourceId"], made.id());
    let mut logged = made
        .invocation
        .log
        .iter()
        .filter_map(|line| line["plan"].as_str());
    let logged: Vec<_> = logged.next().expect("a plan in the log").lines().collect();
    assert_eq!(steps, logged);

    let again = ask(&fixture, plan(&fixture, json!({}))).await?;
    let verdict = again["Verdict"].as_str().expect("a verdict");
    assert!(verdict.starts_with("nothing is to be done"), "{verdict}");
    // A person may also name the binding by its id.
    let by_id = json!({
        "Action": "Plan",
        "PhysicalResourceId": made.id(),
        "ResourceProperties": fixture.properties(json!({"Schedule": "rate(5 minutes)"})),
    });
    let changed = ask(&fixture, by_id).await?;
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
    let fixture = Fixture::with(AlbSpec::new("orders"), nlb).await?;
    let check = |changes: Value| json!({"Action": "Check", "ResourceProperties": fixture.properties(changes)});
    let wrong = json!({"Schedule": "rate(1 minutes)", "Listeners": [{"Port": 0}]});
    let answer = ask(&fixture, check(wrong)).await?;
    let findings = texts(&answer, "Findings");
    assert_eq!(findings.len(), 2, "{answer:#}");
    assert!(
        findings[0].starts_with("Schedule: given \"rate(1 minutes)\""),
        "{findings:?}"
    );
    assert_eq!(answer["Verdict"], "a request would fail, for 2 findings");
    assert!(answer["PhysicalResourceId"].is_null());
    assert!(answer.get("Steps").is_none());

    let answer = ask(&fixture, check(json!({"Listeners": [{"Port": 443}]}))).await?;
    let findings = texts(&answer, "Findings").join("\n");
    for text in [
        "Availability Zones differ",
        "no HTTP or HTTPS listener on AlbPort 443",
    ] {
        assert!(findings.contains(text), "{text:?} is not in {findings}");
    }
    let failed = fixture
        .create(json!({"Listeners": [{"Port": 443}]}))
        .await?;
    failed.assert_failed(&["Availability Zones differ"]);
    Ok(())
}

#[tokio::test]
async fn a_check_tells_that_dns_has_no_address() -> Result<()> {
    let fixture = Fixture::new().await?;
    fixture.lab.dns().fail("orders", DnsFailure::NxDomain);
    let check = json!({"Action": "Check", "ResourceProperties": fixture.properties(json!({}))});
    let answer = ask(&fixture, check.clone()).await?;
    let findings = texts(&answer, "Findings");
    assert!(
        findings[0].contains("a request waits for an address"),
        "{findings:?}"
    );
    fixture.lab.dns().fail("orders", None);
    assert_eq!(ask(&fixture, check).await?["Verdict"], "all checks pass");
    Ok(())
}

#[tokio::test]
async fn what_the_standing_binding_has_only_warns() -> Result<()> {
    let (fixture, made) = Fixture::bound().await?;
    let elb = fixture.elb();
    let idle = aws_sdk_elasticloadbalancingv2::types::LoadBalancerAttribute::builder()
        .key("idle_timeout.timeout_seconds")
        .value("4000");
    let modify = elb.modify_load_balancer_attributes();
    let modify = modify.load_balancer_arn(&fixture.alb.arn);
    modify.attributes(idle.build()).send().await?;
    let answer = ask(
        &fixture,
        plan(&fixture, json!({"InvocationsBeforeDeregistration": 2})),
    )
    .await?;
    assert_eq!(texts(&answer, "Findings"), Vec::<&str>::new(), "{answer:#}");
    let warnings = texts(&answer, "Warnings");
    assert!(
        warnings[0].contains("the binding stands all the same"),
        "{warnings:?}"
    );
    let updated = fixture
        .update(&made, json!({"InvocationsBeforeDeregistration": 2}))
        .await?;
    updated.assert_success();
    Ok(())
}

#[tokio::test]
async fn another_nlb_by_the_bindings_id_alone_is_told_to_be_another_binding() -> Result<()> {
    let (fixture, made) = Fixture::bound().await?;
    let other = fixture
        .lab
        .nlb(&fixture.alb.vpc, &NlbSpec::new("other"))
        .await?;
    let changes = json!({"NlbArn": other.arn});
    let by_id = json!({
        "Action": "Plan",
        "PhysicalResourceId": made.id(),
        "ResourceProperties": fixture.properties(changes.clone()),
    });
    let answer = ask(&fixture, by_id).await?;
    let verdict = answer["Verdict"].as_str().expect("a verdict");
    assert!(
        verdict.contains("give StackId and LogicalResourceId"),
        "{verdict}"
    );
    let answer = ask(&fixture, plan(&fixture, changes)).await?;
    assert_ne!(answer["PhysicalResourceId"], made.id());
    assert!(
        texts(&answer, "Steps")
            .iter()
            .any(|step| step.starts_with("+ listener")),
        "{answer:#}"
    );
    Ok(())
}
