//! A Delete overtakes another request, which stops where it stands, and undoes nothing.

use super::request::{Signature, StackRequest};
use super::stack::BindingStack;
use crate::support::{ELB, TIMEOUT, called, is_reading};
use anyhow::Result;
use futures_util::future::join_all;
use lab::{Fault, HeldCalls, What};
use serde_json::json;

/// A call that is held, and whether AWS carries it out in the end.
type Point = (&'static str, &'static str, bool);

/// A Delete runs to its end while a call of another request is held; the call comes to its end
/// within the time that a call takes, or never.
async fn deleted_meanwhile(
    stack: &BindingStack,
    id: &str,
    point: Point,
    request: StackRequest,
) -> Result<()> {
    let (service, operation, is_carried_out) = point;
    let hold = HeldCalls::default();
    let fault = |what| Fault::new(service, operation, what).nth(1);
    stack.injects(fault(What::Hold(hold.clone())));
    if !is_carried_out {
        stack.injects(fault(What::CutOff));
    }
    let other = stack.another_environment().await?;
    let delete = stack.delete(id, json!({})).signed(Signature::Dated, 9);
    let deleted = async {
        hold.arrived(1).await;
        stack.shows("DELETE_IN_PROGRESS", "DELETE_IN_PROGRESS", Some(id));
        let writes = called(&stack.calls(), "PutObject");
        let release = async {
            stack
                .waits_until(|calls| called(calls, "PutObject") > writes)
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
    let stacks = BindingStack::several(points.len()).await?;
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

/// How the stack is shown while the Delete of such a Create runs, and afterwards; in the last one it is a
/// single resource that goes.
const GOING: [(&str, &str); 4] = [
    ("ROLLBACK_IN_PROGRESS", "ROLLBACK_COMPLETE"),
    ("UPDATE_ROLLBACK_IN_PROGRESS", "UPDATE_ROLLBACK_COMPLETE"),
    ("DELETE_IN_PROGRESS", "DELETE_COMPLETE"),
    ("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "UPDATE_COMPLETE"),
];

/// The same before the Create has its claim, and after it.
#[tokio::test]
async fn a_create_that_goes_on_when_its_delete_is_done_leaves_nothing() -> Result<()> {
    let operations = [
        ("cloudformation", "DescribeStackResource"),
        ("s3", "GetObject"),
        (ELB, "DescribeLoadBalancers"),
        ("s3", "CreateBucket"),
        ("s3", "PutBucketPolicy"),
        ("s3", "PutObject"),
        (ELB, "CreateTargetGroup"),
        (ELB, "RegisterTargets"),
        (ELB, "CreateListener"),
        ("events", "PutRule"),
        ("events", "PutTargets"),
    ];
    let going = GOING.iter().cycle();
    let stacks = BindingStack::several(operations.len()).await?;
    let played = stacks.iter().zip(operations.into_iter().zip(going));
    let played = played.map(async |(stack, ((service, operation), (during, after)))| {
        stack.shows("CREATE_IN_PROGRESS", "CREATE_IN_PROGRESS", None);
        let create = stack.create(json!({}));
        let hold = HeldCalls::default();
        let fault = Fault::new(service, operation, What::Hold(hold.clone()));
        // A change that is given up after five seconds is tried again, and no Delete makes any.
        let is_shared = is_reading(operation) || operation == "PutObject";
        stack.injects(if is_shared { fault.nth(1) } else { fault });
        let other = stack.another_environment().await?;
        // CloudFormation has invented the id, for it was never answered.
        let delete = stack.delete("orders-Binding-1ABCDEF", json!({}));
        let deleted = async {
            hold.arrived(1).await;
            stack.shows(during, "DELETE_IN_PROGRESS", None);
            let writes = called(&stack.calls(), "PutObject");
            let release = async {
                // With a claim to wait for, Delete lasts longer than any call does.
                let claimed = |calls: &[lab::Call]| called(calls, "PutObject") > writes;
                stack.waits_until(claimed).await?;
                hold.release();
                Ok::<_, anyhow::Error>(())
            };
            let deleting = async {
                let answer = delete.answered_by(&other).await;
                stack.shows(after, "DELETE_COMPLETE", None);
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
        stack
            .assert_gone(failed.id(), &format!("{operation} {after}"))
            .await
    });
    for played in join_all(played).await {
        played?;
    }
    Ok(())
}

/// CloudFormation has lost its patience with the first one, which still runs.
#[tokio::test]
async fn a_delete_that_overtakes_another_delete_leaves_nothing() -> Result<()> {
    let operations = [
        ("s3", "PutObject"),
        ("events", "DeleteRule"),
        (ELB, "DeleteListener"),
        (ELB, "DeleteTargetGroup"),
        ("s3", "DeleteObjects"),
        ("s3", "DeleteBucket"),
    ];
    let stacks = BindingStack::several(operations.len()).await?;
    let played = stacks.iter().zip(operations);
    let played = played.map(async |(stack, (service, operation))| {
        let made = stack.bind(json!({})).await?;
        let id = made.id();
        stack.shows("DELETE_IN_PROGRESS", "DELETE_IN_PROGRESS", Some(id));
        let first = stack.delete(id, json!({})).signed(Signature::Dated, 1);
        let second = stack.delete(id, json!({})).signed(Signature::Dated, 9);
        let hold = stack.holds(service, operation);
        let other = stack.another_environment().await?;
        let overtakes = async {
            hold.arrived(1).await;
            let writes = called(&stack.calls(), "PutObject");
            let release = async {
                let claimed = |calls: &[lab::Call]| called(calls, "PutObject") > writes;
                stack.waits_until(claimed).await?;
                hold.release();
                Ok::<_, anyhow::Error>(())
            };
            let (answer, released) = tokio::join!(second.answered_by(&other), release);
            released?;
            answer
        };
        let (first, second) = tokio::join!(stack.delivers(&first), overtakes);
        first?;
        second?.assert_success();
        stack.assert_gone(id, operation).await
    });
    for played in join_all(played).await {
        played?;
    }
    Ok(())
}

/// What a Delete that failed has left is made anew, and its tombstone is taken over.
#[tokio::test]
async fn a_create_after_a_delete_that_failed_makes_the_binding_whole_again() -> Result<()> {
    let operations = [
        ("events", "DeleteRule"),
        (ELB, "DeleteListener"),
        (ELB, "DeleteTargetGroup"),
        ("s3", "DeleteBucket"),
    ];
    let stacks = BindingStack::several(operations.len()).await?;
    let played = stacks.iter().zip(operations);
    let played = played.map(async |(stack, (service, operation))| {
        let made = stack.bind(json!({})).await?;
        let id = made.id();
        let late = stack.tick_event(id).await?;
        stack.shows(
            "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
            "DELETE_IN_PROGRESS",
            Some(id),
        );
        let fault = stack.injects(Fault::new(service, operation, What::Deny));
        let failed = stack.delivers(&stack.delete(id, json!({}))).await?;
        failed.assert_failed(&[operation]);
        stack.lab().gateway().remove_fault(fault);
        // Ticks of before stop meanwhile.
        stack.forgets_earlier_calls();
        let tick = stack.fixture.function.invoke(late, TIMEOUT).await?;
        tick.success()?;
        stack.assert_unchanged();
        stack.shows("UPDATE_IN_PROGRESS", "CREATE_IN_PROGRESS", None);
        let again = stack.succeeds(&stack.create(json!({}))).await?;
        assert_eq!(again.id(), id);
        stack.shows("UPDATE_COMPLETE", "CREATE_COMPLETE", Some(id));
        stack.fixture.scale(4);
        stack.ticks(id, 1).await?;
        let group = again.attribute("TargetGroupArn");
        assert_eq!(stack.fixture.targets(group), stack.fixture.expected(4, 80));
        assert_eq!(stack.fixture.leftovers(id).await?.len(), 4, "{operation}");
        Ok::<_, anyhow::Error>(())
    });
    for played in join_all(played).await {
        played?;
    }
    Ok(())
}
