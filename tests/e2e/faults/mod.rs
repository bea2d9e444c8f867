//! Every call may fail: whatever goes wrong at whichever call, after CloudFormation's next step nothing is lost and
//! nothing is left. `FAULT="create/s3/PutObject/2/LoseAnswer"` plays this scenario alone, and `FAULT="create/s3"` all
//! whose names begin with that.

mod inventory;
mod matrix;
mod neighbours;
mod refusals;
mod scenario;
mod shared_lab;
mod site;

use crate::support::TIMEOUT;
use anyhow::{Result, ensure};
use lab::{Fault, FaultKind};
use scenario::{FaultedEvent, play_all};
use shared_lab::SharedLab;
use site::{BindingShape, Site};
use std::time::Duration;

const BOUND: BindingShape = BindingShape {
    next_alb: false,
    ports: &[(80, 80), (81, 81)],
    given_bucket: false,
};

const CREATE: FaultedEvent = FaultedEvent {
    name: "create",
    old: None,
    new: Some(BOUND),
};

const CHANGE_ALB: FaultedEvent = FaultedEvent {
    name: "change-alb",
    old: Some(BOUND),
    new: Some(BindingShape {
        next_alb: true,
        ..BOUND
    }),
};

const CHANGE_PORTS: FaultedEvent = FaultedEvent {
    name: "change-ports",
    old: Some(BOUND),
    new: Some(BindingShape {
        ports: &[(80, 80), (82, 82)],
        ..BOUND
    }),
};

const CHANGE_BUCKET: FaultedEvent = FaultedEvent {
    name: "change-bucket",
    old: Some(BOUND),
    new: Some(BindingShape {
        given_bucket: true,
        ..BOUND
    }),
};

const DELETE: FaultedEvent = FaultedEvent {
    name: "delete",
    old: Some(BOUND),
    new: None,
};

const DELETE_IN_GIVEN_BUCKET: FaultedEvent = FaultedEvent {
    name: "delete-in-given-bucket",
    old: CHANGE_BUCKET.new,
    new: None,
};

const TICK: FaultedEvent = FaultedEvent {
    name: "tick",
    old: Some(BOUND),
    new: Some(BOUND),
};

#[tokio::test]
async fn whichever_call_of_a_create_fails_its_delete_leaves_nothing() -> Result<()> {
    matrix::play(CREATE).await
}

#[tokio::test]
async fn whichever_call_of_a_change_of_the_alb_fails_the_rollback_loses_nothing() -> Result<()> {
    matrix::play(CHANGE_ALB).await
}

#[tokio::test]
async fn whichever_call_of_a_change_of_ports_fails_the_rollback_loses_nothing() -> Result<()> {
    matrix::play(CHANGE_PORTS).await
}

#[tokio::test]
async fn whichever_call_of_a_change_of_the_bucket_fails_the_rollback_loses_nothing() -> Result<()> {
    matrix::play(CHANGE_BUCKET).await
}

#[tokio::test]
async fn whichever_call_of_a_delete_fails_the_next_one_leaves_nothing() -> Result<()> {
    matrix::play(DELETE).await
}

#[tokio::test]
async fn whichever_call_of_a_delete_with_a_given_bucket_fails_the_next_one_leaves_nothing()
-> Result<()> {
    matrix::play(DELETE_IN_GIVEN_BUCKET).await
}

#[tokio::test]
async fn whichever_call_of_a_tick_fails_the_next_ones_lose_nothing() -> Result<()> {
    matrix::play(TICK).await
}

#[tokio::test]
async fn whatever_aws_refuses_in_words_of_its_own_nothing_is_lost_and_nothing_left() -> Result<()> {
    let scenarios = refusals::scenarios(&refusals::FaultedEvents {
        create: CREATE,
        change_ports: CHANGE_PORTS,
        change_bucket: CHANGE_BUCKET,
        delete: DELETE,
        tick: TICK,
    });
    play_all(&SharedLab::new().await?, scenarios).await
}

#[tokio::test]
async fn one_bad_target_among_many_fails_a_create_with_all_the_others_in() -> Result<()> {
    let site = Site::new(&SharedLab::new().await?).await?;
    let mut in_dns = site.addresses(false, 40);
    let good = in_dns.clone();
    in_dns.insert(17, "8.8.8.8".parse()?);
    site.show_in_dns(false, in_dns);
    let failed = site.request(None, Some(BOUND), TIMEOUT).await?;
    failed.assert_failed(&["8.8.8.8:80", "InvalidTarget"]);
    for port in [80, 81] {
        let targets = site.targets(port).await?;
        let missing = good
            .iter()
            .find(|address| !targets.contains(&format!("{address}:{port}")));
        ensure!(missing.is_none(), "{missing:?} is not in {targets:?}");
    }
    site.succeed(Some(BOUND), None).await?;
    assert_eq!(site.inventory().await?, site.foreign);
    Ok(())
}

#[tokio::test]
async fn a_target_group_that_somebody_elses_listener_holds_fails_a_delete_until_it_is_let_go()
-> Result<()> {
    let site = Site::new(&SharedLab::new().await?).await?;
    site.succeed(None, Some(BOUND)).await?;
    let theirs = site.somebody_makes_a_listener(9000, 81).await?;
    let failed = site
        .request(Some(BOUND), None, Duration::from_secs(5))
        .await?;
    failed.assert_failed(&["target group", &site.group(81)]);
    ensure!(!site.targets(81).await?.is_empty(), "it still serves");
    site.somebody_deletes_the_listener(&theirs).await?;
    site.succeed(Some(BOUND), None).await?;
    assert_eq!(site.inventory().await?, site.foreign);
    Ok(())
}

#[tokio::test]
async fn a_given_bucket_of_somebody_else_fails_the_create_and_keeps_no_delete_from_success()
-> Result<()> {
    let site = Site::new(&SharedLab::new().await?).await?;
    let given = CHANGE_BUCKET.new;
    let gateway = site.shared.lab.gateway();
    let refused = |operation: &str| Fault::new("s3", operation, FaultKind::Deny);
    // The Create looks first into the bucket that the properties name.
    gateway.inject(refused("GetObject").nth(1));
    let failed = site.request(None, given, TIMEOUT).await?;
    failed.assert_failed(&[&site.their_bucket]);
    assert_eq!(site.inventory().await?, site.foreign);
    gateway.clear_faults();
    // The Delete looks first into the bucket that the binding would have made, and finds none; then into the given
    // one.
    for nth in [2, 4, 6] {
        gateway.inject(refused("GetObject").nth(nth));
    }
    gateway.inject(refused("ListObjectVersions"));
    site.succeed(given, None).await?;
    assert_eq!(site.inventory().await?, site.foreign);
    Ok(())
}

#[tokio::test]
async fn a_delete_that_is_refused_the_given_bucket_fails_however_often_it_is_repeated() -> Result<()>
{
    let site = Site::new(&SharedLab::new().await?).await?;
    let given = CHANGE_BUCKET.new;
    site.succeed(None, given).await?;
    let gateway = site.shared.lab.gateway();
    for operation in ["ListObjectVersions", "DeleteObjects"] {
        gateway.inject(Fault::new("s3", operation, FaultKind::Deny));
    }
    for _ in 0..2 {
        let failed = site.request(given, None, TIMEOUT).await?;
        failed.assert_failed(&["ListObjectVersions", &site.their_bucket]);
    }
    gateway.clear_faults();
    site.succeed(given, None).await?;
    assert_eq!(site.inventory().await?, site.foreign);
    Ok(())
}
