//! Judges which targets are registered, which are deregistered, and which must stay.
//!
//! docs/semantics.md, "A tick" and "Create and Update": a registered target stays while its address is in DNS, an
//! own one leaves after its misses, and a foreign one never leaves.

use super::keeping::{is_foreign, kept_since};
use super::meant_resources::{dns_name, groups_and_ports};
use super::misses::check_misses;
use crate::properties::ResourceProperties;
use crate::state::{ObservedLookup, Process, Trigger};
use crate::world::SimulatedWorld;
use alb_nlb_binding::model::Endpoint;
use alb_nlb_binding::record::RequestType;
use std::collections::BTreeSet;

/// How many milliseconds a look at other bindings is valid, and how long a call may take: rules 1 and 11 of the
/// record (src/record/mod.rs).
const LOOK_LASTS: u64 = 5_000;
const CALL_LASTS: u64 = 5_000;

pub fn observe_dns_answer(world: &SimulatedWorld, process: &Process, name: &str, is_good: bool) {
    let now = world.scheduler.now();
    process
        .observed
        .dns
        .borrow_mut()
        .insert(name.to_owned(), now);
    if let Trigger::Request(sent) = &process.trigger
        && is_good
    {
        observe_found_targets(world, sent);
    }
    if let Trigger::Tick { id, scheduled } = &process.trigger
        && is_good
    {
        let mut bindings = world.observed.bindings.borrow_mut();
        let binding = bindings.entry(id.to_string()).or_default();
        // Only the last lookup of a tick counts.
        binding
            .lookups
            .retain(|lookup| lookup.process != process.number);
        binding.lookups.push(ObservedLookup {
            scheduled: *scheduled,
            started: process.started,
            at: now,
            name: name.to_owned(),
            process: process.number,
            ended: None,
        });
    }
}

/// Rule 11 of the record: notes the targets that were in a given group before the first write about the group.
fn observe_found_targets(world: &SimulatedWorld, sent: &crate::state::SentRequest) {
    let mut bindings = world.observed.bindings.borrow_mut();
    let binding = bindings.entry(sent.binding_id.clone()).or_default();
    for entry in sent.properties.listeners.iter() {
        let Some(group) = &entry.given_group else {
            continue;
        };
        // Targets that stayed there because of a denial are still own ones.
        let was_denied = world.faults.ever_denied.borrow().contains(group);
        if was_denied || binding.known_groups.contains(group) {
            continue;
        }
        let found = world.elb.borrow().registered_targets(group).into_iter();
        let found: BTreeSet<_> = found.map(|endpoint| (group.clone(), endpoint)).collect();
        world
            .observed
            .was_found
            .borrow_mut()
            .extend(found.iter().cloned());
        // Each try looks again, and the first one that wrote counts.
        let is_first = binding.groups_looked_in.insert(group.clone());
        if is_first {
            binding.found.extend(found);
        } else {
            binding
                .found
                .retain(|key| key.0 != *group || found.contains(key));
        }
    }
}

/// A request sees the targets that are registered in a given group.
pub fn observe_target_health(world: &SimulatedWorld, process: &Process, group: &str) {
    let Trigger::Request(sent) = &process.trigger else {
        return;
    };
    let mut listeners = sent.properties.listeners.iter();
    if listeners.any(|entry| entry.given_group.as_deref() == Some(group)) {
        let found = world.elb.borrow().registered_targets(group).into_iter();
        let found = found.map(|endpoint| (group.to_owned(), endpoint));
        world.observed.was_found.borrow_mut().extend(found);
    }
}

pub fn check_registration(
    world: &SimulatedWorld,
    process: &Process,
    group: &str,
    endpoint: &Endpoint,
) {
    let bindings = world.observed.bindings.borrow();
    if let Trigger::Tick { id, .. } = &process.trigger {
        let tombstone = bindings.get(&**id).and_then(|binding| binding.tombstone);
        if tombstone.is_some_and(|tombstone| tombstone < process.observed.last_read.get()) {
            let who = &process.name;
            return world.violate(format!("{who} has read the tombstone, and registers"));
        }
    }
    let is_right = |id: &str, properties: &ResourceProperties| {
        let name = dns_name(world, &properties.alb);
        let has = groups_and_ports(world, id, properties)
            .iter()
            .any(|(arn, port)| arn == group && *port == endpoint.port);
        has && world.dns.borrow().was_ever_live(&name, endpoint.address)
    };
    let is_right = match &process.trigger {
        Trigger::Request(sent) => is_right(&sent.binding_id, &sent.properties),
        Trigger::Status { .. } => false,
        Trigger::Tick { id, .. } => {
            let allowed = bindings
                .get(&**id)
                .into_iter()
                .flat_map(|binding| binding.valid_since(process.started));
            let mut candidates = allowed.map(|request| &request.properties);
            candidates.any(|properties| is_right(id, properties))
        }
    };
    if !is_right {
        let what = "which is not what CloudFormation's last acknowledged properties say";
        world.violate(format!(
            "{} registers {endpoint} in {group}, {what}",
            process.name
        ));
    }
}

pub fn check_deregistration(
    world: &SimulatedWorld,
    process: &Process,
    group: &str,
    endpoint: &Endpoint,
) {
    let mut bindings = world.observed.bindings.borrow_mut();
    let who = &process.name;
    let key = (group.to_owned(), *endpoint);
    let id = match &process.trigger {
        Trigger::Tick { id, .. } | Trigger::Status { id } => id.to_string(),
        Trigger::Request(sent) => sent.binding_id.clone(),
    };
    for (whose, binding) in bindings.iter() {
        // A tick does not ask other bindings: bindings that share a group must share its ALB.
        if matches!(&process.trigger, Trigger::Tick { id: own, .. } if **own != **whose) {
            continue;
        }
        let mut open = binding
            .requests
            .iter()
            .filter(|request| !request.is_acknowledged);
        let is_served_instead =
            open.any(|request| request.valid_until.is_none() && request.is_success_recorded);
        let since = kept_since(world, whose, binding, group, endpoint);
        // A request may have looked at the other bindings before they kept the target.
        let is_seen = |since: u64| {
            let is_old = since + LOOK_LASTS + CALL_LASTS <= world.scheduler.now();
            *whose == id || is_old && !is_hidden(world, whose, group, endpoint)
        };
        if !is_served_instead && since.is_some_and(is_seen) {
            return world.violate(format!(
                "{who} deregisters {endpoint} in {group}, which is live and which {whose} keeps"
            ));
        }
    }
    if is_foreign(world, process, &bindings, &id, endpoint) {
        return world.violate(format!(
            "{who} deregisters {endpoint} in {group}, which is foreign"
        ));
    }
    if let Trigger::Request(sent) = &process.trigger {
        let stays = sent
            .stack
            .is_rolling_back_or_unknown(process.started, world.scheduler.now());
        let is_by_function = world.elb.borrow().groups[group].targets[endpoint].is_by_function;
        let is_found = bindings
            .get(&id)
            .is_some_and(|binding| binding.found.contains(&key));
        if stays && !is_by_function && is_found {
            return world.violate(format!("{who} deregisters {endpoint} in {group}, which was there before the binding, and the stack rolls back"));
        }
        let since = world
            .dns
            .borrow()
            .since(&dns_name(world, &sent.properties.alb), endpoint.address);
        let is_live = since.is_some_and(|since| since <= process.started);
        let serves = sent.properties.listeners.iter().any(|entry| {
            entry.given_group.as_deref() == Some(group) && entry.alb_port == endpoint.port
        });
        if sent.kind == RequestType::Update && serves && is_live {
            return world.violate(format!(
                "{who} deregisters {endpoint} in {group}, which it is to serve"
            ));
        }
    }
    let last_write = process.observed.last_write.get();
    world
        .observed
        .deregistered_by
        .borrow_mut()
        .insert(key, (id.clone(), last_write));
    let Some(binding) = bindings.get_mut(&id) else {
        return;
    };
    if let Trigger::Tick { .. } = &process.trigger {
        world.coverage.count("targets deregistered by ticks");
        check_misses(world, process, binding, &id, (group, endpoint));
    }
}

/// Whether caches may have hidden a target from a binding, so that it is not in its record. Rule 11 of the record
/// protects only those targets of another binding that its record owns.
fn is_hidden(world: &SimulatedWorld, id: &str, group: &str, endpoint: &Endpoint) -> bool {
    world.faults.rates().caches > 0 && !world.is_recorded_as_own(id, group, endpoint)
}
