//! Step 4 of a tick: one line of JSON in the log, with the ALB's addresses and what the tick does about them.

use super::plan::TickPlan;
use crate::discovery::Found;
use crate::log;
use crate::record::Orders;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

#[derive(Serialize)]
struct LogLine<'a> {
    binding: &'a str,
    load_balancer: &'a str,
    addresses: &'a BTreeSet<IpAddr>,
    added: &'a BTreeSet<IpAddr>,
    removed: &'a BTreeSet<IpAddr>,
    /// Missing addresses, each with the number of ticks in a row that missed it.
    pending: &'a BTreeMap<IpAddr, u32>,
    lookups: usize,
    failed_lookups: usize,
    certain: bool,
    /// The chance that an address is missing from the list.
    doubt: f64,
    plan: String,
}

pub(super) fn log(binding: &str, orders: &Orders, found: &Found, plan: &TickPlan) {
    log::record(
        "addresses",
        &LogLine {
            binding,
            load_balancer: &orders.alb_name,
            addresses: &found.addresses,
            added: &plan.added,
            removed: &plan.removed,
            pending: &plan.pending,
            lookups: found.lookups,
            failed_lookups: found.failed_lookups,
            certain: found.certain,
            // Rounded to millionths, so that the line stays short.
            doubt: (found.doubt * 1e6).round() / 1e6,
            plan: plan.to_string(),
        },
    );
}
