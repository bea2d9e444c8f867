//! Lambda delivers the same request twice: late, after other requests, or at the same time.

use super::request::{SIGNATURES, Signature, StackRequest};
use super::stack::{BindingStack, each_on_its_own_stack};
use crate::support::{ELB, as_targets};
use anyhow::Result;
use lab::{Fault, FaultKind, HeldCalls};
use serde_json::{Value, json};
use std::time::Duration;

/// Delivers a request once more, which sends its first answer again and changes nothing.
async fn deliver_again(stack: &BindingStack, request: &StackRequest) -> Result<()> {
    stack.forgets_earlier_calls();
    let before = request.answers();
    let late = stack.another_environment().await?;
    request.delivered_to(&late).await?.success()?;
    let answers = request.answers();
    assert_eq!(answers.len(), before.len() + 1);
    assert_eq!(answers.last(), before.first());
    stack.assert_unchanged();
    Ok(())
}

#[tokio::test]
async fn a_creates_second_delivery_after_an_update_to_another_alb_changes_nothing() -> Result<()> {
    each_on_its_own_stack(SIGNATURES, async |stack, signature| {
        let (next, addresses) = stack.fixture.next_alb_in_dns(2).await?;
        let changes = json!({"AlbArn": next.arn});
        stack.shows_creating();
        let create = stack.create(json!({})).signed(signature, 0);
        let made = stack.succeeds(&create).await?;
        let id = made.id();
        stack.shows_updating(id);
        let update = stack.update(id, json!({}), changes).signed(signature, 5);
        stack.succeeds(&update).await?;
        stack.shows_updated(id);

        deliver_again(stack, &create).await?;
        deliver_again(stack, &update).await?;
        stack.ticks(id, 4).await?;
        let targets = stack.fixture.targets(made.attribute("TargetGroupArn"));
        assert_eq!(targets, as_targets(&addresses, 80));
        Ok(())
    })
    .await
}

#[tokio::test]
async fn an_updates_second_delivery_after_it_was_taken_back_changes_nothing() -> Result<()> {
    // The function cannot ask for a stack of another account.
    for is_known in [true, false] {
        let (stack, made) = BindingStack::bound(json!({})).await?;
        let (next, _) = stack.fixture.next_alb_in_dns(2).await?;
        let changes = json!({"AlbArn": next.arn});
        let id = made.id();
        stack.shows_updating(id);
        if !is_known {
            stack.becomes_unknown();
        }
        let there = stack.update(id, json!({}), changes.clone());
        stack.succeeds(&there).await?;
        let back = stack.update(id, changes, json!({}));
        stack.succeeds(&back).await?;
        for request in [&there, &back, &there] {
            deliver_again(&stack, request).await?;
        }
        stack.ticks(id, 4).await?;
        let group = made.attribute("TargetGroupArn");
        assert_eq!(stack.fixture.targets(group), stack.fixture.expected(3, 80));
    }
    Ok(())
}

/// The call at which the first delivery is held when the second one begins; `None` if it is not held.
type HeldAt = Option<(&'static str, &'static str)>;

/// Delivers a request twice at the same time, and gives both answers.
async fn deliver_twice_at_once(
    stack: &BindingStack,
    request: &StackRequest,
    held_at: HeldAt,
) -> Result<Vec<Value>> {
    let other = stack.another_environment().await?;
    let first = request.delivered_to(&stack.fixture.function);
    stack.forgets_earlier_calls();
    let (first, second) = match held_at {
        None => tokio::join!(first, request.delivered_to(&other)),
        Some((service, operation)) => {
            let hold = stack.holds(service, operation);
            tokio::join!(first, async {
                hold.arrived(1).await;
                // Held before its claim, the first one lets the second one go first.
                let release = stack.releases_at_the_next_write(&hold);
                let (second, released) = tokio::join!(request.delivered_to(&other), release);
                released?;
                second
            })
        }
    };
    first?.success()?;
    second?.success()?;
    Ok(request.answers())
}

/// Both deliveries have sent the same.
fn assert_same(answers: &[Value], held_at: HeldAt) {
    let [first, second] = answers else {
        panic!("{held_at:?}: {answers:#?}");
    };
    assert_eq!(first["Status"], "SUCCESS", "{held_at:?}: {first:#}");
    assert_eq!(first, second, "{held_at:?}");
}

#[tokio::test]
async fn two_deliveries_of_a_create_at_once_answer_the_same() -> Result<()> {
    let points = [
        None,
        Some(("s3", "PutBucketPolicy")),
        Some(("s3", "PutObject")),
        Some((ELB, "CreateTargetGroup")),
        Some((ELB, "RegisterTargets")),
        Some((ELB, "CreateListener")),
        Some(("events", "PutTargets")),
    ];
    each_on_its_own_stack(points, async |stack, held_at| {
        stack.shows_creating();
        let create = stack.create(json!({}));
        let answers = deliver_twice_at_once(stack, &create, held_at).await?;
        assert_same(&answers, held_at);
        let id = answers[0]["PhysicalResourceId"].as_str().expect("an id");
        stack.ticks(id, 1).await?;
        let group = answers[0]["Data"]["TargetGroupArn"].as_str().expect("one");
        assert_eq!(stack.fixture.targets(group), stack.fixture.expected(3, 80));
        assert_eq!(stack.fixture.leftovers(id).await?.len(), 4);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn two_deliveries_of_an_update_at_once_answer_the_same() -> Result<()> {
    let points = [
        None,
        Some(("s3", "PutObject")),
        Some((ELB, "CreateTargetGroup")),
        Some((ELB, "RegisterTargets")),
        Some(("events", "PutTargets")),
        Some((ELB, "DeleteListener")),
        Some((ELB, "DeleteTargetGroup")),
    ];
    each_on_its_own_stack(points, async |stack, held_at| {
        let made = stack.bind(json!({})).await?;
        let id = made.id();
        stack.shows_updating(id);
        let moved = json!({"Listeners": [{"Port": 8080, "AlbPort": 81}]});
        let update = stack.update(id, json!({}), moved);
        let answers = deliver_twice_at_once(stack, &update, held_at).await?;
        assert_same(&answers, held_at);
        stack.ticks(id, 1).await?;
        let group = answers[0]["Data"]["TargetGroupArn"].as_str().expect("one");
        assert_eq!(stack.fixture.targets(group), stack.fixture.expected(3, 81));
        assert_eq!(stack.fixture.leftovers(id).await?.len(), 4);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn two_deliveries_of_a_delete_at_once_both_succeed_and_leave_nothing() -> Result<()> {
    let points = [
        None,
        Some(("s3", "PutObject")),
        Some(("events", "RemoveTargets")),
        Some((ELB, "DeleteListener")),
        Some((ELB, "DeleteTargetGroup")),
        Some(("s3", "DeleteObjects")),
    ];
    each_on_its_own_stack(points, async |stack, held_at| {
        let made = stack.bind(json!({})).await?;
        let id = made.id();
        stack.shows_deleting(id);
        let delete = stack.delete(id, json!({}));
        let mut answers = deliver_twice_at_once(stack, &delete, held_at).await?;
        // The reason names the log stream; if the record is deleted, the second delivery knows only its own.
        for answer in &mut answers {
            if answer["Status"] == "SUCCESS" {
                answer["Reason"] = Value::Null;
            }
        }
        assert_same(&answers, held_at);
        stack.assert_gone(id, &format!("{held_at:?}")).await
    })
    .await
}

#[tokio::test]
async fn a_request_whose_answer_was_lost_sends_the_same_one_again() -> Result<()> {
    each_on_its_own_stack(["Create", "Update", "Delete"], async |stack, kind| {
        let request = match kind {
            "Create" => {
                stack.shows_creating();
                stack.create(json!({}))
            }
            _ => {
                let made = stack.bind(json!({})).await?;
                let status = format!("{}_IN_PROGRESS", kind.to_uppercase());
                stack.shows(&status, &status, Some(made.id()));
                match kind {
                    "Update" => {
                        stack.update(made.id(), json!({}), json!({"Listeners": [{"Port": 81}]}))
                    }
                    _ => stack.delete(made.id(), json!({})),
                }
            }
        };
        let request = request.signed(Signature::Dated, 1);
        request.url.refuse(usize::MAX);
        let short = Duration::from_secs(15);
        let lost = request
            .delivered_within(&stack.fixture.function, short)
            .await?;
        assert!(lost.result.is_err(), "{kind}: {lost:?}");
        let sent = request.url.puts().pop().expect("one was refused").body;
        assert_eq!(sent["Status"], "SUCCESS", "{kind}: {sent:#}");
        request.url.refuse(0);
        stack.forgets_earlier_calls();
        request
            .delivered_to(&stack.fixture.function)
            .await?
            .success()?;
        assert_eq!(request.answers(), [sent], "{kind}");
        stack.assert_unchanged();
        Ok(())
    })
    .await
}

/// The first delivery is held until its time is over, while the second one waits for it.
#[tokio::test]
async fn a_delivery_whose_time_is_over_answers_for_the_other_one_too() -> Result<()> {
    let stack = BindingStack::new().await?;
    stack.shows_creating();
    let create = stack.create(json!({}));
    let other = stack.another_environment().await?;
    let hold = HeldCalls::default();
    stack.injects(Fault::new(
        ELB,
        "RegisterTargets",
        FaultKind::Hold(hold.clone()),
    ));
    let first = create.delivered_within(&stack.fixture.function, Duration::from_secs(20));
    let first = async {
        let ended = first.await;
        hold.release();
        ended
    };
    let second = async {
        hold.arrived(1).await;
        create.delivered_to(&other).await
    };
    let (first, second) = tokio::join!(first, second);
    first?.success()?;
    second?.success()?;
    let answers = create.answers();
    assert_eq!(answers.len(), 2, "{answers:#?}");
    assert_eq!(answers[0]["Status"], "FAILED");
    assert_eq!(answers[0], answers[1]);
    Ok(())
}
