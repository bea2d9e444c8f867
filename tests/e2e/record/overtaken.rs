//! A Delete overtakes another request: that one stops at once, and leaves it to the Delete to undo what it did.

use super::request::{Signature, StackRequest};
use super::stack::{BindingStack, each_on_its_own_stack};
use crate::support::{ELB, TIMEOUT, is_reading};
use anyhow::Result;
use lab::{Fault, FaultKind, HeldCalls};
use serde_json::json;

/// A call that is held, and whether AWS carries it out in the end.
type HeldCall = (&'static str, &'static str, bool);

/// A Delete runs to its end while a call of another request is held. When the Delete has claimed the record,
/// the call is let go, and AWS carries it out or not.
async fn delete_meanwhile(
    stack: &BindingStack,
    id: &str,
    held: HeldCall,
    request: StackRequest,
) -> Result<()> {
    let (service, operation, is_carried_out) = held;
    let hold = HeldCalls::default();
    let fault = |what| Fault::new(service, operation, what).nth(1);
    stack.injects(fault(FaultKind::Hold(hold.clone())));
    if !is_carried_out {
        stack.injects(fault(FaultKind::CutOff));
    }
    let other = stack.another_environment().await?;
    let delete = stack.delete(id, json!({})).signed(Signature::Dated, 9);
    let deleted = async {
        hold.arrived(1).await;
        stack.shows_deleting(id);
        let release = stack.releases_at_the_next_write(&hold);
        let (response, released) = tokio::join!(delete.answered_by(&other), release);
        released?;
        stack.shows("DELETE_COMPLETE", "DELETE_COMPLETE", Some(id));
        response
    };
    let (response, deleted) = tokio::join!(stack.delivers(&request), deleted);
    deleted?.assert_success();
    response?.assert_failed(&["another request has taken the binding over"]);
    stack.assert_gone(id, &format!("{held:?}")).await
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
    let held_calls: Vec<HeldCall> = [true, false]
        .into_iter()
        .flat_map(|done| operations.map(|(service, operation)| (service, operation, done)))
        .collect();
    each_on_its_own_stack(held_calls, async |stack, held| {
        let two = json!({"Listeners": [{"Port": 80}, {"Port": 81}]});
        let made = stack.bind(two.clone()).await?;
        let id = made.id();
        let health = json!({"Protocol": "HTTP", "Path": "/up"});
        let changes = json!({
            "Listeners": [{"Port": 80, "HealthCheck": health}, {"Port": 82}],
            "Schedule": "rate(5 minutes)",
        });
        stack.shows_updating(id);
        let update = stack.update(id, two, changes).signed(Signature::Dated, 1);
        delete_meanwhile(stack, id, held, update).await
    })
    .await
}

/// The status of the stack while the Delete of such a Create runs, and afterwards. In the last case the stack
/// lives on without the binding.
const GOING: [(&str, &str); 4] = [
    ("ROLLBACK_IN_PROGRESS", "ROLLBACK_COMPLETE"),
    ("UPDATE_ROLLBACK_IN_PROGRESS", "UPDATE_ROLLBACK_COMPLETE"),
    ("DELETE_IN_PROGRESS", "DELETE_COMPLETE"),
    ("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "UPDATE_COMPLETE"),
];

/// It is held before it has claimed the record, or after that.
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
    each_on_its_own_stack(
        operations.into_iter().zip(going),
        async |stack, ((service, operation), (during, after))| {
            stack.shows_creating();
            let create = stack.create(json!({}));
            let hold = HeldCalls::default();
            let fault = Fault::new(service, operation, FaultKind::Hold(hold.clone()));
            // A change is given up after five seconds and tried again: each try is held, unless the Delete makes
            // the same call.
            let is_also_deletes = is_reading(operation) || operation == "PutObject";
            stack.injects(if is_also_deletes { fault.nth(1) } else { fault });
            let other = stack.another_environment().await?;
            // The Create has not responded yet, so CloudFormation has invented an id.
            let delete = stack.delete("orders-Binding-1ABCDEF", json!({}));
            let deleted = async {
                hold.arrived(1).await;
                stack.shows(during, "DELETE_IN_PROGRESS", None);
                // Once the Delete waits for the claim of the Create, it lasts longer than any call does.
                let release = stack.releases_at_the_next_write(&hold);
                let deleting = async {
                    let response = delete.answered_by(&other).await;
                    stack.shows(after, "DELETE_COMPLETE", None);
                    hold.release();
                    response
                };
                tokio::select! {
                    biased;
                    response = deleting => response,
                    Err(error) = release => Err(error),
                }
            };
            let (response, deleted) = tokio::join!(stack.delivers(&create), deleted);
            deleted?.assert_success();
            let failed = response?;
            failed.assert_failed(&[]);
            stack
                .assert_gone(failed.id(), &format!("{operation} {after}"))
                .await
        },
    )
    .await
}

/// CloudFormation no longer waits for the first Delete, which still runs, and has sent a second one.
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
    each_on_its_own_stack(operations, async |stack, (service, operation)| {
        let made = stack.bind(json!({})).await?;
        let id = made.id();
        stack.shows_deleting(id);
        let first = stack.delete(id, json!({})).signed(Signature::Dated, 1);
        let second = stack.delete(id, json!({})).signed(Signature::Dated, 9);
        let hold = stack.holds(service, operation);
        let other = stack.another_environment().await?;
        let overtakes = async {
            hold.arrived(1).await;
            let release = stack.releases_at_the_next_write(&hold);
            let (response, released) = tokio::join!(second.answered_by(&other), release);
            released?;
            response
        };
        let (first, second) = tokio::join!(stack.delivers(&first), overtakes);
        first?;
        second?.assert_success();
        stack.assert_gone(id, operation).await
    })
    .await
}

/// The Delete has written its tombstone over the record and deleted some of the binding; the Create takes the
/// tombstone over and makes again what is missing.
#[tokio::test]
async fn a_create_after_a_delete_that_failed_makes_the_binding_whole_again() -> Result<()> {
    let operations = [
        ("events", "DeleteRule"),
        (ELB, "DeleteListener"),
        (ELB, "DeleteTargetGroup"),
        ("s3", "DeleteBucket"),
    ];
    each_on_its_own_stack(operations, async |stack, (service, operation)| {
        let made = stack.bind(json!({})).await?;
        let id = made.id();
        let late = stack.tick_event(id).await?;
        stack.shows(
            "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
            "DELETE_IN_PROGRESS",
            Some(id),
        );
        let fault = stack.fixture.deny(service, operation);
        let failed = stack.delivers(&stack.delete(id, json!({}))).await?;
        failed.assert_failed(&[operation]);
        stack.fixture.allow(fault);
        // A tick that was sent before does nothing meanwhile.
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
        Ok(())
    })
    .await
}
