//! What the judge writes down: a book for each binding, and notes for each invocation.
//!
//! Only keeps; what follows from it is judged elsewhere.

use crate::properties::ResourceProperties;
use alb_nlb_binding::model::Endpoint;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// One binding's book.
#[derive(Default)]
pub struct ObservedBinding {
    pub requests: Vec<ObservedRequest>,
    /// What the binding keeps registered, and since when.
    pub kept: BTreeMap<(String, Endpoint), u64>,
    /// Whether it is on its way out, or gone.
    pub is_leaving: bool,
    /// The order number of a Delete's tombstone, until somebody makes the binding anew.
    pub tombstone: Option<u64>,
    pub lookups: Vec<ObservedLookup>,
    /// Which invocations held its record for a request.
    pub claims: Vec<ObservedClaim>,
    /// Targets that were in given groups, and live, when a request first looked there.
    pub found: BTreeSet<(String, Endpoint)>,
    pub known_groups: BTreeSet<String>,
    pub groups_looked_in: BTreeSet<String>,
    /// Deliveries that run, or are still to come.
    pub under_way: u32,
    /// Whether Lambda has given a request's delivery up since the last Delete was sent: what that has begun,
    /// nobody ends.
    pub is_cut_short: bool,
}

/// What a request asked for, from when on and until when that may be what ticks go by.
pub struct ObservedRequest {
    pub properties: Rc<ResourceProperties>,
    pub number: u64,
    pub is_acknowledged: bool,
    /// Whether its success is in the record.
    pub is_success_recorded: bool,
    /// What its orders then named: a target group that is made anew has another ARN.
    pub orders: Vec<(String, u16)>,
    /// When it was acknowledged.
    pub since: Option<u64>,
    pub valid_until: Option<u64>,
    pub is_delete: bool,
}

/// A request's hold on a record.
pub struct ObservedClaim {
    pub at: u64,
    /// Order numbers of the writes that began and ended it.
    pub from: u64,
    pub until: Option<u64>,
    pub process: u64,
}

/// A tick's look at DNS.
pub struct ObservedLookup {
    pub scheduled: u64,
    pub started: u64,
    pub at: u64,
    pub name: String,
    pub process: u64,
    /// Until when it ran, and whether to a good end.
    pub ended: Option<(u64, bool)>,
}

impl ObservedBinding {
    /// What CloudFormation last had a success for.
    pub fn current(&self) -> Option<&ObservedRequest> {
        let mut requests = self.requests.iter().rev();
        requests.find(|request| {
            request.is_acknowledged && !request.is_delete && request.valid_until.is_none()
        })
    }

    /// What a tick that began then may go by: what CloudFormation had a success for, until it has another;
    /// and what is a success in the record, for that write commits the orders, before the answer is sent, and
    /// though it never arrives. A request without an outcome, or with a failure, changes nothing for ticks.
    pub fn valid_since(&self, since: u64) -> impl Iterator<Item = &ObservedRequest> {
        let requests = self.requests.iter().filter(|request| !request.is_delete);
        let requests =
            requests.filter(|request| request.is_acknowledged || request.is_success_recorded);
        requests.filter(move |request| {
            request
                .valid_until
                .is_none_or(|valid_until| valid_until >= since)
        })
    }

    /// Whether its Delete had a success, and nothing has come since or is still to come.
    pub fn is_gone(&self) -> bool {
        let last = self.requests.last();
        let is_quiet = self.under_way == 0 && !self.is_cut_short;
        is_quiet && last.is_some_and(|request| request.is_delete && request.is_acknowledged)
    }

    /// Whether a request that is not answered yet may be giving a group up.
    pub fn is_being_given_up(
        &self,
        group: &str,
        named: &impl Fn(&ResourceProperties, &str) -> bool,
    ) -> bool {
        let open = self
            .requests
            .iter()
            .filter(|request| !request.is_acknowledged && request.valid_until.is_none());
        let mut open = open.filter(|request| !request.is_delete);
        open.any(|request| !named(&request.properties, group))
    }

    /// Every ALB that it was ever to serve.
    pub fn albs(&self) -> BTreeSet<&str> {
        self.requests
            .iter()
            .map(|request| request.properties.alb.as_str())
            .collect()
    }
}

/// What one invocation did, as far as that matters.
#[derive(Default)]
pub struct ObservedProcess {
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

#[derive(Default)]
pub struct Observations {
    pub bindings: RefCell<BTreeMap<String, ObservedBinding>>,
    /// First answers by request.
    pub answers: RefCell<BTreeMap<u64, ObservedAnswer>>,
    /// Targets that any binding has found in a given group: where its stack cannot be asked, or rolls
    /// back, they stay when it goes.
    pub was_found: RefCell<BTreeSet<(String, Endpoint)>>,
    /// Who last put a target out: the binding, and the order number of that invocation's last write.
    pub put_out: RefCell<BTreeMap<(String, Endpoint), (String, u64)>>,
    /// Numbers the reads and writes of all records.
    pub order: Cell<u64>,
}

/// The first answer to a request.
pub struct ObservedAnswer {
    pub is_success: bool,
    pub physical_id: String,
    pub by: u64,
    pub counts: bool,
}
