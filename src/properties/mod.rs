//! The properties of `Custom::AlbNlbBinding`: from CloudFormation's JSON to typed values.
//!
//! CloudFormation sends every scalar as a string, so both forms are taken. All problems are reported at once.
//! No property is guessed, and AWS is not asked.

mod attributes;
mod health_check;
mod identifiers;
mod schedule;
#[cfg(test)]
mod tests;

pub use attributes::{
    CONNECTION_TERMINATION, CROSS_ZONE, CROSS_ZONE_AS_NLB, DRAINING_INTERVAL,
    defaults as attribute_defaults,
};
pub(crate) use identifiers::{bucket_name, is_dns_name, load_balancer_name, target_group_arn};
pub use identifiers::{
    is_bucket_name, is_load_balancer_arn, is_target_group_arn, parse_dns_server, state_bucket,
};

pub use crate::reader::Problems;

use crate::model::{Attributes, HealthCheck};
use crate::names::BindingId;
use crate::reader::{self, Reader};
use identifiers::{bucket_name_for, dns_server, load_balancer_arn, target_dns_name};
use serde_json::Value;
use std::collections::BTreeSet;
use std::net::SocketAddr;

/// The properties of one resource, with every default filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Properties {
    pub target: TargetProperties,
    pub nlb_arn: String,
    pub listeners: Vec<ListenerProperties>,
    pub schedule: String,
    /// The most DNS lookups in one invocation.
    pub max_lookups: usize,
    /// For how many ticks in a row an address must be missing from DNS before its targets are deregistered.
    pub invocations_before_deregistration: u32,
    pub ip_count_metric: bool,
    /// The servers that are asked in place of the authoritative ones. If none are given, the function's default holds.
    pub dns_servers: Vec<SocketAddr>,
    /// A bucket of the user's, in place of one that the binding makes.
    pub bucket_name: Option<String>,
    pub allow_zone_mismatch: bool,
}

/// What has the addresses that are registered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TargetProperties {
    /// An internal ALB of the function's account and Region.
    Alb { arn: String },
    /// Anything else that has IPv4 addresses behind a DNS name.
    DnsName {
        dns_name: String,
        /// Whether the addresses are in the NLB's VPC.
        same_vpc: bool,
    },
}

/// One of `Listeners`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListenerProperties {
    /// The NLB listener's port.
    pub port: u16,
    /// The ALB listener's port, to which targets are registered.
    pub alb_port: u16,
    pub target_group: TargetGroupProperties,
}

/// The target group of one of `Listeners`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TargetGroupProperties {
    /// A target group of the user's. The binding only registers and deregisters targets in it.
    Given { arn: String },
    /// A target group and a listener that the binding makes.
    Made(MadeProperties),
}

/// The settings of a target group that the binding makes, and of its listener.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MadeProperties {
    pub health_check: HealthCheck,
    pub attributes: Attributes,
    /// After this many seconds without traffic the listener forgets a connection.
    pub idle_timeout: u32,
}

/// The default of `IdleTimeoutSeconds`, which is AWS's own (NLB guide, "Connection idle timeout").
pub const DEFAULT_IDLE_TIMEOUT: u32 = 350;

impl Properties {
    /// Reads the properties of a request for the binding `id` to a function in `region`.
    ///
    /// # Errors
    /// All problems at once, each with the property, what was given and what is allowed.
    pub fn parse(properties: &Value, region: &str, id: &BindingId) -> Result<Self, Problems> {
        let mut problems = Problems::default();
        let parsed = read(properties, region, id, &mut problems);
        match parsed {
            Some(parsed) if problems.is_empty() => Ok(parsed),
            _ => Err(problems),
        }
    }

    /// The ALB's ARN; `None` if a DNS name is given in its place.
    pub fn alb_arn(&self) -> Option<&str> {
        match &self.target {
            TargetProperties::Alb { arn } => Some(arn),
            TargetProperties::DnsName { .. } => None,
        }
    }

    /// The listeners that the binding makes, each with its port.
    pub fn made(&self) -> impl Iterator<Item = (u16, &MadeProperties)> {
        let listeners = self.listeners.iter();
        listeners.filter_map(|listener| match &listener.target_group {
            TargetGroupProperties::Made(made) => Some((listener.port, made)),
            TargetGroupProperties::Given { .. } => None,
        })
    }

    /// ARNs of the target groups that the user gives.
    pub fn given(&self) -> impl Iterator<Item = &str> {
        let listeners = self.listeners.iter();
        listeners.filter_map(|listener| match &listener.target_group {
            TargetGroupProperties::Given { arn } => Some(arn.as_str()),
            TargetGroupProperties::Made(_) => None,
        })
    }
}

fn read(
    properties: &Value,
    region: &str,
    id: &BindingId,
    problems: &mut Problems,
) -> Option<Properties> {
    let mut reader = Reader::open(String::new(), properties, problems)?;
    // CloudFormation's own properties, which it sends among the others.
    reader.ignore("ServiceToken");
    reader.ignore("ServiceTimeout");

    let target = target(&mut reader, region);
    let nlb_arn = reader.required("NlbArn", |value| load_balancer_arn(value, region));
    let schedule = reader.optional("Schedule", schedule::parse);
    let max_lookups = reader.optional("MaxLookupsPerInvocation", reader::number(1, 1000));
    let invocations = reader.optional("InvocationsBeforeDeregistration", reader::number(1, 1000));
    let ip_count_metric = reader.optional("IpCountMetric", reader::boolean);
    let bucket_name = reader.optional("BucketName", |value| bucket_name_for(value, id));
    let allow_zone_mismatch = reader.optional("AllowZoneMismatch", reader::boolean);
    let dns_servers = reader
        .elements("DnsServers", 0, 50)
        .unwrap_or_default()
        .into_iter()
        .filter_map(|(path, value)| reader.element(path, value, dns_server))
        .collect();
    if !reader.has("Listeners") {
        reader.missing(
            "Listeners",
            "1 to 50 of {Port, AlbPort or TargetPort, TargetGroupArn, HealthCheck, TargetGroupAttributes, \
             IdleTimeoutSeconds}",
        );
    }
    let elements = reader.elements("Listeners", 1, 50).unwrap_or_default();
    reader.close();

    let mut listeners = Vec::new();
    for (path, value) in elements {
        listeners.extend(listener(path, value, region, problems));
    }
    refuse_duplicates(&listeners, problems);
    Some(Properties {
        target: target?,
        nlb_arn: nlb_arn?,
        listeners,
        schedule: schedule.unwrap_or_else(|| "rate(1 minute)".to_owned()),
        max_lookups: max_lookups.map_or(50, |number| number as usize),
        invocations_before_deregistration: invocations.unwrap_or(3),
        ip_count_metric: ip_count_metric.unwrap_or(true),
        dns_servers,
        bucket_name,
        allow_zone_mismatch: allow_zone_mismatch.unwrap_or(false),
    })
}

/// `AlbArn`, or `TargetDnsName` in its place.
fn target(reader: &mut Reader<'_, '_>, region: &str) -> Option<TargetProperties> {
    let is_named = reader.has("TargetDnsName");
    let dns_name = reader.optional("TargetDnsName", target_dns_name);
    let same_vpc = reader.optional("SameVpc", reader::boolean);
    if is_named {
        reader.forbid("AlbArn", "absent next to TargetDnsName");
        return Some(TargetProperties::DnsName {
            dns_name: dns_name?,
            same_vpc: same_vpc.unwrap_or(true),
        });
    }
    reader.forbid("SameVpc", "absent unless TargetDnsName is given");
    let alb_arn = |value: &Value| {
        let or_name = |allowed| format!("{allowed}, or TargetDnsName in its place");
        load_balancer_arn(value, region).map_err(or_name)
    };
    let arn = reader.required("AlbArn", alb_arn)?;
    Some(TargetProperties::Alb { arn })
}

fn listener(
    path: String,
    value: &Value,
    region: &str,
    problems: &mut Problems,
) -> Option<ListenerProperties> {
    let mut reader = Reader::open(path, value, problems)?;
    let port = reader.required("Port", reader::port);
    let alb_port = reader.optional("AlbPort", reader::port);
    let target_port = reader.optional("TargetPort", reader::port);
    if reader.has("AlbPort") {
        reader.forbid(
            "TargetPort",
            "absent next to AlbPort, which is another name of it",
        );
    }
    let given = reader.optional("TargetGroupArn", |value| target_group_arn(value, region));
    let health_check = reader.take("HealthCheck");
    let attributes = reader.elements("TargetGroupAttributes", 0, 50);
    let idle_timeout = reader.optional("IdleTimeoutSeconds", reader::number(60, 6000));
    if reader.has("TargetGroupArn") {
        for name in ["HealthCheck", "TargetGroupAttributes", "IdleTimeoutSeconds"] {
            reader.forbid(
                name,
                "absent next to TargetGroupArn, for a given target group and its listener are never \
                 changed",
            );
        }
    }
    reader.close();
    let health_check = health_check::parse(health_check, problems);
    let attributes = attributes::parse(attributes.unwrap_or_default(), problems);
    let port = port?;
    Some(ListenerProperties {
        port,
        alb_port: alb_port.or(target_port).unwrap_or(port),
        target_group: match given {
            Some(arn) => TargetGroupProperties::Given { arn },
            None => TargetGroupProperties::Made(MadeProperties {
                health_check,
                attributes,
                idle_timeout: idle_timeout.unwrap_or(DEFAULT_IDLE_TIMEOUT),
            }),
        },
    })
}

/// A port of the NLB has one listener, and a given target group has each port of the ALB once.
fn refuse_duplicates(listeners: &[ListenerProperties], problems: &mut Problems) {
    let mut ports = BTreeSet::new();
    let mut given = BTreeSet::new();
    for (index, listener) in listeners.iter().enumerate() {
        match &listener.target_group {
            TargetGroupProperties::Made(_) => {
                if !ports.insert(listener.port) {
                    problems.add(
                        format!("Listeners[{index}].Port"),
                        listener.port,
                        "a port that no other of Listeners has",
                    );
                }
            }
            TargetGroupProperties::Given { arn } => {
                if !given.insert((arn, listener.alb_port)) {
                    problems.add(
                        format!("Listeners[{index}].TargetGroupArn"),
                        arn,
                        "a target group that no other of Listeners has with the same AlbPort",
                    );
                }
            }
        }
    }
}
