//! Targets as AWS keeps them.

use super::{elb, lab, listener, target, target_group};
use anyhow::Result;
use aws_sdk_elasticloadbalancingv2::error::ProvideErrorMetadata;
use aws_sdk_elasticloadbalancingv2::types::{TargetDescription, TargetGroupAttribute};
use lab::{AlbAndNlb, AlbSpec, Lab, NlbSpec, TargetState};

async fn load_balancers(lab: &Lab, name: &str) -> Result<AlbAndNlb> {
    lab.load_balancers(
        &AlbSpec::new(&format!("alb-{name}")),
        &NlbSpec::new(&format!("nlb-{name}")),
    )
    .await
}

/// What DescribeTargetHealth says: address, port, state and reason.
async fn health(lab: &Lab, group: &str) -> Result<Vec<(String, i32, String, String)>> {
    let described = elb(lab)
        .describe_target_health()
        .target_group_arn(group)
        .send()
        .await?;
    let one = |description: &aws_sdk_elasticloadbalancingv2::types::TargetHealthDescription| {
        let (target, health) = (description.target()?, description.target_health()?);
        let state = health.state()?.as_str().to_owned();
        let reason = health
            .reason()
            .map(|reason| reason.as_str().to_owned())
            .unwrap_or_default();
        Some((target.id()?.to_owned(), target.port()?, state, reason))
    };
    Ok(described
        .target_health_descriptions()
        .iter()
        .filter_map(one)
        .collect())
}

/// The error code of a registration that must fail.
async fn refusal(lab: &Lab, group: &str, targets: Vec<TargetDescription>) -> String {
    let request = elb(lab)
        .register_targets()
        .target_group_arn(group)
        .set_targets(Some(targets));
    let error = request
        .send()
        .await
        .expect_err("it must be refused")
        .into_service_error();
    format!(
        "{}: {}",
        error.code().unwrap_or_default(),
        error.message().unwrap_or_default()
    )
}

#[tokio::test]
async fn a_target_is_its_address_and_its_port() -> Result<()> {
    let lab = lab().await;
    let made = load_balancers(lab, "identity").await?;
    let group = target_group(lab, &made.nlb, "identity").await?;
    listener(lab, &made.nlb, 80, &group).await?;
    let address = made.alb.addresses(1)[0];
    let registration = elb(lab).register_targets().target_group_arn(&group);
    registration
        .targets(target(address, 443))
        .targets(target(address, None))
        .send()
        .await?;
    let of = |port| {
        (
            address.to_string(),
            port,
            "healthy".to_owned(),
            String::new(),
        )
    };
    assert_eq!(health(lab, &group).await?, [of(80), of(443)]);

    let zero = TargetGroupAttribute::builder()
        .key("deregistration_delay.timeout_seconds")
        .value("0")
        .build();
    elb(lab)
        .modify_target_group_attributes()
        .target_group_arn(&group)
        .attributes(zero)
        .send()
        .await?;
    elb(lab)
        .deregister_targets()
        .target_group_arn(&group)
        .targets(target(address, 443))
        .send()
        .await?;
    assert_eq!(health(lab, &group).await?, [of(80)]);
    Ok(())
}

#[tokio::test]
async fn a_deregistered_target_drains_and_may_come_back() -> Result<()> {
    let lab = lab().await;
    let made = load_balancers(lab, "draining").await?;
    let group = target_group(lab, &made.nlb, "draining").await?;
    listener(lab, &made.nlb, 80, &group).await?;
    let address = made.alb.addresses(1)[0];
    let (elb, one) = (elb(lab), target(address, 80));
    elb.register_targets()
        .target_group_arn(&group)
        .targets(one.clone())
        .send()
        .await?;
    elb.deregister_targets()
        .target_group_arn(&group)
        .targets(one.clone())
        .send()
        .await?;
    let draining = &health(lab, &group).await?[0];
    assert_eq!(
        (draining.2.as_str(), draining.3.as_str()),
        ("draining", "Target.DeregistrationInProgress")
    );
    assert_eq!(lab.targets(&group)[0].state, TargetState::Draining);

    elb.register_targets()
        .target_group_arn(&group)
        .targets(one.clone())
        .send()
        .await?;
    assert_eq!(lab.targets(&group)[0].state, TargetState::Healthy);

    elb.deregister_targets()
        .target_group_arn(&group)
        .targets(one.clone())
        .send()
        .await?;
    lab.finish_draining();
    assert_eq!(health(lab, &group).await?, []);
    // What is not there can be deregistered.
    elb.deregister_targets()
        .target_group_arn(&group)
        .targets(one)
        .send()
        .await?;
    Ok(())
}

#[tokio::test]
async fn one_public_address_among_many_refuses_them_all() -> Result<()> {
    let lab = lab().await;
    let made = load_balancers(lab, "public").await?;
    let group = target_group(lab, &made.nlb, "public").await?;
    let mut targets: Vec<_> = made
        .alb
        .addresses(3)
        .into_iter()
        .map(|address| target(address, 80))
        .collect();
    targets.push(target("8.8.8.8", 80));
    let refusal = refusal(lab, &group, targets).await;
    assert!(
        refusal.starts_with("InvalidTarget") && refusal.contains("8.8.8.8"),
        "{refusal}"
    );
    assert_eq!(lab.targets(&group), []);
    Ok(())
}

#[tokio::test]
async fn zone_all_is_for_addresses_of_other_vpcs_and_only_for_those() -> Result<()> {
    let lab = lab().await;
    let spec = NlbSpec {
        own_vpc: true,
        ..NlbSpec::new("nlb-vpcs")
    };
    let made = lab.load_balancers(&AlbSpec::new("alb-vpcs"), &spec).await?;
    let group = target_group(lab, &made.nlb, "vpcs").await?;
    let all = |address: &dyn ToString| {
        TargetDescription::builder()
            .id(address.to_string())
            .availability_zone("all")
            .build()
    };
    let (outside, inside) = (made.alb.addresses(1)[0], made.nlb.addresses[0]);
    assert!(
        refusal(lab, &group, vec![target(outside, 80)])
            .await
            .contains("is outside the VPC")
    );
    assert!(
        refusal(lab, &group, vec![all(&inside)])
            .await
            .contains("is within the VPC")
    );
    let registration = elb(lab).register_targets().target_group_arn(&group);
    registration
        .targets(all(&outside))
        .targets(target(inside, 80))
        .send()
        .await?;
    let zones: Vec<_> = lab
        .targets(&group)
        .into_iter()
        .map(|target| target.zone)
        .collect();
    assert_eq!(
        zones,
        [Some("all".to_owned()), Some("us-east-1a".to_owned())]
    );
    Ok(())
}

#[tokio::test]
async fn a_target_without_a_listener_or_out_of_the_zones_is_unused() -> Result<()> {
    let lab = lab().await;
    let alb = AlbSpec {
        zones: vec!["us-east-1a", "us-east-1c"],
        ..AlbSpec::new("alb-unused")
    };
    let made = lab
        .load_balancers(&alb, &NlbSpec::new("nlb-unused"))
        .await?;
    let group = target_group(lab, &made.nlb, "unused").await?;
    let registration = elb(lab).register_targets().target_group_arn(&group);
    let targets = made
        .alb
        .addresses(2)
        .into_iter()
        .map(|address| target(address, 80))
        .collect();
    registration.set_targets(Some(targets)).send().await?;
    let states = async || -> Result<Vec<String>> {
        Ok(health(lab, &group)
            .await?
            .into_iter()
            .map(|target| target.2)
            .collect())
    };
    assert_eq!(states().await?, ["unused", "unused"]);
    listener(lab, &made.nlb, 80, &group).await?;
    assert_eq!(states().await?, ["healthy", "unused"]);
    Ok(())
}

#[tokio::test]
async fn an_unknown_group_or_target_is_said_to_be_unknown() -> Result<()> {
    let lab = lab().await;
    let made = load_balancers(lab, "unknown").await?;
    let group = target_group(lab, &made.nlb, "unknown").await?;
    let request = elb(lab).describe_target_health().target_group_arn(&group);
    let described = request.targets(target("10.0.0.99", 80)).send().await?;
    let health = described.target_health_descriptions()[0]
        .target_health()
        .expect("a health");
    assert_eq!(
        health.reason().map(|reason| reason.as_str()),
        Some("Target.NotRegistered")
    );
    elb(lab)
        .delete_target_group()
        .target_group_arn(&group)
        .send()
        .await?;
    assert!(
        refusal(lab, &group, vec![target("10.0.0.99", 80)])
            .await
            .starts_with("TargetGroupNotFound")
    );
    Ok(())
}
