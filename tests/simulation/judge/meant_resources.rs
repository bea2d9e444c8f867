//! Finds the target groups and DNS names that a binding's properties mean.

use crate::properties::ResourceProperties;
use crate::state::ADDRESSES_PER_ANSWER;
use crate::world::SimulatedWorld;

/// The target groups that properties name, each with the port that targets have in it.
pub fn groups_and_ports(
    world: &SimulatedWorld,
    id: &str,
    properties: &ResourceProperties,
) -> Vec<(String, u16)> {
    let elb = world.elb.borrow();
    let places = properties
        .listeners
        .iter()
        .filter_map(|entry| match &entry.given_group {
            Some(arn) => Some((arn.clone(), entry.alb_port)),
            None => {
                let group = elb.group_called(&group_name(id, entry.port))?;
                Some((group.group.arn.clone(), entry.alb_port))
            }
        });
    places.collect()
}

pub fn group_name(id: &str, port: u16) -> String {
    let digits = id.trim_start_matches(alb_nlb_binding::names::PREFIX);
    format!("anb-{digits}-{port}")
}

pub fn dns_name(world: &SimulatedWorld, alb: &str) -> String {
    let elb = world.elb.borrow();
    elb.load_balancers
        .get(alb)
        .map(|(alb, _)| alb.dns_name.clone())
        .unwrap_or_default()
}

/// Whether a name has so few addresses that every answer holds all of them, and is not full.
pub fn is_small(world: &SimulatedWorld, name: &str) -> bool {
    world
        .dns
        .borrow()
        .names
        .get(name)
        .is_none_or(|name| name.live.len() < ADDRESSES_PER_ANSWER)
}
