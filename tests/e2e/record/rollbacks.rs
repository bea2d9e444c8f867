//! Which orders ticks follow while an Update is under way, and after one that failed, whether it is rolled back or not.

use super::stack::{BindingStack, each_on_its_own_stack};
use crate::support::{ELB, TIMEOUT, as_targets};
use alb_nlb_binding::names::BindingId;
use anyhow::Result;
use serde_json::json;

/// The calls that fail an Update after it has registered the new addresses.
const FAILURES: [(&str, &str); 4] = [
    (ELB, "CreateListener"),
    ("events", "PutRule"),
    ("events", "PutTargets"),
    (ELB, "DeleteListener"),
];

#[tokio::test]
async fn after_an_update_that_failed_and_is_not_rolled_back_ticks_count_by_the_orders_that_stand()
-> Result<()> {
    each_on_its_own_stack(FAILURES, async |stack, (service, operation)| {
        let made = stack
            .bind(json!({"Listeners": [{"Port": 80}, {"Port": 81}]}))
            .await?;
        let id = made.id();
        let (next, _) = stack.fixture.next_alb_in_dns(2).await?;
        let mut changes = json!({"AlbArn": next.arn});
        changes["Schedule"] = json!("rate(5 minutes)");
        changes["Listeners"] = json!([{"Port": 80}, {"Port": 8080, "AlbPort": 80}]);
        stack.shows_updating(id);
        let fault = stack.fixture.deny(service, operation);
        let old = json!({"Listeners": [{"Port": 80}, {"Port": 81}]});
        let failed = stack.delivers(&stack.update(id, old, changes)).await?;
        failed.assert_failed(&[operation]);
        stack.fixture.allow(fault);
        stack.shows("UPDATE_FAILED", "UPDATE_FAILED", Some(id));

        // Of the ALB that the record still names, one address leaves and another one comes.
        let mut live = stack.fixture.alb.addresses(4);
        live.remove(2);
        stack.fixture.show_in_dns(live.clone());
        stack.ticks(id, 3).await?;
        let groups = made.target_groups();
        for (group, port) in groups.into_iter().zip([80, 81]) {
            let targets = stack.fixture.targets(group);
            assert_eq!(targets, as_targets(&live, port), "{operation}");
        }
        Ok(())
    })
    .await
}

/// The calls, and which of them, at which an Update to another ALB is held while five ticks come; `None` if it
/// waits for addresses in DNS.
const HELD_UPDATES: [Option<(&str, &str, usize)>; 5] = [
    None,
    Some((ELB, "RegisterTargets", 1)),
    Some(("events", "PutRule", 1)),
    Some(("events", "PutTargets", 1)),
    // The first write is the claim, the second the first sync, the third the answer.
    Some(("s3", "PutObject", 3)),
];

#[tokio::test]
async fn while_an_update_is_under_way_ticks_lose_no_target_that_a_rollback_would_go_back_to()
-> Result<()> {
    each_on_its_own_stack(HELD_UPDATES, async |stack, point| {
        let made = stack.bind(json!({})).await?;
        let id = made.id();
        let group = made.attribute("TargetGroupArn");
        let (next, next_addresses) = stack.fixture.next_alb_in_dns(2).await?;
        let mut changes = json!({"AlbArn": next.arn});
        changes["Schedule"] = json!("rate(5 minutes)");
        stack.shows_updating(id);
        let hold = point.map(|(service, operation, nth)| stack.holds_nth(service, operation, nth));
        if point.is_none() {
            stack.lab().dns().remove(&next.name);
        }
        let update = stack.update(id, json!({}), changes.clone());
        let other = stack.another_environment().await?;
        let meanwhile = async {
            match &hold {
                Some(hold) => hold.arrived(1).await,
                None => stack.waits_for_dns_query(&next.name).await?,
            }
            // The former ALB loses two of its addresses, as one that is being turned off, and gets another one.
            let mut live = stack.fixture.alb.addresses(4);
            live.drain(..2);
            stack.fixture.show_in_dns(live.clone());
            for _ in 0..5 {
                let event = stack.tick_event(id).await?;
                other.invoke(event, TIMEOUT).await?.success()?;
            }
            let targets = stack.fixture.targets(group);
            let lost = stack.fixture.expected(4, 80).into_iter();
            let lost: Vec<_> = lost.filter(|target| !targets.contains(target)).collect();
            assert!(lost.is_empty(), "{point:?}: {lost:?}");
            stack.lab().dns().set(&next.name, next_addresses);
            if let Some(hold) = &hold {
                hold.release();
            }
            Ok::<_, anyhow::Error>(())
        };
        let (updated, meanwhile) = tokio::join!(stack.succeeds(&update), meanwhile);
        meanwhile?;
        updated?;
        assert_eq!(stack.deregistered(), [""; 0]);

        // The rollback finds all of them registered.
        stack.fixture.scale(4);
        stack.shows_rolling_back(id);
        stack
            .succeeds(&stack.update(id, changes, json!({})))
            .await?;
        stack.ticks(id, 3).await?;
        assert_eq!(
            stack.fixture.targets(group),
            stack.fixture.expected(4, 80),
            "{point:?}"
        );
        let lost = stack.deregistered();
        let live = stack.fixture.alb.addresses(4);
        let lost: Vec<_> = live
            .iter()
            .filter(|live| lost.contains(&live.to_string()))
            .collect();
        assert!(lost.is_empty(), "{point:?}: {lost:?}");
        Ok(())
    })
    .await
}

/// The rule fires as soon as it has its target, which may be before the Create is answered.
#[tokio::test]
async fn a_tick_before_the_create_is_answered_changes_nothing() -> Result<()> {
    let stack = BindingStack::new().await?;
    stack.shows_creating();
    // The first write is the claim, the second the first sync, the third the answer.
    let hold = stack.holds_nth("s3", "PutObject", 3);
    let other = stack.another_environment().await?;
    let create = stack.create(json!({}));
    let id = BindingId::derive(&stack.id, "Binding", &stack.fixture.nlb.arn).to_string();
    let ticks = async {
        hold.arrived(1).await;
        stack.fixture.scale(1);
        stack.forgets_earlier_calls();
        for _ in 0..4 {
            let event = stack.tick_event(&id).await?;
            other.invoke(event, TIMEOUT).await?.success()?;
        }
        stack.assert_unchanged();
        hold.release();
        Ok::<_, anyhow::Error>(())
    };
    let (made, ticks) = tokio::join!(stack.succeeds(&create), ticks);
    ticks?;
    let made = made?;
    assert_eq!(made.id(), id);
    let group = made.attribute("TargetGroupArn");
    assert_eq!(stack.fixture.targets(group), stack.fixture.expected(3, 80));
    stack.shows("CREATE_COMPLETE", "CREATE_COMPLETE", Some(&id));
    stack.ticks(&id, 3).await?;
    assert_eq!(stack.fixture.targets(group), stack.fixture.expected(1, 80));
    Ok(())
}
