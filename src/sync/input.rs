//! The input that a binding's rule calls the function with: all that a tick needs to know.
//!
//! It stands in the rule's target, at most 8192 characters (EventBridge API, `PutTargets`), so
//! fifty target groups must fit and names are short. Fields may be added, never change meaning:
//! a newer function serves the rules of an older one.

use serde::{Deserialize, Serialize};
use std::net::SocketAddr;

/// One tick's worth of orders.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct TickInput {
    /// The binding's physical id, which is also the rule's name. Without a binding, where its
    /// state is.
    pub alb_nlb_binding: String,
    /// Empty where only its DNS name is known.
    pub alb_arn: String,
    pub alb_name: String,
    pub alb_dns_name: String,
    pub bucket: String,
    /// Target group ARNs with the port that targets are registered with.
    pub target_groups: Vec<(String, u16)>,
    /// `all` where the ALB is in another VPC than the NLB (ELBv2 API, `TargetDescription`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub availability_zone: Option<String>,
    pub max_lookups: usize,
    pub invocations_before_deregistration: u32,
    pub ip_count_metric: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dns_servers: Vec<SocketAddr>,
}
