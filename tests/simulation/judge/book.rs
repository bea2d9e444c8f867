//! What the judge writes down: a book for each binding, and notes for each invocation.
//!
//! Only keeps; what follows from it is judged elsewhere.

use crate::wishes::Wish;
use crate::world::World;
use alb_nlb_binding::model::Endpoint;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// One binding's book.
#[derive(Default)]
pub struct Book {
    pub terms: Vec<Term>,
    /// What the binding keeps registered, and since when.
    pub kept: BTreeMap<(String, Endpoint), u64>,
    /// Whether it is on its way out, or gone.
    pub is_leaving: bool,
    /// The order number of a Delete's tombstone, until somebody makes the binding anew.
    pub tombstone: Option<u64>,
    pub looks: Vec<Look>,
    /// Which invocations held its record for a request.
    pub claims: Vec<Claimed>,
    /// Targets that were in given groups, and live, when a request first looked there.
    pub found: BTreeSet<(String, Endpoint)>,
    pub known_groups: BTreeSet<String>,
    pub looked_in: BTreeSet<String>,
    /// Deliveries that run, or are still to come.
    pub under_way: u32,
    /// Whether Lambda has given a request's delivery up since the last Delete was sent: what that has begun,
    /// nobody ends.
    pub is_cut_short: bool,
}

/// What a request asked for, from when on and until when that may be what ticks go by.
pub struct Term {
    pub wish: Rc<Wish>,
    pub request: u64,
    pub is_acknowledged: bool,
    /// Whether its success is in the record.
    pub is_concluded: bool,
    /// What its orders then named: a target group that is made anew has another ARN.
    pub orders: Vec<(String, u16)>,
    /// When it was acknowledged.
    pub since: Option<u64>,
    pub over: Option<u64>,
    pub is_delete: bool,
}

/// A request's hold on a record.
pub struct Claimed {
    pub at: u64,
    /// Order numbers of the writes that began and ended it.
    pub from: u64,
    pub until: Option<u64>,
    pub process: u64,
}

/// A tick's look at DNS.
pub struct Look {
    pub scheduled: u64,
    pub started: u64,
    pub at: u64,
    pub name: String,
    pub process: u64,
    /// Until when it ran, and whether to a good end.
    pub ended: Option<(u64, bool)>,
}

impl Book {
    /// What CloudFormation last had a success for.
    pub fn current(&self) -> Option<&Term> {
        let mut terms = self.terms.iter().rev();
        terms.find(|term| term.is_acknowledged && !term.is_delete && term.over.is_none())
    }

    /// What a tick that began then may go by: what CloudFormation had a success for, until it has another;
    /// and what is a success in the record, for that write commits the orders, before the answer is sent, and
    /// though it never arrives. A request without an outcome, or with a failure, changes nothing for ticks.
    pub fn allowed(&self, since: u64) -> impl Iterator<Item = &Term> {
        let terms = self.terms.iter().filter(|term| !term.is_delete);
        let terms = terms.filter(|term| term.is_acknowledged || term.is_concluded);
        terms.filter(move |term| term.over.is_none_or(|over| over >= since))
    }

    /// Whether its Delete had a success, and nothing has come since or is still to come.
    pub fn is_gone(&self) -> bool {
        let last = self.terms.last();
        let is_quiet = self.under_way == 0 && !self.is_cut_short;
        is_quiet && last.is_some_and(|term| term.is_delete && term.is_acknowledged)
    }

    /// Whether a request that is not answered yet may be giving a group up.
    pub fn may_be_given_up(&self, group: &str, named: &impl Fn(&Wish, &str) -> bool) -> bool {
        let open = self
            .terms
            .iter()
            .filter(|term| !term.is_acknowledged && term.over.is_none());
        let mut open = open.filter(|term| !term.is_delete);
        open.any(|term| !named(&term.wish, group))
    }

    /// Every ALB that it was ever to serve.
    pub fn albs(&self) -> BTreeSet<&str> {
        self.terms
            .iter()
            .map(|term| term.wish.alb.as_str())
            .collect()
    }
}

/// What one invocation did, as far as that matters.
#[derive(Default)]
pub struct Notes {
    /// When it last saw itself named in a record, by key.
    pub looked: RefCell<BTreeMap<String, u64>>,
    /// When it last asked for a name's addresses.
    pub dns: RefCell<BTreeMap<String, u64>>,
    /// Whether CloudFormation has taken an answer of it.
    pub has_answered: Cell<bool>,
    pub writes: Cell<u32>,
    /// Order numbers of its last read and its last write of a record.
    pub last_read: Cell<u64>,
    pub last_write: Cell<u64>,
    /// The ETag that its last write of a record has, or was to have.
    pub tried: RefCell<String>,
    /// When it last wrote one.
    pub wrote: Cell<u64>,
    /// Whether its last write of a record went wrong.
    pub write_failed: Cell<bool>,
}

/// The target groups of a wish, each with the port that targets have in it.
pub fn places(world: &World, id: &str, wish: &Wish) -> Vec<(String, u16)> {
    let elb = world.elb.borrow();
    let places = wish
        .listeners
        .iter()
        .filter_map(|listen| match &listen.given {
            Some(arn) => Some((arn.clone(), listen.alb_port)),
            None => {
                let group = elb.named(&group_name(id, listen.port))?;
                Some((group.group.arn.clone(), listen.alb_port))
            }
        });
    places.collect()
}

pub fn group_name(id: &str, port: u16) -> String {
    let digits = id.trim_start_matches(alb_nlb_binding::names::PREFIX);
    format!("anb-{digits}-{port}")
}

pub fn dns_name(world: &World, alb: &str) -> String {
    let elb = world.elb.borrow();
    elb.load_balancers
        .get(alb)
        .map(|(alb, _)| alb.dns_name.clone())
        .unwrap_or_default()
}

/// So few addresses are all in one answer.
pub fn is_small(world: &World, name: &str) -> bool {
    world
        .dns
        .borrow()
        .names
        .get(name)
        .is_none_or(|name| name.live.len() < 8)
}
