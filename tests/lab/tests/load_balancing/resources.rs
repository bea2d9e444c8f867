//! Load balancers, target groups, listeners and rules as AWS answers.

use super::{elb, lab, listener, target_group};
use anyhow::Result;
use aws_sdk_elasticloadbalancingv2::error::ProvideErrorMetadata;
use aws_sdk_elasticloadbalancingv2::types::{
    Action, ActionTypeEnum, ForwardActionConfig, ProtocolEnum, TargetGroupTuple,
};
use lab::{AlbSpec, NlbSpec};

#[tokio::test]
async fn zones_vpc_and_fixed_addresses_are_those_of_the_subnets() -> Result<()> {
    let lab = lab().await;
    let spec = NlbSpec {
        zones: vec!["us-east-1b", "us-east-1d"],
        own_vpc: true,
        ..NlbSpec::new("nlb-zones")
    };
    let made = lab
        .load_balancers(&AlbSpec::new("alb-zones"), &spec)
        .await?;
    for (arn, vpc, zones, addresses) in [
        (
            &made.alb.arn,
            &made.alb.vpc,
            vec!["us-east-1a", "us-east-1b"],
            vec![],
        ),
        (&made.nlb.arn, &made.nlb.vpc, spec.zones, made.nlb.addresses),
    ] {
        let described = elb(lab)
            .describe_load_balancers()
            .load_balancer_arns(arn)
            .send()
            .await?;
        let found = &described.load_balancers()[0];
        assert_eq!(found.vpc_id(), Some(vpc.id.as_str()));
        let of: Vec<_> = found
            .availability_zones()
            .iter()
            .filter_map(|zone| zone.zone_name())
            .collect();
        assert_eq!(of, zones);
        let fixed = found
            .availability_zones()
            .iter()
            .flat_map(|zone| zone.load_balancer_addresses());
        let fixed: Vec<_> = fixed
            .filter_map(|address| address.private_ipv4_address())
            .collect();
        assert_eq!(
            fixed,
            addresses
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
        );
    }
    Ok(())
}

#[tokio::test]
async fn what_is_asked_for_by_name_is_found_or_said_to_be_unknown() -> Result<()> {
    let lab = lab().await;
    let made = lab
        .load_balancers(&AlbSpec::new("alb-names"), &NlbSpec::new("nlb-names"))
        .await?;
    target_group(lab, &made.nlb, "names").await?;
    let groups = elb(lab)
        .describe_target_groups()
        .names("names")
        .send()
        .await?;
    assert_eq!(groups.target_groups().len(), 1);
    let groups = elb(lab)
        .describe_target_groups()
        .names("names")
        .names("nobody")
        .send()
        .await;
    assert_eq!(
        groups.expect_err("one is unknown").code(),
        Some("TargetGroupNotFound")
    );
    let balancers = elb(lab)
        .describe_load_balancers()
        .names("alb-names")
        .names("nobody")
        .send()
        .await;
    assert_eq!(
        balancers.expect_err("one is unknown").code(),
        Some("LoadBalancerNotFound")
    );
    let listeners = elb(lab)
        .describe_listeners()
        .load_balancer_arn(format!("{}0", made.nlb.arn))
        .send()
        .await;
    assert_eq!(
        listeners.expect_err("it is unknown").code(),
        Some("LoadBalancerNotFound")
    );
    Ok(())
}

#[tokio::test]
async fn a_port_has_one_listener_and_a_group_in_use_stays() -> Result<()> {
    let lab = lab().await;
    let made = lab
        .load_balancers(&AlbSpec::new("alb-ports"), &NlbSpec::new("nlb-ports"))
        .await?;
    let (group, other) = (
        target_group(lab, &made.nlb, "ports").await?,
        target_group(lab, &made.nlb, "others").await?,
    );
    let balancers = async || -> Result<Vec<String>> {
        let found = elb(lab)
            .describe_target_groups()
            .target_group_arns(&group)
            .send()
            .await?;
        Ok(found.target_groups()[0].load_balancer_arns().to_vec())
    };
    assert_eq!(balancers().await?, Vec::<String>::new());
    let arn = listener(lab, &made.nlb, 80, &group).await?;
    assert_eq!(balancers().await?, [made.nlb.arn.as_str()]);

    let duplicate = listener(lab, &made.nlb, 80, &other)
        .await
        .expect_err("the port is taken");
    assert!(format!("{duplicate:?}").contains("DuplicateListener"));
    let deletion = elb(lab)
        .delete_target_group()
        .target_group_arn(&group)
        .send()
        .await;
    assert_eq!(
        deletion.expect_err("it is in use").code(),
        Some("ResourceInUse")
    );

    elb(lab).delete_listener().listener_arn(arn).send().await?;
    assert_eq!(balancers().await?, Vec::<String>::new());
    elb(lab)
        .delete_target_group()
        .target_group_arn(&group)
        .send()
        .await?;
    Ok(())
}

#[tokio::test]
async fn a_listener_keeps_the_weights_of_its_groups_until_it_forwards_to_one() -> Result<()> {
    let lab = lab().await;
    let vpc = lab.vpc().await?;
    let nlb = lab.nlb(&vpc, &NlbSpec::new("nlb-weights")).await?;
    let other = lab.nlb(&vpc, &NlbSpec::new("nlb-no-weights")).await?;
    let one = target_group(lab, &nlb, "weights-1").await?;
    let two = target_group(lab, &nlb, "weights-2").await?;
    let made = listener(lab, &nlb, 80, &one).await?;
    let weighted = [(&one, 90), (&two, 10)].map(|(group, weight)| {
        let tuple = TargetGroupTuple::builder().target_group_arn(group);
        tuple.weight(weight).build()
    });
    let forward = ForwardActionConfig::builder().set_target_groups(Some(weighted.to_vec()));
    let action = Action::builder()
        .r#type(ActionTypeEnum::Forward)
        .forward_config(forward.build());
    let client = elb(lab);
    let modify = || client.modify_listener().listener_arn(&made);
    modify().default_actions(action.build()).send().await?;
    let weights = async || {
        let described = client.describe_listeners().listener_arns(&made);
        let described = described.send().await?;
        let actions = described.listeners()[0].default_actions().iter();
        let forwards = actions.filter_map(|action| action.forward_config());
        let groups = forwards.flat_map(|forward| forward.target_groups());
        let groups: Vec<_> = groups.map(|group| group.weight()).collect();
        Ok::<_, anyhow::Error>(groups)
    };
    assert_eq!(weights().await?, [Some(90), Some(10)]);
    let in_use = client.delete_target_group().target_group_arn(&two);
    let refused = in_use.send().await.expect_err("a group in use stays");
    assert_eq!(refused.code(), Some("ResourceInUse"));
    let taken = listener(lab, &other, 80, &two).await;
    assert!(taken.is_err(), "a group serves one load balancer");
    modify().port(81).send().await?;
    assert_eq!(weights().await?, [Some(90), Some(10)]);
    let action = Action::builder()
        .r#type(ActionTypeEnum::Forward)
        .target_group_arn(&one);
    modify().default_actions(action.build()).send().await?;
    assert!(weights().await?.is_empty());
    listener(lab, &other, 80, &two).await?;
    Ok(())
}

#[tokio::test]
async fn a_tcp_group_is_checked_by_tcp_without_a_path_unless_told() -> Result<()> {
    let lab = lab().await;
    let made = lab
        .load_balancers(&AlbSpec::new("alb-checks"), &NlbSpec::new("nlb-checks"))
        .await?;
    let group = target_group(lab, &made.nlb, "checks").await?;
    let found = elb(lab)
        .describe_target_groups()
        .target_group_arns(&group)
        .send()
        .await?;
    let found = &found.target_groups()[0];
    assert_eq!(found.health_check_protocol(), Some(&ProtocolEnum::Tcp));
    assert_eq!((found.health_check_path(), found.matcher()), (None, None));
    let request = elb(lab)
        .modify_target_group()
        .target_group_arn(&group)
        .health_check_protocol(ProtocolEnum::Http);
    let changed = request.health_check_path("/up").send().await?;
    assert_eq!(changed.target_groups()[0].health_check_path(), Some("/up"));
    Ok(())
}

#[tokio::test]
async fn a_rate_is_one_minute_or_several_minutes() -> Result<()> {
    let lab = lab().await;
    let events = aws_sdk_eventbridge::Client::new(&lab.aws());
    events
        .put_rule()
        .name("right")
        .schedule_expression("rate(5 minutes)")
        .send()
        .await?;
    for wrong in ["rate(1 minutes)", "rate(5 minute)"] {
        let refused = events
            .put_rule()
            .name("wrong")
            .schedule_expression(wrong)
            .send()
            .await;
        assert_eq!(
            refused.expect_err("it is wrong").code(),
            Some("ValidationException")
        );
    }
    Ok(())
}
