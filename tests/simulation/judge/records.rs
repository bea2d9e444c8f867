//! Looks at the record, and writes of it: who may act when.
//!
//! The contract, "The record", rule 1. Of what the record holds, this reads who is named in it, and whether
//! the request has an outcome, and which.

use super::naming::places;
use crate::state::Object;
use crate::state::Sent;
use crate::state::{Book, Claimed};
use crate::state::{Process, Role};
use crate::world::World;
use alb_nlb_binding::record::RequestType;
use std::rc::Rc;

/// A look at the record is believed for so long.
const FRESH: u64 = 5_000;

/// From its last look at its stack to its commit an Update takes no longer, where calls are quick.
const TOLD: u64 = 5_000;

fn next_order(world: &World) -> u64 {
    world.observed.order.set(world.observed.order.get() + 1);
    world.observed.order.get()
}

pub fn observe_record_read(world: &World, process: &Process, key: &str, object: Option<&Object>) {
    if !key.ends_with("/state.json") {
        return;
    }
    process.notes.last_read.set(next_order(world));
    let sees_itself = |object: &Object| contains(&object.body, process.log_stream.as_bytes());
    let mut looked = process.notes.looked.borrow_mut();
    if let (Role::Request(_), Some(object)) = (&process.role, object) {
        if sees_itself(object) {
            looked.insert(key.to_owned(), world.stage.now());
        }
    } else if object.is_some_and(|object| object.etag == *process.notes.tried.borrow()) {
        // Its own write, of which the answer was lost.
        looked.insert(key.to_owned(), world.stage.now());
    } else if object.is_none() && looked.contains_key(key) {
        // Delete's last step: the record is gone.
        looked.insert(key.to_owned(), world.stage.now());
    }
}

/// Whether or not its condition holds.
pub fn observe_write_attempt(process: &Process, object: &Object) {
    process.notes.tried.replace(object.etag.clone());
}

pub fn observe_record_write(world: &World, process: &Process, key: &str, object: &Object) {
    if !key.ends_with("/state.json") {
        return;
    }
    let (now, notes) = (world.stage.now(), &process.notes);
    let sees_itself = contains(&object.body, process.log_stream.as_bytes());
    if matches!(process.role, Role::Tick { .. }) || sees_itself {
        notes.looked.borrow_mut().insert(key.to_owned(), now);
    }
    notes.last_write.set(next_order(world));
    notes.last_read.set(notes.last_write.get());
    notes.write_failed.set(false);
    // Within one moment much may happen: the order of things tells.
    let order = world.stage.number();
    notes.wrote.set(order);
    notes.writes.set(notes.writes.get() + 1);
    let id = key.trim_end_matches("/state.json");
    let mut books = world.observed.books.borrow_mut();
    let book: &mut Book = books.entry(id.to_owned()).or_default();
    let has_outcome = contains(&object.body, b"\"outcome\":");
    if sees_itself && has_outcome {
        if let Role::Request(sent) = &process.role
            && sent.about == id
            && is_success(&object.body)
        {
            let mut terms = book.terms.iter_mut();
            let term = terms.find(|term| term.request == sent.number);
            let term = term.expect("it was sent");
            term.is_concluded = true;
            term.orders = places(world, id, &term.wish);
            let claims = book.claims.iter();
            let mut claims = claims.filter(|claimed| claimed.process == process.number);
            if let Some(claimed) = claims.next() {
                commits(world, process, sent, claimed.at);
            }
        }
        // Its own, or that of another delivery for which it answers, too.
        for claimed in &mut book.claims {
            claimed.until.get_or_insert(order);
        }
    }
    if let Role::Request(sent) = &process.role {
        let is_delete = sent.kind == RequestType::Delete && sent.about == id;
        book.tombstone = is_delete.then_some(notes.last_write.get());
    }
    let is_open = |claimed: &Claimed| claimed.until.is_none();
    // One that was taken over may claim it again.
    let is_own = |claimed: &Claimed| claimed.process == process.number && is_open(claimed);
    let claims = sees_itself && !has_outcome && !book.claims.iter().any(is_own);
    if claims && matches!(process.role, Role::Request(_)) {
        if notes.writes.get() == 1 && book.claims.iter().any(is_open) {
            world.tally.count("claims taken over");
        }
        for claimed in &mut book.claims {
            claimed.until.get_or_insert(order);
        }
        // What was sent before a kill may arrive after it: the claim is the same.
        let own = book.claims.iter();
        let own = own.filter(|claimed| claimed.process == process.number);
        let first = own.map(|claimed| claimed.at).min();
        book.claims.push(Claimed {
            at: first.unwrap_or_else(|| world.stage.now()),
            from: order,
            until: None,
            process: process.number,
        });
    }
}

/// Rule 1: a change starts within five seconds of a look.
pub fn judge_change_start(world: &World, process: &Process, operation: &str) {
    // The bucket itself comes before the claim, for the claim is written there (rule 2).
    let of_bucket = ["CreateBucket", "PutBucketPolicy", "PutBucketTagging"];
    if of_bucket.contains(&operation) {
        return;
    }
    let now = world.stage.now();
    let looked = process.notes.looked.borrow();
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
        let id = match &process.role {
            Role::Request(sent) => sent.about.clone(),
            Role::Tick { id, .. } | Role::Question { id } => id.to_string(),
        };
        if world.has_record(&id) {
            world.violate(format!(
                "{} begins {operation} without a claim in the record",
                process.name
            ));
        }
    }
}
/// The contract, "The record", 4 and 5: an Update that has claimed the record before its stack began to roll back
/// commits nothing when that has been shown for a while. Where calls may be lost or slow, it may not have been
/// told; and one that goes back to what stood before another one may be a rollback itself.
fn commits(world: &World, process: &Process, sent: &Sent, claimed: u64) {
    let is_like_a_rollback = |other: &Rc<Sent>| {
        let is_before = other.about == sent.about && other.number < sent.number;
        is_before && !other.takes_back && other.old.as_ref() == Some(&sent.wish)
    };
    let is_forward = sent.kind == RequestType::Update
        && !sent.replaces()
        && !world.sent.borrow().values().any(is_like_a_rollback);
    let Some(since) = sent.stack.rolls_back_since() else {
        return;
    };
    let is_told = claimed < since && since + sent.stack.lag + TOLD < world.stage.now();
    if is_forward && is_told && world.weather.climate().is_quick() {
        let who = &process.name;
        world.violate(format!("{who} commits orders that are being rolled back"));
    }
}

/// Whether the request that holds a record has a success there.
fn is_success(body: &[u8]) -> bool {
    let record: serde_json::Value = serde_json::from_slice(body).expect("JSON");
    record["claim"]["outcome"]["answer"]["status"] == "SUCCESS"
}

fn contains(body: &[u8], text: &[u8]) -> bool {
    let body = std::str::from_utf8(body).unwrap_or_default();
    body.contains(std::str::from_utf8(text).unwrap_or("-"))
}
