//! Lambda kills a request at any of its calls, and runs it again: the request completes, whether AWS carried that
//! call out or not. The calls are recorded from a request that nothing happens to.

use super::request::StackRequest;
use super::stack::BindingStack;
use crate::support::{TIMEOUT, is_reading};
use anyhow::{Context, Result, ensure};
use futures_util::stream::{self, StreamExt};
use lab::{Fault, FaultKind, HeldCalls};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// How many stacks are played at once on one lab: most of the time most of them wait for a claim to run out.
const STACKS_AT_ONCE: usize = 14;

#[derive(Clone, Copy, Debug, PartialEq)]
enum KilledRequest {
    Create,
    Update,
    /// An Update that takes the record to another bucket.
    Move,
    Delete,
}

/// The call at which an environment is killed, and whether AWS carries the call out all the same.
#[derive(Clone, Debug)]
struct KillPoint {
    service: String,
    operation: String,
    nth: usize,
    is_done: bool,
}

async fn prepare(stack: &BindingStack, kind: KilledRequest) -> Result<StackRequest> {
    if kind == KilledRequest::Create {
        stack.shows_creating();
        return Ok(stack.create(json!({})));
    }
    let made = stack.bind(json!({})).await?;
    let id = made.id();
    if kind == KilledRequest::Update {
        stack.shows_updating(id);
        return Ok(stack.update(id, json!({}), changed_properties()));
    }
    if kind == KilledRequest::Move {
        stack.shows_updating(id);
        return Ok(stack.update(id, json!({}), to_another_bucket(stack)));
    }
    stack.shows_deleting(id);
    Ok(stack.delete(id, json!({})))
}

/// To a bucket that was made before the first request.
fn to_another_bucket(stack: &BindingStack) -> Value {
    json!({"BucketName": format!("moved-{}", stack.fixture.alb.name)})
}

fn changed_properties() -> Value {
    let health = json!({"Protocol": "HTTP", "Path": "/up"});
    json!({
        "Listeners": [{"Port": 81, "HealthCheck": health}, {"Port": 82}],
        "Schedule": "rate(5 minutes)",
    })
}

/// Plays a request to its end, and kills it once on the way if a point is given. Gives the request's calls as
/// points.
async fn play(
    stack: &BindingStack,
    kind: KilledRequest,
    point: Option<&KillPoint>,
) -> Result<Vec<KillPoint>> {
    let request = prepare(stack, kind).await?;
    stack.forgets_earlier_calls();
    if let Some(point) = point {
        let hold = HeldCalls::default();
        let fault = |what| Fault::new(&point.service, &point.operation, what).nth(point.nth);
        stack.injects(fault(FaultKind::Hold(hold.clone())));
        if !point.is_done {
            stack.injects(fault(FaultKind::CutOff));
        }
        let killed = stack.another_environment().await?;
        request.killed_at(&hold, killed).await?;
    }
    let response = stack.succeeds(&request).await?;
    let calls = stack.calls();
    let id = response.id();
    match kind {
        KilledRequest::Delete => stack.assert_gone(id, "deleted").await?,
        KilledRequest::Create | KilledRequest::Update | KilledRequest::Move => {
            let ports: &[u16] = if kind == KilledRequest::Update {
                &[81, 82]
            } else {
                &[80]
            };
            let groups = response.target_groups();
            ensure!(groups.len() == ports.len(), "{groups:?}");
            stack.ticks(id, 1).await?;
            for (group, port) in groups.into_iter().zip(ports) {
                let (is, should) = (
                    stack.fixture.targets(group),
                    stack.fixture.expected(3, *port),
                );
                ensure!(is == should, "{is:?} instead of {should:?}");
            }
            let left = stack.fixture.leftovers(id).await?;
            ensure!(left.len() == 2 + 2 * ports.len(), "{left:#?}");
            let changes = if kind == KilledRequest::Move {
                to_another_bucket(stack)
            } else {
                json!({})
            };
            let delete = stack.delete(id, changes);
            stack.shows_deleting(id);
            stack.succeeds(&delete).await?;
            stack.assert_gone(id, "deleted").await?;
        }
    }
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let points = calls
        .into_iter()
        .filter(|call| !is_reading(&call.operation));
    let points = points.map(|call| {
        let nth = counts.entry(call.operation.clone()).or_default();
        *nth += 1;
        KillPoint {
            service: call.service,
            operation: call.operation,
            nth: *nth,
            is_done: true,
        }
    });
    Ok(points.collect())
}

/// Only calls that change something are points: a request that is killed at a read is one that is killed before
/// its next change.
async fn completes_wherever_it_is_killed(kind: KilledRequest) -> Result<()> {
    let stacks = BindingStack::several(STACKS_AT_ONCE).await?;
    for stack in &stacks {
        let given = to_another_bucket(stack);
        stack
            .fixture
            .given_bucket(given["BucketName"].as_str().expect("a name"))
            .await?;
    }
    let recorded = play(&stacks[0], kind, None).await?;
    ensure!(recorded.len() > 5, "{recorded:?}");
    let undone = recorded.clone().into_iter().map(|point| KillPoint {
        is_done: false,
        ..point
    });
    let points: Vec<_> = recorded.iter().cloned().chain(undone).collect();
    // Each stack plays its share of the points one after the other.
    let shares = stacks.iter().enumerate().map(|(number, stack)| {
        let mine = points.iter().skip(number).step_by(STACKS_AT_ONCE);
        async move {
            for point in mine {
                let played = tokio::time::timeout(TIMEOUT, play(stack, kind, Some(point)));
                let played = played.await.context("in time").and_then(|played| played);
                played.with_context(|| format!("{kind:?} killed at {point:?}"))?;
            }
            Ok::<_, anyhow::Error>(())
        }
    });
    let shares: Vec<_> = shares.collect();
    let played = stream::iter(shares).buffer_unordered(STACKS_AT_ONCE);
    let failures: Vec<_> = played.filter_map(async |share| share.err()).collect().await;
    let failures: Vec<_> = failures
        .iter()
        .map(|failure| format!("{failure:#}"))
        .collect();
    ensure!(failures.is_empty(), "{}", failures.join("\n"));
    Ok(())
}

#[tokio::test]
async fn a_create_that_is_killed_at_any_call_and_run_again_completes() -> Result<()> {
    completes_wherever_it_is_killed(KilledRequest::Create).await
}

#[tokio::test]
async fn an_update_that_is_killed_at_any_call_and_run_again_completes() -> Result<()> {
    completes_wherever_it_is_killed(KilledRequest::Update).await
}

#[tokio::test]
async fn a_change_of_the_bucket_that_is_killed_at_any_call_and_run_again_completes() -> Result<()> {
    completes_wherever_it_is_killed(KilledRequest::Move).await
}

#[tokio::test]
async fn a_delete_that_is_killed_at_any_call_and_run_again_completes() -> Result<()> {
    completes_wherever_it_is_killed(KilledRequest::Delete).await
}
