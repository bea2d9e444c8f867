//! Targets: what is registered, what leaves, and what must stay.
//!
//! The contract, "Sync" and "Lifecycle": a live address that was registered stays registered; an own
//! one leaves after its misses; a foreign one never.

use super::keeping::{is_foreign, keeps_since};
use super::misses::judge_misses;
use super::naming::{dns_name, places};
use crate::state::Look;
use crate::state::{Process, Role};
use crate::wishes::Wish;
use crate::world::World;
use alb_nlb_binding::model::Endpoint;
use alb_nlb_binding::record::RequestType;
use std::collections::BTreeSet;

/// For how long a look is believed, and how long a call takes.
const LOOK: u64 = 5_000;
const CALL: u64 = 5_000;

pub fn observe_dns_answer(world: &World, process: &Process, name: &str, is_good: bool) {
    let now = world.stage.now();
    process.notes.dns.borrow_mut().insert(name.to_owned(), now);
    if let Role::Request(sent) = &process.role
        && is_good
    {
        observe_found_targets(world, sent);
    }
    if let Role::Tick { id, scheduled } = &process.role
        && is_good
    {
        let mut books = world.observed.books.borrow_mut();
        let book = books.entry(id.to_string()).or_default();
        // Only a tick's last look counts.
        book.looks.retain(|look| look.process != process.number);
        book.looks.push(Look {
            scheduled: *scheduled,
            started: process.started,
            at: now,
            name: name.to_owned(),
            process: process.number,
            ended: None,
        });
    }
}

/// Rule 11 of the record: own targets that were in a given group before the first write about it.
fn observe_found_targets(world: &World, sent: &crate::state::Sent) {
    let mut books = world.observed.books.borrow_mut();
    let book = books.entry(sent.about.clone()).or_default();
    for listen in sent.wish.listeners.iter() {
        let Some(group) = &listen.given else { continue };
        // What stayed there because it was denied is remembered as own.
        let was_denied = world.weather.once_denied.borrow().contains(group);
        if was_denied || book.known_groups.contains(group) {
            continue;
        }
        let found = world.elb.borrow().all_registered(group).into_iter();
        let found: BTreeSet<_> = found.map(|endpoint| (group.clone(), endpoint)).collect();
        world
            .observed
            .was_found
            .borrow_mut()
            .extend(found.iter().cloned());
        // Each try looks anew; the first that wrote counts.
        let is_first = book.looked_in.insert(group.clone());
        if is_first {
            book.found.extend(found);
        } else {
            book.found
                .retain(|key| key.0 != *group || found.contains(key));
        }
    }
}

/// A request sees what is registered in a given group.
pub fn observe_target_health(world: &World, process: &Process, group: &str) {
    let Role::Request(sent) = &process.role else {
        return;
    };
    let mut listeners = sent.wish.listeners.iter();
    if listeners.any(|listen| listen.given.as_deref() == Some(group)) {
        let found = world.elb.borrow().all_registered(group).into_iter();
        let found = found.map(|endpoint| (group.to_owned(), endpoint));
        world.observed.was_found.borrow_mut().extend(found);
    }
}

pub fn judge_registration(world: &World, process: &Process, group: &str, endpoint: &Endpoint) {
    let books = world.observed.books.borrow();
    if let Role::Tick { id, .. } = &process.role {
        let tombstone = books.get(&**id).and_then(|book| book.tombstone);
        if tombstone.is_some_and(|tombstone| tombstone < process.notes.last_read.get()) {
            let who = &process.name;
            return world.violate(format!("{who} has read the tombstone, and registers"));
        }
    }
    let is_right = |id: &str, wish: &Wish| {
        let name = dns_name(world, &wish.alb);
        let has = places(world, id, wish)
            .iter()
            .any(|(arn, port)| arn == group && *port == endpoint.port);
        has && world.dns.borrow().was_ever(&name, endpoint.address)
    };
    let is_right = match &process.role {
        Role::Request(sent) => is_right(&sent.about, &sent.wish),
        Role::Question { .. } => false,
        Role::Tick { id, .. } => {
            let allowed = books
                .get(&**id)
                .into_iter()
                .flat_map(|book| book.allowed(process.started));
            let mut wishes = allowed.map(|term| &term.wish);
            wishes.any(|wish| is_right(id, wish))
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

pub fn judge_deregistration(world: &World, process: &Process, group: &str, endpoint: &Endpoint) {
    let mut books = world.observed.books.borrow_mut();
    let who = &process.name;
    let key = (group.to_owned(), *endpoint);
    let id = match &process.role {
        Role::Tick { id, .. } | Role::Question { id } => id.to_string(),
        Role::Request(sent) => sent.about.clone(),
    };
    for (whose, book) in books.iter() {
        // A tick does not ask other bindings: who share a group are to share its ALB.
        if matches!(&process.role, Role::Tick { id: own, .. } if **own != **whose) {
            continue;
        }
        let mut open = book.terms.iter().filter(|term| !term.is_acknowledged);
        let is_served_instead = open.any(|term| term.over.is_none() && term.is_concluded);
        let since = keeps_since(world, whose, book, group, endpoint);
        // A look at other bindings is believed for as long as any, and a call takes as long.
        let is_seen = |since: u64| {
            let is_old = since + LOOK + CALL <= world.stage.now();
            *whose == id || is_old && !is_hidden(world, whose, group, endpoint)
        };
        if !is_served_instead && since.is_some_and(is_seen) {
            return world.violate(format!(
                "{who} puts out {endpoint} in {group}, which is live and which {whose} keeps"
            ));
        }
    }
    if is_foreign(world, process, &books, &id, endpoint) {
        return world.violate(format!(
            "{who} puts out {endpoint} in {group}, which is foreign"
        ));
    }
    if let Role::Request(sent) = &process.role {
        let stays = sent
            .stack
            .rolls_back_or_is_unknown(process.started, world.stage.now());
        let is_ours = world.elb.borrow().groups[group].targets[endpoint].is_ours;
        let is_found = books.get(&id).is_some_and(|book| book.found.contains(&key));
        if stays && !is_ours && is_found {
            return world.violate(format!("{who} puts out {endpoint} in {group}, which was there before the binding, and the stack rolls back"));
        }
        let since = world
            .dns
            .borrow()
            .since(&dns_name(world, &sent.wish.alb), endpoint.address);
        let is_live = since.is_some_and(|since| since <= process.started);
        let serves = sent.wish.listeners.iter().any(|listen| {
            listen.given.as_deref() == Some(group) && listen.alb_port == endpoint.port
        });
        if sent.kind == RequestType::Update && serves && is_live {
            return world.violate(format!(
                "{who} puts out {endpoint} in {group}, which it is to serve"
            ));
        }
    }
    let last_write = process.notes.last_write.get();
    world
        .observed
        .put_out
        .borrow_mut()
        .insert(key, (id.clone(), last_write));
    let Some(book) = books.get_mut(&id) else {
        return;
    };
    if let Role::Tick { .. } = &process.role {
        world.tally.count("targets put out by ticks");
        judge_misses(world, process, book, &id, (group, endpoint));
    }
}
/// Whether caches have kept a target from a binding. What was registered by another one before it came
/// is then none of its own, and rule 11 of the record asks that one only for what its record owns.
fn is_hidden(world: &World, id: &str, group: &str, endpoint: &Endpoint) -> bool {
    world.weather.climate().caches > 0 && !world.owns(id, group, endpoint)
}
