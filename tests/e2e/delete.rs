//! Delete: it leaves nothing, touches nothing of others, and no tick brings anything back.

use crate::support::{ELB, Fixture, TIMEOUT, as_targets, binary, operations};
use anyhow::Result;
use futures_util::future::join_all;
use lab::{Fault, FaultKind};
use serde_json::json;
use std::time::Duration;

#[tokio::test]
async fn a_delete_leaves_nothing_and_a_late_tick_brings_nothing_back() -> Result<()> {
    let (fixture, made) = Fixture::bound().await?;
    let late = fixture.rule_input(&made).await?;
    fixture.lab.gateway().clear();
    fixture.delete(&made, json!({})).await?.assert_success();
    let changes = fixture.changes();
    assert_eq!(
        operations(&changes),
        [
            // This write puts the tombstone in the place of the record.
            "PutObject",
            "RemoveTargets",
            "DeleteRule",
            "DeleteListener",
            "DeleteTargetGroup",
            "DeleteObjects",
            "DeleteBucket"
        ]
    );
    assert_eq!(fixture.leftovers(made.id()).await?, Vec::<String>::new());

    fixture.lab.gateway().clear();
    let tick = fixture.function.invoke(late, TIMEOUT).await?;
    assert!(tick.mentions("the binding is deleted"));
    tick.success()?;
    assert_eq!(operations(&fixture.wiring_changes()), Vec::<&str>::new());
    Ok(())
}

#[tokio::test]
async fn a_late_tick_stops_quietly_also_when_the_alb_is_gone_with_the_stack() -> Result<()> {
    let (fixture, made) = Fixture::bound().await?;
    let late = fixture.rule_input(&made).await?;
    fixture.delete(&made, json!({})).await?.assert_success();
    fixture.lab.dns().remove("orders");
    fixture.function.invoke(late, TIMEOUT).await?.success()?;
    Ok(())
}

#[tokio::test]
async fn a_second_delete_and_an_id_that_never_existed_are_fine() -> Result<()> {
    let (fixture, made) = Fixture::bound().await?;
    fixture.delete(&made, json!({})).await?.assert_success();
    let again = fixture.delete(&made, json!({})).await?;
    again.assert_success();
    assert_eq!(again.id(), made.id());
    for id in [
        "alb-nlb-binding-0123456789abcdef",
        "orders-Binding-1ABCDEF",
        "2026/11/22/[$LATEST]0",
    ] {
        let event = json!({
            "RequestType": "Delete", "PhysicalResourceId": id,
            "ResourceProperties": fixture.properties(json!({})),
        });
        let deleted = fixture.request(event).await?;
        deleted.assert_success();
        assert_eq!(deleted.id(), id);
    }
    Ok(())
}

#[tokio::test]
async fn an_id_that_cloudformation_invented_deletes_what_the_unanswered_create_made() -> Result<()>
{
    let (fixture, made) = Fixture::bound().await?;
    let event = json!({
        "RequestType": "Delete", "PhysicalResourceId": "orders-Binding-1ABCDEF",
        "ResourceProperties": fixture.properties(json!({})),
    });
    fixture.request(event).await?.assert_success();
    assert_eq!(fixture.leftovers(made.id()).await?, Vec::<String>::new());
    Ok(())
}

#[tokio::test]
async fn a_delete_goes_by_the_id_whatever_the_properties_say() -> Result<()> {
    for properties in [
        json!({"AlbArn": "nonsense", "NlbArn": "nonsense", "Listeners": "nonsense", "Old": 1}),
        json!({"NlbArn": null, "BucketName": "NOT A BUCKET", "Listeners": []}),
    ] {
        let (fixture, made) = Fixture::bound().await?;
        fixture.delete(&made, properties).await?.assert_success();
        assert_eq!(fixture.leftovers(made.id()).await?, Vec::<String>::new());
    }
    Ok(())
}

#[tokio::test]
async fn from_given_groups_and_buckets_only_what_is_the_bindings_own_goes() -> Result<()> {
    let fixture = Fixture::new().await?;
    fixture.scale(3);
    let (group, foreign) = fixture
        .given_group_with_foreign_target("theirs", 8000)
        .await?;
    let s3 = fixture.s3();
    s3.create_bucket().bucket("their-bucket").send().await?;
    let theirs = s3
        .put_object()
        .bucket("their-bucket")
        .key("theirs")
        .body(b"x".to_vec().into());
    theirs.send().await?;
    let given = json!({
        "BucketName": "their-bucket", "Listeners": [{"Port": 80, "TargetGroupArn": group}],
    });
    let made = fixture.create(given).await?;
    made.assert_success();
    assert_eq!(fixture.targets(&group).len(), 4);

    // The properties no longer name group and bucket, but the rule does.
    fixture.delete(&made, json!({})).await?.assert_success();
    assert_eq!(fixture.targets(&group), as_targets(&[foreign], 80));
    assert_eq!(fixture.keys("their-bucket").await?, ["theirs"]);
    let left = fixture.leftovers(made.id()).await?;
    assert_eq!(left, ["listener on Some(8000)"], "the listener is theirs");
    Ok(())
}

#[tokio::test]
async fn a_versioned_bucket_is_emptied_of_all_versions_and_markers() -> Result<()> {
    use aws_sdk_s3::types::{BucketVersioningStatus, VersioningConfiguration};
    let (fixture, made) = Fixture::bound().await?;
    let bucket = made.attribute("BucketName");
    let enabled = VersioningConfiguration::builder()
        .status(BucketVersioningStatus::Enabled)
        .build();
    let s3 = fixture.s3();
    s3.put_bucket_versioning()
        .bucket(bucket)
        .versioning_configuration(enabled)
        .send()
        .await?;
    for count in [5, 6, 7] {
        fixture.scale(count);
        fixture.tick(&made).await?.success()?;
    }
    s3.delete_object()
        .bucket(bucket)
        .key("marked")
        .send()
        .await?;
    fixture.delete(&made, json!({})).await?.assert_success();
    assert_eq!(fixture.leftovers(made.id()).await?, Vec::<String>::new());
    Ok(())
}

#[tokio::test]
async fn a_target_group_still_in_use_is_tried_again() -> Result<()> {
    let (fixture, made) = Fixture::bound().await?;
    let in_use = FaultKind::Answer {
        status: 400,
        code: "ResourceInUse".to_owned(),
        message: "Target group is currently in use by a listener or a rule".to_owned(),
    };
    let fault = Fault::new(ELB, "DeleteTargetGroup", in_use).nth(1);
    fixture.lab.gateway().inject(fault);
    fixture.delete(&made, json!({})).await?.assert_success();
    assert_eq!(fixture.leftovers(made.id()).await?, Vec::<String>::new());
    Ok(())
}

#[tokio::test]
async fn a_create_that_failed_half_way_is_deleted_whole() -> Result<()> {
    let fixture = Fixture::new().await?;
    for (service, operation) in [
        (ELB, "CreateTargetGroup"),
        (ELB, "CreateListener"),
        ("events", "PutTargets"),
    ] {
        let fault = fixture.deny(service, operation);
        let failed = fixture.create(json!({})).await?;
        failed.assert_failed(&[operation]);
        fixture.allow(fault);
        fixture.delete(&failed, json!({})).await?.assert_success();
        assert_eq!(
            fixture.leftovers(failed.id()).await?,
            Vec::<String>::new(),
            "{operation}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn a_delete_during_a_running_create_leaves_nothing() -> Result<()> {
    let fixture = Fixture::new().await?;
    fixture.lab.dns().remove("orders");
    let other = fixture.lab.function(binary()).await?;
    let (create, delete) = (fixture.lab.response_url(), fixture.lab.response_url());
    let properties = fixture.properties(json!({}));
    let event = json!({"RequestType": "Create", "ResourceProperties": properties});
    let event = fixture.event(event, create.url());
    let (created, deleted) = tokio::join!(fixture.function.invoke(event, TIMEOUT), async {
        // The Create has made its bucket and its target group, and waits for an address.
        while fixture.lab.dns().queries("orders") == 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let event = json!({
            "RequestType": "Delete", "PhysicalResourceId": "orders-Binding-1ABCDEF",
            "ResourceProperties": properties,
        });
        let deleted = other
            .invoke(fixture.event(event, delete.url()), TIMEOUT)
            .await;
        fixture.scale(2);
        deleted
    });
    created?.success()?;
    deleted?.success()?;
    assert_eq!(delete.the_answer()?["Status"], "SUCCESS");
    let failed = create.the_answer()?;
    assert_eq!(failed["Status"], "FAILED", "{failed}");
    let id = failed["PhysicalResourceId"].as_str().expect("an id");
    assert_eq!(fixture.leftovers(id).await?, Vec::<String>::new());
    Ok(())
}

/// Delays one call of a Create while a Delete runs in another environment, and gives what is left.
async fn left_by_a_delete_during(service: &str, operation: &str) -> Result<Vec<String>> {
    let fixture = Fixture::new().await?;
    let other = fixture.lab.function(binary()).await?;
    let held_up = FaultKind::Delay(Duration::from_secs(2));
    let held_up = Fault::new(service, operation, held_up).nth(1);
    let held_up = fixture.lab.gateway().inject(held_up);
    let (create, delete) = (fixture.lab.response_url(), fixture.lab.response_url());
    let properties = fixture.properties(json!({}));
    let event = json!({"RequestType": "Create", "ResourceProperties": properties});
    let event = fixture.event(event, create.url());
    let (created, deleted) = tokio::join!(fixture.function.invoke(event, TIMEOUT), async {
        while fixture.lab.gateway().hits(held_up) == 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let event = json!({
            "RequestType": "Delete", "PhysicalResourceId": "orders-Binding-1ABCDEF",
            "ResourceProperties": properties,
        });
        other
            .invoke(fixture.event(event, delete.url()), TIMEOUT)
            .await
    });
    created?.success()?;
    deleted?.success()?;
    assert_eq!(delete.the_answer()?["Status"], "SUCCESS", "{operation}");
    let failed = create.the_answer()?;
    assert_eq!(failed["Status"], "FAILED", "{operation}: {failed}");
    let id = failed["PhysicalResourceId"].as_str().expect("an id");
    fixture.leftovers(id).await
}

#[tokio::test]
async fn a_delete_during_any_call_of_a_create_leaves_nothing() -> Result<()> {
    let calls = [
        (ELB, "CreateTargetGroup"),
        (ELB, "RegisterTargets"),
        (ELB, "CreateListener"),
        ("events", "PutRule"),
        ("events", "PutTargets"),
    ];
    let left = calls.map(|(service, operation)| left_by_a_delete_during(service, operation));
    for ((_, operation), left) in calls.iter().zip(join_all(left).await) {
        assert_eq!(left?, Vec::<String>::new(), "held up at {operation}");
    }
    Ok(())
}

#[tokio::test]
async fn a_load_balancer_that_is_gone_is_no_reason_to_fail() -> Result<()> {
    let (fixture, made) = Fixture::bound().await?;
    let elb = fixture.elb();
    elb.delete_load_balancer()
        .load_balancer_arn(&fixture.nlb.arn)
        .send()
        .await?;
    elb.delete_load_balancer()
        .load_balancer_arn(&fixture.alb.arn)
        .send()
        .await?;
    fixture.delete(&made, json!({})).await?.assert_success();
    assert_eq!(fixture.leftovers(made.id()).await?, Vec::<String>::new());
    Ok(())
}
