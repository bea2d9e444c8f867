//! A given target group that the ALB's addresses were registered in before the binding: a rollback leaves them
//! there, and a Delete takes them away.

use super::stack::{BindingStack, each_on_its_own_stack};
use crate::support::{as_targets, called};
use anyhow::Result;
use serde_json::{Value, json};

/// A given group in which three of the ALB's five addresses are registered already, and one target
/// of somebody else's.
async fn full_group(stack: &BindingStack) -> Result<(String, Value)> {
    let (group, _) = stack.given_group_with_foreign_target().await?;
    for address in stack.fixture.alb.addresses(3) {
        stack.fixture.register(&group, address, 80).await?;
    }
    stack.fixture.scale(5);
    let given = json!({"Listeners": [{"Port": 80, "TargetGroupArn": group}]});
    Ok((group, given))
}

/// So many of the ALB's addresses and somebody else's target, as targets.
fn with_theirs(stack: &BindingStack, count: usize) -> Vec<String> {
    let mut addresses = stack.fixture.alb.addresses(count);
    addresses.push(stack.fixture.foreign_address());
    as_targets(&addresses, 80)
}

/// The statuses of a stack that goes back to what it was before its binding.
const ROLLBACKS: [&str; 4] = [
    "ROLLBACK_IN_PROGRESS",
    "UPDATE_ROLLBACK_IN_PROGRESS",
    "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
    "unknown",
];

fn show_rollback(stack: &BindingStack, status: &str, id: &str) {
    match status {
        "unknown" => stack.becomes_unknown(),
        _ => stack.shows(status, "DELETE_IN_PROGRESS", Some(id)),
    }
}

#[tokio::test]
async fn a_create_that_fails_after_its_first_sync_leaves_a_full_group_as_it_was() -> Result<()> {
    let failures = ["PutRule", "PutTargets", "InvalidTarget"];
    let cases = failures
        .into_iter()
        .flat_map(|failure| ROLLBACKS.map(|status| (failure, status)));
    let cases: Vec<_> = cases.collect();
    each_on_its_own_stack(cases, async |stack, (failure, status)| {
        let (group, given) = full_group(stack).await?;
        stack.shows_creating();
        if failure == "InvalidTarget" {
            let mut addresses = stack.fixture.alb.addresses(5);
            addresses.push("8.8.8.8".parse()?);
            stack.fixture.show_in_dns(addresses);
        } else {
            stack.fixture.deny("events", failure);
        }
        let failed = stack.delivers(&stack.create(given.clone())).await?;
        failed.assert_failed(&[failure]);
        assert_eq!(
            stack.fixture.targets(&group),
            with_theirs(stack, 5),
            "{failure}"
        );
        show_rollback(stack, status, failed.id());
        stack.succeeds(&stack.delete(failed.id(), given)).await?;
        assert_eq!(
            stack.fixture.targets(&group),
            with_theirs(stack, 3),
            "{failure}, {status}"
        );
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_stack_that_rolls_back_after_the_create_succeeded_leaves_a_full_group_as_full()
-> Result<()> {
    each_on_its_own_stack(ROLLBACKS, async |stack, status| {
        let (group, given) = full_group(stack).await?;
        let made = stack.bind(given.clone()).await?;
        // The binding serves for a while before another resource of the stack fails.
        stack.shows("CREATE_IN_PROGRESS", "CREATE_COMPLETE", Some(made.id()));
        stack.ticks(made.id(), 2).await?;
        show_rollback(stack, status, made.id());
        stack.succeeds(&stack.delete(made.id(), given)).await?;
        assert_eq!(
            stack.fixture.targets(&group),
            with_theirs(stack, 3),
            "{status}"
        );
        Ok(())
    })
    .await
}

/// DNS shows some of the registered addresses only after the Create.
#[tokio::test]
async fn what_was_registered_before_the_binding_is_found_also_where_dns_shows_it_later()
-> Result<()> {
    let stack = BindingStack::new().await?;
    let (group, given) = full_group(&stack).await?;
    stack.fixture.scale(1);
    let made = stack.bind(given.clone()).await?;
    stack.shows("CREATE_IN_PROGRESS", "CREATE_COMPLETE", Some(made.id()));
    stack.fixture.scale(5);
    stack.ticks(made.id(), 2).await?;
    show_rollback(&stack, "ROLLBACK_IN_PROGRESS", made.id());
    stack.succeeds(&stack.delete(made.id(), given)).await?;
    assert_eq!(stack.fixture.targets(&group), with_theirs(&stack, 3));
    Ok(())
}

/// CloudFormation may show the rollback only seconds after it has sent its requests.
#[tokio::test]
async fn a_rollback_that_is_shown_late_leaves_a_full_group_as_full() -> Result<()> {
    each_on_its_own_stack(["Delete", "Update"], async |stack, kind| {
        let (group, given) = full_group(stack).await?;
        let (made, request, (before, after)) = if kind == "Delete" {
            let made = stack.bind(given.clone()).await?;
            let delete = stack.delete(made.id(), given);
            let before = ("CREATE_IN_PROGRESS", "CREATE_COMPLETE");
            (
                made,
                delete,
                (before, ("ROLLBACK_IN_PROGRESS", "DELETE_IN_PROGRESS")),
            )
        } else {
            let made = stack.bind(json!({})).await?;
            let before = ("UPDATE_IN_PROGRESS", "UPDATE_IN_PROGRESS");
            stack.shows(before.0, before.1, Some(made.id()));
            let update = stack.update(made.id(), json!({}), given.clone());
            stack.succeeds(&update).await?;
            let rollback = stack.update(made.id(), given, json!({}));
            (
                made,
                rollback,
                (
                    before,
                    ("UPDATE_ROLLBACK_IN_PROGRESS", "UPDATE_IN_PROGRESS"),
                ),
            )
        };
        stack.shows(before.0, before.1, Some(made.id()));
        stack.forgets_earlier_calls();
        let shown = async {
            stack
                .waits_until(|calls| called(calls, "DescribeStacks") > 2)
                .await?;
            stack.shows(after.0, after.1, Some(made.id()));
            Ok::<_, anyhow::Error>(())
        };
        let (response, shown) = tokio::join!(stack.succeeds(&request), shown);
        shown?;
        response?;
        assert_eq!(
            stack.fixture.targets(&group),
            with_theirs(stack, 3),
            "{kind}"
        );
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_delete_of_the_stack_or_of_the_binding_takes_found_targets_like_any_other() -> Result<()>
{
    let states = ["DELETE_IN_PROGRESS", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"];
    each_on_its_own_stack(states, async |stack, status| {
        let (group, given) = full_group(stack).await?;
        let made = stack.bind(given.clone()).await?;
        stack.ticks(made.id(), 1).await?;
        stack.shows(status, "DELETE_IN_PROGRESS", Some(made.id()));
        stack.succeeds(&stack.delete(made.id(), given)).await?;
        assert_eq!(
            stack.fixture.targets(&group),
            with_theirs(stack, 0),
            "{status}"
        );
        Ok(())
    })
    .await
}

/// The same for an Update that takes a full group into the properties, and its rollback.
#[tokio::test]
async fn an_update_to_a_full_group_that_is_rolled_back_leaves_it_as_full() -> Result<()> {
    for fails in [true, false] {
        let stack = BindingStack::new().await?;
        let (group, given) = full_group(&stack).await?;
        let made = stack.bind(json!({})).await?;
        let id = made.id();
        stack.shows_updating(id);
        let fault = fails.then(|| stack.fixture.deny("events", "PutTargets"));
        let update = stack.update(id, json!({}), given.clone());
        let response = stack.delivers(&update).await?;
        assert_eq!(
            response.body["Status"] == "FAILED",
            fails,
            "{:#}",
            response.body
        );
        if let Some(fault) = fault {
            stack.fixture.allow(fault);
        }
        stack.shows_rolling_back(id);
        stack.succeeds(&stack.update(id, given, json!({}))).await?;
        assert_eq!(
            stack.fixture.targets(&group),
            with_theirs(&stack, 3),
            "{fails}"
        );
        stack.ticks(id, 4).await?;
        assert_eq!(
            stack.fixture.targets(&group),
            with_theirs(&stack, 3),
            "{fails}"
        );
    }
    Ok(())
}

/// An address that the binding found registered leaves by the usual count when it leaves DNS.
#[tokio::test]
async fn found_targets_leave_by_the_usual_count_as_any_other() -> Result<()> {
    let stack = BindingStack::new().await?;
    let (group, given) = full_group(&stack).await?;
    let made = stack.bind(given).await?;
    stack.fixture.scale(2);
    stack.ticks(made.id(), 2).await?;
    assert_eq!(stack.fixture.targets(&group), with_theirs(&stack, 5));
    stack.ticks(made.id(), 1).await?;
    assert_eq!(stack.fixture.targets(&group), with_theirs(&stack, 2));
    Ok(())
}
