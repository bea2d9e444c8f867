//! BucketName changes while a tick is under way: no live target is lost and none is orphaned, no
//! matter where the tick stands.

use super::stack::BindingStack;
use crate::support::{ELB, TIMEOUT, as_targets};
use anyhow::Result;
use futures_util::future::join_all;
use serde_json::{Value, json};

/// Where the tick stands.
const POINTS: [(&str, &str); 5] = [
    (ELB, "DescribeTargetHealth"),
    ("s3", "GetObject"),
    ("s3", "PutObject"),
    (ELB, "RegisterTargets"),
    (ELB, "DeregisterTargets"),
];

/// Of the three addresses the third is missing for the third time, and a fourth one is new.
async fn moves(stack: &BindingStack, from: Value, to: Value, point: (&str, &str)) -> Result<()> {
    let group = format!("theirs-{}", stack.fixture.alb.name);
    let (group, foreign) = stack
        .fixture
        .given_group_with_foreign_target(&group, 8000)
        .await?;
    let with_group = |mut properties: Value| {
        properties["Listeners"] = json!([{"Port": 80}, {"Port": 80, "TargetGroupArn": group}]);
        properties
    };
    let (from, to) = (with_group(from), with_group(to));
    let made = stack.bind(from.clone()).await?;
    let id = made.id();
    stack.fixture.scale(2);
    stack.ticks(id, 2).await?;
    let mut live = stack.fixture.alb.addresses(4);
    live.remove(2);
    stack.fixture.show_in_dns(live.clone());

    let tick = stack.tick_event(id).await?;
    let hold = stack.holds(point.0, point.1);
    let other = stack.another_environment().await?;
    stack.shows("UPDATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", Some(id));
    let update = stack.update(id, from, to.clone());
    let updated = async {
        hold.arrived(1).await;
        let updated = stack.succeeds(&update).await;
        hold.release();
        updated
    };
    let (ticked, updated) = tokio::join!(other.invoke(tick, TIMEOUT), updated);
    updated?;
    // Whether it succeeds or not, the next ones make it good.
    ticked?;
    stack.shows("UPDATE_COMPLETE", "UPDATE_COMPLETE", Some(id));
    stack.ticks(id, 3).await?;
    let own = made.target_groups()[0];
    assert_eq!(
        stack.fixture.targets(own),
        as_targets(&live, 80),
        "{point:?}"
    );
    let mut all = live.clone();
    all.push(foreign);
    assert_eq!(
        stack.fixture.targets(&group),
        as_targets(&all, 80),
        "{point:?}"
    );
    let lost = stack.deregistered();
    let lost: Vec<_> = live
        .iter()
        .filter(|live| lost.contains(&live.to_string()))
        .collect();
    assert!(lost.is_empty(), "{point:?}: {lost:?}");

    // What was never forgotten goes with the Delete.
    stack.shows("DELETE_IN_PROGRESS", "DELETE_IN_PROGRESS", Some(id));
    stack.succeeds(&stack.delete(id, to)).await?;
    assert_eq!(
        stack.fixture.targets(&group),
        as_targets(&[foreign], 80),
        "{point:?}"
    );
    let left = stack.fixture.leftovers(id).await?;
    assert_eq!(left, ["listener on Some(8000)"], "{point:?}");
    Ok(())
}

/// All points of a tick, from one bucket to another.
async fn at_every_point(from: Option<&str>, to: Option<&str>) -> Result<()> {
    let stacks = BindingStack::several(POINTS.len()).await?;
    let played = stacks.iter().zip(POINTS).map(async |(stack, point)| {
        let name = &stack.fixture.alb.name;
        let named = |bucket: &str| format!("{bucket}-{name}");
        let properties = |bucket: Option<String>| {
            bucket.map_or_else(|| json!({}), |bucket| json!({ "BucketName": bucket }))
        };
        let (from, to) = (from.map(named), to.map(named));
        for bucket in [&from, &to].into_iter().flatten() {
            stack.bucket(bucket).await?;
        }
        moves(
            stack,
            properties(from.clone()),
            properties(to.clone()),
            point,
        )
        .await?;
        for bucket in [&from, &to].into_iter().flatten() {
            let keys = stack.fixture.keys(bucket).await?;
            assert!(keys.is_empty(), "{point:?}: {keys:?}");
        }
        Ok::<_, anyhow::Error>(())
    });
    for played in join_all(played).await {
        played?;
    }
    Ok(())
}

#[tokio::test]
async fn a_tick_under_way_survives_a_change_to_a_given_bucket() -> Result<()> {
    at_every_point(None, Some("given")).await
}

#[tokio::test]
async fn a_tick_under_way_survives_a_change_back_to_an_own_bucket() -> Result<()> {
    at_every_point(Some("given"), None).await
}

#[tokio::test]
async fn a_tick_under_way_survives_a_change_from_one_given_bucket_to_another() -> Result<()> {
    at_every_point(Some("given"), Some("other")).await
}

/// The tick was sent before the Update, and comes when the rule says another bucket.
#[tokio::test]
async fn a_tick_that_was_sent_before_follows_the_stub() -> Result<()> {
    let (stack, made) = BindingStack::bound(json!({})).await?;
    let id = made.id();
    let sent = stack.tick_event(id).await?;
    stack.bucket("their-bucket").await?;
    let given = json!({"BucketName": "their-bucket"});
    stack.shows("UPDATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", Some(id));
    stack
        .succeeds(&stack.update(id, json!({}), given.clone()))
        .await?;
    stack.fixture.scale(4);
    stack
        .fixture
        .function
        .invoke(sent, TIMEOUT)
        .await?
        .success()?;
    let group = made.attribute("TargetGroupArn");
    assert_eq!(stack.fixture.targets(group), stack.fixture.expected(4, 80));
    // Nothing is known in two places.
    let known = stack.record("their-bucket", id).await?;
    assert_eq!(
        known["own"][group].as_object().map(|own| own.len()),
        Some(4)
    );
    let stub = stack.record(made.attribute("BucketName"), id).await?;
    assert_eq!(stub["moved_to"], "their-bucket");
    Ok(())
}
