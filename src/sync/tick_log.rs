//! The one line that a tick logs: which addresses the ALB has, and what came of it.

use super::plan::Plan;
use crate::discovery::Found;
use crate::log;
use crate::record::Orders;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

#[derive(Serialize)]
struct Record<'a> {
    binding: &'a str,
    load_balancer: &'a str,
    addresses: &'a BTreeSet<IpAddr>,
    added: &'a BTreeSet<IpAddr>,
    removed: &'a BTreeSet<IpAddr>,
    /// Missing addresses with the ticks in a row that they have been missing for.
    pending: &'a BTreeMap<IpAddr, u32>,
    lookups: usize,
    failed_lookups: usize,
    certain: bool,
    /// The chance that an address is missing from the list.
    doubt: f64,
    plan: String,
}

pub(super) fn log(binding: &str, orders: &Orders, found: &Found, plan: &Plan) {
    log::record(
        "addresses",
        &Record {
            binding,
            load_balancer: &orders.alb_name,
            addresses: &found.addresses,
            added: &plan.added,
            removed: &plan.removed,
            pending: &plan.pending,
            lookups: found.lookups,
            failed_lookups: found.failed_lookups,
            certain: found.certain,
            // In millionths, so that the line stays short.
            doubt: (found.doubt * 1e6).round() / 1e6,
            plan: plan.to_string(),
        },
    );
}
