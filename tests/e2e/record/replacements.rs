//! Updates to another NLB, each of which makes another binding: the binding that CloudFormation does not keep is
//! removed.

use super::request::StackRequest;
use super::stack::{BindingStack, each_on_its_own_stack};
use crate::support::{ELB, called};
use alb_nlb_binding::names::BindingId;
use anyhow::{Result, ensure};
use lab::{Nlb, NlbSpec};
use serde_json::{Value, json};
use std::time::Duration;

/// A binding, and the Update that makes another one in place of it.
struct ReplacingUpdate {
    former: String,
    new: String,
    other: Nlb,
    changes: Value,
    update: StackRequest,
}

impl ReplacingUpdate {
    async fn of(stack: &BindingStack) -> Result<Self> {
        let made = stack.bind(json!({})).await?;
        let name = format!("other-{}", stack.fixture.nlb.name);
        let vpc = &stack.fixture.nlb.vpc;
        let other = stack.lab().nlb(vpc, &NlbSpec::new(&name)).await?;
        let changes = json!({ "NlbArn": other.arn });
        let former = made.id().to_owned();
        stack.shows_updating(&former);
        Ok(Self {
            new: BindingId::derive(&stack.id, "Binding", &other.arn).to_string(),
            update: stack.update(&former, json!({}), changes.clone()),
            former,
            other,
            changes,
        })
    }

    /// CloudFormation rolls the Update back with another one, which has the former id.
    async fn roll_back(&self, stack: &BindingStack) -> Result<()> {
        stack.shows_rolling_back(&self.former);
        let rollback = stack.update(&self.former, self.changes.clone(), json!({}));
        let response = stack.succeeds(&rollback).await?;
        assert_eq!(response.id(), self.former);
        stack.shows_rolled_back(&self.former);
        Ok(())
    }

    /// The new binding's own bucket.
    fn bucket(&self) -> String {
        let id = BindingId::parse(&self.new).expect("an id");
        id.bucket(lab::ACCOUNT)
    }

    async fn ensure_only_the_former_is_left(
        &self,
        stack: &BindingStack,
        after: &str,
    ) -> Result<()> {
        let left = self.leftovers_of(stack, &self.new, &self.other).await?;
        ensure!(left.is_empty(), "{after}: {left:#?}");
        self.ensure_serves(stack, &self.former).await
    }

    async fn leftovers_of(&self, stack: &BindingStack, id: &str, nlb: &Nlb) -> Result<Vec<String>> {
        let mut left = stack.fixture.leftovers(id).await?;
        left.retain(|name| !name.starts_with("listener"));
        let elb = stack.fixture.elb();
        let listeners = elb.describe_listeners().load_balancer_arn(&nlb.arn);
        let listeners = listeners.send().await?;
        let listeners = listeners.listeners().iter();
        left.extend(listeners.map(|listener| format!("listener on {:?}", listener.port())));
        Ok(left)
    }

    async fn ensure_serves(&self, stack: &BindingStack, id: &str) -> Result<()> {
        stack.ticks(id, 1).await?;
        let elb = stack.fixture.elb();
        let name = BindingId::parse(id).expect("an id").target_group(80);
        let groups = elb.describe_target_groups().names(name).send().await?;
        let arn = groups.target_groups()[0].target_group_arn();
        let targets = stack.fixture.targets(arn.unwrap_or_default());
        ensure!(targets == stack.fixture.expected(3, 80), "{targets:?}");
        Ok(())
    }
}

#[tokio::test]
async fn a_replacement_that_is_never_answered_goes_with_the_rollbacks_update() -> Result<()> {
    let points = [
        ("s3", "CreateBucket"),
        ("s3", "PutObject"),
        (ELB, "CreateTargetGroup"),
        (ELB, "RegisterTargets"),
        (ELB, "CreateListener"),
        ("events", "PutRule"),
        ("events", "PutTargets"),
    ];
    each_on_its_own_stack(points, async |stack, (service, operation)| {
        let replacement = ReplacingUpdate::of(stack).await?;
        let hold = stack.holds(service, operation);
        replacement
            .update
            .killed_at(&hold, stack.another_environment().await?)
            .await?;
        replacement.roll_back(stack).await?;
        replacement
            .ensure_only_the_former_is_left(stack, operation)
            .await
    })
    .await
}

/// The replacement has done all of its work, and its answer is lost, or comes when the rollback has begun.
#[tokio::test]
async fn a_replacement_that_is_answered_too_late_goes_with_the_rollbacks_update() -> Result<()> {
    for is_heard in [true, false] {
        let stack = BindingStack::new().await?;
        let replacement = ReplacingUpdate::of(&stack).await?;
        let update = &replacement.update;
        if !is_heard {
            update.url.refuse(usize::MAX);
        }
        let limit = Duration::from_secs(15);
        let done = update
            .delivered_within(&stack.fixture.function, limit)
            .await?;
        assert_eq!(done.result.is_ok(), is_heard, "{done:?}");
        replacement.roll_back(&stack).await?;
        replacement
            .ensure_only_the_former_is_left(&stack, "too late")
            .await?;
    }
    Ok(())
}

/// The replacement is still under way when it is rolled back, and goes on afterwards.
#[tokio::test]
async fn a_replacement_under_way_stops_when_it_is_rolled_back_and_nothing_of_it_is_left()
-> Result<()> {
    let stack = BindingStack::new().await?;
    let replacement = ReplacingUpdate::of(&stack).await?;
    let name = stack.fixture.alb.name.clone();
    let addresses = stack.fixture.alb.addresses(3);
    stack.lab().dns().remove(&name);
    let other = stack.another_environment().await?;
    let rolled_back = async {
        stack.waits_for_dns_query(&name).await?;
        stack.shows_rolling_back(&replacement.former);
        let (changes, former) = (replacement.changes.clone(), &replacement.former);
        let rollback = stack.update(former, changes, json!({}));
        // The rollback needs addresses as well, once it has claimed the record.
        let claimed = stack.next_write();
        let back = async {
            claimed.await?;
            stack.lab().dns().set(&name, addresses.clone());
            Ok::<_, anyhow::Error>(())
        };
        let (response, back) = tokio::join!(rollback.answered_by(&other), back);
        back?;
        response?.assert_success();
        Ok::<_, anyhow::Error>(())
    };
    let (response, rolled_back) = tokio::join!(stack.delivers(&replacement.update), rolled_back);
    rolled_back?;
    let response = response?;
    response.assert_failed(&["another request has taken the binding over"]);
    assert_eq!(response.id(), replacement.new);
    replacement
        .ensure_only_the_former_is_left(&stack, "stopped")
        .await
}

/// A replacement that failed has answered with the new id, so CloudFormation's clean-up sends a Delete for it.
#[tokio::test]
async fn a_replacement_that_failed_goes_with_the_rollback_and_the_clean_up_finds_nothing()
-> Result<()> {
    let stack = BindingStack::new().await?;
    let replacement = ReplacingUpdate::of(&stack).await?;
    let fault = stack.fixture.deny("events", "PutTargets");
    let failed = stack.delivers(&replacement.update).await?;
    failed.assert_failed(&["PutTargets"]);
    assert_eq!(failed.id(), replacement.new);
    stack.fixture.allow(fault);
    replacement.roll_back(&stack).await?;
    let cleanup = stack.delete(&replacement.new, replacement.changes.clone());
    stack.succeeds(&cleanup).await?;
    replacement
        .ensure_only_the_former_is_left(&stack, "cleaned up")
        .await
}

/// CloudFormation deletes the former binding when the replacement has succeeded.
#[tokio::test]
async fn the_clean_up_after_a_replacement_takes_the_former_binding_and_not_the_new_one()
-> Result<()> {
    for is_known in [true, false] {
        let stack = BindingStack::new().await?;
        let replacement = ReplacingUpdate::of(&stack).await?;
        let new = replacement.new.as_str();
        stack.succeeds(&replacement.update).await?;
        stack.shows_cleaning_up(new);
        if !is_known {
            stack.becomes_unknown();
        }
        stack
            .succeeds(&stack.delete(&replacement.former, json!({})))
            .await?;
        stack.assert_gone(&replacement.former, "cleaned up").await?;
        replacement.ensure_serves(&stack, new).await?;
        let left = replacement
            .leftovers_of(&stack, new, &replacement.other)
            .await?;
        assert_eq!(left.len(), 4, "{left:#?}");
    }
    Ok(())
}

/// A replacement by a binding on a third NLB follows on one that failed and was not rolled back.
#[tokio::test]
async fn a_replacement_that_failed_goes_with_the_clean_up_of_the_next_one() -> Result<()> {
    for is_known in [true, false] {
        let stack = BindingStack::new().await?;
        let failed = ReplacingUpdate::of(&stack).await?;
        let fault = stack.fixture.deny("events", "PutTargets");
        let response = stack.delivers(&failed.update).await?;
        response.assert_failed(&["PutTargets"]);
        stack.fixture.allow(fault);
        let name = format!("third-{}", stack.fixture.nlb.name);
        let vpc = &stack.fixture.nlb.vpc;
        let third = stack.lab().nlb(vpc, &NlbSpec::new(&name)).await?;
        let former = failed.former.as_str();
        let next = stack.update(former, json!({}), json!({ "NlbArn": third.arn }));
        let new = stack.succeeds(&next).await?.id().to_owned();
        stack.shows_cleaning_up(&new);
        if !is_known {
            stack.becomes_unknown();
        }
        stack.succeeds(&stack.delete(former, json!({}))).await?;
        stack.assert_gone(former, "cleaned up").await?;
        let left = failed
            .leftovers_of(&stack, &failed.new, &failed.other)
            .await?;
        assert!(left.is_empty(), "{left:#?}");
        failed.ensure_serves(&stack, &new).await?;
    }
    Ok(())
}

/// The clean-up after the first Update failed, so the former binding's record still names the one in its place.
#[tokio::test]
async fn an_update_back_to_the_former_nlb_spares_what_it_replaces_until_that_is_deleted()
-> Result<()> {
    for is_known in [true, false] {
        let stack = BindingStack::new().await?;
        let there = ReplacingUpdate::of(&stack).await?;
        let new = there.new.as_str();
        stack.succeeds(&there.update).await?;
        stack.shows_cleaning_up(new);
        let fault = stack.fixture.deny(ELB, "DeleteListener");
        let cleanup = stack.delete(&there.former, json!({}));
        stack
            .delivers(&cleanup)
            .await?
            .assert_failed(&["DeleteListener"]);
        stack.fixture.allow(fault);
        stack.shows_updating(new);
        if !is_known {
            stack.becomes_unknown();
        }
        let back = stack.update(new, there.changes.clone(), json!({}));
        assert_eq!(stack.succeeds(&back).await?.id(), there.former);
        there.ensure_serves(&stack, new).await?;
        let left = there.leftovers_of(&stack, new, &there.other).await?;
        assert_eq!(left.len(), 4, "{left:#?}");
        stack.shows_cleaning_up(&there.former);
        if !is_known {
            stack.becomes_unknown();
        }
        let cleanup = stack.delete(new, there.changes.clone());
        stack.succeeds(&cleanup).await?;
        there.ensure_only_the_former_is_left(&stack, "back").await?;
    }
    Ok(())
}

/// A replacement succeeds only when the new binding's record has the orders that ticks follow, also if it was
/// killed at one of its writes.
#[tokio::test]
async fn a_replacement_that_is_killed_at_any_write_of_a_record_and_run_again_serves() -> Result<()>
{
    let recording = BindingStack::new().await?;
    let recorded = ReplacingUpdate::of(&recording).await?;
    recording.forgets_earlier_calls();
    recording.succeeds(&recorded.update).await?;
    let writes = called(&recording.calls(), "PutObject");
    ensure!(writes > 4, "{writes} writes");
    let points = (1..=writes).flat_map(|nth| [true, false].map(|is_known| (nth, is_known)));
    each_on_its_own_stack(points, async |stack, (nth, is_known)| {
        let replacement = ReplacingUpdate::of(stack).await?;
        let new = replacement.new.as_str();
        stack.forgets_earlier_calls();
        let hold = stack.holds_nth("s3", "PutObject", nth);
        let update = &replacement.update;
        update
            .killed_at(&hold, stack.another_environment().await?)
            .await?;
        stack.succeeds(update).await?;
        stack.shows_cleaning_up(new);
        if !is_known {
            stack.becomes_unknown();
        }
        let cleanup = stack.delete(&replacement.former, json!({}));
        stack.succeeds(&cleanup).await?;
        // Without orders in the record a tick would register nothing.
        stack.fixture.scale(4);
        stack.ticks(new, 1).await?;
        let record = stack.record(&replacement.bucket(), new).await?;
        ensure!(record["phase"] == "Serving", "write {nth}: {record:#}");
        stack.assert_gone(&replacement.former, "cleaned up").await
    })
    .await
}

/// An Update of the former binding comes minutes late, when the next Update is under way already.
#[tokio::test]
async fn an_update_of_a_binding_that_was_replaced_since_makes_nothing() -> Result<()> {
    let stack = BindingStack::new().await?;
    let replacement = ReplacingUpdate::of(&stack).await?;
    let (former, new) = (replacement.former.as_str(), replacement.new.as_str());
    let late = stack.update(former, json!({}), json!({"Schedule": "rate(5 minutes)"}));
    stack.succeeds(&replacement.update).await?;
    stack.shows_cleaning_up(new);
    stack.succeeds(&stack.delete(former, json!({}))).await?;
    stack.shows_updating(new);
    stack.forgets_earlier_calls();
    let failed = stack.delivers(&late).await?;
    failed.assert_failed(&["does not wait for this Update any more", new]);
    stack.assert_unchanged();
    stack.assert_gone(former, "replaced").await
}
