//! Own targets: for how many ticks each has been missing from DNS, and how certain that is.
//!
//! Which of them leave is decided by `due_targets` and by the plan of a tick.

use crate::clock::Timestamp;
use crate::model::Endpoint;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Own targets of one target group.
pub type OwnTargets = BTreeMap<Endpoint, OwnTarget>;

/// What the record holds of one own target.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnTarget {
    /// For how many ticks in a row it has been missing from DNS.
    #[serde(default)]
    pub missed: u32,
    /// How many independent answers of DNS these ticks had together.
    #[serde(default, skip_serializing_if = "is_default")]
    pub draws: u32,
    /// The DNS name of the load balancer that the address belongs to, if an Update has changed the load balancer since
    /// a tick saw the address. `None` if it belongs to the load balancer that the orders name.
    #[serde(rename = "of", default, skip_serializing_if = "Option::is_none")]
    pub former_dns_name: Option<String>,
    /// When it was last deregistered.
    #[serde(rename = "out", default, skip_serializing_if = "Option::is_none")]
    pub deregistered_at: Option<Timestamp>,
}

pub(super) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
