//! Updates that are cancelled and rolled back while they run, or before they come: they change nothing
//! afterwards, whatever they find then.

use super::request::{SIGNATURES, Signature, StackRequest};
use super::stack::{BindingStack, each_on_its_own_stack};
use crate::support::ELB;
use anyhow::Result;
use serde_json::json;

#[tokio::test]
async fn an_update_that_was_cancelled_while_it_waited_for_dns_changes_nothing_afterwards()
-> Result<()> {
    each_on_its_own_stack(SIGNATURES, async |stack, signature| {
        let made = stack.bind(json!({})).await?;
        let id = made.id();
        let group = made.attribute("TargetGroupArn");
        let next = stack.fixture.next_alb().await?;
        let changes = json!({"AlbArn": next.arn});
        stack.shows_updating(id);
        let update = stack
            .update(id, json!({}), changes.clone())
            .signed(signature, 1);
        let rollback = stack.update(id, changes, json!({})).signed(signature, 4);
        let other = stack.another_environment().await?;
        let rolled_back = async {
            stack.waits_for_dns_query(&next.name).await?;
            // Somebody cancels it.
            stack.shows_rolling_back(id);
            rollback.answered_by(&other).await?.assert_success();
            stack.shows_rolled_back(id);
            stack.forgets_earlier_calls();
            stack
                .lab()
                .dns()
                .set(&next.name, next.addresses_after(100, 2));
            Ok::<_, anyhow::Error>(())
        };
        let (response, rolled_back) = tokio::join!(stack.delivers(&update), rolled_back);
        rolled_back?;
        response?.assert_failed(&["another request has taken the binding over"]);
        stack.assert_unchanged();
        assert_eq!(stack.fixture.targets(group), stack.fixture.expected(3, 80));

        // Lambda delivers it once more.
        let late = stack.another_environment().await?;
        update.delivered_to(&late).await?.success()?;
        assert_eq!(update.answers().len(), 2);
        assert_eq!(update.answers()[1]["Status"], "FAILED", "{signature:?}");
        stack.assert_unchanged();
        stack.ticks(id, 4).await?;
        assert_eq!(stack.fixture.targets(group), stack.fixture.expected(3, 80));
        Ok(())
    })
    .await
}

/// An Update, its rollback, which CloudFormation sends three minutes later, and the group that both are about.
struct Cancelled {
    update: StackRequest,
    rollback: StackRequest,
    group: String,
}

impl Cancelled {
    async fn of(stack: &BindingStack, signature: Signature) -> Result<(String, Self)> {
        let made = stack.bind(json!({})).await?;
        let id = made.id();
        let (next, _) = stack.fixture.next_alb_in_dns(2).await?;
        let changes = json!({"AlbArn": next.arn});
        let update = stack.update(id, json!({}), changes.clone());
        let rollback = stack.update(id, changes, json!({}));
        let group = made.attribute("TargetGroupArn").to_owned();
        let cancelled = Self {
            update: update.signed(signature, 1),
            rollback: rollback.signed(signature, 4),
            group,
        };
        Ok((id.to_owned(), cancelled))
    }

    async fn assert_changed_nothing(
        &self,
        stack: &BindingStack,
        id: &str,
        case: &str,
    ) -> Result<()> {
        stack.assert_unchanged();
        stack.ticks(id, 4).await?;
        let targets = stack.fixture.targets(&self.group);
        assert_eq!(targets, stack.fixture.expected(3, 80), "{case}");
        Ok(())
    }
}

/// Lambda delivers the cancelled Update for the first time when its rollback has been answered.
#[tokio::test]
async fn an_update_that_comes_after_its_rollback_changes_nothing() -> Result<()> {
    let states = [
        ("UPDATE_ROLLBACK_IN_PROGRESS", "UPDATE_IN_PROGRESS"),
        ("UPDATE_ROLLBACK_IN_PROGRESS", "UPDATE_COMPLETE"),
        ("UPDATE_ROLLBACK_COMPLETE", "UPDATE_COMPLETE"),
    ];
    let cases = states.map(|state| SIGNATURES.map(|signature| (state, signature)));
    let cases = cases.as_flattened();
    each_on_its_own_stack(cases, async |stack, (state, signature)| {
        let (id, cancelled) = Cancelled::of(stack, *signature).await?;
        stack.shows_rolling_back(&id);
        stack.succeeds(&cancelled.rollback).await?;
        stack.shows(state.0, state.1, Some(&id));
        stack.forgets_earlier_calls();
        let late = stack.another_environment().await?;
        cancelled
            .update
            .answered_by(&late)
            .await?
            .assert_failed(&[]);
        let case = format!("{state:?} {signature:?}");
        cancelled.assert_changed_nothing(stack, &id, &case).await
    })
    .await
}

/// The calls that an Update makes before it has claimed the record.
const BEFORE_THE_CLAIM: [(&str, &str); 5] = [
    ("events", "ListTargetsByRule"),
    ("s3", "GetObject"),
    ("cloudformation", "DescribeStackResource"),
    (ELB, "DescribeLoadBalancers"),
    ("s3", "PutObject"),
];

#[tokio::test]
async fn an_update_that_goes_on_when_its_rollback_is_done_changes_nothing() -> Result<()> {
    let signatures = [Signature::Dated, Signature::None];
    let cases = BEFORE_THE_CLAIM.map(|point| signatures.map(|signature| (point, signature)));
    let cases = cases.as_flattened();
    each_on_its_own_stack(cases, async |stack, (point, signature)| {
        let (id, cancelled) = Cancelled::of(stack, *signature).await?;
        stack.shows_updating(&id);
        let hold = stack.holds(point.0, point.1);
        let other = stack.another_environment().await?;
        let rolled_back = async {
            hold.arrived(1).await;
            stack.shows_rolling_back(&id);
            let response = cancelled.rollback.answered_by(&other).await;
            stack.shows_rolled_back(&id);
            stack.forgets_earlier_calls();
            hold.release();
            response
        };
        let (response, rolled_back) = tokio::join!(stack.delivers(&cancelled.update), rolled_back);
        rolled_back?.assert_success();
        response?.assert_failed(&[]);
        // The call that was held may be a PutObject. S3 refuses it, for the record has changed meanwhile.
        let mut changes = stack.calls();
        changes.retain(|call| call.operation == "PutObject" && call.status == Some(200));
        assert!(changes.is_empty(), "{point:?}: {changes:#?}");
        stack.ticks(&id, 4).await?;
        let targets = stack.fixture.targets(&cancelled.group);
        assert_eq!(
            targets,
            stack.fixture.expected(3, 80),
            "{point:?} {signature:?}"
        );
        Ok(())
    })
    .await
}
