//! `Status`: it tells of a binding that it is well, or what is wrong with it and what to do.

use super::{ask, status, texts};
use crate::support::{ELB, Fixture, SentResponse, TIMEOUT};
use anyhow::Result;
use lab::{DnsFailure, TargetState};
use serde_json::json;

/// Asserts that a binding has one problem, which says all of this.
async fn assert_sick(fixture: &Fixture, made: &SentResponse, says: &[&str]) -> Result<()> {
    let answer = status(fixture, made).await?;
    let problems = texts(&answer, "Problems");
    let [problem] = problems.as_slice() else {
        panic!("one problem, not {answer:#}");
    };
    assert_eq!(answer["Verdict"], *problem);
    for text in says {
        assert!(problem.contains(text), "{text:?} is not in {problem}");
    }
    Ok(())
}

async fn assert_well(fixture: &Fixture, made: &SentResponse) -> Result<()> {
    let answer = status(fixture, made).await?;
    let verdict = answer["Verdict"].as_str().unwrap_or_default();
    assert!(verdict.starts_with("well: "), "{answer:#}");
    Ok(())
}

fn events(fixture: &Fixture) -> aws_sdk_eventbridge::Client {
    aws_sdk_eventbridge::Client::new(&fixture.lab.aws())
}

#[tokio::test]
async fn a_well_binding_is_told_with_all_that_belongs_to_it() -> Result<()> {
    let (fixture, made) = Fixture::bound().await?;
    fixture.scale(4);
    fixture.tick(&made).await?.success()?;
    fixture.scale(3);
    fixture.tick(&made).await?.success()?;
    let answer = status(&fixture, &made).await?;
    let group = made.attribute("TargetGroupArn");
    let verdict = "well: each address in DNS (3) is registered in each target group (1) and none is unhealthy; the \
                   rule calls the function by rate(1 minute)";
    assert_eq!(answer["Verdict"], verdict, "{answer:#}");
    assert_eq!(texts(&answer, "Problems"), Vec::<&str>::new());
    assert_eq!(answer["Phase"], "Serving");
    assert_eq!(answer["Request"]["Type"], "Create");
    assert_eq!(answer["Request"]["Outcome"], "SUCCESS");
    assert_eq!(answer["Orders"]["AlbArn"], fixture.alb.arn);
    assert_eq!(answer["Dns"]["Addresses"].as_array().map(Vec::len), Some(3));
    assert_eq!(answer["Dns"]["Certain"], true);
    let [left] = fixture.alb.addresses_after(3, 1)[..] else {
        panic!("an address");
    };
    assert_eq!(answer["Pending"], json!({left.to_string(): 1}));
    let targets = &answer["TargetGroups"][0];
    assert_eq!(targets["Arn"], group);
    let targets = targets["Targets"].as_array().expect("targets");
    assert_eq!(targets.len(), 4);
    for target in targets {
        assert_eq!(target["Health"], "healthy");
        assert_eq!(target["Own"], true);
        let is_left = target["Target"] == format!("{left}:80");
        assert_eq!(target["InDns"], !is_left);
    }
    let listener = json!({
        "Port": 80, "Arn": made.attribute("ListenerArn"), "ForwardsTo": [group], "IsRight": true,
    });
    assert_eq!(answer["Listeners"], json!([listener]));
    assert_eq!(answer["Rule"]["Enabled"], true);
    assert_eq!(answer["Rule"]["Schedule"], "rate(1 minute)");
    let record = format!(
        "s3://{}/{}/state.json",
        made.attribute("BucketName"),
        made.id()
    );
    assert_eq!(answer["Record"], record);
    assert_eq!(texts(&answer, "NextUpdate"), Vec::<&str>::new());
    let acted = answer["LastTick"]["ActedAt"].as_str().expect("a moment");
    assert!(acted.ends_with('Z'), "{acted}");
    let outcome = answer["LastTick"]["Outcome"].as_str().expect("an outcome");
    assert!(outcome.starts_with("did all"), "{outcome}");
    Ok(())
}

#[tokio::test]
async fn a_rule_that_was_disabled_or_deleted_by_hand_is_told() -> Result<()> {
    let (fixture, made) = Fixture::bound().await?;
    let id = made.id();
    events(&fixture).disable_rule().name(id).send().await?;
    let enable = format!("enable it by aws events enable-rule --region us-east-1 --name {id}");
    assert_sick(&fixture, &made, &["is disabled, so no tick comes", &enable]).await?;
    events(&fixture).enable_rule().name(id).send().await?;
    assert_well(&fixture, &made).await?;
    let target = events(&fixture).remove_targets().rule(id);
    target.ids("alb-nlb-binding").send().await?;
    assert_sick(
        &fixture,
        &made,
        &["calls nothing", "an Update of the stack"],
    )
    .await?;
    events(&fixture).delete_rule().name(id).send().await?;
    assert_sick(
        &fixture,
        &made,
        &["the rule", "is gone", "an Update of the stack"],
    )
    .await?;
    // The advice helps.
    let changed = json!({"MaxLookupsPerInvocation": 51});
    fixture.update(&made, changed).await?.assert_success();
    assert_well(&fixture, &made).await
}

#[tokio::test]
async fn a_listener_that_was_deleted_by_hand_is_told() -> Result<()> {
    let (fixture, made) = Fixture::bound().await?;
    let arn = made.attribute("ListenerArn");
    fixture
        .elb()
        .delete_listener()
        .listener_arn(arn)
        .send()
        .await?;
    let answer = status(&fixture, &made).await?;
    assert_eq!(answer["Listeners"][0]["IsRight"], false);
    assert!(answer["Listeners"][0]["Arn"].is_null());
    let verdict = answer["Verdict"].as_str().expect("a verdict");
    for text in [
        "listener on port 80 is gone",
        "an Update of the stack",
        "are unused",
    ] {
        assert!(verdict.contains(text), "{verdict}");
    }
    assert!(
        texts(&answer, "NextUpdate")
            .iter()
            .any(|step| step.starts_with("+ listener on port 80"))
    );
    let changed = json!({"MaxLookupsPerInvocation": 51});
    fixture.update(&made, changed).await?.assert_success();
    assert_well(&fixture, &made).await
}

#[tokio::test]
async fn a_group_that_was_emptied_by_hand_is_told() -> Result<()> {
    let (fixture, made) = Fixture::bound().await?;
    let group = made.attribute("TargetGroupArn");
    let mut call = fixture.elb().deregister_targets().target_group_arn(group);
    for address in fixture.alb.addresses(3) {
        let target = aws_sdk_elasticloadbalancingv2::types::TargetDescription::builder();
        call = call.targets(target.id(address.to_string()).port(80).build());
    }
    call.send().await?;
    fixture.lab.finish_draining();
    let says = [
        "3 targets that DNS shows are not registered",
        "the next tick registers them",
    ];
    assert_sick(&fixture, &made, &says).await?;
    let answer = status(&fixture, &made).await?;
    let next = texts(&answer, "NextTick");
    assert_eq!(
        next.iter().filter(|line| line.starts_with("+ ")).count(),
        3,
        "{next:?}"
    );
    fixture.tick(&made).await?.success()?;
    assert_well(&fixture, &made).await
}

#[tokio::test]
async fn targets_that_are_unhealthy_are_told_with_the_security_group_first() -> Result<()> {
    let (fixture, made) = Fixture::bound().await?;
    let group = made.attribute("TargetGroupArn");
    let sick = fixture.alb.addresses(1)[0];
    let gateway = fixture.lab.gateway();
    gateway.set_target_state(group, sick, 80, TargetState::Unhealthy);
    let target = format!("({sick}:80 unhealthy Target.FailedHealthChecks)");
    let says = [
        "1 of 3 targets",
        &target,
        "first see whether the security group",
    ];
    assert_sick(&fixture, &made, &says).await
}

#[tokio::test]
async fn dns_that_is_silent_or_has_no_address_is_told() -> Result<()> {
    let (fixture, made) = Fixture::bound().await?;
    for failure in [DnsFailure::Silent, DnsFailure::NxDomain] {
        fixture.lab.dns().fail("orders", failure);
        let says = ["ticks fail, so nothing leaves", "still has addresses"];
        assert_sick(&fixture, &made, &says).await?;
    }
    fixture.lab.dns().fail("orders", None);
    assert_well(&fixture, &made).await
}

#[tokio::test]
async fn a_record_that_is_gone_or_cannot_be_read_is_told() -> Result<()> {
    let (fixture, made) = Fixture::bound().await?;
    let (bucket, key) = (
        made.attribute("BucketName"),
        format!("{}/state.json", made.id()),
    );
    let s3 = fixture.s3();
    let kept = s3.get_object().bucket(bucket).key(&key).send().await?;
    let kept = kept.body.collect().await?;
    let damaged = aws_sdk_s3::primitives::ByteStream::from_static(b"{");
    s3.put_object()
        .bucket(bucket)
        .key(&key)
        .body(damaged)
        .send()
        .await?;
    assert_sick(
        &fixture,
        &made,
        &["the record cannot be read", "put a former version"],
    )
    .await?;
    s3.put_object()
        .bucket(bucket)
        .key(&key)
        .body(kept.into_bytes().into())
        .send()
        .await?;
    assert_well(&fixture, &made).await?;
    s3.delete_object().bucket(bucket).key(&key).send().await?;
    assert_sick(
        &fixture,
        &made,
        &["the record is gone", "the next tick makes it anew"],
    )
    .await?;
    fixture.tick(&made).await?.success()?;
    assert_well(&fixture, &made).await
}

#[tokio::test]
async fn what_the_last_tick_could_not_do_is_told_until_a_tick_can() -> Result<()> {
    let (fixture, made) = Fixture::bound().await?;
    fixture.deny(ELB, "RegisterTargets");
    fixture.scale(4);
    let tick = fixture.tick(&made).await?;
    assert!(tick.result.is_err(), "{tick:#?}");
    let answer = status(&fixture, &made).await?;
    let verdict = answer["Verdict"].as_str().expect("a verdict");
    let says = [
        "the last tick that had something to do failed at",
        "RegisterTargets",
        "AccessDenied",
        "let the function's role do that, and the next tick tries again",
    ];
    for text in says {
        assert!(verdict.contains(text), "{text:?} is not in {verdict}");
    }
    let outcome = answer["LastTick"]["Outcome"].as_str().expect("an outcome");
    assert!(outcome.starts_with("failed at"), "{outcome}");
    fixture.lab.gateway().clear_faults();
    fixture.tick(&made).await?.success()?;
    assert_well(&fixture, &made).await
}

#[tokio::test]
async fn a_group_a_health_check_and_a_schedule_that_were_changed_by_hand_are_told() -> Result<()> {
    let (fixture, made) = Fixture::bound().await?;
    let group = made.attribute("TargetGroupArn");
    let id = made.id();
    let modify = fixture.elb().modify_target_group().target_group_arn(group);
    modify.health_check_interval_seconds(60).send().await?;
    let says = [
        "somebody else has changed",
        "health check",
        "an Update of the stack",
    ];
    assert_sick(&fixture, &made, &says).await?;
    fixture
        .update(&made, json!({"MaxLookupsPerInvocation": 51}))
        .await?
        .assert_success();
    assert_well(&fixture, &made).await?;
    let rule = events(&fixture).put_rule().name(id);
    rule.schedule_expression("rate(5 minutes)").send().await?;
    assert_sick(&fixture, &made, &["another schedule than rate(1 minute)"]).await
}

#[tokio::test]
async fn an_id_that_there_is_nothing_of_and_what_is_left_of_one_are_told() -> Result<()> {
    let (fixture, made) = Fixture::bound().await?;
    let nobody =
        json!({"Action": "Status", "PhysicalResourceId": "alb-nlb-binding-0123456789abcdef"});
    let answer = ask(&fixture, nobody).await?;
    let verdict = answer["Verdict"].as_str().expect("a verdict");
    assert!(
        verdict.starts_with("there is no binding alb-nlb-binding-0123456789abcdef"),
        "{verdict}"
    );
    let id = made.id();
    events(&fixture)
        .remove_targets()
        .rule(id)
        .ids("alb-nlb-binding")
        .send()
        .await?;
    events(&fixture).delete_rule().name(id).send().await?;
    let bucket = made.attribute("BucketName");
    let key = format!("{id}/state.json");
    fixture
        .s3()
        .delete_object()
        .bucket(bucket)
        .key(key)
        .send()
        .await?;
    assert_sick(
        &fixture,
        &made,
        &[
            "the rule of",
            "is gone, so no tick comes",
            "there are still anb-",
        ],
    )
    .await?;
    // It is also named when a person asks for all bindings.
    let all = ask(&fixture, json!({"Action": "Status"})).await?;
    assert_eq!(
        all["Verdict"],
        format!("1 of 1 bindings are not well: {id}")
    );
    Ok(())
}

#[tokio::test]
async fn a_create_that_failed_and_a_delete_that_failed_are_told() -> Result<()> {
    let fixture = Fixture::new().await?;
    let denied = fixture.deny(ELB, "CreateListener");
    let failed = fixture.create(json!({})).await?;
    failed.assert_failed(&["AccessDenied"]);
    assert_sick(
        &fixture,
        &failed,
        &["no request has had a success yet", "CreateListener"],
    )
    .await?;
    fixture.allow(denied);
    fixture.create(json!({})).await?.assert_success();
    assert_well(&fixture, &failed).await?;
    fixture.deny("events", "DeleteRule");
    fixture
        .delete(&failed, json!({}))
        .await?
        .assert_failed(&["DeleteRule"]);
    assert_sick(&fixture, &failed, &["a Delete has begun", "DeleteRule"]).await
}

#[tokio::test]
async fn all_bindings_of_the_region_are_told_and_the_sick_ones_named() -> Result<()> {
    let (fixture, made) = Fixture::bound().await?;
    let other = fixture
        .request(json!({
            "RequestType": "Create",
            "LogicalResourceId": "Other",
            "ResourceProperties": fixture.properties(json!({"Listeners": [{"Port": 81, "AlbPort": 80}]})),
        }))
        .await?;
    other.assert_success();
    let all = ask(&fixture, json!({"Action": "Status"})).await?;
    assert_eq!(all["Verdict"], "well: all 2 bindings are");
    assert_eq!(all["Bindings"].as_array().map(Vec::len), Some(2));
    events(&fixture)
        .disable_rule()
        .name(other.id())
        .send()
        .await?;
    let all = ask(&fixture, json!({"Action": "Status"})).await?;
    let verdict = format!("1 of 2 bindings are not well: {}", other.id());
    assert_eq!(all["Verdict"], verdict);
    fixture.delete(&made, json!({})).await?.assert_success();
    Ok(())
}

#[tokio::test]
async fn what_may_not_be_looked_at_is_told_and_hides_nothing_else() -> Result<()> {
    let (fixture, made) = Fixture::bound().await?;
    let denied = fixture.deny(ELB, "DescribeTargetHealth");
    assert_sick(
        &fixture,
        &made,
        &["the targets of", "cannot be looked at", "AccessDenied"],
    )
    .await?;
    fixture.allow(denied);
    fixture.deny("events", "DescribeRule");
    let answer = status(&fixture, &made).await?;
    let verdict = answer["Verdict"].as_str().expect("a verdict");
    assert!(
        verdict.starts_with("cannot be told: DescribeRule"),
        "{verdict}"
    );
    Ok(())
}

#[tokio::test]
async fn a_question_that_is_none_fails_and_says_what_is_allowed() -> Result<()> {
    let fixture = Fixture::new().await?;
    let question = json!({"Action": "Repair"});
    let told = fixture.function.invoke(question, TIMEOUT).await?.result;
    let error = told.expect_err("no such action").to_string();
    assert!(
        error.contains("allowed is Check, Plan or Status"),
        "{error}"
    );
    Ok(())
}
