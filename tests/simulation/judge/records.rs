//! Observes reads and writes of records, and judges who may change something when.
//!
//! Rules 1, 2, 4 and 5 of the record (src/record/mod.rs). In a record, this reads only who is named in it, and the
//! outcome of the request.

use super::meant_resources::groups_and_ports;
use crate::state::{BindingHistory, ObservedClaim, Process, SentRequest, SimulatedObject, Trigger};
use crate::world::SimulatedWorld;
use alb_nlb_binding::record::RequestType;
use std::rc::Rc;

/// How many milliseconds a look at the record is valid: rule 1 of the record (src/record/mod.rs).
const FRESH: u64 = 5_000;

/// The most milliseconds from the last look of an Update at its stack to its commit, if calls are quick.
const LAST_LOOK_TO_COMMIT: u64 = 5_000;

fn next_order(world: &SimulatedWorld) -> u64 {
    world.observed.order.set(world.observed.order.get() + 1);
    world.observed.order.get()
}

pub fn observe_record_read(
    world: &SimulatedWorld,
    process: &Process,
    key: &str,
    object: Option<&SimulatedObject>,
) {
    if !key.ends_with("/state.json") {
        return;
    }
    process.observed.last_read.set(next_order(world));
    let sees_itself =
        |object: &SimulatedObject| contains(&object.body, process.log_stream.as_bytes());
    let mut looked = process.observed.looked.borrow_mut();
    if let (Trigger::Request(_), Some(object)) = (&process.trigger, object) {
        if sees_itself(object) {
            looked.insert(key.to_owned(), world.scheduler.now());
        }
    } else if object.is_some_and(|object| object.etag == *process.observed.tried.borrow()) {
        // The record is its own write, whose answer was lost.
        looked.insert(key.to_owned(), world.scheduler.now());
    } else if object.is_none() && looked.contains_key(key) {
        // The record is gone: the last step of a Delete.
        looked.insert(key.to_owned(), world.scheduler.now());
    }
}

/// Notes a write, whether or not its condition holds.
pub fn observe_write_attempt(process: &Process, object: &SimulatedObject) {
    process.observed.tried.replace(object.etag.clone());
}

pub fn observe_record_write(
    world: &SimulatedWorld,
    process: &Process,
    key: &str,
    object: &SimulatedObject,
) {
    if !key.ends_with("/state.json") {
        return;
    }
    let (now, observed) = (world.scheduler.now(), &process.observed);
    let sees_itself = contains(&object.body, process.log_stream.as_bytes());
    if matches!(process.trigger, Trigger::Tick { .. }) || sees_itself {
        observed.looked.borrow_mut().insert(key.to_owned(), now);
    }
    observed.last_write.set(next_order(world));
    observed.last_read.set(observed.last_write.get());
    // Several things may happen in the same millisecond, so that their order is needed.
    let order = world.scheduler.next_number();
    observed.wrote.set(order);
    observed.writes.set(observed.writes.get() + 1);
    let id = key.trim_end_matches("/state.json");
    let mut bindings = world.observed.bindings.borrow_mut();
    let binding: &mut BindingHistory = bindings.entry(id.to_owned()).or_default();
    let has_outcome = contains(&object.body, b"\"outcome\":");
    if sees_itself && has_outcome {
        if let Trigger::Request(sent) = &process.trigger
            && sent.binding_id == id
            && is_success(&object.body)
        {
            let mut requests = binding.requests.iter_mut();
            let request = requests.find(|request| request.number == sent.number);
            let request = request.expect("it was sent");
            request.is_success_recorded = true;
            request.orders = groups_and_ports(world, id, &request.properties);
            let claims = binding.claims.iter();
            let mut claims = claims.filter(|claim| claim.process == process.number);
            if let Some(claim) = claims.next() {
                check_commit(world, process, sent, claim.at);
            }
        }
        // Its own claim, or the claim of another delivery for which it answers as well.
        for claim in &mut binding.claims {
            claim.until.get_or_insert(order);
        }
    }
    if let Trigger::Request(sent) = &process.trigger {
        let is_delete = sent.kind == RequestType::Delete && sent.binding_id == id;
        binding.tombstone = is_delete.then_some(observed.last_write.get());
    }
    let is_open = |claim: &ObservedClaim| claim.until.is_none();
    // An invocation whose claim was taken over may claim the record again.
    let is_own = |claim: &ObservedClaim| claim.process == process.number && is_open(claim);
    let claims = sees_itself && !has_outcome && !binding.claims.iter().any(is_own);
    if claims && matches!(process.trigger, Trigger::Request(_)) {
        if observed.writes.get() == 1 && binding.claims.iter().any(is_open) {
            world.coverage.count("claims taken over");
        }
        for claim in &mut binding.claims {
            claim.until.get_or_insert(order);
        }
        // A write that was sent before a kill may arrive after it. That is still the same claim.
        let own = binding.claims.iter();
        let own = own.filter(|claim| claim.process == process.number);
        let first = own.map(|claim| claim.at).min();
        binding.claims.push(ObservedClaim {
            at: first.unwrap_or_else(|| world.scheduler.now()),
            from: order,
            until: None,
            process: process.number,
        });
    }
}

/// Rule 1 of the record: a change starts at most five seconds after a look at the record.
pub fn check_change_start(world: &SimulatedWorld, process: &Process, operation: &str) {
    // The bucket is made before the claim, because the claim is written into it (rule 2).
    let of_bucket = ["CreateBucket", "PutBucketPolicy", "PutBucketTagging"];
    if of_bucket.contains(&operation) {
        return;
    }
    let now = world.scheduler.now();
    let looked = process.observed.looked.borrow();
    for (key, at) in looked.iter() {
        if now - at > FRESH && world.has_record(key.trim_end_matches("/state.json")) {
            let age = now - at;
            world.violate(format!(
                "{} begins {operation} {age} ms after its last look at {key}",
                process.name
            ));
        }
    }
    if looked.is_empty() {
        let id = match &process.trigger {
            Trigger::Request(sent) => sent.binding_id.clone(),
            Trigger::Tick { id, .. } | Trigger::Status { id } => id.to_string(),
        };
        if world.has_record(&id) {
            world.violate(format!(
                "{} begins {operation} without a claim in the record",
                process.name
            ));
        }
    }
}

/// Rules 4 and 5 of the record (src/record/mod.rs): an Update that claimed the record before its stack began to roll
/// back commits nothing once CloudFormation has shown the rollback for a while. Not judged if calls may be lost or
/// slow, because the Update might not have seen it; nor for an Update to former properties, because it may be a
/// rollback itself.
fn check_commit(world: &SimulatedWorld, process: &Process, sent: &SentRequest, claimed_at: u64) {
    let is_like_a_rollback = |other: &Rc<SentRequest>| {
        let is_before = other.binding_id == sent.binding_id && other.number < sent.number;
        is_before && !other.is_rollback && other.old.as_ref() == Some(&sent.properties)
    };
    let is_forward = sent.kind == RequestType::Update
        && !sent.is_replacement()
        && !world.requests.borrow().values().any(is_like_a_rollback);
    let Some(since) = sent.stack.rollback_since() else {
        return;
    };
    let was_shown =
        claimed_at < since && since + sent.stack.lag + LAST_LOOK_TO_COMMIT < world.scheduler.now();
    if is_forward && was_shown && world.faults.rates().is_quick() {
        let who = &process.name;
        world.violate(format!("{who} commits orders that are being rolled back"));
    }
}

/// Whether a record holds a success of the request that has claimed it.
fn is_success(body: &[u8]) -> bool {
    let record: serde_json::Value = serde_json::from_slice(body).expect("JSON");
    record["claim"]["outcome"]["answer"]["status"] == "SUCCESS"
}

fn contains(body: &[u8], text: &[u8]) -> bool {
    let body = std::str::from_utf8(body).unwrap_or_default();
    body.contains(std::str::from_utf8(text).unwrap_or("-"))
}
