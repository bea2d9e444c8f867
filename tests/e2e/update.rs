//! Update: it makes only what differs, in place, and takes away nothing that still serves.

use crate::support::{ELB, Fixture, TIMEOUT, as_targets, operations};
use anyhow::Result;
use lab::{AlbSpec, NlbSpec};
use serde_json::json;

#[tokio::test]
async fn a_changed_alb_is_registered_before_the_answer_and_the_old_one_leaves_by_ticks()
-> Result<()> {
    let (fixture, made) = Fixture::bound().await?;
    let group = made.attribute("TargetGroupArn").to_owned();
    let (next, new) = fixture.next_alb_in_dns(12).await?;
    let updated = fixture.update(&made, json!({ "AlbArn": next.arn })).await?;
    updated.assert_success();
    assert_eq!(updated.id(), made.id());
    assert_eq!(updated.attribute("IpCount"), "12");
    assert_eq!(
        fixture.targets(&group).len(),
        3 + 12,
        "old and new side by side"
    );
    for tick in 1..=2 {
        fixture.tick(&made).await?.success()?;
        assert_eq!(fixture.targets(&group).len(), 3 + 12, "after tick {tick}");
    }
    fixture.tick(&made).await?.success()?;
    let mut left = fixture.targets(&group);
    let mut right: Vec<_> = new.iter().map(|address| format!("{address}:80")).collect();
    left.sort_unstable();
    right.sort_unstable();
    assert_eq!(left, right);
    Ok(())
}

#[tokio::test]
async fn a_tick_that_was_sent_before_the_update_goes_by_the_record() -> Result<()> {
    let (fixture, made) = Fixture::bound().await?;
    let group = made.attribute("TargetGroupArn").to_owned();
    let late = fixture.rule_input(&made).await?;
    let (next, new) = fixture.next_alb_in_dns(2).await?;
    let one = json!({"AlbArn": next.arn, "InvocationsBeforeDeregistration": 1});
    fixture.update(&made, one).await?.assert_success();
    assert_eq!(fixture.targets(&group).len(), 3 + 2);
    // The tick's own copy of the orders names the former ALB, and three ticks before an address leaves.
    fixture.function.invoke(late, TIMEOUT).await?.success()?;
    assert_eq!(fixture.targets(&group), as_targets(&new, 80));
    Ok(())
}

#[tokio::test]
async fn ports_are_added_moved_and_removed_in_place() -> Result<()> {
    let mut alb = AlbSpec::new("orders");
    alb.ports = vec![80, 443];
    let fixture = Fixture::with(alb, NlbSpec::new("front")).await?;
    fixture.scale(3);
    let made = fixture.create(json!({})).await?;
    made.assert_success();

    let two = json!({"Listeners": [{"Port": 80}, {"Port": 443}]});
    let added = fixture.update(&made, two).await?;
    added.assert_success();
    let groups = added.target_groups();
    assert_eq!(
        groups[0],
        made.attribute("TargetGroupArn"),
        "the first group stays"
    );
    assert_eq!(fixture.targets(groups[1]), fixture.expected(3, 443));

    fixture.lab.gateway().clear();
    let moved = json!({"Listeners": [{"Port": 80}, {"Port": 8443, "AlbPort": 443}]});
    let moved = fixture.update(&made, moved).await?;
    moved.assert_success();
    assert!(moved.attribute("TargetGroupArns").contains("-8443/"));
    let changes = fixture.changes();
    let last: Vec<_> = operations(&changes).into_iter().rev().take(3).collect();
    assert_eq!(
        last,
        ["PutObject", "DeleteTargetGroup", "DeleteListener"],
        "taken away last, and then the answer is put down"
    );

    let removed = fixture.update(&made, json!({})).await?;
    removed.assert_success();
    fixture.lab.gateway().clear();
    fixture.update(&made, json!({})).await?.assert_success();
    assert_eq!(
        operations(&fixture.wiring_changes()),
        ["PutObject", "PutObject"],
        "the claim, and the answer to it"
    );
    let left = fixture.leftovers(made.id()).await?;
    assert_eq!(
        left.iter()
            .filter(|name| name.starts_with("target group"))
            .count(),
        1,
        "{left:?}"
    );
    assert_eq!(
        left.iter()
            .filter(|name| name.starts_with("listener"))
            .count(),
        1,
        "{left:?}"
    );
    fixture.tick(&made).await?.success()?;
    Ok(())
}

#[tokio::test]
async fn a_changed_alb_port_registers_the_new_port_and_counts_the_old_one_out() -> Result<()> {
    let mut alb = AlbSpec::new("orders");
    alb.ports = vec![80, 8080];
    let fixture = Fixture::with(alb, NlbSpec::new("front")).await?;
    let made = fixture.create(json!({})).await?;
    made.assert_success();
    let group = made.attribute("TargetGroupArn").to_owned();
    let moved = json!({"Listeners": [{"Port": 80, "AlbPort": 8080}]});
    fixture.update(&made, moved).await?.assert_success();
    assert_eq!(fixture.targets(&group).len(), 2);
    for _ in 0..3 {
        fixture.tick(&made).await?.success()?;
    }
    assert_eq!(fixture.targets(&group), fixture.expected(1, 8080));
    Ok(())
}

#[tokio::test]
async fn health_check_attributes_schedule_and_counts_change_in_place() -> Result<()> {
    let (fixture, made) = Fixture::bound().await?;
    fixture.lab.gateway().clear();
    let changed = fixture
        .update(
            &made,
            json!({
                "Schedule": "rate(5 minutes)",
                "InvocationsBeforeDeregistration": "1",
                "Listeners": [{
                    "Port": 80,
                    "HealthCheck": {"Protocol": "HTTP", "Path": "/up", "IntervalSeconds": 10},
                    "TargetGroupAttributes":
                        [{"Key": "deregistration_delay.timeout_seconds", "Value": "0"}],
                }],
            }),
        )
        .await?;
    changed.assert_success();
    let changes = fixture.wiring_changes();
    assert_eq!(
        operations(&changes),
        [
            "PutObject",
            "ModifyTargetGroup",
            "ModifyTargetGroupAttributes",
            "PutRule",
            "PutTargets",
            "PutObject"
        ]
    );
    // Without a deregistration delay a target is gone at once.
    fixture.scale(1);
    fixture.tick(&made).await?.success()?;
    assert_eq!(
        fixture.lab.targets(made.attribute("TargetGroupArn")).len(),
        1
    );

    fixture.lab.gateway().clear();
    fixture.update(&made, json!({})).await?.assert_success();
    let back = fixture
        .lab
        .gateway()
        .calls_of(ELB, "ModifyTargetGroupAttributes");
    assert!(back[0].params.to_string().contains("300"), "{back:?}");
    Ok(())
}

#[tokio::test]
async fn a_target_group_that_was_made_gives_way_to_a_given_one() -> Result<()> {
    let (fixture, made) = Fixture::bound().await?;
    let given = fixture.given_group("theirs", 8000).await?;
    let listeners = json!({"Listeners": [{"Port": 80, "TargetGroupArn": given}]});
    let updated = fixture.update(&made, listeners).await?;
    updated.assert_success();
    assert_eq!(fixture.targets(&given), fixture.expected(3, 80));
    // After the Update back, the binding's targets leave the given group by the usual count.
    fixture.update(&made, json!({})).await?.assert_success();
    for _ in 0..3 {
        fixture.tick(&made).await?.success()?;
    }
    assert!(fixture.targets(&given).is_empty());
    Ok(())
}

#[tokio::test]
async fn a_changed_bucket_takes_the_counts_along() -> Result<()> {
    let (fixture, made) = Fixture::bound().await?;
    fixture.scale(2);
    fixture.tick(&made).await?.success()?;
    fixture.tick(&made).await?.success()?;
    fixture.given_bucket("their-bucket").await?;
    let moved = fixture
        .update(&made, json!({"BucketName": "their-bucket"}))
        .await?;
    moved.assert_success();
    fixture.tick(&made).await?.success()?;
    let group = made.attribute("TargetGroupArn");
    assert_eq!(
        fixture.targets(group),
        fixture.expected(2, 80),
        "two misses before, one after"
    );
    fixture
        .delete(&made, json!({"BucketName": "their-bucket"}))
        .await?
        .assert_success();
    assert!(fixture.keys("their-bucket").await?.is_empty());
    assert_eq!(fixture.leftovers(made.id()).await?, Vec::<String>::new());
    Ok(())
}

#[tokio::test]
async fn an_update_that_the_checks_refuse_changes_nothing() -> Result<()> {
    let (fixture, made) = Fixture::bound().await?;
    fixture.lab.gateway().clear();
    let refused = fixture
        .update(&made, json!({"Listeners": [{"Port": 81}]}))
        .await?;
    refused.assert_failed(&["AlbPort 81"]);
    assert_eq!(refused.id(), made.id());
    assert!(fixture.changes().is_empty());
    Ok(())
}

#[tokio::test]
async fn an_update_that_fails_half_way_takes_nothing_away_and_is_completed_by_the_next()
-> Result<()> {
    let (fixture, made) = Fixture::bound().await?;
    let fault = fixture.deny("events", "PutTargets");
    let moved = json!({"Listeners": [{"Port": 8080, "AlbPort": 80}]});
    fixture
        .update(&made, moved.clone())
        .await?
        .assert_failed(&["PutTargets"]);
    assert_eq!(fixture.targets(made.attribute("TargetGroupArn")).len(), 3);
    fixture.allow(fault);
    // CloudFormation rolls back with another Update.
    fixture.update(&made, json!({})).await?.assert_success();
    let left = fixture.leftovers(made.id()).await?;
    assert_eq!(left.len(), 4, "{left:?}");
    Ok(())
}

#[tokio::test]
async fn another_nlb_is_another_binding() -> Result<()> {
    let (fixture, made) = Fixture::bound().await?;
    let other = fixture
        .lab
        .nlb(&fixture.nlb.vpc, &NlbSpec::new("other"))
        .await?;
    let replaced = fixture
        .update(&made, json!({ "NlbArn": other.arn }))
        .await?;
    replaced.assert_success();
    assert_ne!(replaced.id(), made.id());
    assert_eq!(
        fixture.targets(replaced.attribute("TargetGroupArn")),
        fixture.expected(3, 80)
    );
    assert_eq!(
        fixture.targets(made.attribute("TargetGroupArn")),
        fixture.expected(3, 80)
    );
    // CloudFormation deletes the old one with its own properties, which name the old NLB.
    fixture.delete(&made, json!({})).await?.assert_success();
    assert_eq!(fixture.leftovers(made.id()).await?, Vec::<String>::new());
    assert_eq!(
        fixture.targets(replaced.attribute("TargetGroupArn")),
        fixture.expected(3, 80)
    );
    Ok(())
}

#[tokio::test]
async fn a_rolled_back_change_of_bucket_and_alb_forgets_no_target() -> Result<()> {
    let (fixture, made) = Fixture::bound().await?;
    let group = made.attribute("TargetGroupArn").to_owned();
    fixture.given_bucket("their-bucket").await?;
    let (next, _) = fixture.next_alb_in_dns(4).await?;
    let fault = fixture.deny("events", "PutTargets");
    let both = json!({"AlbArn": next.arn, "BucketName": "their-bucket"});
    fixture
        .update(&made, both.clone())
        .await?
        .assert_failed(&["PutTargets"]);
    fixture.allow(fault);
    assert_eq!(fixture.targets(&group).len(), 3 + 4);

    fixture
        .update_from(&made, both, json!({}))
        .await?
        .assert_success();
    fixture.ticks(&made, 3).await?;
    assert_eq!(fixture.targets(&group), fixture.expected(3, 80));
    // The rollback left a stub in the given bucket, which the next Update deletes.
    fixture.update(&made, json!({})).await?.assert_success();
    assert!(fixture.keys("their-bucket").await?.is_empty());
    Ok(())
}

/// Somebody has raised the ALB's idle timeout, so the check would also fail for the current properties.
#[tokio::test]
async fn what_stands_with_a_finding_is_rolled_back_to_with_a_warning() -> Result<()> {
    let (fixture, made) = Fixture::bound().await?;
    let elb = fixture.elb();
    let raised = aws_sdk_elasticloadbalancingv2::types::LoadBalancerAttribute::builder()
        .key("idle_timeout.timeout_seconds")
        .value("4000");
    elb.modify_load_balancer_attributes()
        .load_balancer_arn(&fixture.alb.arn)
        .attributes(raised.build())
        .send()
        .await?;
    let fault = fixture.deny("events", "PutRule");
    let changed = json!({"Schedule": "rate(5 minutes)"});
    let failed = fixture.update(&made, changed.clone()).await?;
    failed.assert_failed(&["PutRule"]);
    fixture.allow(fault);
    let rolled_back = fixture.update_from(&made, changed, json!({})).await?;
    rolled_back.assert_success();
    let log = &rolled_back.invocation;
    assert!(log.mentions("IdleTimeoutSeconds 350"), "{log:?}");
    assert!(log.mentions("idle_timeout.timeout_seconds 4000"), "{log:?}");
    // A finding that is new still fails an Update.
    let lower = json!({"Listeners": [{"Port": 80, "IdleTimeoutSeconds": 300}]});
    let refused = fixture.update(&made, lower).await?;
    refused.assert_failed(&["IdleTimeoutSeconds 300"]);
    let higher = json!({"Listeners": [{"Port": 80, "IdleTimeoutSeconds": 4001}]});
    fixture.update(&made, higher).await?.assert_success();
    // Once an Update has mended the finding, only a rollback may go back to it. A rollback that is over is none,
    // though CloudFormation may still show it.
    let id = Some(made.id());
    fixture.shows("UPDATE_ROLLBACK_COMPLETE", "UPDATE_IN_PROGRESS", id);
    let refused = fixture.update(&made, json!({})).await?;
    refused.assert_failed(&["IdleTimeoutSeconds 350"]);
    fixture.shows("UPDATE_ROLLBACK_IN_PROGRESS", "UPDATE_IN_PROGRESS", id);
    let rolled_back = fixture.update(&made, json!({})).await?;
    rolled_back.assert_success();
    let log = &rolled_back.invocation;
    assert!(log.mentions("IdleTimeoutSeconds 350"), "{log:?}");
    Ok(())
}

#[tokio::test]
async fn a_function_that_is_called_by_an_alias_is_called_by_the_rule_without_it() -> Result<()> {
    let fixture = Fixture::new().await?;
    fixture.scale(2);
    let function = "arn:aws:lambda:us-east-1:000000000000:function:alb-nlb-binding";
    let alias = json!({"ServiceToken": format!("{function}:live")});
    let made = fixture.create(alias.clone()).await?;
    made.assert_success();
    let events = aws_sdk_eventbridge::Client::new(&fixture.lab.aws());
    let targets = events.list_targets_by_rule().rule(made.id()).send().await?;
    let arns: Vec<_> = targets
        .targets()
        .iter()
        .map(|target| target.arn())
        .collect();
    assert_eq!(arns, [function]);
    fixture.lab.gateway().clear();
    fixture.update(&made, json!({})).await?.assert_success();
    let puts = fixture.lab.gateway().calls_of("events", "PutTargets");
    assert_eq!(puts.len(), 0, "nothing has changed");
    fixture.delete(&made, alias).await?.assert_success();
    Ok(())
}

/// AWS accepts a draining interval only while unhealthy targets do not terminate connections at once.
#[tokio::test]
async fn attributes_go_back_to_the_defaults_in_the_order_that_aws_takes() -> Result<()> {
    let (fixture, made) = Fixture::bound().await?;
    let attributes = |termination: bool| {
        json!({"Listeners": [{"Port": 80, "TargetGroupAttributes": [
            {"Key": "target_health_state.unhealthy.connection_termination.enabled", "Value": termination},
            {"Key": "target_health_state.unhealthy.draining_interval_seconds", "Value": 60},
            {"Key": "target_group_health.dns_failover.minimum_healthy_targets.count", "Value": 3},
            {"Key": "target_group_health.unhealthy_state_routing.minimum_healthy_targets.count", "Value": 2},
        ]}]})
    };
    let refused = fixture.update(&made, attributes(true)).await?;
    refused.assert_failed(&[
        "draining_interval_seconds",
        "connection_termination.enabled",
    ]);
    fixture
        .update(&made, attributes(false))
        .await?
        .assert_success();
    fixture.update(&made, json!({})).await?.assert_success();
    let elb = fixture.elb();
    let described = elb
        .describe_target_group_attributes()
        .target_group_arn(made.attribute("TargetGroupArn"));
    let described = described.send().await?;
    let value = |wanted: &str| {
        let mut attributes = described.attributes().iter();
        let found =
            attributes.find(|attribute| attribute.key().is_some_and(|key| key.ends_with(wanted)));
        found
            .and_then(|attribute| attribute.value())
            .map(str::to_owned)
    };
    assert_eq!(
        value("connection_termination.enabled").as_deref(),
        Some("true")
    );
    assert_eq!(value("draining_interval_seconds").as_deref(), Some("0"));
    assert_eq!(
        value("dns_failover.minimum_healthy_targets.count").as_deref(),
        Some("1")
    );
    Ok(())
}
