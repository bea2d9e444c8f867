//! The judge's books: what each invocation saw and did, and what is known of each target.
//!
//! Kept by sets of what was seen, never by the product's own counts.

use super::tally::Tally;
use super::world::Key;
use crate::model::Endpoint;
use crate::sync::TickInput;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::rc::Rc;

/// What one invocation is here for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Tick,
    Provider,
    Delete,
}

/// What one look at DNS showed, and what there was to see.
#[derive(Debug, Clone)]
pub(super) struct View {
    pub addresses: BTreeSet<IpAddr>,
    pub in_dns: BTreeSet<IpAddr>,
    /// Whether a missing address may be taken for gone.
    pub whole: bool,
    /// In how many ticks in a row an address must be missing before it leaves.
    pub until: u32,
}

/// What is known of one invocation.
#[derive(Debug, Clone)]
pub(super) struct Notes {
    pub id: String,
    pub role: Role,
    pub orders: Option<TickInput>,
    pub view: Option<View>,
    pub registered: BTreeSet<Key>,
    pub met_no_rule: bool,
    pub faulted: bool,
    /// What was known when it last read or wrote the state, for it decides on that.
    pub missed: Rc<Missed>,
    pub bound: Option<Rc<TickInput>>,
    /// Whether another invocation was under way at any moment of it.
    pub overlapped: bool,
}

impl Notes {
    pub fn new(id: String, role: Role, orders: Option<TickInput>) -> Self {
        Self {
            id,
            role,
            orders,
            view: None,
            registered: BTreeSet::new(),
            met_no_rule: false,
            faulted: false,
            missed: Rc::default(),
            bound: None,
            overlapped: false,
        }
    }

    /// What this invocation saw, as targets of the groups that it was told of.
    pub fn wants(&self, key: &Key) -> bool {
        let (Some(orders), Some(view)) = (&self.orders, &self.view) else {
            return false;
        };
        is_ordered(orders, key) && view.addresses.contains(&key.1.address)
    }
}

pub(super) fn is_ordered(orders: &TickInput, (group, endpoint): &Key) -> bool {
    let mut groups = orders.target_groups.iter();
    groups.any(|(arn, port)| arn == group && *port == endpoint.port)
}

pub(super) fn targets(orders: &TickInput, addresses: &BTreeSet<IpAddr>) -> BTreeSet<Key> {
    let groups = orders.target_groups.iter();
    groups
        .flat_map(|(arn, port)| {
            addresses.iter().map(|address| {
                let (address, port) = (*address, *port);
                (arn.clone(), Endpoint { address, port })
            })
        })
        .collect()
}

/// By own targets: the ids of the ticks in a row that missed each.
pub(super) type Missed = BTreeMap<Key, BTreeSet<String>>;

/// The books.
#[derive(Default)]
pub(super) struct Ledger {
    /// Targets that some invocation saw in its ALB's DNS: all others are foreign.
    pub seen: BTreeSet<Key>,
    /// For what the state owns: the ticks in a row that missed it, by their ids.
    pub missed: Rc<Missed>,
    /// What the last Create or Update bound.
    pub bound: Option<Rc<TickInput>>,
    /// For what left: the good ticks since, and how many it takes at most.
    pub left: BTreeMap<Key, (u32, u32)>,
    /// Targets that were registered after Delete looked, by a tick that could not undo it.
    pub stranded: BTreeSet<Key>,
    pub is_deleted: bool,
    pub tally: Tally,
}
