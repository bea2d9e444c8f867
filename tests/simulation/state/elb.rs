//! The state of Elastic Load Balancing: load balancers, listeners, target groups and their targets. ELBv2 API,
//! `CreateTargetGroup`, `CreateListener` (both idempotent), `RegisterTargets`, `DeregisterTargets`,
//! `DescribeTargetHealth`.
//!
//! Never decides who may change what: the judge does.

use alb_nlb_binding::model::{
    Attributes, Endpoint, Listener, LoadBalancer, LoadBalancerType, Scheme, State, Tags,
    TargetGroup,
};
use std::collections::BTreeMap;

pub const SIMULATED_REGION: &str = "eu-central-1";
pub const SIMULATED_ACCOUNT: &str = "123456789012";
/// How many milliseconds a target drains.
const DRAINING: u64 = 20_000;

#[derive(Default)]
pub struct SimulatedElb {
    pub load_balancers: BTreeMap<String, (LoadBalancer, Attributes)>,
    pub listeners: BTreeMap<String, SimulatedListener>,
    pub groups: BTreeMap<String, SimulatedTargetGroup>,
    /// How many listeners were made so far, so that no ARN is used twice, as at AWS.
    listeners_made: usize,
}

pub struct SimulatedListener {
    pub load_balancer: String,
    pub listener: Listener,
    pub attributes: Attributes,
    pub tags: Tags,
}

pub struct SimulatedTargetGroup {
    pub group: TargetGroup,
    pub attributes: Attributes,
    pub tags: Tags,
    pub targets: BTreeMap<Endpoint, SimulatedTarget>,
    /// From when on AWS shows the target group.
    pub visible_from: u64,
}

/// A target in a target group.
#[derive(Debug, Clone)]
pub struct SimulatedTarget {
    pub zone: String,
    /// Until when it drains, or `None` while it is registered.
    pub drains_until: Option<u64>,
    /// Whether the function registered it.
    pub is_by_function: bool,
}

pub fn arn(what: &str) -> String {
    format!("arn:aws:elasticloadbalancing:{SIMULATED_REGION}:{SIMULATED_ACCOUNT}:{what}")
}

impl SimulatedElb {
    pub fn add_load_balancer(&mut self, kind: LoadBalancerType, name: &str) -> String {
        let short = if kind == LoadBalancerType::Application {
            "app"
        } else {
            "net"
        };
        let arn = arn(&format!("loadbalancer/{short}/{name}/1"));
        let load_balancer = LoadBalancer {
            arn: arn.clone(),
            name: name.to_owned(),
            dns_name: format!("{name}.elb.amazonaws.com"),
            kind,
            scheme: Scheme::Internal,
            state: State::Active,
            vpc_id: "vpc-1".to_owned(),
            zones: ["a".to_owned(), "b".to_owned()].into(),
            addresses: Vec::new(),
        };
        let all = (load_balancer, Attributes::new());
        self.load_balancers.insert(arn.clone(), all);
        arn
    }

    pub fn add_listener(
        &mut self,
        on: &str,
        port: u16,
        protocol: &str,
        to: &[String],
        tags: Tags,
    ) -> String {
        let tail = on.rsplit_once("loadbalancer/").map_or("", |(_, tail)| tail);
        self.listeners_made += 1;
        let arn = arn(&format!("listener/{tail}/{port}-{}", self.listeners_made));
        let listener = Listener {
            arn: arn.clone(),
            port,
            protocol: protocol.to_owned(),
            forwards_to: to.to_vec(),
        };
        let load_balancer = on.to_owned();
        self.listeners.insert(
            arn.clone(),
            SimulatedListener {
                load_balancer,
                listener,
                attributes: Attributes::new(),
                tags,
            },
        );
        arn
    }

    pub fn listener_at(&self, load_balancer: &str, port: u16) -> Option<&SimulatedListener> {
        let mut listeners = self.listeners.values();
        listeners.find(|held| held.load_balancer == load_balancer && held.listener.port == port)
    }

    /// The load balancers whose listeners forward to a group.
    pub fn load_balancers_of(&self, group: &str) -> Vec<String> {
        let listeners = self.listeners.values();
        let users = listeners.filter(|held| held.listener.forwards_to.iter().any(|to| to == group));
        users.map(|held| held.load_balancer.clone()).collect()
    }

    /// A target group, unless AWS does not show it yet.
    pub fn visible(&mut self, group: &str, now: u64) -> Option<&mut SimulatedTargetGroup> {
        let found = self.groups.get_mut(group);
        found.filter(|held| held.visible_from <= now)
    }

    pub fn group_called(&self, name: &str) -> Option<&SimulatedTargetGroup> {
        self.groups.values().find(|group| group.group.name == name)
    }

    pub fn is_registered(&self, group: &str, endpoint: &Endpoint) -> bool {
        let group = self.groups.get(group);
        group.is_some_and(|group| group.has(endpoint))
    }

    pub fn registered_targets(&self, group: &str) -> Vec<Endpoint> {
        let group = self.groups.get(group);
        let targets = group.into_iter().flat_map(|group| &group.targets);
        let registered = targets.filter(|(_, held)| held.drains_until.is_none());
        registered.map(|(endpoint, _)| *endpoint).collect()
    }

    pub fn register(
        &mut self,
        group: &str,
        endpoint: Endpoint,
        zone: Option<&str>,
        is_by_function: bool,
    ) {
        let Some(group) = self.groups.get_mut(group) else {
            return;
        };
        let had = group
            .targets
            .get(&endpoint)
            .filter(|held| held.drains_until.is_none());
        let held = SimulatedTarget {
            zone: zone.unwrap_or("eu-central-1a").to_owned(),
            drains_until: None,
            is_by_function: had.map_or(is_by_function, |held| held.is_by_function),
        };
        group.targets.insert(endpoint, held);
    }

    /// Lets a target drain. It is gone when it has drained.
    pub fn deregister(&mut self, group: &str, endpoint: &Endpoint, now: u64) {
        let Some(group) = self.groups.get_mut(group) else {
            return;
        };
        if let Some(held) = group.targets.get_mut(endpoint) {
            held.drains_until.get_or_insert(now + DRAINING);
        }
    }
}

impl SimulatedTargetGroup {
    pub fn has(&self, endpoint: &Endpoint) -> bool {
        let held = self.targets.get(endpoint);
        held.is_some_and(|held| held.drains_until.is_none())
    }
}
