//! What the record knows of the binding's own targets: how long each has been missing, and how sure
//! that is.
//!
//! Never decides what leaves: the plan of a tick does.

use crate::clock::Timestamp;
use crate::model::Endpoint;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Own targets of one target group.
pub type Own = BTreeMap<Endpoint, OwnTarget>;

/// What is known of one own target.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnTarget {
    /// For how many ticks in a row it has been missing from DNS.
    #[serde(default)]
    pub missed: u32,
    /// How many answers of DNS, each chosen anew, these ticks are worth together.
    #[serde(default, skip_serializing_if = "is_default")]
    pub draws: u32,
    /// The DNS name of the load balancer that it is of, where an Update has gone from one to another since a
    /// tick saw it. Else it is of the one that the orders name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<String>,
    /// When it was last put out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub out: Option<Timestamp>,
}

pub(super) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
