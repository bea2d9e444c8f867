//! RegisterTargets, DeregisterTargets and DescribeTargetHealth as AWS answers them: API_RegisterTargets,
//! API_DeregisterTargets, API_TargetHealth, and "Deregistration delay" in the Network Load Balancer
//! guide. What target groups, listeners and subnets exist is asked of MiniStack each time.

use std::collections::HashSet;
use std::net::Ipv4Addr;
use std::sync::atomic::Ordering;

use anyhow::Result;

use super::call::Call;
use super::elb::ForwardingListener;
use super::reply::{self, ApiReply};
use super::state::{ApiRequest, State};
use super::targets::{self, Target, TargetError, TargetState};
use crate::names::ELB;
use crate::xml::Element;

/// How many targets one call may name. Other load balancer controllers keep to the same number.
const TARGETS_PER_CALL: usize = 200;

/// A target as a request names it.
struct NamedTarget {
    address: Ipv4Addr,
    port: u16,
    zone: Option<String>,
}

/// The targets of a request; those without a port have the group's.
fn named(call: &Call, group: &Element) -> Result<Vec<NamedTarget>, TargetError> {
    let members = call.members("Targets");
    if members.len() > TARGETS_PER_CALL {
        return Err((
            "ValidationError",
            format!("More than {TARGETS_PER_CALL} targets in one call"),
        ));
    }
    let default_port = group.text_of("Port");
    let read = members.iter().map(|member| {
        let id = member.get("Id").map_or("", String::as_str);
        let port = member.get("Port").map_or(default_port, String::as_str);
        Ok(NamedTarget {
            address: id.parse().map_err(|_| {
                (
                    "ValidationError",
                    format!("'{id}' is not a valid IPv4 address"),
                )
            })?,
            port: port
                .parse()
                .map_err(|_| ("ValidationError", format!("'{port}' is not a valid port")))?,
            zone: member.get("AvailabilityZone").cloned(),
        })
    });
    read.collect()
}

impl State {
    pub(super) async fn register_targets(&self, request: &ApiRequest) -> Result<ApiReply> {
        let call = &request.call;
        let group = match self.target_group(call).await? {
            Ok(group) => group,
            Err(refused) => return Ok(refused),
        };
        let subnets = self.subnets(call).await?;
        let of_vpc: Vec<_> = subnets
            .values()
            .filter(|subnet| subnet.vpc == group.text_of("VpcId"))
            .collect();
        let checked: Result<Vec<Target>, TargetError> = named(call, &group).and_then(|named| {
            let targets = named.into_iter().map(|target| {
                let zone = targets::zone(target.address, target.zone.as_deref(), &of_vpc)?;
                Ok(Target {
                    address: target.address,
                    port: target.port,
                    zone,
                    state: TargetState::Healthy,
                })
            });
            targets.collect()
        });
        Ok(match checked {
            // One bad target, and none of them is registered.
            Err((code, message)) => reply::error(call, 400, code, &message),
            Ok(targets) => {
                let arn = call.param("TargetGroupArn");
                if self.exceeds_quota(call, arn, &targets).await? {
                    let message =
                        "The maximum number of targets per load balancer has been reached";
                    return Ok(reply::error(call, 400, "TooManyTargets", message));
                }
                self.targets.register(arn, targets);
                reply::elb("RegisterTargets", &[])
            }
        })
    }

    /// Network Load Balancer guide, "Quotas": targets for each load balancer, counted once a target group.
    async fn exceeds_quota(&self, call: &Call, group: &str, targets: &[Target]) -> Result<bool> {
        let listeners = self.listeners(call).await?;
        let of_group = |listener: &&ForwardingListener| listener.forwards_to(group);
        let Some(listener) = listeners.iter().find(of_group) else {
            return Ok(false);
        };
        let groups: HashSet<&String> = listeners
            .iter()
            .filter(|other| other.load_balancer == listener.load_balancer)
            .flat_map(|listener| &listener.target_groups)
            .collect();
        let held: usize = groups
            .into_iter()
            .map(|group| self.targets.count(group))
            .sum();
        let new = self.targets.count_new(group, targets);
        Ok(new > 0 && held + new > self.target_quota.load(Ordering::Relaxed))
    }

    pub(super) async fn deregister_targets(&self, request: &ApiRequest) -> Result<ApiReply> {
        let call = &request.call;
        let group = match self.target_group(call).await? {
            Ok(group) => group,
            Err(refused) => return Ok(refused),
        };
        let arn = call.param("TargetGroupArn");
        let params = [("TargetGroupArn", arn)];
        let attributes = self
            .api(call)
            .query(ELB, "DescribeTargetGroupAttributes", &params)
            .await?;
        let drains = !attributes.list("Attributes").iter().any(|attribute| {
            attribute.text_of("Key") == "deregistration_delay.timeout_seconds"
                && attribute.text_of("Value") == "0"
        });
        Ok(match named(call, &group) {
            Err((code, message)) => reply::error(call, 400, code, &message),
            Ok(named) => {
                let keys: Vec<_> = named
                    .into_iter()
                    .map(|target| (target.address, target.port))
                    .collect();
                self.targets.deregister(arn, &keys, drains);
                reply::elb("DeregisterTargets", &[])
            }
        })
    }

    pub(super) async fn describe_target_health(&self, request: &ApiRequest) -> Result<ApiReply> {
        let call = &request.call;
        let group = match self.target_group(call).await? {
            Ok(group) => group,
            Err(refused) => return Ok(refused),
        };
        let wanted = match named(call, &group) {
            Ok(wanted) => wanted,
            Err((code, message)) => return Ok(reply::error(call, 400, code, &message)),
        };
        let arn = call.param("TargetGroupArn");
        let zones = self.zones_of_group(call, arn).await?;
        let held = self.targets.list(arn);
        let mut descriptions = Vec::new();
        if wanted.is_empty() {
            descriptions.extend(
                held.iter()
                    .map(|target| describe(&group, target, &health(target, &zones))),
            );
        }
        for named in wanted {
            let same =
                |target: &&Target| (target.address, target.port) == (named.address, named.port);
            descriptions.push(match held.iter().find(same) {
                Some(target) => describe(&group, target, &health(target, &zones)),
                None => {
                    let NamedTarget {
                        address,
                        port,
                        zone,
                    } = named;
                    let target = Target {
                        address,
                        port,
                        zone,
                        state: TargetState::Healthy,
                    };
                    let unknown = Health::unused(
                        "Target.NotRegistered",
                        "Target is not registered to the target group",
                    );
                    describe(&group, &target, &unknown)
                }
            });
        }
        let list = Element::of("TargetHealthDescriptions", descriptions);
        Ok(reply::elb("DescribeTargetHealth", &[list]))
    }

    /// The zones of the load balancer that forwards to a group; `None` if none does.
    async fn zones_of_group(&self, call: &Call, group: &str) -> Result<Option<HashSet<String>>> {
        let listeners = self.listeners(call).await?;
        let Some(listener) = listeners
            .iter()
            .find(|listener| listener.forwards_to(group))
        else {
            return Ok(None);
        };
        let params = [("LoadBalancerArns.member.1", listener.load_balancer.as_str())];
        let mut described = self
            .api(call)
            .query(ELB, "DescribeLoadBalancers", &params)
            .await?;
        self.mend_load_balancers(call, &mut described).await?;
        let zones = described
            .list("AvailabilityZones")
            .iter()
            .map(|zone| zone.text_of("ZoneName").to_owned());
        Ok(Some(zones.collect()))
    }
}

struct Health {
    state: &'static str,
    reason: &'static str,
    description: &'static str,
}

impl Health {
    fn unused(reason: &'static str, description: &'static str) -> Self {
        Self {
            state: "unused",
            reason,
            description,
        }
    }
}

fn health(target: &Target, zones: &Option<HashSet<String>>) -> Health {
    match (target.state, zones, target.zone.as_deref()) {
        // "Target.FailedHealthChecks" and the states are of API_TargetHealth.
        (TargetState::UnhealthyDraining, ..) => Health {
            state: "unhealthy.draining",
            reason: "Target.FailedHealthChecks",
            description: "Health checks failed",
        },
        (TargetState::Unhealthy, Some(_), _) => Health {
            state: "unhealthy",
            reason: "Target.FailedHealthChecks",
            description: "Health checks failed",
        },
        (TargetState::Draining, ..) => Health {
            state: "draining",
            reason: "Target.DeregistrationInProgress",
            description: "Target deregistration is in progress",
        },
        (_, None, _) => Health::unused(
            "Target.NotInUse",
            "Target group is not configured to receive traffic from the load balancer",
        ),
        (_, Some(zones), Some(zone)) if zone != "all" && !zones.contains(zone) => Health::unused(
            "Target.NotInUse",
            "Target is in an Availability Zone that is not enabled for the load balancer",
        ),
        _ => Health {
            state: "healthy",
            reason: "",
            description: "",
        },
    }
}

fn describe(group: &Element, target: &Target, health: &Health) -> Element {
    let mut described = Element::new("Target")
        .with(Element::with_text("Id", target.address.to_string()))
        .with(Element::with_text("Port", target.port.to_string()));
    if let Some(zone) = &target.zone {
        described.set(Element::with_text("AvailabilityZone", zone));
    }
    let mut state = Element::new("TargetHealth").with(Element::with_text("State", health.state));
    if !health.reason.is_empty() {
        state.set(Element::with_text("Reason", health.reason));
        state.set(Element::with_text("Description", health.description));
    }
    let check_port = match group.text_of("HealthCheckPort") {
        "traffic-port" | "" => target.port.to_string(),
        port => port.to_owned(),
    };
    Element::new("member")
        .with(described)
        .with(Element::with_text("HealthCheckPort", check_port))
        .with(state)
}
