//! The orders: what a binding's ticks do, and with which load balancers and target groups.

use crate::model::TargetGroupPort;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::net::SocketAddr;

/// What a tick does. The rule's input holds a copy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Orders {
    /// Empty if this binary replaces the function of 2018 (`legacy`), which knows no NLB.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub nlb_arn: String,
    /// Empty if only the DNS name is known.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub alb_arn: String,
    pub alb_name: String,
    pub alb_dns_name: String,
    pub target_groups: Vec<TargetGroupPort>,
    /// `all` if the ALB is in another VPC than the NLB (ELBv2 API, `TargetDescription`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub availability_zone: Option<String>,
    pub max_lookups: usize,
    pub invocations_before_deregistration: u32,
    pub ip_count_metric: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dns_servers: Vec<SocketAddr>,
}

impl Orders {
    /// Whether both orders publish the same metric.
    pub fn has_same_metric_as(&self, other: &Self) -> bool {
        self.alb_name == other.alb_name
            && self.alb_dns_name == other.alb_dns_name
            && self.ip_count_metric == other.ip_count_metric
    }

    /// ARNs of the target groups.
    pub fn groups(&self) -> BTreeSet<&str> {
        let groups = self.target_groups.iter();
        groups.map(|group| group.arn.as_str()).collect()
    }
}
