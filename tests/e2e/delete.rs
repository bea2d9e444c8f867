//! Delete: nothing left, nothing foreign touched, nothing brought back.

use crate::support::{Bench, TIMEOUT, binary, expected, operations};
use anyhow::Result;
use futures_util::future::join_all;
use lab::{Fault, What};
use serde_json::json;
use std::time::Duration;

#[tokio::test]
async fn a_delete_leaves_nothing_and_a_late_tick_brings_nothing_back() -> Result<()> {
    let (bench, made) = Bench::bound().await?;
    let late = bench.rule_input(&made).await?;
    bench.lab.gateway().clear();
    bench.delete(&made, json!({})).await?.assert_success();
    let changes = bench.changes();
    assert_eq!(
        operations(&changes),
        [
            // The tombstone.
            "PutObject",
            "RemoveTargets",
            "DeleteRule",
            "DeleteListener",
            "DeleteTargetGroup",
            "DeleteObjects",
            "DeleteBucket"
        ]
    );
    assert_eq!(bench.leftovers(made.id()).await?, Vec::<String>::new());

    bench.lab.gateway().clear();
    let tick = bench.function.invoke(late, TIMEOUT).await?;
    assert!(tick.mentions("the binding is deleted"));
    tick.success()?;
    assert_eq!(operations(&bench.wiring_changes()), Vec::<&str>::new());
    Ok(())
}

#[tokio::test]
async fn a_late_tick_stops_quietly_also_when_the_alb_is_gone_with_the_stack() -> Result<()> {
    let (bench, made) = Bench::bound().await?;
    let late = bench.rule_input(&made).await?;
    bench.delete(&made, json!({})).await?.assert_success();
    bench.lab.dns().remove("orders");
    bench.function.invoke(late, TIMEOUT).await?.success()?;
    Ok(())
}

#[tokio::test]
async fn a_second_delete_and_an_id_that_never_existed_are_fine() -> Result<()> {
    let (bench, made) = Bench::bound().await?;
    bench.delete(&made, json!({})).await?.assert_success();
    let again = bench.delete(&made, json!({})).await?;
    again.assert_success();
    assert_eq!(again.id(), made.id());
    for id in [
        "alb-nlb-binding-0123456789abcdef",
        "orders-Binding-1ABCDEF",
        "2026/11/22/[$LATEST]0",
    ] {
        let event = json!({
            "RequestType": "Delete", "PhysicalResourceId": id,
            "ResourceProperties": bench.properties(json!({})),
        });
        let deleted = bench.request(event).await?;
        deleted.assert_success();
        assert_eq!(deleted.id(), id);
    }
    Ok(())
}

#[tokio::test]
async fn an_id_that_cloudformation_invented_deletes_what_the_unanswered_create_made() -> Result<()>
{
    let (bench, made) = Bench::bound().await?;
    let event = json!({
        "RequestType": "Delete", "PhysicalResourceId": "orders-Binding-1ABCDEF",
        "ResourceProperties": bench.properties(json!({})),
    });
    bench.request(event).await?.assert_success();
    assert_eq!(bench.leftovers(made.id()).await?, Vec::<String>::new());
    Ok(())
}

#[tokio::test]
async fn a_delete_goes_by_the_id_whatever_the_properties_say() -> Result<()> {
    for properties in [
        json!({"AlbArn": "nonsense", "NlbArn": "nonsense", "Listeners": "nonsense", "Old": 1}),
        json!({"NlbArn": null, "BucketName": "NOT A BUCKET", "Listeners": []}),
    ] {
        let (bench, made) = Bench::bound().await?;
        bench.delete(&made, properties).await?.assert_success();
        assert_eq!(bench.leftovers(made.id()).await?, Vec::<String>::new());
    }
    Ok(())
}

#[tokio::test]
async fn from_given_groups_and_buckets_only_what_is_the_bindings_own_goes() -> Result<()> {
    let bench = Bench::new().await?;
    bench.scale(3);
    let group = bench.given_group("theirs", 8000).await?;
    let foreign = bench.foreign_address();
    bench.register(&group, foreign, 80).await?;
    let s3 = bench.s3();
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
    let made = bench.create(given).await?;
    made.assert_success();
    assert_eq!(bench.targets(&group).len(), 4);

    // Properties that no longer name them: the id and the rule are enough.
    bench.delete(&made, json!({})).await?.assert_success();
    assert_eq!(bench.targets(&group), expected(&[foreign], 80));
    assert_eq!(bench.keys("their-bucket").await?, ["theirs"]);
    let left = bench.leftovers(made.id()).await?;
    assert_eq!(left, ["listener on Some(8000)"], "the listener is theirs");
    Ok(())
}

#[tokio::test]
async fn a_versioned_bucket_is_emptied_of_all_versions_and_markers() -> Result<()> {
    use aws_sdk_s3::types::{BucketVersioningStatus, VersioningConfiguration};
    let (bench, made) = Bench::bound().await?;
    let bucket = made.attribute("BucketName");
    let enabled = VersioningConfiguration::builder()
        .status(BucketVersioningStatus::Enabled)
        .build();
    let s3 = bench.s3();
    s3.put_bucket_versioning()
        .bucket(bucket)
        .versioning_configuration(enabled)
        .send()
        .await?;
    for count in [5, 6, 7] {
        bench.scale(count);
        bench.tick(&made).await?.success()?;
    }
    s3.delete_object()
        .bucket(bucket)
        .key("marked")
        .send()
        .await?;
    bench.delete(&made, json!({})).await?.assert_success();
    assert_eq!(bench.leftovers(made.id()).await?, Vec::<String>::new());
    Ok(())
}

#[tokio::test]
async fn a_target_group_still_in_use_is_tried_again() -> Result<()> {
    let (bench, made) = Bench::bound().await?;
    let in_use = What::Answer {
        status: 400,
        code: "ResourceInUse".to_owned(),
        message: "Target group is currently in use by a listener or a rule".to_owned(),
    };
    let fault = Fault::new("elasticloadbalancing", "DeleteTargetGroup", in_use).nth(1);
    bench.lab.gateway().inject(fault);
    bench.delete(&made, json!({})).await?.assert_success();
    assert_eq!(bench.leftovers(made.id()).await?, Vec::<String>::new());
    Ok(())
}

#[tokio::test]
async fn a_create_that_failed_half_way_is_deleted_whole() -> Result<()> {
    let bench = Bench::new().await?;
    for (service, operation) in [
        ("elasticloadbalancing", "CreateTargetGroup"),
        ("elasticloadbalancing", "CreateListener"),
        ("events", "PutTargets"),
    ] {
        let fault = bench
            .lab
            .gateway()
            .inject(Fault::new(service, operation, What::Deny));
        let failed = bench.create(json!({})).await?;
        failed.assert_failed(&[operation]);
        bench.lab.gateway().remove_fault(fault);
        bench.delete(&failed, json!({})).await?.assert_success();
        assert_eq!(
            bench.leftovers(failed.id()).await?,
            Vec::<String>::new(),
            "{operation}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn a_delete_during_a_running_create_leaves_nothing() -> Result<()> {
    let bench = Bench::new().await?;
    bench.lab.dns().remove("orders");
    let other = bench.lab.function(binary()).await?;
    let (create, delete) = (bench.lab.response_url(), bench.lab.response_url());
    let properties = bench.properties(json!({}));
    let event = json!({"RequestType": "Create", "ResourceProperties": properties});
    let event = bench.event(event, create.url());
    let (created, deleted) = tokio::join!(bench.function.invoke(event, TIMEOUT), async {
        // The Create has made its bucket and its target group, and waits for an address.
        while bench.lab.dns().queries("orders") == 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let event = json!({
            "RequestType": "Delete", "PhysicalResourceId": "orders-Binding-1ABCDEF",
            "ResourceProperties": properties,
        });
        let deleted = other
            .invoke(bench.event(event, delete.url()), TIMEOUT)
            .await;
        bench.scale(2);
        deleted
    });
    created?.success()?;
    deleted?.success()?;
    assert_eq!(delete.the_answer()?["Status"], "SUCCESS");
    let failed = create.the_answer()?;
    assert_eq!(failed["Status"], "FAILED", "{failed}");
    let id = failed["PhysicalResourceId"].as_str().expect("an id");
    assert_eq!(bench.leftovers(id).await?, Vec::<String>::new());
    Ok(())
}

/// Holds up one call of a Create while a Delete runs in another sandbox, and gives what is left.
async fn left_by_a_delete_during(service: &str, operation: &str) -> Result<Vec<String>> {
    let bench = Bench::new().await?;
    let other = bench.lab.function(binary()).await?;
    let held_up = What::Delay(Duration::from_secs(2));
    let held_up = Fault::new(service, operation, held_up).nth(1);
    let held_up = bench.lab.gateway().inject(held_up);
    let (create, delete) = (bench.lab.response_url(), bench.lab.response_url());
    let properties = bench.properties(json!({}));
    let event = json!({"RequestType": "Create", "ResourceProperties": properties});
    let event = bench.event(event, create.url());
    let (created, deleted) = tokio::join!(bench.function.invoke(event, TIMEOUT), async {
        while bench.lab.gateway().hits(held_up) == 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let event = json!({
            "RequestType": "Delete", "PhysicalResourceId": "orders-Binding-1ABCDEF",
            "ResourceProperties": properties,
        });
        other
            .invoke(bench.event(event, delete.url()), TIMEOUT)
            .await
    });
    created?.success()?;
    deleted?.success()?;
    assert_eq!(delete.the_answer()?["Status"], "SUCCESS", "{operation}");
    let failed = create.the_answer()?;
    assert_eq!(failed["Status"], "FAILED", "{operation}: {failed}");
    let id = failed["PhysicalResourceId"].as_str().expect("an id");
    bench.leftovers(id).await
}

#[tokio::test]
async fn a_delete_during_any_call_of_a_create_leaves_nothing() -> Result<()> {
    let calls = [
        ("elasticloadbalancing", "CreateTargetGroup"),
        ("elasticloadbalancing", "RegisterTargets"),
        ("elasticloadbalancing", "CreateListener"),
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
    let (bench, made) = Bench::bound().await?;
    let elb = aws_sdk_elasticloadbalancingv2::Client::new(&bench.lab.aws());
    elb.delete_load_balancer()
        .load_balancer_arn(&bench.pair.nlb.arn)
        .send()
        .await?;
    elb.delete_load_balancer()
        .load_balancer_arn(&bench.pair.alb.arn)
        .send()
        .await?;
    bench.delete(&made, json!({})).await?.assert_success();
    assert_eq!(bench.leftovers(made.id()).await?, Vec::<String>::new());
    Ok(())
}
