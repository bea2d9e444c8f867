//! Judges the end of a life, when nothing runs and there are no faults: everything that was acknowledged is
//! wired, the registered targets are the addresses in DNS, and nothing is left of a deleted binding.

use super::meant_resources::{dns_name, group_name, groups_and_ports};
use super::wiring::check_wiring;
use crate::state::{BindingHistory, SIMULATED_ACCOUNT};
use crate::world::SimulatedWorld;
use alb_nlb_binding::model::Endpoint;
use alb_nlb_binding::names::TAG;
use std::collections::BTreeSet;

/// After this many milliseconds, the calls that a killed invocation has sent are carried out.
const LAST_CALLS: u64 = 20_000;

/// The highest number of misses that any binding needs.
pub fn most_misses(world: &SimulatedWorld) -> u64 {
    let bindings = world.observed.bindings.borrow();
    let current = bindings.values().filter_map(|binding| binding.current());
    u64::from(
        current
            .map(|request| request.properties.needed_misses)
            .max()
            .unwrap_or(1),
    )
}

/// What follows from docs/semantics.md, "A tick": within `InvocationsBeforeDeregistration` + 2 ticks, the targets in
/// the groups equal the addresses in DNS.
pub fn check_convergence(world: &SimulatedWorld) {
    let mut wanted: BTreeSet<(String, Endpoint)> = BTreeSet::new();
    for (id, binding) in world.observed.bindings.borrow().iter() {
        let Some(request) = binding.current().filter(|_| !binding.is_leaving) else {
            continue;
        };
        check_wiring(world, id, &request.properties, "when all is quiet");
        let addresses = world
            .dns
            .borrow()
            .addresses(&dns_name(world, &request.properties.alb));
        for (group, port) in groups_and_ports(world, id, &request.properties) {
            for address in &addresses {
                let endpoint = Endpoint {
                    address: *address,
                    port,
                };
                if !world.elb.borrow().is_registered(&group, &endpoint) {
                    world.violate(format!("when all is quiet, {endpoint} is not registered in {group}, which {id} serves"));
                }
                wanted.insert((group.clone(), endpoint));
            }
        }
    }
    check_no_surplus(world, &wanted, "when all is quiet");
}

fn check_no_surplus(world: &SimulatedWorld, wanted: &BTreeSet<(String, Endpoint)>, when: &str) {
    let elb = world.elb.borrow();
    for (arn, group) in &elb.groups {
        for (endpoint, held) in &group.targets {
            let is_by_function = held.is_by_function && held.drains_until.is_none();
            let key = (arn.clone(), *endpoint);
            // Rule 11 of the record: one binding found it, although another one had registered it.
            let is_found = world.observed.was_found.borrow().contains(&key);
            if is_by_function && !wanted.contains(&key) && !world.was_ever_denied(arn) && !is_found
            {
                world.violate(format!("{when}, {endpoint} is still registered in {arn}"));
            }
        }
    }
}

pub fn observe_delivery_start(world: &SimulatedWorld, bindings: &BTreeSet<String>) {
    for id in bindings {
        let mut bindings = world.observed.bindings.borrow_mut();
        bindings.entry(id.clone()).or_default().under_way += 1;
    }
}

/// After the last delivery that may still act on a deleted binding, nothing of the binding may be left.
pub fn observe_delivery_end(
    world: &SimulatedWorld,
    bindings: &BTreeSet<String>,
    is_cut_short: bool,
) {
    for id in bindings {
        let mut bindings = world.observed.bindings.borrow_mut();
        let binding = bindings.entry(id.clone()).or_default();
        binding.under_way -= 1;
        binding.is_cut_short |= is_cut_short;
        if binding.is_gone() {
            let (it, id) = (world.handle(), id.clone());
            world
                .scheduler
                .run_after(LAST_CALLS, move || check_gone(&it, &id));
        }
    }
}

fn check_gone(world: &SimulatedWorld, id: &str) {
    let bindings = world.observed.bindings.borrow();
    if !bindings[id].is_gone() {
        return;
    }
    world
        .coverage
        .count("bindings looked at after their Delete");
    nothing_is_left_of(world, id, "after its Delete");
    if bindings.values().all(BindingHistory::is_gone) {
        check_no_surplus(world, &BTreeSet::new(), "after all Deletes");
    }
}

/// docs/semantics.md, "Delete": afterwards nothing is left of any binding.
pub fn check_nothing_left(world: &SimulatedWorld) {
    for id in world.observed.bindings.borrow().keys() {
        nothing_is_left_of(world, id, "in the end");
    }
    check_no_surplus(world, &BTreeSet::new(), "after all is deleted");
}

fn nothing_is_left_of(world: &SimulatedWorld, id: &str, when: &str) {
    let left = |what: String| world.violate(format!("{when}, {what} is left"));
    if world.rules.borrow().contains_key(id) {
        left(format!("the rule {id}"));
    }
    let s3 = world.s3.borrow();
    if s3
        .buckets
        .contains_key(&format!("{id}-{SIMULATED_ACCOUNT}"))
    {
        left(format!("the bucket of {id}"));
    }
    for (name, bucket) in &s3.buckets {
        let mut keys = bucket.objects.keys();
        if let Some(key) = keys.find(|key| key.starts_with(id)) {
            left(format!("the object {key} in the bucket {name}"));
        }
    }
    let elb = world.elb.borrow();
    let prefix = &group_name(id, 0)[..21];
    let mut names = elb.groups.values().map(|held| &held.group.name);
    if let Some(name) = names.find(|name| name.starts_with(prefix)) {
        left(format!("the target group {name}"));
    }
    let mut tags = elb.listeners.values().map(|held| held.tags.get(TAG));
    if tags.any(|tag| tag.is_some_and(|tag| tag == id)) {
        left(format!("a listener of {id}"));
    }
}
