//! The end of a life: when nothing is under way and the weather is fair, all that was acknowledged is
//! wired, and what is registered is what is in DNS; and of a binding that is gone nothing is left.

use super::naming::{dns_name, group_name, places};
use super::wiring::judge_wiring;
use crate::state::ACCOUNT;
use crate::state::Book;
use crate::world::World;
use alb_nlb_binding::model::Endpoint;
use alb_nlb_binding::names::TAG;
use std::collections::BTreeSet;

/// By then what a killed invocation has sent is carried out.
const STRAGGLES: u64 = 20_000;

/// The most misses that any binding waits for.
pub fn most_misses(world: &World) -> u64 {
    let books = world.observed.books.borrow();
    let current = books.values().filter_map(|book| book.current());
    u64::from(current.map(|term| term.wish.until).max().unwrap_or(1))
}

/// The contract: within N + 2 ticks, DNS and groups are equal.
pub fn judge_convergence(world: &World) {
    let mut wanted: BTreeSet<(String, Endpoint)> = BTreeSet::new();
    for (id, book) in world.observed.books.borrow().iter() {
        let Some(term) = book.current().filter(|_| !book.is_leaving) else {
            continue;
        };
        judge_wiring(world, id, &term.wish, "when all is quiet");
        let addresses = world
            .dns
            .borrow()
            .addresses(&dns_name(world, &term.wish.alb));
        for (group, port) in places(world, id, &term.wish) {
            for address in &addresses {
                let endpoint = Endpoint {
                    address: *address,
                    port,
                };
                if !world.elb.borrow().registered(&group, &endpoint) {
                    world.violate(format!("when all is quiet, {endpoint} is not registered in {group}, which {id} serves"));
                }
                wanted.insert((group.clone(), endpoint));
            }
        }
    }
    judge_no_surplus(world, &wanted, "when all is quiet");
}

fn judge_no_surplus(world: &World, wanted: &BTreeSet<(String, Endpoint)>, when: &str) {
    let elb = world.elb.borrow();
    for (arn, group) in &elb.groups {
        for (endpoint, held) in &group.targets {
            let is_ours = held.is_ours && held.drains.is_none();
            let key = (arn.clone(), *endpoint);
            // Rule 11: found by one binding, though another has registered it.
            let is_found = world.observed.was_found.borrow().contains(&key);
            if is_ours && !wanted.contains(&key) && !world.may_stay(arn) && !is_found {
                world.violate(format!("{when}, {endpoint} is still registered in {arn}"));
            }
        }
    }
}

pub fn observe_delivery_start(world: &World, bindings: &BTreeSet<String>) {
    for id in bindings {
        let mut books = world.observed.books.borrow_mut();
        books.entry(id.clone()).or_default().under_way += 1;
    }
}

/// With the last one that may still act on a binding that was deleted, nothing of it is left.
pub fn observe_delivery_end(world: &World, bindings: &BTreeSet<String>, is_cut_short: bool) {
    for id in bindings {
        let mut books = world.observed.books.borrow_mut();
        let book = books.entry(id.clone()).or_default();
        book.under_way -= 1;
        book.is_cut_short |= is_cut_short;
        if book.is_gone() {
            let (it, id) = (world.rc(), id.clone());
            world.stage.after(STRAGGLES, move || judge_gone(&it, &id));
        }
    }
}

fn judge_gone(world: &World, id: &str) {
    let books = world.observed.books.borrow();
    if !books[id].is_gone() {
        return;
    }
    world.tally.count("bindings looked at after their Delete");
    nothing_is_left_of(world, id, "after its Delete");
    if books.values().all(Book::is_gone) {
        judge_no_surplus(world, &BTreeSet::new(), "after all Deletes");
    }
}

/// The contract, "Delete": nothing is there afterwards.
pub fn judge_nothing_left(world: &World) {
    for id in world.observed.books.borrow().keys() {
        nothing_is_left_of(world, id, "in the end");
    }
    judge_no_surplus(world, &BTreeSet::new(), "after all is deleted");
}
fn nothing_is_left_of(world: &World, id: &str, when: &str) {
    let left = |what: String| world.violate(format!("{when}, {what} is left"));
    if world.rules.borrow().contains_key(id) {
        left(format!("the rule {id}"));
    }
    let s3 = world.s3.borrow();
    if s3.buckets.contains_key(&format!("{id}-{ACCOUNT}")) {
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
