//! Observes requests and judges their answers.
//!
//! Rule 3 of the record (src/record/mod.rs), and docs/semantics.md, "Create and Update".

use super::meant_resources::{dns_name, groups_and_ports, is_small};
use super::ticks::check_good_tick;
use super::wiring::check_wiring;
use crate::state::{
    InvocationEnd, ObservedAnswer, ObservedRequest, Process, RequestResult, SentRequest, Trigger,
};
use crate::world::SimulatedWorld;
use alb_nlb_binding::record::RequestType;
use serde_json::Value;
use std::rc::Rc;

pub fn observe_request(world: &SimulatedWorld, sent: &SentRequest) {
    let mut bindings = world.observed.bindings.borrow_mut();
    let is_delete = sent.kind == RequestType::Delete;
    let binding = bindings.entry(sent.binding_id.clone()).or_default();
    binding.is_leaving |= is_delete;
    binding.is_cut_short &= !is_delete;
    binding.requests.push(ObservedRequest {
        properties: Rc::clone(&sent.properties),
        number: sent.number,
        is_acknowledged: false,
        is_success_recorded: false,
        orders: Vec::new(),
        since: None,
        valid_until: None,
        is_delete,
    });
}

/// CloudFormation got an answer, or has given the request up.
pub fn observe_result(world: &SimulatedWorld, sent: &SentRequest, result: RequestResult) {
    let now = world.scheduler.now();
    let mut bindings = world.observed.bindings.borrow_mut();
    let binding = bindings.entry(sent.binding_id.clone()).or_default();
    for request in &mut binding.requests {
        if request.number == sent.number {
            request.is_acknowledged = result == RequestResult::Success;
            match result {
                RequestResult::Success if !request.is_delete => request.since = Some(now),
                RequestResult::Success | RequestResult::Failed => request.valid_until = Some(now),
                RequestResult::GivenUp => {}
            }
        } else if result == RequestResult::Success {
            request.valid_until.get_or_insert(now);
        }
    }
    if result != RequestResult::Success {
        return;
    }
    if sent.kind == RequestType::Delete {
        binding.kept.clear();
        binding.found.clear();
        binding.known_groups.clear();
        binding.groups_looked_in.clear();
    } else {
        binding.is_leaving = false;
        let given = sent.properties.given_groups();
        binding
            .known_groups
            .extend(given.iter().map(|group| (*group).to_owned()));
        binding
            .groups_looked_in
            .retain(|group| given.contains(group.as_str()));
        binding
            .known_groups
            .retain(|group| given.contains(group.as_str()));
        binding
            .found
            .retain(|(group, _)| given.contains(group.as_str()));
    }
    // The success of a rollback ends the binding that was to replace this one (must hold, 6).
    if let Some(old) = sent.old.as_ref().map(|old| old.binding_id(&sent.stack.id))
        && old != sent.binding_id
        && !sent.is_replacement()
        && let Some(other) = bindings.get_mut(&old)
    {
        for request in &mut other.requests {
            request.valid_until.get_or_insert(now);
        }
    }
}

/// A replacement is rolled back: any later request for the former binding may delete what it made.
pub fn observe_abandoned(world: &SimulatedWorld, id: &str) {
    if let Some(binding) = world.observed.bindings.borrow_mut().get_mut(id) {
        binding.is_leaving = true;
    }
}

/// Judges an answer that arrives at CloudFormation.
pub fn check_answer(
    world: &SimulatedWorld,
    process: &Process,
    sent: &SentRequest,
    is_success: bool,
    physical_id: &str,
) {
    close_claims(world, process);
    if is_success && sent.kind != RequestType::Delete && sent.is_open() {
        check_success(world, process, sent);
    }
    // An answer to a request that was given up may come from a delivery that is too late.
    let is_taken = sent.is_open() || world.observed.answers.borrow().contains_key(&sent.number);
    let counts = is_taken && (is_success || process.observed.writes.get() > 0);
    let mut answers = world.observed.answers.borrow_mut();
    let Some(first) = answers.get(&sent.number) else {
        let physical_id = physical_id.to_owned();
        let first = ObservedAnswer {
            is_success,
            physical_id,
            by: process.number,
            counts,
        };
        answers.insert(sent.number, first);
        return;
    };
    let is_same = first.is_success == is_success && first.physical_id == physical_id;
    if first.by != process.number {
        world.coverage.count("requests that were answered twice");
    }
    let later = world.observed.bindings.borrow();
    let is_last = later.get(&sent.binding_id).is_none_or(|binding| {
        binding
            .requests
            .iter()
            .all(|request| request.number <= sent.number)
    });
    // A Delete of the former binding deletes the first answer together with the record that holds it.
    let former = sent.physical_id.as_ref().filter(|_| sent.is_replacement());
    let former = former.and_then(|id| later.get(id));
    let is_gone = former.is_some_and(|binding| {
        let mut deletes = binding.requests.iter().filter(|request| request.is_delete);
        deletes.any(|request| request.number > sent.number)
    });
    if !is_same && is_last && !is_gone && first.counts && counts {
        world.violate(format!(
            "request-{} was answered {} {}, and is now answered {is_success} {physical_id}",
            sent.number, first.is_success, first.physical_id
        ));
    }
}

/// Judges a success: everything is wired, and every address in DNS is registered.
fn check_success(world: &SimulatedWorld, process: &Process, sent: &SentRequest) {
    let name = dns_name(world, &sent.properties.alb);
    let now = world.scheduler.now();
    let looked = process.observed.dns.borrow().get(&name).copied();
    let mut bindings = world.observed.bindings.borrow_mut();
    let binding = bindings.entry(sent.binding_id.clone()).or_default();
    let when = format!("{} has a success", process.name);
    check_wiring(world, &sent.binding_id, &sent.properties, &when);
    for (group, port) in groups_and_ports(world, &sent.binding_id, &sent.properties) {
        for address in world.dns.borrow().addresses(&name) {
            let endpoint = alb_nlb_binding::model::Endpoint { address, port };
            let since = world.dns.borrow().since(&name, address);
            // A repeated answer was true when it was given first.
            let Some(looked) = looked else { continue };
            if since.is_none_or(|since| since > looked) {
                continue;
            }
            if world.elb.borrow().is_registered(&group, &endpoint) {
                binding.kept.entry((group.clone(), endpoint)).or_insert(now);
                continue;
            }
            // Another binding of a shared group may have deregistered it meanwhile.
            let deregistered_by = world.observed.deregistered_by.borrow();
            let by_another = deregistered_by
                .get(&(group.clone(), endpoint))
                .is_some_and(|(by, _)| *by != sent.binding_id);
            if is_small(world, &name) && !by_another {
                world.violate(format!(
                    "{} has a success, and {endpoint} is not registered in {group}",
                    process.name
                ));
            }
        }
    }
}

fn close_claims(world: &SimulatedWorld, process: &Process) {
    // Its last write has put the outcome into the record.
    let wrote = process.observed.wrote.get();
    for binding in world.observed.bindings.borrow_mut().values_mut() {
        for claim in &mut binding.claims {
            if claim.process == process.number {
                claim.until.get_or_insert(wrote.max(claim.from));
            }
        }
    }
}

pub fn check_timeout(world: &SimulatedWorld, process: &Process) {
    if matches!(process.trigger, Trigger::Request(_)) && !process.observed.has_answered.get() {
        world.violate(format!(
            "{} was not answered before its deadline",
            process.name
        ));
    }
}

/// The ids of all present and former bindings.
pub fn binding_ids(world: &SimulatedWorld) -> Vec<String> {
    world.observed.bindings.borrow().keys().cloned().collect()
}

/// Judges what a person is told about a binding (docs/first-aid.md, "Status").
pub fn check_status(world: &SimulatedWorld, process: &Process, answer: &Value) {
    let Trigger::Status { id } = &process.trigger else {
        return;
    };
    let is_gone = world.observed.bindings.borrow()[&**id].current().is_none();
    let expected = if is_gone {
        "there is no binding"
    } else {
        "well: "
    };
    let verdict = answer["Verdict"].as_str().unwrap_or_default();
    if !verdict.starts_with(expected) {
        world.violate(format!("{} is told of {id}: {verdict}", process.name));
    }
}

pub fn check_end(world: &SimulatedWorld, process: &Process, end: InvocationEnd) {
    let now = world.scheduler.next_number();
    close_claims(world, process);
    for binding in world.observed.bindings.borrow_mut().values_mut() {
        for lookup in &mut binding.lookups {
            if lookup.process == process.number {
                lookup
                    .ended
                    .get_or_insert((now, end == InvocationEnd::Done));
            }
        }
    }
    if end == InvocationEnd::Killed {
        return;
    }
    match &process.trigger {
        Trigger::Request(_) if !process.observed.has_answered.get() => {
            world.violate(format!("{} ends without an answer", process.name));
        }
        Trigger::Tick { id, .. } if end == InvocationEnd::Done => {
            check_good_tick(world, process, id)
        }
        Trigger::Request(_) | Trigger::Tick { .. } | Trigger::Status { .. } => {}
    }
}
