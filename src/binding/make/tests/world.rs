//! The desired binding and the observed AWS that the tests begin with.

use crate::binding::desired::Desired;
use crate::binding::hints::Hints;
use crate::binding::make::observed::{GivenTargetGroup, NlbListener, Observed};
use crate::model::{
    Attributes, HealthCheck, Listener, LoadBalancer, LoadBalancerType, Scheme, State, TargetGroup,
};
use crate::names::BindingId;
use crate::properties::{Properties, TargetGroupProperties};
use serde_json::{Value, json};
use std::collections::BTreeMap;

pub(super) const ALB: &str =
    "arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/app/orders/1";
pub(super) const NLB: &str =
    "arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/net/front/2";
pub(super) const GIVEN: &str =
    "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/theirs/3";

pub(super) fn desired(changes: Value) -> Desired {
    let mut properties = json!({"AlbArn": ALB, "NlbArn": NLB, "Listeners": [{"Port": 80}]});
    for (name, value) in changes.as_object().expect("changes are an object") {
        properties[name] = value.clone();
    }
    let id = BindingId::derive("stack", "Binding", NLB);
    Desired {
        properties: Properties::parse(&properties, "us-east-1", &id).expect("good properties"),
        id,
        account: "123456789012".to_owned(),
        region: "us-east-1".to_owned(),
        function_arn: "arn:function".to_owned(),
        former: Hints::default(),
        replaces: None,
    }
}

pub(super) fn load_balancer(arn: &str, kind: &str, zones: &[&str]) -> LoadBalancer {
    LoadBalancer {
        arn: arn.to_owned(),
        name: kind.to_owned(),
        dns_name: format!("{kind}.elb.amazonaws.com"),
        kind: LoadBalancerType::of(kind),
        scheme: Scheme::Internal,
        state: State::Active,
        vpc_id: "vpc-1".to_owned(),
        zones: zones.iter().map(|zone| (*zone).to_owned()).collect(),
        addresses: Vec::new(),
    }
}

pub(super) fn alb_listener(port: u16) -> Listener {
    Listener {
        arn: format!("arn:alb-listener-{port}"),
        port,
        protocol: "HTTP".to_owned(),
        forwards_to: Vec::new(),
    }
}

/// Two load balancers that fit, and nothing made yet.
pub(super) fn empty_account(desired: &Desired) -> Observed {
    Observed {
        alb: Some(load_balancer(ALB, "application", &["a", "b"])),
        nlb: Some(load_balancer(NLB, "network", &["a", "b"])),
        alb_listeners: vec![alb_listener(80), alb_listener(443)],
        tags: desired
            .id
            .tags(BTreeMap::from([("team".to_owned(), "web".to_owned())])),
        ..Observed::default()
    }
}

pub(super) fn own_listener(port: u16, target_group: &str, tags: Attributes) -> NlbListener {
    NlbListener {
        listener: Listener {
            arn: format!("arn:listener-{port}"),
            port,
            protocol: "TCP".to_owned(),
            forwards_to: vec![target_group.to_owned()],
        },
        is_own: true,
        tags,
        attributes: Attributes::new(),
    }
}

pub(super) fn given_group(target_type: &str, protocol: &str, vpc_id: &str) -> GivenTargetGroup {
    let group = TargetGroup {
        arn: GIVEN.to_owned(),
        name: "theirs".to_owned(),
        port: 80,
        protocol: protocol.to_owned(),
        target_type: target_type.to_owned(),
        vpc_id: vpc_id.to_owned(),
        health_check: health_check(),
        load_balancers: Vec::new(),
    };
    let attributes = Attributes::new();
    GivenTargetGroup { group, attributes }
}

pub(super) fn health_check() -> HealthCheck {
    let made = desired(json!({}));
    match &made.properties.listeners[0].target_group {
        TargetGroupProperties::Made(made) => made.health_check.clone(),
        TargetGroupProperties::Given { .. } => unreachable!("a target group is made"),
    }
}
