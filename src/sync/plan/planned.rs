//! What a plan says is to be done, and how a log prints it.

use crate::model::{Endpoint, Registered};
use crate::record::Record;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::IpAddr;

/// What one tick does, in this order: write the record, register, deregister.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TickPlan {
    /// What the record becomes; `None` if nothing is done, so that it stays unchanged.
    pub record: Option<Record>,
    /// By target group, without the groups in which nothing is done.
    pub groups: BTreeMap<String, GroupPlan>,
    /// Addresses that are in DNS and that the record does not know.
    pub added: BTreeSet<IpAddr>,
    /// Addresses whose targets leave now.
    pub removed: BTreeSet<IpAddr>,
    /// Addresses that are missing from DNS but may come back, each with the number of ticks that missed it.
    pub pending: BTreeMap<IpAddr, u32>,
}

/// What is done in one target group.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GroupPlan {
    pub register: Vec<Endpoint>,
    /// With the Availability Zone that each target was registered with.
    pub deregister: Registered,
}

impl TickPlan {
    pub fn deregisters(&self) -> bool {
        let mut groups = self.groups.values();
        groups.any(|group| !group.deregister.is_empty())
    }
}

impl fmt::Display for TickPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.groups.is_empty() && self.record.is_none() {
            return f.write_str("nothing to do");
        }
        if self.record.is_some() {
            writeln!(f, "~ record")?;
        }
        for (arn, group) in &self.groups {
            for endpoint in &group.register {
                writeln!(f, "+ {endpoint} in {arn}")?;
            }
            for endpoint in group.deregister.keys() {
                writeln!(f, "- {endpoint} in {arn}")?;
            }
        }
        for (address, missed) in &self.pending {
            writeln!(f, "  {address} missing {missed} times")?;
        }
        Ok(())
    }
}
