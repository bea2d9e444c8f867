//! The record is lost while the binding's rule exists, for example when a lifecycle rule of the bucket deletes it.

use super::stack::BindingStack;
use crate::support::{ELB, TIMEOUT, as_targets};
use anyhow::Result;
use serde_json::{Value, json};

async fn lose_record(stack: &BindingStack, bucket: &str, id: &str) -> Result<()> {
    let delete = stack.fixture.s3().delete_object().bucket(bucket);
    delete.key(format!("{id}/state.json")).send().await?;
    Ok(())
}

/// A binding with a group of its own, and a given one in which somebody else has a target.
async fn bind_with_given_group(
    stack: &BindingStack,
) -> Result<(crate::support::SentResponse, String, Value)> {
    let (theirs, _) = stack.given_group_with_foreign_target().await?;
    let both = json!({"Listeners": [{"Port": 80}, {"Port": 80, "TargetGroupArn": theirs}]});
    let made = stack.bind(both.clone()).await?;
    Ok((made, theirs, both))
}

#[tokio::test]
async fn the_next_tick_makes_a_lost_record_anew_and_goes_on() -> Result<()> {
    let stack = BindingStack::new().await?;
    let (made, theirs, both) = bind_with_given_group(&stack).await?;
    let (id, bucket) = (made.id(), made.attribute("BucketName"));
    lose_record(&stack, bucket, id).await?;
    // Since the last tick that had a record, one address came and another one left.
    let mut live = stack.fixture.alb.addresses(4);
    live.remove(1);
    stack.fixture.show_in_dns(live.clone());
    let tick = stack.tick(id).await?;
    assert!(tick.mentions("made anew"), "{:#?}", tick.log);
    tick.success()?;
    assert_eq!(stack.record(bucket, id).await?["owner"], id);
    stack.ticks(id, 2).await?;
    let own = made.target_groups()[0];
    assert_eq!(stack.fixture.targets(own), as_targets(&live, 80));
    // In the given group nobody can tell who registered an address that is not in DNS, so it stays.
    let mut all = stack.fixture.alb.addresses(4);
    all.push(stack.fixture.foreign_address());
    assert_eq!(stack.fixture.targets(&theirs), as_targets(&all, 80));

    // What the new record knows to be the binding's own leaves by the usual count, and with the Delete.
    live.remove(0);
    stack.fixture.show_in_dns(live.clone());
    stack.ticks(id, 3).await?;
    assert_eq!(stack.fixture.targets(own), as_targets(&live, 80));
    stack.shows_deleting(id);
    stack.succeeds(&stack.delete(id, both)).await?;
    let left = [
        stack.fixture.alb.addresses(2)[1],
        stack.fixture.foreign_address(),
    ];
    assert_eq!(stack.fixture.targets(&theirs), as_targets(&left, 80));
    assert_eq!(
        stack.fixture.leftovers(id).await?,
        ["listener on Some(8000)"]
    );
    Ok(())
}

#[tokio::test]
async fn two_ticks_at_once_make_a_lost_record_once() -> Result<()> {
    let (stack, made) = BindingStack::bound(json!({})).await?;
    let (id, bucket) = (made.id(), made.attribute("BucketName"));
    lose_record(&stack, bucket, id).await?;
    stack.fixture.scale(4);
    let other = stack.another_environment().await?;
    let (first, second) = (stack.tick_event(id).await?, stack.tick_event(id).await?);
    let hold = stack.holds("s3", "PutObject");
    let second = async {
        hold.arrived(1).await;
        let second = other.invoke(second, TIMEOUT).await;
        hold.release();
        second
    };
    let (first, second) = tokio::join!(stack.fixture.function.invoke(first, TIMEOUT), second);
    first?.success()?;
    second?.success()?;
    let group = made.attribute("TargetGroupArn");
    assert_eq!(stack.fixture.targets(group), stack.fixture.expected(4, 80));
    Ok(())
}

#[tokio::test]
async fn an_update_and_a_delete_work_where_the_record_is_lost() -> Result<()> {
    for kind in ["Update", "Delete"] {
        let (stack, made) = BindingStack::bound(json!({})).await?;
        let (id, bucket) = (made.id(), made.attribute("BucketName"));
        lose_record(&stack, bucket, id).await?;
        if kind == "Update" {
            stack.shows_updating(id);
            let changed = json!({"InvocationsBeforeDeregistration": 1});
            stack
                .succeeds(&stack.update(id, json!({}), changed))
                .await?;
            stack.fixture.scale(2);
            stack.ticks(id, 1).await?;
            let group = made.attribute("TargetGroupArn");
            assert_eq!(stack.fixture.targets(group), stack.fixture.expected(2, 80));
        }
        stack.shows_deleting(id);
        stack.succeeds(&stack.delete(id, json!({}))).await?;
        stack.assert_gone(id, kind).await?;
    }
    Ok(())
}

/// The new record takes what DNS shows for the binding's own, so an Update to another ALB counts it out of a
/// given group, and a Delete takes it away.
#[tokio::test]
async fn in_a_given_group_an_update_and_a_delete_know_what_a_lost_record_knew() -> Result<()> {
    for kind in ["Update", "Delete"] {
        let stack = BindingStack::new().await?;
        let (made, theirs, both) = bind_with_given_group(&stack).await?;
        let (id, bucket) = (made.id(), made.attribute("BucketName"));
        lose_record(&stack, bucket, id).await?;
        let mut properties = both.clone();
        let mut left = vec![stack.fixture.foreign_address()];
        if kind == "Update" {
            let (next, addresses) = stack.fixture.next_alb_in_dns(2).await?;
            properties["AlbArn"] = json!(next.arn);
            properties["InvocationsBeforeDeregistration"] = json!(1);
            stack.shows_updating(id);
            let update = stack.update(id, both.clone(), properties.clone());
            stack.succeeds(&update).await?;
            stack.shows_updated(id);
            stack.ticks(id, 1).await?;
            left.extend(addresses);
        } else {
            stack.shows_deleting(id);
            stack.succeeds(&stack.delete(id, properties)).await?;
        }
        assert_eq!(
            stack.fixture.targets(&theirs),
            as_targets(&left, 80),
            "{kind}"
        );
    }
    Ok(())
}

/// Somebody has deleted the binding's bucket.
#[tokio::test]
async fn an_update_whose_bucket_is_gone_makes_bucket_and_record_anew() -> Result<()> {
    let (stack, made) = BindingStack::bound(json!({})).await?;
    let (id, bucket) = (made.id(), made.attribute("BucketName"));
    lose_record(&stack, bucket, id).await?;
    stack
        .fixture
        .s3()
        .delete_bucket()
        .bucket(bucket)
        .send()
        .await?;
    let mut live = stack.fixture.alb.addresses(4);
    live.remove(0);
    stack.fixture.show_in_dns(live.clone());
    stack.shows_updating(id);
    let changed = json!({"InvocationsBeforeDeregistration": 1});
    stack
        .succeeds(&stack.update(id, json!({}), changed))
        .await?;
    stack.ticks(id, 1).await?;
    let group = made.attribute("TargetGroupArn");
    assert_eq!(stack.fixture.targets(group), as_targets(&live, 80));
    stack.shows_deleting(id);
    stack.succeeds(&stack.delete(id, json!({}))).await?;
    stack.assert_gone(id, "in the end").await
}

#[tokio::test]
async fn an_update_whose_bucket_is_gone_takes_its_targets_out_of_a_group_that_it_gives_up()
-> Result<()> {
    let stack = BindingStack::new().await?;
    let (made, theirs, both) = bind_with_given_group(&stack).await?;
    let (id, bucket) = (made.id(), made.attribute("BucketName"));
    lose_record(&stack, bucket, id).await?;
    let s3 = stack.fixture.s3();
    s3.delete_bucket().bucket(bucket).send().await?;
    stack.shows_updating(id);
    let one = json!({"Listeners": [{"Port": 80}]});
    stack.succeeds(&stack.update(id, both, one)).await?;
    let foreign = as_targets(&[stack.fixture.foreign_address()], 80);
    assert_eq!(stack.fixture.targets(&theirs), foreign);
    stack.ticks(id, 1).await?;
    let group = made.target_groups()[0];
    assert_eq!(stack.fixture.targets(group), stack.fixture.expected(3, 80));
    Ok(())
}

/// A tick that finds neither a record nor a rule makes nothing again, because its binding is gone.
#[tokio::test]
async fn without_its_rule_a_lost_record_stays_lost() -> Result<()> {
    let (stack, made) = BindingStack::bound(json!({})).await?;
    let id = made.id();
    let late = stack.tick_event(id).await?;
    stack.shows_deleting(id);
    // The Delete fails when it has deleted the rule and not yet the groups.
    let fault = stack.fixture.deny(ELB, "DeleteListener");
    let failed = stack.delivers(&stack.delete(id, json!({}))).await?;
    failed.assert_failed(&["DeleteListener"]);
    stack.fixture.allow(fault);
    lose_record(&stack, made.attribute("BucketName"), id).await?;
    stack.fixture.scale(5);
    stack.forgets_earlier_calls();
    stack
        .fixture
        .function
        .invoke(late, TIMEOUT)
        .await?
        .success()?;
    stack.assert_unchanged();
    stack.succeeds(&stack.delete(id, json!({}))).await?;
    stack.assert_gone(id, "in the end").await
}
