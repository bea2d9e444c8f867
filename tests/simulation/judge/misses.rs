//! Judges misses: a tick deregisters an own target only after the target was missing for the needed number of
//! scheduled minutes in a row.
//!
//! Counts the ticks that looked DNS up, each by its scheduled time. Late ticks and ticks during a request count no
//! misses. Does not judge an ALB whose list is not certain.

use super::meant_resources::{dns_name, groups_and_ports, is_small};
use crate::calendar::MINUTE_IN_MILLIS;
use crate::properties::ResourceProperties;
use crate::state::{BindingHistory, Process};
use crate::world::SimulatedWorld;
use alb_nlb_binding::model::Endpoint;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// After this many milliseconds nothing waits for an answer to a request.
const NO_ANSWER_AFTER: u64 = 15 * MINUTE_IN_MILLIS;

/// A tick that is later than this many milliseconds counts nothing (docs/semantics.md, "A tick").
const LATE: u64 = 90_000;

/// Judges whether a target that a tick deregisters was missing often enough.
pub fn check_misses(
    world: &SimulatedWorld,
    process: &Process,
    binding: &BindingHistory,
    id: &str,
    (group, endpoint): (&str, &Endpoint),
) {
    let candidates: Vec<_> = binding
        .valid_since(process.started)
        .map(|request| &request.properties)
        .collect();
    let Some(needed) = candidates
        .iter()
        .map(|properties| properties.needed_misses)
        .min()
    else {
        let what = "which is not what CloudFormation's last acknowledged properties say";
        return world.violate(format!("{} deregisters {endpoint}, {what}", process.name));
    };
    let names: BTreeSet<String> = candidates
        .iter()
        .map(|properties| dns_name(world, &properties.alb))
        .collect();
    if !names.iter().all(|name| is_small(world, name)) {
        return;
    }
    // A cache may have hidden addresses in earlier lookups of an ALB that was served before.
    let mut lookups = binding.lookups.iter();
    if world.faults.rates().caches > 0 && lookups.any(|lookup| !is_small(world, &lookup.name)) {
        return;
    }
    // If the port has changed meanwhile, the target was missing in every lookup.
    let since = process
        .started
        .saturating_sub(u64::from(needed + 1) * 2 * MINUTE_IN_MILLIS);
    let lately: Vec<_> = binding
        .valid_since(since)
        .map(|request| &request.properties)
        .collect();
    let is_named = |properties: &&Rc<ResourceProperties>| {
        groups_and_ports(world, id, properties)
            .iter()
            .any(|(arn, port)| arn == group && *port == endpoint.port)
    };
    let is_wanted = candidates.iter().any(is_named);
    if is_wanted && !lately.iter().all(is_named) {
        return;
    }
    // The missed minutes, each with the end of the last tick that may have counted it.
    let mut minutes = BTreeMap::new();
    let own = binding
        .lookups
        .iter()
        .find(|lookup| lookup.process == process.number);
    let looked = own.map_or(u64::MAX, |lookup| lookup.at);
    for lookup in &binding.lookups {
        let showed = is_wanted
            && world
                .dns
                .borrow()
                .was_live(&lookup.name, endpoint.address, lookup.at);
        // A later lookup that saw the target again may have changed nothing yet.
        let showed_before = showed && lookup.at <= looked;
        let end = lookup.ended.map_or(u64::MAX, |(at, _)| at);
        if showed_before
            && names.contains(&lookup.name)
            && lookup.ended.is_some_and(|(_, well)| well)
        {
            minutes.retain(|_, counted| *counted > end);
        }
        let within = |from: u64, until: Option<u64>| {
            lookup.process >= from && until.is_none_or(|until| until >= end)
        };
        let is_claimed = binding.claims.iter().any(|claim| {
            let is_open = lookup.at < claim.at + NO_ANSWER_AFTER;
            is_open && within(claim.from, claim.until)
        });
        let started = crate::calendar::BEGINNING + lookup.started;
        let is_late = started.saturating_sub(lookup.scheduled) > LATE;
        if !showed && !is_claimed && !is_late {
            minutes.insert(lookup.scheduled, end);
        }
    }
    if (minutes.len() as u64) < u64::from(needed) {
        world.violate(format!(
            "{} deregisters {endpoint} after {} misses at most, and {needed} are needed",
            process.name,
            minutes.len()
        ));
    }
}
