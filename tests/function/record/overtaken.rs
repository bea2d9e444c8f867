//! A request that a later one overtakes stops where it stands, and undoes nothing.

use super::{ELB, SIGNATURES, Signature, Stack, called};
use anyhow::Result;
use futures_util::future::join_all;
use lab::{Alb, AlbSpec, Fault, Hold, What};
use serde_json::{Value, json};

/// Another ALB, which DNS does not know yet.
async fn next_alb(stack: &Stack) -> Result<(Alb, Value)> {
    let name = format!("next-{}", stack.bench.pair.alb.name);
    let vpc = &stack.bench.pair.alb.vpc;
    let next = stack.lab().alb(vpc, &AlbSpec::new(&name)).await?;
    let changes = json!({ "AlbArn": next.arn });
    Ok((next, changes))
}

#[tokio::test]
async fn an_update_that_was_cancelled_while_it_waited_for_dns_changes_nothing_afterwards()
-> Result<()> {
    let stacks = Stack::several(SIGNATURES.len()).await?;
    let played = stacks
        .iter()
        .zip(SIGNATURES)
        .map(async |(stack, signature)| {
            let made = stack.bind(json!({})).await?;
            let id = made.id();
            let group = made.attribute("TargetGroupArn");
            let (next, changes) = next_alb(stack).await?;
            stack.shows("UPDATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", Some(id));
            let update = stack
                .update(id, json!({}), changes.clone())
                .signed(signature, 1);
            let rollback = stack.update(id, changes, json!({})).signed(signature, 4);
            let other = stack.environment().await?;
            let rolled_back = async {
                stack.until_asked(&next.name).await?;
                // Somebody cancels it.
                stack.shows(
                    "UPDATE_ROLLBACK_IN_PROGRESS",
                    "UPDATE_IN_PROGRESS",
                    Some(id),
                );
                rollback.answered_by(&other).await?.assert_success();
                stack.shows("UPDATE_ROLLBACK_COMPLETE", "UPDATE_COMPLETE", Some(id));
                stack.looks_away();
                stack
                    .lab()
                    .dns()
                    .set(&next.name, next.addresses_after(100, 2));
                Ok::<_, anyhow::Error>(())
            };
            let (answer, rolled_back) = tokio::join!(stack.delivers(&update), rolled_back);
            rolled_back?;
            answer?.assert_failed(&["another request has taken the binding over"]);
            stack.assert_unchanged();
            assert_eq!(stack.bench.targets(group), stack.bench.expected(3, 80));

            // Lambda delivers it once more.
            let late = stack.environment().await?;
            update.delivered_to(&late).await?.success()?;
            assert_eq!(update.answers().len(), 2);
            assert_eq!(update.answers()[1]["Status"], "FAILED", "{signature:?}");
            stack.assert_unchanged();
            stack.ticks(id, 4).await?;
            assert_eq!(stack.bench.targets(group), stack.bench.expected(3, 80));
            Ok::<_, anyhow::Error>(())
        });
    for played in join_all(played).await {
        played?;
    }
    Ok(())
}

/// The first delivery of a cancelled Update comes when its rollback was begun, or is done.
#[tokio::test]
async fn an_update_that_comes_after_its_rollback_changes_nothing() -> Result<()> {
    let stacks = Stack::several(SIGNATURES.len()).await?;
    let played = stacks
        .iter()
        .zip(SIGNATURES)
        .map(async |(stack, signature)| {
            let made = stack.bind(json!({})).await?;
            let id = made.id();
            let group = made.attribute("TargetGroupArn");
            let (next, changes) = next_alb(stack).await?;
            stack
                .lab()
                .dns()
                .set(&next.name, next.addresses_after(100, 2));
            let update = stack
                .update(id, json!({}), changes.clone())
                .signed(signature, 1);
            let rollback = stack.update(id, changes, json!({})).signed(signature, 4);
            stack.shows(
                "UPDATE_ROLLBACK_IN_PROGRESS",
                "UPDATE_IN_PROGRESS",
                Some(id),
            );
            stack.succeeds(&rollback).await?;
            stack.looks_away();
            let late = stack.environment().await?;
            update.answered_by(&late).await?.assert_failed(&[]);
            stack.assert_unchanged();
            stack.ticks(id, 4).await?;
            assert_eq!(
                stack.bench.targets(group),
                stack.bench.expected(3, 80),
                "{signature:?}"
            );
            Ok::<_, anyhow::Error>(())
        });
    for played in join_all(played).await {
        played?;
    }
    Ok(())
}

/// A call that is held, and whether AWS carries it out in the end.
type Point = (&'static str, &'static str, bool);

/// A Delete runs to its end while a call of another request is held; the call comes to its end
/// within the time that a call takes, or never.
async fn deleted_meanwhile(
    stack: &Stack,
    id: &str,
    point: Point,
    request: super::Request,
) -> Result<()> {
    let (service, operation, is_carried_out) = point;
    let hold = Hold::default();
    let fault = |what| Fault::new(service, operation, what).nth(1);
    stack.injects(fault(What::Hold(hold.clone())));
    if !is_carried_out {
        stack.injects(fault(What::CutOff));
    }
    let other = stack.environment().await?;
    let delete = stack.delete(id, json!({})).signed(Signature::Dated, 9);
    let deleted = async {
        hold.arrived(1).await;
        stack.shows("DELETE_IN_PROGRESS", "DELETE_IN_PROGRESS", Some(id));
        let writes = called(&stack.calls(), "PutObject");
        let release = async {
            stack
                .until(|calls| called(calls, "PutObject") > writes)
                .await?;
            hold.release();
            Ok::<_, anyhow::Error>(())
        };
        let (answer, released) = tokio::join!(delete.answered_by(&other), release);
        released?;
        stack.shows("DELETE_COMPLETE", "DELETE_COMPLETE", Some(id));
        answer
    };
    let (answer, deleted) = tokio::join!(stack.delivers(&request), deleted);
    deleted?.assert_success();
    answer?.assert_failed(&["another request has taken the binding over"]);
    stack.assert_gone(id, &format!("{point:?}")).await
}

#[tokio::test]
async fn an_update_under_way_at_any_call_while_delete_runs_to_its_end_leaves_nothing() -> Result<()>
{
    let operations = [
        ("events", "PutRule"),
        ("events", "PutTargets"),
        (ELB, "CreateTargetGroup"),
        (ELB, "RegisterTargets"),
        (ELB, "CreateListener"),
        (ELB, "ModifyTargetGroup"),
        (ELB, "DeleteListener"),
        (ELB, "DeleteTargetGroup"),
    ];
    let points: Vec<Point> = [true, false]
        .into_iter()
        .flat_map(|done| operations.map(|(service, operation)| (service, operation, done)))
        .collect();
    let stacks = Stack::several(points.len()).await?;
    let played = stacks.iter().zip(points).map(async |(stack, point)| {
        let two = json!({"Listeners": [{"Port": 80}, {"Port": 81}]});
        let made = stack.bind(two.clone()).await?;
        let id = made.id();
        let health = json!({"Protocol": "HTTP", "Path": "/up"});
        let changes = json!({
            "Listeners": [{"Port": 80, "HealthCheck": health}, {"Port": 82}],
            "Schedule": "rate(5 minutes)",
        });
        stack.shows("UPDATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", Some(id));
        let update = stack.update(id, two, changes).signed(Signature::Dated, 1);
        deleted_meanwhile(stack, id, point, update).await
    });
    for played in join_all(played).await {
        played?;
    }
    Ok(())
}

/// The same before the Create has its claim, and after it.
#[tokio::test]
async fn a_create_that_goes_on_when_its_delete_is_done_leaves_nothing() -> Result<()> {
    let operations = [
        ("cloudformation", "DescribeStackResource"),
        ("s3", "GetObject"),
        (ELB, "DescribeLoadBalancers"),
        ("s3", "CreateBucket"),
        ("s3", "PutBucketTagging"),
        ("s3", "PutObject"),
        (ELB, "CreateTargetGroup"),
        (ELB, "CreateListener"),
        ("events", "PutRule"),
        ("events", "PutTargets"),
    ];
    let stacks = Stack::several(operations.len()).await?;
    let played = stacks.iter().zip(operations);
    let played = played.map(async |(stack, (service, operation))| {
        stack.shows("CREATE_IN_PROGRESS", "CREATE_IN_PROGRESS", None);
        let create = stack.create(json!({}));
        let hold = stack.holds(service, operation);
        let other = stack.environment().await?;
        // CloudFormation has invented the id, for it was never answered.
        let delete = stack.delete("orders-Binding-1ABCDEF", json!({}));
        let deleted = async {
            hold.arrived(1).await;
            stack.shows("ROLLBACK_IN_PROGRESS", "DELETE_IN_PROGRESS", None);
            let writes = called(&stack.calls(), "PutObject");
            let release = async {
                // With a claim to wait for, Delete lasts longer than any call does.
                let claimed = |calls: &[lab::Call]| called(calls, "PutObject") > writes;
                stack.until(claimed).await?;
                hold.release();
                Ok::<_, anyhow::Error>(())
            };
            let deleting = async {
                let answer = delete.answered_by(&other).await;
                stack.shows("ROLLBACK_COMPLETE", "DELETE_COMPLETE", None);
                hold.release();
                answer
            };
            tokio::select! {
                biased;
                answer = deleting => answer,
                Err(error) = release => Err(error),
            }
        };
        let (answer, deleted) = tokio::join!(stack.delivers(&create), deleted);
        deleted?.assert_success();
        let failed = answer?;
        failed.assert_failed(&[]);
        stack.assert_gone(failed.id(), operation).await
    });
    for played in join_all(played).await {
        played?;
    }
    Ok(())
}
