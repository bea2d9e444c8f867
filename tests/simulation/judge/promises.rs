//! What a tick that ended well promises: every address that it saw is registered.
//!
//! Judged a moment later, when calls that were under way are done.

use super::naming::{dns_name, is_small};
use crate::state::Process;
use crate::wishes::Wish;
use crate::world::World;
use alb_nlb_binding::model::Endpoint;
use std::rc::Rc;

/// By then calls that were under way are done.
const SETTLED: u64 = 6_000;

/// A tick that ended well leaves every address registered that it saw.
pub(super) fn judge_good_tick(world: &World, process: &Process, id: &str) {
    let books = world.observed.books.borrow();
    let Some(book) = books.get(id) else { return };
    let mut allowed = book.allowed(process.started);
    let (Some(term), None) = (allowed.next(), allowed.next()) else {
        return;
    };
    // By what it read there may have been no orders yet.
    let is_later = term.since.is_none_or(|since| since >= process.started);
    if is_later || book.is_leaving {
        return;
    }
    let name = dns_name(world, &term.wish.alb);
    let Some(looked) = process.notes.dns.borrow().get(&name).copied() else {
        return;
    };
    let promise = Promise {
        id: id.to_owned(),
        wish: Rc::clone(&term.wish),
        request: term.request,
        looked,
        last_read: process.notes.last_read.get(),
        who: process.name.clone(),
        started: process.started,
    };
    let it = world.rc();
    let settled = move || judge_promise(&it, &promise);
    world.stage.after(SETTLED, settled);
}

fn judge_promise(world: &World, promise: &Promise) {
    let Promise {
        id,
        wish,
        request,
        looked,
        last_read,
        who,
        started,
    } = promise;
    let mut books = world.observed.books.borrow_mut();
    let Some(book) = books.get_mut(id) else {
        return;
    };
    let is_same = book.current().is_some_and(|term| term.request == *request);
    if !is_same || book.is_leaving || book.allowed(*started).count() > 1 {
        return;
    }
    let name = dns_name(world, &wish.alb);
    let orders = book.current().map(|term| term.orders.clone());
    for (group, port) in orders.into_iter().flatten() {
        if !world.elb.borrow().groups.contains_key(&group) {
            continue;
        }
        // A request that failed has begun to give it up, and is not rolled back yet.
        let later = book.terms.iter().filter(|term| term.request > *request);
        let mut gives_up = later.filter(|term| !term.is_delete);
        let names = |wish: &Wish| wish.given().contains(group.as_str());
        if names(wish) && gives_up.any(|term| !names(&term.wish)) {
            continue;
        }
        for address in world.dns.borrow().addresses(&name) {
            let since = world.dns.borrow().since(&name, address);
            if since.is_none_or(|since| since > *looked) {
                continue;
            }
            let endpoint = Endpoint { address, port };
            let key = (group.clone(), endpoint);
            if world.elb.borrow().registered(&group, &endpoint) {
                book.kept.entry(key).or_insert(world.stage.now());
                continue;
            }
            let put_out = world.observed.put_out.borrow();
            let is_excused = put_out
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
struct Promise {
    id: String,
    wish: Rc<Wish>,
    request: u64,
    looked: u64,
    last_read: u64,
    who: String,
    started: u64,
}
