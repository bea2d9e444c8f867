//! Create: the function checks first, then makes the wiring, and registers every address before it answers.

use crate::support::{ELB, Fixture, TIMEOUT, as_targets, binary, operations};
use anyhow::Result;
use lab::{AlbSpec, Fault, FaultKind, HeldCalls, NlbSpec, ZONES};
use serde_json::json;
use std::time::Duration;

#[tokio::test]
async fn a_binding_comes_up_with_every_address_registered_and_all_its_attributes() -> Result<()> {
    let fixture = Fixture::new().await?;
    fixture.scale(28);
    let made = fixture.create(json!({})).await?;
    made.assert_success();
    let group = made.attribute("TargetGroupArn");
    assert_eq!(fixture.targets(group), fixture.expected(28, 80));

    let id = made.id();
    assert!(id.starts_with("alb-nlb-binding-") && id.len() == 32, "{id}");
    assert_eq!(made.attribute("BucketName"), format!("{id}-000000000000"));
    assert_eq!(made.attribute("RuleName"), id);
    assert!(made.attribute("RuleArn").ends_with(&format!(":rule/{id}")));
    assert_eq!(made.attribute("TargetGroupArns"), group);
    assert!(group.contains(&id.replace("alb-nlb-binding-", "targetgroup/anb-")));
    assert_eq!(
        made.attribute("ListenerArns"),
        made.attribute("ListenerArn")
    );
    assert_eq!(made.attribute("AvailabilityZones"), "us-east-1a,us-east-1b");
    assert_eq!(made.attribute("IpCount"), "28");
    let mut addresses: Vec<_> = made.attribute("NlbAddresses").split(',').collect();
    addresses.sort_unstable();
    let mut fixed: Vec<_> = fixture
        .nlb
        .addresses
        .iter()
        .map(ToString::to_string)
        .collect();
    fixed.sort_unstable();
    assert_eq!(addresses, fixed);
    Ok(())
}

#[tokio::test]
async fn what_is_made_is_made_in_the_order_of_the_contract_and_tagged() -> Result<()> {
    let (fixture, made) = Fixture::bound().await?;
    let changes = fixture.wiring_changes();
    assert_eq!(
        operations(&changes),
        [
            "CreateBucket",
            "PutBucketPolicy",
            "PutObject",
            "CreateTargetGroup",
            "PutObject",
            "RegisterTargets",
            "CreateListener",
            "PutRule",
            "PutTargets",
            "PutObject"
        ]
    );
    for call in changes {
        let tags = match call.operation.as_str() {
            // Its name has the id, too.
            "CreateBucket" => &call.params["Tags"],
            "CreateTargetGroup" | "CreateListener" | "PutRule" => &call.params,
            _ => continue,
        };
        assert!(tags.to_string().contains(made.id()), "{call:?}");
    }
    Ok(())
}

#[tokio::test]
async fn what_several_listeners_need_is_made_side_by_side() -> Result<()> {
    let mut alb = AlbSpec::new("orders");
    alb.ports = vec![80, 81, 82];
    let fixture = Fixture::with(alb, NlbSpec::new("front")).await?;
    let hold = |operation| {
        let hold = HeldCalls::default();
        let fault = Fault::new(ELB, operation, FaultKind::Hold(hold.clone()));
        fixture.lab.gateway().inject(fault);
        hold
    };
    let (groups, listeners) = (hold("CreateTargetGroup"), hold("CreateListener"));
    let properties = json!({"Listeners": [{"Port": 80}, {"Port": 81}, {"Port": 82}]});
    let looking_on = async {
        groups.arrived(3).await;
        assert!(
            fixture
                .lab
                .gateway()
                .calls_of(ELB, "RegisterTargets")
                .is_empty()
        );
        groups.release();
        listeners.arrived(3).await;
        assert!(
            fixture
                .lab
                .gateway()
                .calls_of("events", "PutRule")
                .is_empty()
        );
        listeners.release();
    };
    let (made, ()) = tokio::join!(fixture.create(properties), looking_on);
    made?.assert_success();
    Ok(())
}

#[tokio::test]
async fn the_same_properties_once_more_change_nothing_but_the_record_and_answer_the_same()
-> Result<()> {
    let (fixture, made) = Fixture::bound().await?;
    fixture.lab.gateway().clear();
    let again = fixture.create(json!({})).await?;
    again.assert_success();
    assert_eq!(again.body["Data"], made.body["Data"]);
    assert_eq!(again.id(), made.id());
    // The first write claims the record, and the second one has the answer.
    assert_eq!(
        operations(&fixture.wiring_changes()),
        ["PutObject", "PutObject"]
    );
    Ok(())
}

#[tokio::test]
async fn a_wrong_zone_fails_with_both_sides_named_and_makes_nothing() -> Result<()> {
    let mut alb = AlbSpec::new("orders");
    alb.zones = vec![ZONES[0], ZONES[2]];
    let fixture = Fixture::with(alb, NlbSpec::new("front")).await?;
    let made = fixture.create(json!({})).await?;
    made.assert_failed(&[
        "Availability Zones differ",
        "the ALB orders is in us-east-1a, us-east-1c",
        "the NLB front in us-east-1a, us-east-1b",
        "See the log stream",
    ]);
    assert!(fixture.changes().is_empty(), "{:?}", fixture.changes());
    Ok(())
}

#[tokio::test]
async fn a_zone_that_only_the_nlb_has_is_allowed_with_cross_zone_load_balancing() -> Result<()> {
    let mut nlb = NlbSpec::new("front");
    nlb.zones = ZONES[..3].to_vec();
    nlb.cross_zone = true;
    let fixture = Fixture::with(AlbSpec::new("orders"), nlb).await?;
    fixture
        .create(json!({}))
        .await?
        .assert_failed(&["AllowZoneMismatch", "us-east-1c"]);
    fixture
        .create(json!({"AllowZoneMismatch": "true"}))
        .await?
        .assert_success();
    Ok(())
}

#[tokio::test]
async fn everything_wrong_with_the_load_balancers_is_told_at_once() -> Result<()> {
    let mut alb = AlbSpec::new("orders");
    alb.scheme = "internet-facing";
    alb.idle_timeout_seconds = Some(400);
    let fixture = Fixture::with(alb, NlbSpec::new("front")).await?;
    fixture.given_group("theirs", 80).await?;
    fixture.lab.gateway().clear();
    let made = fixture
        .create(json!({"Listeners": [{"Port": "80"}, {"Port": 8080}]}))
        .await?;
    made.assert_failed(&[
        "internet-facing",
        "AlbPort 8080",
        "on port 80, which is not this binding's",
        "idle_timeout.timeout_seconds 400",
    ]);
    assert!(fixture.changes().is_empty());
    Ok(())
}

#[tokio::test]
async fn bad_properties_are_all_named_and_nothing_is_asked_of_aws() -> Result<()> {
    let fixture = Fixture::new().await?;
    fixture.lab.gateway().clear();
    let made = fixture
        .create(json!({
            "Schedule": "rate(1 minutes)", "MaxLookupsPerInvocation": "0", "Colour": "blue",
        }))
        .await?;
    made.assert_failed(&["Schedule", "MaxLookupsPerInvocation", "Colour"]);
    assert!(fixture.function_calls().is_empty());
    Ok(())
}

#[tokio::test]
async fn an_alb_without_an_address_is_waited_for() -> Result<()> {
    let fixture = Fixture::new().await?;
    fixture.lab.dns().remove("orders");
    let (made, ()) = tokio::join!(fixture.create(json!({})), async {
        // The first address comes when the function has asked once and found none.
        while fixture.lab.dns().queries("orders") == 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        fixture.scale(2);
    });
    let made = made?;
    made.assert_success();
    assert_eq!(made.attribute("IpCount"), "2");
    Ok(())
}

#[tokio::test]
async fn an_endpoint_may_also_be_a_name_instead_of_an_address() -> Result<()> {
    let fixture = Fixture::new().await?;
    let endpoint = fixture.lab.endpoint().replace("127.0.0.1", "localhost");
    let variables = [("AWS_ENDPOINT_URL", endpoint.as_str())];
    let function = fixture.lab.function_with(binary(), &variables).await?;
    let url = fixture.lab.response_url();
    let event =
        json!({"RequestType": "Create", "ResourceProperties": fixture.properties(json!({}))});
    function
        .invoke(fixture.event(event, url.url()), TIMEOUT)
        .await?
        .success()?;
    assert_eq!(url.the_answer()?["Status"], "SUCCESS");
    Ok(())
}

#[tokio::test]
async fn an_alb_that_never_gets_an_address_fails_before_the_deadline() -> Result<()> {
    let fixture = Fixture::new().await?;
    fixture.lab.dns().remove("orders");
    let made = fixture
        .create_within(json!({}), Duration::from_secs(5))
        .await?;
    made.assert_failed(&["not done within"]);
    assert!(made.invocation.mentions("waiting for addresses in DNS"));
    Ok(())
}

/// The first DNS answer shows eight of the addresses, and for a while there is no other answer.
#[tokio::test]
async fn a_create_waits_until_dns_has_shown_every_address() -> Result<()> {
    let fixture = Fixture::new().await?;
    fixture.scale(28);
    let dns = fixture.lab.dns();
    dns.fail_after("orders", 1, lab::DnsFailure::ServFail);
    let recovers = async {
        // So many lookups are more than one look at DNS makes: the function looks again.
        while dns.queries("orders") < 100 {
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
        dns.fail("orders", None);
        std::future::pending().await
    };
    let made = tokio::select! {
        made = fixture.create(json!({})) => made?,
        never = recovers => never,
    };
    made.assert_success();
    assert_eq!(made.attribute("IpCount"), "28");
    let targets = fixture.targets(made.attribute("TargetGroupArn"));
    assert_eq!(targets, fixture.expected(28, 80));
    Ok(())
}

#[tokio::test]
async fn several_ports_are_served_by_one_discovery() -> Result<()> {
    let mut alb = AlbSpec::new("orders");
    alb.ports = vec![80, 443];
    let fixture = Fixture::with(alb, NlbSpec::new("front")).await?;
    fixture.scale(3);
    let made = fixture
        .create(json!({"Listeners": [{"Port": 80}, {"Port": 8443, "AlbPort": 443}]}))
        .await?;
    made.assert_success();
    let groups = made.target_groups();
    assert_eq!(fixture.targets(groups[0]), fixture.expected(3, 80));
    assert_eq!(fixture.targets(groups[1]), fixture.expected(3, 443));
    assert!(groups[1].contains("-8443/"), "{groups:?}");
    assert_eq!(made.attribute("ListenerArns").split(',').count(), 2);
    assert_eq!(fixture.lab.dns().queries("orders"), 1);
    Ok(())
}

#[tokio::test]
async fn an_alb_in_another_vpc_is_registered_with_all_zones() -> Result<()> {
    let mut nlb = NlbSpec::new("front");
    nlb.own_vpc = true;
    let fixture = Fixture::with(AlbSpec::new("orders"), nlb).await?;
    let made = fixture.create(json!({})).await?;
    made.assert_success();
    let targets = fixture.lab.targets(made.attribute("TargetGroupArn"));
    assert_eq!(targets.len(), 1);
    assert_eq!(targets[0].zone.as_deref(), Some("all"));
    Ok(())
}

#[tokio::test]
async fn a_given_target_group_and_bucket_are_used_and_nothing_else_is_made() -> Result<()> {
    let fixture = Fixture::new().await?;
    fixture.scale(2);
    let group = fixture.given_group("theirs", 8000).await?;
    fixture.given_bucket("their-bucket").await?;
    fixture.lab.gateway().clear();
    let made = fixture
        .create(json!({
            "BucketName": "their-bucket",
            "Listeners": [{"Port": "80", "TargetGroupArn": group}],
        }))
        .await?;
    made.assert_success();
    assert_eq!(fixture.targets(&group), fixture.expected(2, 80));
    assert_eq!(made.attribute("BucketName"), "their-bucket");
    assert_eq!(made.attribute("TargetGroupArns"), group);
    assert_eq!(made.attribute("ListenerArns"), "");
    assert_eq!(
        fixture.keys("their-bucket").await?,
        [format!("{}/state.json", made.id())]
    );
    let changes = fixture.wiring_changes();
    assert_eq!(
        operations(&changes),
        [
            "PutObject",
            "PutObject",
            "RegisterTargets",
            "PutRule",
            "PutTargets",
            "PutObject"
        ]
    );
    Ok(())
}

#[tokio::test]
async fn the_dns_servers_of_the_properties_are_asked_instead_and_one_bad_one_spoils_nothing()
-> Result<()> {
    let fixture = Fixture::new().await?;
    fixture.scale(20);
    let (bad, good) = (
        fixture.lab.dns().add_server().await?,
        fixture.lab.dns().add_server().await?,
    );
    bad.fail(lab::DnsFailure::ServFail);
    let servers = [bad.address().to_string(), good.address().to_string()];
    let made = fixture.create(json!({ "DnsServers": servers })).await?;
    made.assert_success();
    assert_eq!(
        fixture.targets(made.attribute("TargetGroupArn")),
        as_targets(&fixture.alb.addresses(20), 80)
    );
    assert_eq!(fixture.lab.dns().server().queries("orders"), 0);
    assert!(good.queries("orders") > 0);
    Ok(())
}

#[tokio::test]
async fn a_function_whose_dns_servers_variable_is_no_address_says_so_and_still_deletes()
-> Result<()> {
    let fixture = Fixture::new().await?;
    let function = fixture
        .lab
        .function_with(binary(), &[("DNS_SERVERS", "dns.example")])
        .await?;
    let mut event =
        json!({"RequestType": "Create", "ResourceProperties": fixture.properties(json!({}))});
    let url = fixture.lab.response_url();
    let create = fixture.event(event.clone(), url.url());
    function.invoke(create, TIMEOUT).await?.success()?;
    let failed = url.the_answer()?;
    let reason = failed["Reason"].as_str().expect("a reason");
    assert!(
        reason.contains("DNS_SERVERS names \"dns.example\""),
        "{reason}"
    );

    event["RequestType"] = json!("Delete");
    event["PhysicalResourceId"] = failed["PhysicalResourceId"].clone();
    let url = fixture.lab.response_url();
    let delete = fixture.event(event, url.url());
    function.invoke(delete, TIMEOUT).await?.success()?;
    assert_eq!(url.the_answer()?["Status"], "SUCCESS");
    Ok(())
}
