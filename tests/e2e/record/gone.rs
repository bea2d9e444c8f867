//! A Delete leaves nothing of the binding, or says what it had to leave: while ticks are under way, with a record
//! that cannot be read, with groups that the role no longer lets it touch, and with versions that are locked.

use super::request::Signature;
use super::stack::{BindingStack, each_on_its_own_stack};
use crate::support::{ELB, TIMEOUT, as_targets};
use anyhow::Result;
use aws_sdk_s3::types::StorageClass;
use lab::{Fault, FaultKind, HeldCalls};
use serde_json::json;

#[tokio::test]
async fn a_given_group_that_is_taken_from_the_properties_with_its_grant_holds_nothing_up()
-> Result<()> {
    for is_granted in [true, false] {
        let stack = BindingStack::new().await?;
        let (group, foreign) = stack.given_group_with_foreign_target().await?;
        let both = json!({"Listeners": [{"Port": 80}, {"Port": 80, "TargetGroupArn": group}]});
        let made = stack.bind(both.clone()).await?;
        let id = made.id();
        stack.shows_updating(id);
        // The Update deregisters targets only in the group that it gives up.
        if !is_granted {
            stack.fixture.deny(ELB, "DeregisterTargets");
        }
        stack.forgets_earlier_calls();
        let updated = stack.update(id, both, json!({}));
        let updated = stack.succeeds(&updated).await?;
        let calls = stack.calls();
        let changes = calls.iter().map(|call| call.operation.as_str());
        let changes = changes.filter(|operation| {
            let reads = ["Get", "Head", "Describe", "List"];
            !reads.iter().any(|read| operation.starts_with(read))
        });
        let mut changes = changes.skip_while(|operation| *operation != "PutTargets");
        assert_eq!(changes.next(), Some("PutTargets"), "{calls:#?}");
        // It writes the record before it deregisters, and its answer afterwards.
        let mut last = changes.filter(|operation| *operation != "PutObject");
        assert_eq!(last.next(), Some("DeregisterTargets"), "{calls:#?}");
        assert_eq!(last.next(), None, "{calls:#?}");
        if is_granted {
            assert_eq!(stack.fixture.targets(&group), as_targets(&[foreign], 80));
        } else {
            assert!(updated.invocation.mentions("no longer served"));
        }
        stack.shows_updated(id);
        stack.forgets_earlier_calls();
        stack.fixture.scale(4);
        stack.ticks(id, 2).await?;
        let own = made.target_groups()[0];
        assert_eq!(stack.fixture.targets(own), stack.fixture.expected(4, 80));
        let touches = |call: &lab::Call| call.params.to_string().contains(&group);
        assert!(!stack.calls().iter().any(touches), "ticks leave it alone");
        stack.shows_deleting(id);
        stack.succeeds(&stack.delete(id, json!({}))).await?;
        let left = stack.fixture.leftovers(id).await?;
        assert_eq!(left, ["listener on Some(8000)"], "the listener is theirs");
    }
    Ok(())
}

/// During the Update the role denies looking at the group, or deregistering there. During the Delete it allows both
/// again, or not.
#[tokio::test]
async fn what_stayed_in_a_group_that_was_given_up_goes_with_the_delete_if_it_may() -> Result<()> {
    let denied = ["DescribeTargetHealth", "DeregisterTargets"];
    let cases = denied
        .into_iter()
        .flat_map(|denied| [(denied, true), (denied, false)]);
    let cases: Vec<_> = cases.collect();
    each_on_its_own_stack(cases, async |stack, (operation, is_granted_again)| {
        let group = stack.given_group().await?;
        let both = json!({"Listeners": [{"Port": 80}, {"Port": 80, "TargetGroupArn": group}]});
        let made = stack.bind(both.clone()).await?;
        let id = made.id();
        stack.shows_updating(id);
        let denied = Fault::new(ELB, operation, FaultKind::Deny).on(&group);
        let fault = stack.injects(denied);
        let updated = stack.update(id, both, json!({}));
        let updated = stack.succeeds(&updated).await?;
        assert!(updated.invocation.mentions("no longer served"));
        stack.shows_updated(id);
        stack.ticks(id, 1).await?;
        if is_granted_again {
            stack.fixture.allow(fault);
        }
        stack.shows_deleting(id);
        let deleted = stack.succeeds(&stack.delete(id, json!({}))).await?;
        let left = stack.fixture.targets(&group);
        if is_granted_again {
            assert!(left.is_empty(), "{operation}: {left:?}");
        } else {
            assert_eq!(left, stack.fixture.expected(3, 80), "{operation}");
            assert!(deleted.invocation.mentions("no longer served"));
        }
        let left = stack.fixture.leftovers(id).await?;
        assert_eq!(left, ["listener on Some(8000)"], "the listener is theirs");
        Ok(())
    })
    .await
}

/// A Delete waits for a bucket that is busy, also if only the properties name the bucket.
#[tokio::test]
async fn a_delete_of_a_failed_create_waits_for_a_bucket_that_is_busy() -> Result<()> {
    let stack = BindingStack::new().await?;
    let group = stack.given_group().await?;
    stack.fixture.given_bucket("busy-bucket").await?;
    let listeners = json!([{"Port": 80, "TargetGroupArn": group}]);
    let properties = json!({"BucketName": "busy-bucket", "Listeners": listeners});
    stack.shows_creating();
    let fault = stack.fixture.deny("events", "PutRule");
    let failed = stack.delivers(&stack.create(properties.clone())).await?;
    failed.assert_failed(&["PutRule"]);
    stack.fixture.allow(fault);
    stack.shows(
        "ROLLBACK_IN_PROGRESS",
        "DELETE_IN_PROGRESS",
        Some(failed.id()),
    );
    let busy = FaultKind::Answer {
        status: 503,
        code: "SlowDown".to_owned(),
        message: "Please reduce your request rate.".to_owned(),
    };
    let fault = stack.injects(Fault::new("s3", "GetObject", busy).on("busy-bucket"));
    let delete = stack.delete(failed.id(), properties.clone());
    let busy = stack.delivers(&delete).await?;
    busy.assert_failed(&["GetObject"]);
    stack.fixture.allow(fault);
    stack
        .succeeds(&stack.delete(failed.id(), properties))
        .await?;
    assert!(stack.fixture.targets(&group).is_empty());
    let objects = stack.fixture.s3().list_objects_v2().bucket("busy-bucket");
    assert_eq!(objects.send().await?.contents().len(), 0);
    Ok(())
}

/// The group still serves, so a Delete whose role denies deregistering its targets fails.
#[tokio::test]
async fn a_given_group_of_the_orders_that_may_not_be_touched_fails_the_delete() -> Result<()> {
    let stack = BindingStack::new().await?;
    let group = stack.given_group().await?;
    let given = json!({"Listeners": [{"Port": 80, "TargetGroupArn": group}]});
    let made = stack.bind(given.clone()).await?;
    stack.shows_deleting(made.id());
    let fault = stack.fixture.deny(ELB, "DeregisterTargets");
    let failed = stack
        .delivers(&stack.delete(made.id(), given.clone()))
        .await?;
    failed.assert_failed(&["DeregisterTargets", "AccessDenied"]);
    stack.fixture.allow(fault);
    stack.succeeds(&stack.delete(made.id(), given)).await?;
    assert!(stack.fixture.targets(&group).is_empty());
    Ok(())
}

/// The calls at which a tick is held, and how each ends once the Delete has written its tombstone.
const HELD_TICKS: [(&str, &str, Option<FaultKind>); 9] = [
    (ELB, "DescribeTargetHealth", None),
    (ELB, "DescribeTargetHealth", Some(FaultKind::CutOff)),
    ("s3", "GetObject", None),
    ("s3", "GetObject", Some(FaultKind::ServerError)),
    ("s3", "PutObject", None),
    ("s3", "PutObject", Some(FaultKind::CutOff)),
    (ELB, "RegisterTargets", None),
    (ELB, "RegisterTargets", Some(FaultKind::LoseAnswer)),
    (ELB, "RegisterTargets", Some(FaultKind::CutOff)),
];

#[tokio::test]
async fn a_tick_that_registers_in_a_given_group_while_a_delete_runs_leaves_nothing_there()
-> Result<()> {
    each_on_its_own_stack(HELD_TICKS, async |stack, (service, operation, ending)| {
        let (group, foreign) = stack.given_group_with_foreign_target().await?;
        let given = json!({"Listeners": [{"Port": 80, "TargetGroupArn": group}]});
        let made = stack.bind(given.clone()).await?;
        let id = made.id();
        let late = stack.tick_event(id).await?;
        stack.fixture.scale(5);
        let hold = HeldCalls::default();
        let fault = |what| Fault::new(service, operation, what).nth(1);
        stack.injects(fault(FaultKind::Hold(hold.clone())));
        if let Some(ending) = ending.clone() {
            stack.injects(fault(ending));
        }
        let other = stack.another_environment().await?;
        let tries = async {
            // Lambda tries a tick that failed twice more.
            for _ in 0..3 {
                other.invoke_as("one-tick", late.clone(), TIMEOUT).await?;
            }
            Ok::<_, anyhow::Error>(())
        };
        let delete = stack.delete(id, given).signed(Signature::Dated, 9);
        let deleted = async {
            hold.arrived(1).await;
            stack.shows_deleting(id);
            let release = stack.releases_at_the_next_write(&hold);
            let (response, released) = tokio::join!(stack.succeeds(&delete), release);
            released?;
            response
        };
        let (tried, deleted) = tokio::join!(tries, deleted);
        tried?;
        deleted?;
        // Another delivery of that tick comes when the Delete is done.
        stack.forgets_earlier_calls();
        other.invoke(late, TIMEOUT).await?.success()?;
        stack.assert_unchanged();
        let case = format!("{operation} {ending:?}");
        assert_eq!(
            stack.fixture.targets(&group),
            as_targets(&[foreign], 80),
            "{case}"
        );
        let left = stack.fixture.leftovers(id).await?;
        assert_eq!(left, ["listener on Some(8000)"], "{case}");
        Ok(())
    })
    .await
}

/// Why a record cannot be read.
const UNREADABLE: [&str; 4] = ["archived", "garbage", "another version", "empty"];

#[tokio::test]
async fn a_record_that_cannot_be_read_keeps_nothing_of_a_binding_alive() -> Result<()> {
    let cases = UNREADABLE
        .into_iter()
        .flat_map(|how| [true, false].map(|own| (how, own)));
    let cases: Vec<_> = cases.collect();
    each_on_its_own_stack(cases, async |stack, (how, is_own_bucket)| {
        let mut properties = json!({});
        if !is_own_bucket {
            let bucket = format!("their-bucket-{}", stack.fixture.alb.name);
            stack.fixture.given_bucket(&bucket).await?;
            properties["BucketName"] = json!(bucket);
        }
        let made = stack.bind(properties.clone()).await?;
        let (id, bucket) = (made.id(), made.attribute("BucketName"));
        match how {
            "archived" => {
                let archived = stack.record(bucket, id).await?.to_string().into_bytes();
                let put = stack.fixture.s3().put_object().bucket(bucket);
                let put = put.key(format!("{id}/state.json")).body(archived.into());
                put.storage_class(StorageClass::Glacier).send().await?;
            }
            "garbage" => stack.writes_record(bucket, id, "{\"version\":").await?,
            "another version" => {
                stack
                    .writes_record(bucket, id, json!({"version": 99}))
                    .await?
            }
            _ => stack.writes_record(bucket, id, "").await?,
        }
        stack.shows_deleting(id);
        stack.succeeds(&stack.delete(id, properties)).await?;
        stack.assert_gone(id, how).await?;
        if !is_own_bucket {
            assert!(stack.fixture.keys(bucket).await?.is_empty(), "{how}");
        }
        Ok(())
    })
    .await
}

#[tokio::test]
async fn locked_versions_are_left_with_a_warning_and_nothing_else_is() -> Result<()> {
    use aws_sdk_s3::primitives::DateTime;
    use aws_sdk_s3::types::{ObjectLockRetention, ObjectLockRetentionMode};
    let stack = BindingStack::new().await?;
    let s3 = stack.fixture.s3();
    let bucket = s3.create_bucket().bucket("their-bucket");
    bucket.object_lock_enabled_for_bucket(true).send().await?;
    let properties = json!({"BucketName": "their-bucket"});
    let made = stack.bind(properties.clone()).await?;
    let until = std::time::SystemTime::now() + std::time::Duration::from_secs(86400);
    let retention = ObjectLockRetention::builder()
        .mode(ObjectLockRetentionMode::Compliance)
        .retain_until_date(DateTime::from(until))
        .build();
    let lock = s3.put_object_retention().bucket("their-bucket");
    let lock = lock.key(format!("{}/state.json", made.id()));
    lock.retention(retention).send().await?;
    stack.shows_deleting(made.id());
    let deleted = stack.succeeds(&stack.delete(made.id(), properties)).await?;
    assert!(
        deleted.invocation.mentions("retention lock"),
        "{:#?}",
        deleted.invocation.log
    );
    stack.assert_gone(made.id(), "deleted").await?;
    assert!(stack.fixture.keys("their-bucket").await?.is_empty());
    let versions = s3
        .list_object_versions()
        .bucket("their-bucket")
        .send()
        .await?;
    assert_eq!(versions.versions().len(), 1);
    Ok(())
}
