//! Misses: an own target leaves only after it was missing for so many scheduled minutes in a row.
//!
//! Goes by the ticks that looked at DNS, each at its scheduled time; late ones, and those during a
//! request, are no misses. Judges no ALB whose list is not certain.

use super::naming::{dns_name, is_small, places};
use crate::calendar::MINUTE;
use crate::state::Book;
use crate::state::Process;
use crate::wishes::Wish;
use crate::world::World;
use alb_nlb_binding::model::Endpoint;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// After so long nobody waits for an answer to a request any more.
const UNANSWERED: u64 = 15 * MINUTE;

/// A tick that comes later counts nothing.
const LATE: u64 = 90_000;

/// An own target leaves after it was missing for so many scheduled minutes in a row.
pub fn judge_misses(
    world: &World,
    process: &Process,
    book: &Book,
    id: &str,
    (group, endpoint): (&str, &Endpoint),
) {
    let wishes: Vec<_> = book
        .allowed(process.started)
        .map(|term| &term.wish)
        .collect();
    let Some(needed) = wishes.iter().map(|wish| wish.until).min() else {
        let what = "which is not what CloudFormation's last acknowledged properties say";
        return world.violate(format!("{} puts out {endpoint}, {what}", process.name));
    };
    let names: BTreeSet<String> = wishes
        .iter()
        .map(|wish| dns_name(world, &wish.alb))
        .collect();
    if !names.iter().all(|name| is_small(world, name)) {
        return;
    }
    // What a cache has hidden in looks at an ALB that was served before was missing in these.
    let mut looks = book.looks.iter();
    if world.weather.climate().caches > 0 && looks.any(|look| !is_small(world, &look.name)) {
        return;
    }
    // Where the port has changed meanwhile, it was missing in every look.
    let since = process
        .started
        .saturating_sub(u64::from(needed + 1) * 2 * MINUTE);
    let lately: Vec<_> = book.allowed(since).map(|term| &term.wish).collect();
    let is_place = |wish: &&Rc<Wish>| {
        places(world, id, wish)
            .iter()
            .any(|(arn, port)| arn == group && *port == endpoint.port)
    };
    let is_wanted = wishes.iter().any(is_place);
    if is_wanted && !lately.iter().all(is_place) {
        return;
    }
    // Each with when the last tick that counted it may have written that.
    let mut minutes = BTreeMap::new();
    let own = book
        .looks
        .iter()
        .find(|look| look.process == process.number);
    let looked = own.map_or(u64::MAX, |look| look.at);
    for look in &book.looks {
        let showed = is_wanted
            && world
                .dns
                .borrow()
                .was_live(&look.name, endpoint.address, look.at);
        // Of a later look that saw it again, and so changed nothing, nobody can know.
        let showed_before = showed && look.at <= looked;
        let end = look.ended.map_or(u64::MAX, |(at, _)| at);
        if showed_before && names.contains(&look.name) && look.ended.is_some_and(|(_, well)| well) {
            minutes.retain(|_, counted| *counted > end);
        }
        let within = |from: u64, until: Option<u64>| {
            look.process >= from && until.is_none_or(|until| until >= end)
        };
        let is_claimed = book.claims.iter().any(|claimed| {
            let is_open = look.at < claimed.at + UNANSWERED;
            is_open && within(claimed.from, claimed.until)
        });
        let started = crate::calendar::BEGINNING + look.started;
        let is_late = started.saturating_sub(look.scheduled) > LATE;
        if !showed && !is_claimed && !is_late {
            minutes.insert(look.scheduled, end);
        }
    }
    if (minutes.len() as u64) < u64::from(needed) {
        world.violate(format!(
            "{} puts out {endpoint} after {} misses at most, and {needed} are needed",
            process.name,
            minutes.len()
        ));
    }
}
