//! Requests that CloudFormation no longer waits for: they make nothing, and take nothing away that serves.

use super::request::SIGNATURES;
use super::stack::{BindingStack, each_on_its_own_stack};
use crate::support::{ELB, called};
use anyhow::Result;
use serde_json::json;

/// The statuses of a stack that does not wait for a Create any more, with the binding's status, if it has one.
const ROLLED_BACK: [(&str, Option<&str>); 13] = [
    ("ROLLBACK_IN_PROGRESS", Some("DELETE_IN_PROGRESS")),
    ("ROLLBACK_IN_PROGRESS", Some("DELETE_COMPLETE")),
    ("ROLLBACK_COMPLETE", Some("DELETE_COMPLETE")),
    ("ROLLBACK_FAILED", Some("DELETE_COMPLETE")),
    ("UPDATE_ROLLBACK_IN_PROGRESS", Some("DELETE_COMPLETE")),
    (
        "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
        Some("DELETE_IN_PROGRESS"),
    ),
    ("UPDATE_ROLLBACK_COMPLETE", None),
    ("UPDATE_ROLLBACK_FAILED", Some("DELETE_COMPLETE")),
    ("DELETE_IN_PROGRESS", Some("DELETE_IN_PROGRESS")),
    ("DELETE_COMPLETE", Some("DELETE_COMPLETE")),
    // The binding alone was taken out of a stack that lives on.
    ("UPDATE_COMPLETE", Some("DELETE_COMPLETE")),
    ("UPDATE_COMPLETE", None),
    ("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", None),
];

#[tokio::test]
async fn a_create_that_comes_when_its_delete_is_done_makes_nothing() -> Result<()> {
    each_on_its_own_stack(ROLLED_BACK, async |stack, (status, resource)| {
        let create = stack.create(json!({}));
        let delete = stack.delete("orders-Binding-1ABCDEF", json!({}));
        match resource {
            Some(resource) => stack.shows(status, resource, None),
            None => stack.shows_none(status),
        }
        stack.succeeds(&delete).await?;
        stack.forgets_earlier_calls();
        let failed = stack.delivers(&create).await?;
        failed.assert_failed(&[
            "does not wait for this Create any more",
            "nothing was changed",
        ]);
        stack.assert_unchanged();
        stack.assert_gone(failed.id(), status).await
    })
    .await
}

/// The role of a provider stack of an older version does not allow DescribeStackResource.
#[tokio::test]
async fn a_create_is_refused_by_its_stack_alone_where_the_resource_cannot_be_asked_for()
-> Result<()> {
    let refused = ROLLED_BACK.map(|(status, _)| status);
    let refused: Vec<_> = refused
        .into_iter()
        .filter(|status| !status.starts_with("UPDATE_COMPLETE"))
        .collect();
    each_on_its_own_stack(refused, async |stack, status| {
        stack
            .fixture
            .deny("cloudformation", "DescribeStackResource");
        stack.shows_none(status);
        let failed = stack.delivers(&stack.create(json!({}))).await?;
        failed.assert_failed(&["does not wait for this Create any more", status]);
        stack.assert_unchanged();
        Ok(())
    })
    .await
}

/// A rollback may create a resource again; and CloudFormation may show a resource only a while after it has sent
/// the request.
#[tokio::test]
async fn a_create_is_wanted_where_cloudformation_shows_it_also_after_a_while() -> Result<()> {
    let stacks = BindingStack::several(3).await?;
    let [anew, lagging, unknown] = &stacks[..] else {
        panic!("three stacks");
    };
    let anew = async {
        anew.shows("UPDATE_ROLLBACK_IN_PROGRESS", "CREATE_IN_PROGRESS", None);
        anew.succeeds(&anew.create(json!({}))).await
    };
    let lagging = async {
        lagging.shows_none("CREATE_IN_PROGRESS");
        let asked = lagging.waits_until(|calls| called(calls, "DescribeStackResource") > 1);
        let create = lagging.create(json!({}));
        let shown = async {
            asked.await?;
            lagging.shows_creating();
            Ok::<_, anyhow::Error>(())
        };
        let (made, shown) = tokio::join!(lagging.succeeds(&create), shown);
        shown?;
        made
    };
    let unknown = async {
        unknown.becomes_unknown();
        unknown.succeeds(&unknown.create(json!({}))).await
    };
    tokio::try_join!(anew, lagging, unknown)?;
    Ok(())
}

/// DescribeStackResource may still show the status from before the request.
#[tokio::test]
async fn an_update_and_a_delete_are_wanted_where_cloudformation_shows_them_after_a_while()
-> Result<()> {
    each_on_its_own_stack(["UPDATE", "DELETE"], async |stack, kind| {
        let made = stack.bind(json!({})).await?;
        let id = made.id();
        stack.forgets_earlier_calls();
        let request = match kind {
            "UPDATE" => stack.update(id, json!({}), json!({"Schedule": "rate(5 minutes)"})),
            _ => stack.delete(id, json!({})),
        };
        let shown = async {
            let asked = |calls: &[lab::Call]| called(calls, "DescribeStackResource") > 1;
            stack.waits_until(asked).await?;
            let status = format!("{kind}_IN_PROGRESS");
            stack.shows(&status, &status, Some(id));
            Ok::<_, anyhow::Error>(())
        };
        let (response, shown) = tokio::join!(stack.succeeds(&request), shown);
        shown?;
        response?;
        let left = stack.fixture.leftovers(id).await?.len();
        assert_eq!(left, if kind == "UPDATE" { 4 } else { 0 });
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_delete_with_an_invented_id_spares_a_binding_that_cloudformation_names_as_living()
-> Result<()> {
    let states = [
        ("CREATE_COMPLETE", "CREATE_COMPLETE"),
        ("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "UPDATE_COMPLETE"),
        (
            "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
            "UPDATE_COMPLETE",
        ),
        ("UPDATE_IN_PROGRESS", "CREATE_COMPLETE"),
    ];
    each_on_its_own_stack(states, async |stack, (status, resource)| {
        let made = stack.bind(json!({})).await?;
        stack.shows(status, resource, Some(made.id()));
        stack.forgets_earlier_calls();
        let delete = stack.delete("orders-Binding-1ABCDEF", json!({}));
        let response = stack.succeeds(&delete).await?;
        assert_eq!(response.id(), "orders-Binding-1ABCDEF");
        stack.assert_unchanged();
        stack.ticks(made.id(), 1).await
    })
    .await
}

#[tokio::test]
async fn a_deletes_second_delivery_spares_a_binding_that_was_made_again() -> Result<()> {
    each_on_its_own_stack(SIGNATURES, async |stack, signature| {
        let made = stack.bind(json!({})).await?;
        let id = made.id();
        stack.shows(
            "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
            "DELETE_IN_PROGRESS",
            Some(id),
        );
        let delete = stack.delete(id, json!({})).signed(signature, 1);
        stack.succeeds(&delete).await?;
        stack.shows("UPDATE_IN_PROGRESS", "CREATE_IN_PROGRESS", None);
        let create = stack.create(json!({})).signed(signature, 5);
        let again = stack.succeeds(&create).await?;
        assert_eq!(again.id(), id);
        stack.shows("UPDATE_COMPLETE", "CREATE_COMPLETE", Some(id));
        stack.forgets_earlier_calls();
        let late = stack.another_environment().await?;
        delete.delivered_to(&late).await?.success()?;
        stack.assert_unchanged();
        stack.ticks(id, 1).await?;
        let group = again.attribute("TargetGroupArn");
        assert_eq!(stack.fixture.targets(group), stack.fixture.expected(3, 80));
        Ok(())
    })
    .await
}

/// The second try of a Create that nobody waits for any more deletes what the first one made.
#[tokio::test]
async fn a_create_that_was_killed_and_is_run_again_after_its_delete_takes_away_what_it_made()
-> Result<()> {
    let points = [
        ("s3", "CreateBucket"),
        ("s3", "PutObject"),
        (ELB, "CreateTargetGroup"),
        (ELB, "CreateListener"),
        ("events", "PutTargets"),
    ];
    each_on_its_own_stack(points, async |stack, (service, operation)| {
        stack.shows_creating();
        let create = stack.create(json!({}));
        let hold = stack.holds(service, operation);
        create
            .killed_at(&hold, stack.another_environment().await?)
            .await?;
        // CloudFormation has given the Create up without an answer, and sends no Delete for it.
        stack.shows("ROLLBACK_COMPLETE", "DELETE_COMPLETE", None);
        let failed = stack.delivers(&create).await?;
        failed.assert_failed(&["does not wait for this Create any more"]);
        stack.assert_gone(failed.id(), operation).await
    })
    .await
}
