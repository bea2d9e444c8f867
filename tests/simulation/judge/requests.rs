//! Requests: what they ask for, what is answered, and when.
//!
//! The contract, "The record", rule 3, and "The answer".

use super::naming::{dns_name, is_small, places};
use super::promises::judge_good_tick;
use super::wiring::judge_wiring;
use crate::state::Sent;
use crate::state::Term;
use crate::state::{End, First, Outcome, Process, Role};
use crate::world::World;
use alb_nlb_binding::record::RequestType;
use serde_json::Value;
use std::rc::Rc;

pub fn observe_request(world: &World, sent: &Sent) {
    let mut books = world.observed.books.borrow_mut();
    let is_delete = sent.kind == RequestType::Delete;
    let book = books.entry(sent.about.clone()).or_default();
    book.is_leaving |= is_delete;
    book.is_cut_short &= !is_delete;
    book.terms.push(Term {
        wish: Rc::clone(&sent.wish),
        request: sent.number,
        is_acknowledged: false,
        is_concluded: false,
        orders: Vec::new(),
        since: None,
        over: None,
        is_delete,
    });
}

/// CloudFormation was answered, or waits no longer.
pub fn observe_result(world: &World, sent: &Sent, outcome: Outcome) {
    let now = world.stage.now();
    let mut books = world.observed.books.borrow_mut();
    let book = books.entry(sent.about.clone()).or_default();
    for term in &mut book.terms {
        if term.request == sent.number {
            term.is_acknowledged = outcome == Outcome::Success;
            match outcome {
                Outcome::Success if !term.is_delete => term.since = Some(now),
                Outcome::Success | Outcome::Failed => term.over = Some(now),
                Outcome::GivenUp => {}
            }
        } else if outcome == Outcome::Success {
            term.over.get_or_insert(now);
        }
    }
    if outcome != Outcome::Success {
        return;
    }
    if sent.kind == RequestType::Delete {
        book.kept.clear();
        book.found.clear();
        book.known_groups.clear();
        book.looked_in.clear();
    } else {
        book.is_leaving = false;
        let given = sent.wish.given();
        book.known_groups
            .extend(given.iter().map(|group| (*group).to_owned()));
        book.looked_in
            .retain(|group| given.contains(group.as_str()));
        book.known_groups
            .retain(|group| given.contains(group.as_str()));
        book.found
            .retain(|(group, _)| given.contains(group.as_str()));
    }
    // A rollback's success ends what was to be in this one's place (must hold, 6).
    if let Some(old) = sent.old.as_ref().map(|old| old.id(&sent.stack.id))
        && old != sent.about
        && !sent.replaces()
        && let Some(other) = books.get_mut(&old)
    {
        for term in &mut other.terms {
            term.over.get_or_insert(now);
        }
    }
}

/// A replacement was not taken: what it made may go by any later request for the former one.
pub fn observe_abandoned(world: &World, id: &str) {
    if let Some(book) = world.observed.books.borrow_mut().get_mut(id) {
        book.is_leaving = true;
    }
}

/// An answer arrives at CloudFormation's address.
pub fn judge_answer(
    world: &World,
    process: &Process,
    sent: &Sent,
    is_success: bool,
    physical_id: &str,
) {
    close_claims(world, process);
    if is_success && sent.kind != RequestType::Delete && sent.is_open() {
        judge_success(world, process, sent);
    }
    // An answer that nobody waits for may come from a delivery whose time is over.
    let is_taken = sent.is_open() || world.observed.answers.borrow().contains_key(&sent.number);
    let counts = is_taken
        && !process.notes.write_failed.get()
        && (is_success || process.notes.writes.get() > 0);
    let mut answers = world.observed.answers.borrow_mut();
    let Some(first) = answers.get(&sent.number) else {
        let physical_id = physical_id.to_owned();
        let first = First {
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
        world.tally.count("requests that were answered twice");
    }
    let later = world.observed.books.borrow();
    let is_last = later
        .get(&sent.about)
        .is_none_or(|book| book.terms.iter().all(|term| term.request <= sent.number));
    // With the records that had it, an answer is gone.
    let former = sent.physical_id.as_ref().filter(|_| sent.replaces());
    let former = former.and_then(|id| later.get(id));
    let is_gone = former.is_some_and(|book| {
        let mut deletes = book.terms.iter().filter(|term| term.is_delete);
        deletes.any(|term| term.request > sent.number)
    });
    if !is_same && is_last && !is_gone && first.counts && counts {
        world.violate(format!(
            "request-{} was answered {} {}, and is now answered {is_success} {physical_id}",
            sent.number, first.is_success, first.physical_id
        ));
    }
}

/// CREATE_COMPLETE means that every address in DNS is registered.
fn judge_success(world: &World, process: &Process, sent: &Sent) {
    let name = dns_name(world, &sent.wish.alb);
    let now = world.stage.now();
    let looked = process.notes.dns.borrow().get(&name).copied();
    let mut books = world.observed.books.borrow_mut();
    let book = books.entry(sent.about.clone()).or_default();
    let when = format!("{} has a success", process.name);
    judge_wiring(world, &sent.about, &sent.wish, &when);
    for (group, port) in places(world, &sent.about, &sent.wish) {
        for address in world.dns.borrow().addresses(&name) {
            let endpoint = alb_nlb_binding::model::Endpoint { address, port };
            let since = world.dns.borrow().since(&name, address);
            // A repeated answer was true when it was first given.
            let Some(looked) = looked else { continue };
            if since.is_none_or(|since| since > looked) {
                continue;
            }
            if world.elb.borrow().registered(&group, &endpoint) {
                book.kept.entry((group.clone(), endpoint)).or_insert(now);
                continue;
            }
            // Another binding in a shared group may have put it out meanwhile.
            let put_out = world.observed.put_out.borrow();
            let by_another = put_out
                .get(&(group.clone(), endpoint))
                .is_some_and(|(by, _)| *by != sent.about);
            if is_small(world, &name) && !by_another {
                world.violate(format!(
                    "{} has a success, and {endpoint} is not registered in {group}",
                    process.name
                ));
            }
        }
    }
}

fn close_claims(world: &World, process: &Process) {
    // With its last write it has put its outcome down.
    let wrote = process.notes.wrote.get();
    for book in world.observed.books.borrow_mut().values_mut() {
        for claimed in &mut book.claims {
            if claimed.process == process.number {
                claimed.until.get_or_insert(wrote.max(claimed.from));
            }
        }
    }
}

pub fn judge_timeout(world: &World, process: &Process) {
    if matches!(process.role, Role::Request(_)) && !process.notes.has_answered.get() {
        world.violate(format!(
            "{} was not answered before its deadline",
            process.name
        ));
    }
}

/// All that there are or were.
pub fn binding_ids(world: &World) -> Vec<String> {
    world.observed.books.borrow().keys().cloned().collect()
}

/// The contract, "First aid": a person is told how a binding fares.
pub fn judge_status(world: &World, process: &Process, answer: &Value) {
    let Role::Question { id } = &process.role else {
        return;
    };
    let is_gone = world.observed.books.borrow()[&**id].current().is_none();
    let begins = if is_gone {
        "there is no binding"
    } else {
        "well: "
    };
    let verdict = answer["Verdict"].as_str().unwrap_or_default();
    if !verdict.starts_with(begins) {
        world.violate(format!("{} is told of {id}: {verdict}", process.name));
    }
}

pub fn judge_end(world: &World, process: &Process, end: End) {
    let now = world.stage.number();
    close_claims(world, process);
    for book in world.observed.books.borrow_mut().values_mut() {
        for look in &mut book.looks {
            if look.process == process.number {
                look.ended.get_or_insert((now, end == End::Done));
            }
        }
    }
    if end == End::Killed {
        return;
    }
    match &process.role {
        Role::Request(_) if !process.notes.has_answered.get() => {
            world.violate(format!("{} ends without an answer", process.name));
        }
        Role::Tick { id, .. } if end == End::Done => judge_good_tick(world, process, id),
        Role::Request(_) | Role::Tick { .. } | Role::Question { .. } => {}
    }
}
