//! Which targets a binding must keep registered, and which are none of its business.
//!
//! The contract, "Sync", 7: own is what the binding once saw in its ALB's DNS.

use super::naming::{dns_name, places};
use crate::state::Book;
use crate::state::{Process, Role};
use crate::wishes::Wish;
use crate::world::World;
use alb_nlb_binding::model::Endpoint;
use std::collections::BTreeSet;

/// Whether a binding must keep a target registered.
pub fn keeps_since(
    world: &World,
    id: &str,
    book: &Book,
    group: &str,
    endpoint: &Endpoint,
) -> Option<u64> {
    let kept = book.kept.get(&(group.to_owned(), *endpoint)).copied()?;
    let term = book.current().filter(|_| !book.is_leaving)?;
    let since = world
        .dns
        .borrow()
        .since(&dns_name(world, &term.wish.alb), endpoint.address);
    let names = |wish: &Wish, group: &str| {
        places(world, id, wish)
            .iter()
            .any(|(arn, port)| arn == group && *port == endpoint.port)
    };
    let keeps = since.is_some_and(|since| since <= kept)
        && names(&term.wish, group)
        && !book.may_be_given_up(group, &names);
    keeps.then_some(kept)
}

/// Own is only what the binding once saw in its ALB's DNS.
pub fn is_foreign(
    world: &World,
    process: &Process,
    books: &std::collections::BTreeMap<String, Book>,
    id: &str,
    endpoint: &Endpoint,
) -> bool {
    let mut albs: BTreeSet<String> = BTreeSet::new();
    if let Some(book) = books.get(id) {
        albs.extend(book.albs().into_iter().map(str::to_owned));
    }
    if let Role::Request(sent) = &process.role {
        albs.extend(sent.old.iter().map(|old| old.alb.clone()));
    }
    let dns = world.dns.borrow();
    !albs
        .iter()
        .any(|alb| dns.was_ever(&dns_name(world, alb), endpoint.address))
}
