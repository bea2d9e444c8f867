//! Judges a tick that succeeded: every address that it saw must be registered.
//!
//! This is judged a moment later, when the calls are done that were on their way.

use super::meant_resources::{dns_name, is_small};
use crate::properties::ResourceProperties;
use crate::state::Process;
use crate::world::SimulatedWorld;
use alb_nlb_binding::model::Endpoint;
use std::rc::Rc;

/// After this many milliseconds, the calls that were on their way are done.
const SETTLED: u64 = 6_000;

/// Notes what a tick that succeeded must leave registered, and has it judged later.
pub(super) fn check_good_tick(world: &SimulatedWorld, process: &Process, id: &str) {
    let bindings = world.observed.bindings.borrow();
    let Some(binding) = bindings.get(id) else {
        return;
    };
    let mut allowed = binding.valid_since(process.started);
    let (Some(request), None) = (allowed.next(), allowed.next()) else {
        return;
    };
    // The record that the tick read may have held no orders yet.
    let is_later = request.since.is_none_or(|since| since >= process.started);
    if is_later || binding.is_leaving {
        return;
    }
    let name = dns_name(world, &request.properties.alb);
    let Some(looked) = process.observed.dns.borrow().get(&name).copied() else {
        return;
    };
    let tick = GoodTick {
        id: id.to_owned(),
        properties: Rc::clone(&request.properties),
        request_number: request.number,
        looked,
        last_read: process.observed.last_read.get(),
        who: process.name.clone(),
        started: process.started,
    };
    let it = world.handle();
    let settled = move || check_addresses_registered(&it, &tick);
    world.scheduler.run_after(SETTLED, settled);
}

fn check_addresses_registered(world: &SimulatedWorld, tick: &GoodTick) {
    let GoodTick {
        id,
        properties,
        request_number,
        looked,
        last_read,
        who,
        started,
    } = tick;
    let mut bindings = world.observed.bindings.borrow_mut();
    let Some(binding) = bindings.get_mut(id) else {
        return;
    };
    let is_same = binding
        .current()
        .is_some_and(|request| request.number == *request_number);
    if !is_same || binding.is_leaving || binding.valid_since(*started).count() > 1 {
        return;
    }
    let name = dns_name(world, &properties.alb);
    let orders = binding.current().map(|request| request.orders.clone());
    for (group, port) in orders.into_iter().flatten() {
        if !world.elb.borrow().groups.contains_key(&group) {
            continue;
        }
        // A failed request has begun to give the group up and is not rolled back yet.
        let later = binding
            .requests
            .iter()
            .filter(|request| request.number > *request_number);
        let mut gives_up = later.filter(|request| !request.is_delete);
        let names =
            |properties: &ResourceProperties| properties.given_groups().contains(group.as_str());
        if names(properties) && gives_up.any(|request| !names(&request.properties)) {
            continue;
        }
        for address in world.dns.borrow().addresses(&name) {
            let since = world.dns.borrow().since(&name, address);
            if since.is_none_or(|since| since > *looked) {
                continue;
            }
            let endpoint = Endpoint { address, port };
            let key = (group.clone(), endpoint);
            if world.elb.borrow().is_registered(&group, &endpoint) {
                binding.kept.entry(key).or_insert(world.scheduler.now());
                continue;
            }
            let deregistered_by = world.observed.deregistered_by.borrow();
            let is_excused = deregistered_by
                .get(&key)
                .is_some_and(|(by, write)| by != id || write > last_read);
            if is_small(world, &name) && !is_excused {
                world.violate(format!(
                    "{who} ended well, and {endpoint} is not registered in {group}"
                ));
            }
        }
    }
}

struct GoodTick {
    id: String,
    properties: Rc<ResourceProperties>,
    request_number: u64,
    looked: u64,
    last_read: u64,
    who: String,
    started: u64,
}
