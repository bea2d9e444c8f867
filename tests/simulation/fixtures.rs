//! The resources that are there before the first request: load balancers, given target groups with targets, given
//! buckets, and the DNS of the ALBs.

use crate::state::{NAMES, SimulatedTargetGroup, arn};
use crate::world::SimulatedWorld;
use alb_nlb_binding::model::{Endpoint, HealthCheck, LoadBalancerType, TargetGroup};
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

/// What users and scenarios choose from.
pub struct Fixtures {
    pub albs: Vec<String>,
    pub nlbs: Vec<String>,
    pub given: Vec<String>,
    pub buckets: Vec<String>,
}

/// Makes all fixtures. Each ALB has at most `addresses` addresses.
pub fn prepare(world: &SimulatedWorld, addresses: usize) -> Fixtures {
    let mut elb = world.elb.borrow_mut();
    let albs: Vec<_> = ["alb1", "alb2"]
        .map(|name| elb.add_load_balancer(LoadBalancerType::Application, name))
        .into();
    let nlbs: Vec<_> = ["nlb1", "nlb2"]
        .map(|name| elb.add_load_balancer(LoadBalancerType::Network, name))
        .into();
    for alb in &albs {
        elb.add_listener(alb, 80, "HTTP", &[], BTreeMap::new());
        elb.add_listener(alb, 443, "HTTPS", &[], BTreeMap::new());
    }
    let given: Vec<_> = ["given1", "given2", "theirs"]
        .map(|name| given_group(&mut elb.groups, name))
        .into();
    for (nlb, port) in nlbs.iter().zip([9000, 9001]) {
        for (index, group) in given.iter().enumerate() {
            let port = port + 10 * u16::try_from(index).unwrap();
            elb.add_listener(
                nlb,
                port,
                "TCP",
                std::slice::from_ref(group),
                BTreeMap::new(),
            );
        }
    }
    let mut dns = world.dns.borrow_mut();
    for name in NAMES {
        for _ in 0..world.dice.between(1, addresses as u64) {
            let address = dns.add(name, 0);
            if world.dice.chance(300) {
                elb.register(&given[0], Endpoint { address, port: 80 }, None, false);
            }
        }
    }
    for group in &given {
        for host in 1..3 {
            let address = IpAddr::V4(Ipv4Addr::new(192, 168, 0, host));
            elb.register(group, Endpoint { address, port: 80 }, None, false);
        }
    }
    let buckets: Vec<_> = ["given-bucket-1", "given-bucket-2"]
        .map(str::to_owned)
        .into();
    for bucket in &buckets {
        let mut s3 = world.s3.borrow_mut();
        s3.buckets.entry(bucket.clone()).or_default().is_given = true;
    }
    let given = given[..2].to_vec();
    Fixtures {
        albs,
        nlbs,
        given,
        buckets,
    }
}

fn given_group(groups: &mut BTreeMap<String, SimulatedTargetGroup>, name: &str) -> String {
    let arn = arn(&format!("targetgroup/{name}/1"));
    let group = TargetGroup {
        arn: arn.clone(),
        name: name.to_owned(),
        port: 80,
        protocol: "TCP".to_owned(),
        target_type: "ip".to_owned(),
        vpc_id: "vpc-1".to_owned(),
        health_check: HealthCheck::tcp_default(),
        load_balancers: Vec::new(),
    };
    let held = SimulatedTargetGroup {
        group,
        attributes: BTreeMap::new(),
        tags: BTreeMap::new(),
        targets: BTreeMap::new(),
        visible_from: 0,
    };
    groups.insert(arn.clone(), held);
    arn
}
