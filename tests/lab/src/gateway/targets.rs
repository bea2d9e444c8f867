//! What is registered in the target groups, and which address a target may have. The gateway has a store of its own, as
//! MiniStack's knows neither ports nor draining. It makes no target unhealthy by itself and lets no time
//! pass: targets drain until `finish_draining`.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::Mutex;

use ipnet::Ipv4Net;

use crate::lock::lock;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetState {
    Healthy,
    /// Its health checks fail.
    Unhealthy,
    /// It is still registered while its connections run out, and it may become healthy again.
    UnhealthyDraining,
    /// It is deregistered, and its connections run out.
    Draining,
}

/// A target of a target group. Its identity is its address and port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    pub address: Ipv4Addr,
    pub port: u16,
    /// The zone that was given, or the zone of the subnet that the address is in.
    pub zone: Option<String>,
    pub state: TargetState,
}

type TargetKey = (Ipv4Addr, u16);

#[derive(Default)]
pub(super) struct TargetStore(Mutex<BTreeMap<String, BTreeMap<TargetKey, Target>>>);

impl TargetStore {
    pub fn list(&self, group: &str) -> Vec<Target> {
        lock(&self.0)
            .get(group)
            .into_iter()
            .flat_map(BTreeMap::values)
            .cloned()
            .collect()
    }

    pub fn register(&self, group: &str, targets: Vec<Target>) {
        let mut groups = lock(&self.0);
        let held = groups.entry(group.to_owned()).or_default();
        held.extend(
            targets
                .into_iter()
                .map(|target| ((target.address, target.port), target)),
        );
    }

    pub fn deregister(&self, group: &str, targets: &[TargetKey], drains: bool) {
        let mut groups = lock(&self.0);
        let Some(held) = groups.get_mut(group) else {
            return;
        };
        for key in targets {
            match held.get_mut(key) {
                Some(target) if drains => target.state = TargetState::Draining,
                _ => drop(held.remove(key)),
            }
        }
    }

    pub fn set_state(&self, group: &str, (address, port): TargetKey, state: TargetState) {
        let mut groups = lock(&self.0);
        let held = groups
            .get_mut(group)
            .and_then(|held| held.get_mut(&(address, port)));
        if let Some(target) = held {
            target.state = state;
        }
    }

    /// How many targets of a group count against the quota.
    pub fn count(&self, group: &str) -> usize {
        let counts = |target: &&Target| target.state != TargetState::Draining;
        let groups = lock(&self.0);
        groups
            .get(group)
            .map_or(0, |held| held.values().filter(counts).count())
    }

    /// How many of these targets are not registered yet.
    pub fn count_new(&self, group: &str, targets: &[Target]) -> usize {
        let groups = lock(&self.0);
        let held = groups.get(group);
        let is_there = |target: &Target| {
            held.and_then(|held| held.get(&(target.address, target.port)))
                .is_some_and(|held| held.state != TargetState::Draining)
        };
        targets.iter().filter(|target| !is_there(target)).count()
    }

    pub fn finish_draining(&self) {
        for held in lock(&self.0).values_mut() {
            held.retain(|_, target| target.state != TargetState::Draining);
        }
    }

    pub fn forget(&self, group: &str) {
        lock(&self.0).remove(group);
    }
}

/// A subnet as EC2 describes it.
#[derive(Clone, Debug)]
pub(super) struct DescribedSubnet {
    pub vpc: String,
    pub zone: String,
    pub cidr: Ipv4Net,
}

/// An error's code and message.
pub(super) type TargetError = (&'static str, String);

/// The zone of a target, or why it cannot be one. `subnets` are those of the target group's VPC,
/// empty if that is not known.
///
/// The ranges are those of the Network Load Balancer guide, "Target groups", "Request routing and
/// IP addresses". That `all` is required outside of the VPC and refused inside, by its subnets, is
/// API_TargetDescription and, with these messages, AWS's own answers as quoted in
/// kubernetes-sigs/aws-load-balancer-controller issues 561, 3084 and 3714.
pub(super) fn zone(
    address: Ipv4Addr,
    given: Option<&str>,
    subnets: &[&DescribedSubnet],
) -> Result<Option<String>, TargetError> {
    const PRIVATE: [(Ipv4Addr, u8); 4] = [
        (Ipv4Addr::new(10, 0, 0, 0), 8),
        (Ipv4Addr::new(100, 64, 0, 0), 10),
        (Ipv4Addr::new(172, 16, 0, 0), 12),
        (Ipv4Addr::new(192, 168, 0, 0), 16),
    ];
    let within = subnets.iter().find(|subnet| subnet.cidr.contains(&address));
    let private = PRIVATE
        .iter()
        .any(|(network, length)| Ipv4Net::new_assert(*network, *length).contains(&address));
    match (within, given) {
        (None, _) if !private => Err((
            "InvalidTarget",
            format!("The IP address '{address}' is not a private address that can be a target"),
        )),
        (Some(subnet), Some(zone)) if zone != subnet.zone => Err((
            "ValidationError",
            format!(
                "The IP address '{address}' is within the VPC, and cannot have its Availability Zone overridden to \
                 '{zone}' from '{}'",
                subnet.zone
            ),
        )),
        (Some(subnet), _) => Ok(Some(subnet.zone.clone())),
        (None, None) if !subnets.is_empty() => Err((
            "ValidationError",
            format!(
                "You must specify a valid Availability Zone or select 'all' for all enabled Availability zones, \
                 since the IP address '{address}' is outside the VPC"
            ),
        )),
        (None, given) => Ok(given.map(str::to_owned)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zoned(address: &str, given: Option<&str>) -> Result<Option<String>, &'static str> {
        let subnet = DescribedSubnet {
            vpc: "vpc-1".to_owned(),
            zone: "us-east-1b".to_owned(),
            cidr: "10.1.0.0/24".parse().expect("a network"),
        };
        zone(address.parse().expect("an address"), given, &[&subnet]).map_err(|(code, _)| code)
    }

    #[test]
    fn an_address_in_a_subnet_has_the_zone_of_the_subnet_and_no_other() {
        assert_eq!(zoned("10.1.0.7", None), Ok(Some("us-east-1b".to_owned())));
        assert_eq!(
            zoned("10.1.0.7", Some("us-east-1b")),
            Ok(Some("us-east-1b".to_owned()))
        );
        assert_eq!(zoned("10.1.0.7", Some("all")), Err("ValidationError"));
    }

    #[test]
    fn an_address_outside_of_the_vpc_needs_a_zone() {
        assert_eq!(zoned("10.2.0.7", Some("all")), Ok(Some("all".to_owned())));
        assert_eq!(zoned("10.2.0.7", None), Err("ValidationError"));
    }

    #[test]
    fn a_public_address_is_no_target() {
        assert_eq!(zoned("8.8.8.8", Some("all")), Err("InvalidTarget"));
        assert_eq!(zoned("100.64.0.1", Some("all")), Ok(Some("all".to_owned())));
    }
}
