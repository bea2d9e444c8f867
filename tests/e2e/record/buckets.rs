//! An Update changes BucketName while a tick is under way: at whichever call the tick is held, no live target
//! is lost, and none stays that the Delete should have taken away.

use super::stack::{BindingStack, each_on_its_own_stack};
use crate::support::{ELB, TIMEOUT, as_targets};
use anyhow::Result;
use serde_json::{Value, json};

/// The calls at which the tick is held, one at a time.
const HELD_TICKS: [(&str, &str); 5] = [
    (ELB, "DescribeTargetHealth"),
    ("s3", "GetObject"),
    ("s3", "PutObject"),
    (ELB, "RegisterTargets"),
    (ELB, "DeregisterTargets"),
];

/// The tick that is held misses the third of the three addresses for the third time, and finds a fourth one.
async fn move_record(
    stack: &BindingStack,
    from: Value,
    to: Value,
    point: (&str, &str),
) -> Result<()> {
    let (group, foreign) = stack.given_group_with_foreign_target().await?;
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
    stack.shows_updating(id);
    let update = stack.update(id, from, to.clone());
    let updated = async {
        hold.arrived(1).await;
        let updated = stack.succeeds(&update).await;
        hold.release();
        updated
    };
    let (ticked, updated) = tokio::join!(other.invoke(tick, TIMEOUT), updated);
    updated?;
    // The held tick may fail, for the ticks after it do its work.
    ticked?;
    stack.shows_updated(id);
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

    // The Delete takes all that the binding registered, so no record has lost an address.
    stack.shows_deleting(id);
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

/// Moves the record from one bucket to another, held at each of the calls; `None` is the binding's own bucket.
async fn move_at_every_call(from: Option<&str>, to: Option<&str>) -> Result<()> {
    each_on_its_own_stack(HELD_TICKS, async |stack, point| {
        let name = &stack.fixture.alb.name;
        let named = |bucket: &str| format!("{bucket}-{name}");
        let properties = |bucket: Option<String>| {
            bucket.map_or_else(|| json!({}), |bucket| json!({ "BucketName": bucket }))
        };
        let (from, to) = (from.map(named), to.map(named));
        for bucket in [&from, &to].into_iter().flatten() {
            stack.fixture.given_bucket(bucket).await?;
        }
        move_record(
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
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_tick_under_way_survives_a_change_to_a_given_bucket() -> Result<()> {
    move_at_every_call(None, Some("given")).await
}

#[tokio::test]
async fn a_tick_under_way_survives_a_change_back_to_an_own_bucket() -> Result<()> {
    move_at_every_call(Some("given"), None).await
}

#[tokio::test]
async fn a_tick_under_way_survives_a_change_from_one_given_bucket_to_another() -> Result<()> {
    move_at_every_call(Some("given"), Some("other")).await
}

/// The tick names the former bucket, and comes when the rule names another one.
#[tokio::test]
async fn a_tick_that_was_sent_before_follows_the_stub() -> Result<()> {
    let (stack, made) = BindingStack::bound(json!({})).await?;
    let id = made.id();
    let sent = stack.tick_event(id).await?;
    stack.fixture.given_bucket("their-bucket").await?;
    let given = json!({"BucketName": "their-bucket"});
    stack.shows_updating(id);
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
    // The new bucket has the record, and the former one only says where it is.
    let known = stack.record("their-bucket", id).await?;
    assert_eq!(
        known["own"][group].as_object().map(|own| own.len()),
        Some(4)
    );
    let stub = stack.record(made.attribute("BucketName"), id).await?;
    assert_eq!(stub["moved_to"], "their-bucket");
    Ok(())
}
