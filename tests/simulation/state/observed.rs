//! What the judge has observed of each binding and of each invocation.
//!
//! Only holds the observations; the module `judge` makes them and judges by them.

use crate::properties::ResourceProperties;
use alb_nlb_binding::model::Endpoint;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// What the judge has observed of one binding.
#[derive(Default)]
pub struct BindingHistory {
    pub requests: Vec<ObservedRequest>,
    /// The targets that the binding must keep registered, and since when.
    pub kept: BTreeMap<(String, Endpoint), u64>,
    /// Whether the binding is being deleted, or is gone.
    pub is_leaving: bool,
    /// The order number of the write of its tombstone, until a request makes the binding again.
    pub tombstone: Option<u64>,
    pub lookups: Vec<ObservedLookup>,
    /// The claims of requests on its record.
    pub claims: Vec<ObservedClaim>,
    /// Found targets: they were registered in given groups when a request first looked there.
    pub found: BTreeSet<(String, Endpoint)>,
    pub known_groups: BTreeSet<String>,
    pub groups_looked_in: BTreeSet<String>,
    /// How many deliveries of its events are not done yet.
    pub under_way: u32,
    /// Whether Lambda gave a delivery of a request up after the last Delete was sent. Nothing then completes
    /// or undoes what that delivery began.
    pub is_cut_short: bool,
}

/// A request: what it asked for, and from when until when ticks may act on that.
pub struct ObservedRequest {
    pub properties: Rc<ResourceProperties>,
    pub number: u64,
    pub is_acknowledged: bool,
    /// Whether the record holds its success.
    pub is_success_recorded: bool,
    /// The groups and ports that its orders named at that time. A target group that is made again has another
    /// ARN.
    pub orders: Vec<(String, u16)>,
    /// When CloudFormation got its success.
    pub since: Option<u64>,
    pub valid_until: Option<u64>,
    pub is_delete: bool,
}

/// The claim of a request on a record.
pub struct ObservedClaim {
    pub at: u64,
    /// The order numbers of the writes that began and ended the claim.
    pub from: u64,
    pub until: Option<u64>,
    pub process: u64,
}

/// A tick's lookup in DNS.
pub struct ObservedLookup {
    pub scheduled: u64,
    pub started: u64,
    pub at: u64,
    pub name: String,
    pub process: u64,
    /// When the tick ended, and whether it succeeded.
    pub ended: Option<(u64, bool)>,
}

impl BindingHistory {
    /// The last request for which CloudFormation got a success, unless that was a Delete.
    pub fn current(&self) -> Option<&ObservedRequest> {
        let mut requests = self.requests.iter().rev();
        requests.find(|request| {
            request.is_acknowledged && !request.is_delete && request.valid_until.is_none()
        })
    }

    /// The requests whose properties a tick may serve that started at `since`. A request counts from its
    /// success at CloudFormation until the success of another one. It also counts when the record holds its
    /// success: that write commits the orders, before the answer is sent and even if the answer never arrives.
    /// A request without an outcome, or with a failure, changes nothing for ticks.
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

    /// Whether its Delete succeeded, no request was sent after it, and no delivery is still to be done.
    pub fn is_gone(&self) -> bool {
        let last = self.requests.last();
        let is_quiet = self.under_way == 0 && !self.is_cut_short;
        is_quiet && last.is_some_and(|request| request.is_delete && request.is_acknowledged)
    }

    /// Whether a request without an answer no longer names a group, and so may be giving it up. `names` says
    /// whether properties name a group.
    pub fn is_being_given_up(
        &self,
        group: &str,
        names: &impl Fn(&ResourceProperties, &str) -> bool,
    ) -> bool {
        let open = self
            .requests
            .iter()
            .filter(|request| !request.is_acknowledged && request.valid_until.is_none());
        let mut open = open.filter(|request| !request.is_delete);
        open.any(|request| !names(&request.properties, group))
    }

    /// Every ALB that any of its requests named.
    pub fn albs(&self) -> BTreeSet<&str> {
        self.requests
            .iter()
            .map(|request| request.properties.alb.as_str())
            .collect()
    }
}

/// What the judge has observed of one invocation.
#[derive(Default)]
pub struct ObservedProcess {
    /// When it last saw itself named in a record, by the key of the record.
    pub looked: RefCell<BTreeMap<String, u64>>,
    /// When it last looked the addresses of a DNS name up.
    pub dns: RefCell<BTreeMap<String, u64>>,
    /// Whether CloudFormation has taken an answer from it.
    pub has_answered: Cell<bool>,
    pub writes: Cell<u32>,
    /// The order numbers of its last read and of its last write of a record.
    pub last_read: Cell<u64>,
    pub last_write: Cell<u64>,
    /// The ETag of the body that it last tried to write, whether or not that write succeeded.
    pub tried: RefCell<String>,
    /// The scheduler's number of its last write of a record.
    pub wrote: Cell<u64>,
}

#[derive(Default)]
pub struct Observations {
    pub bindings: RefCell<BTreeMap<String, BindingHistory>>,
    /// The first answer to each request.
    pub answers: RefCell<BTreeMap<u64, ObservedAnswer>>,
    /// Targets that any binding has found in a given group. They stay registered when that binding goes, if its
    /// stack rolls back or cannot be asked.
    pub was_found: RefCell<BTreeSet<(String, Endpoint)>>,
    /// Who last deregistered a target: the binding, and the order number of the last write of that invocation.
    pub deregistered_by: RefCell<BTreeMap<(String, Endpoint), (String, u64)>>,
    /// The order number of the last read or write of any record.
    pub order: Cell<u64>,
}

/// The first answer to a request.
pub struct ObservedAnswer {
    pub is_success: bool,
    pub physical_id: String,
    pub by: u64,
    pub counts: bool,
}
