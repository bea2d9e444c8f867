//! The simulated world: the state of all services, with the scheduler, the dice and the trace.
//!
//! Puts the parts together and decides nothing. Who acts on the world imports it; its parts do not know it.

use crate::calendar::BEGINNING;
use crate::coverage::Coverage;
use crate::dice::Dice;
use crate::scheduler::{Chooser, Scheduler};
use crate::state::{
    DnsZone, Observations, SentRequest, SimulatedElb, SimulatedFaults, SimulatedRule, SimulatedS3,
};
use crate::trace::Trace;
use alb_nlb_binding::clock::Timestamp;
use alb_nlb_binding::model::Endpoint;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::{Rc, Weak};

pub struct SimulatedWorld {
    pub scheduler: Scheduler,
    pub dice: Dice,
    pub trace: Trace,
    pub coverage: Rc<Coverage>,
    pub faults: SimulatedFaults,
    pub observed: Observations,
    pub elb: RefCell<SimulatedElb>,
    pub s3: RefCell<SimulatedS3>,
    pub rules: RefCell<BTreeMap<String, SimulatedRule>>,
    pub dns: RefCell<DnsZone>,
    /// When the metric of each load balancer was last put.
    pub measured: RefCell<BTreeMap<String, Timestamp>>,
    /// The requests of CloudFormation by their response URL.
    pub requests: RefCell<BTreeMap<String, Rc<SentRequest>>>,
    /// How many invocations run and how many deliveries are not done yet.
    pub under_way: Cell<u32>,
    violation: RefCell<Option<String>>,
    me: Weak<SimulatedWorld>,
}

impl SimulatedWorld {
    pub fn new(seed: u64, coverage: &Rc<Coverage>, chooser: Option<Box<dyn Chooser>>) -> Rc<Self> {
        // The product draws the lengths of its pauses from fastrand.
        fastrand::seed(seed);
        Rc::new_cyclic(|me| Self {
            scheduler: Scheduler::new(chooser),
            dice: Dice::new(seed),
            trace: Trace::default(),
            coverage: Rc::clone(coverage),
            faults: SimulatedFaults::default(),
            observed: Observations::default(),
            elb: RefCell::default(),
            s3: RefCell::default(),
            rules: RefCell::default(),
            dns: RefCell::default(),
            measured: RefCell::default(),
            requests: RefCell::default(),
            under_way: Cell::new(0),
            violation: RefCell::default(),
            me: me.clone(),
        })
    }

    /// An owned handle of this world, for effects that run later.
    pub fn handle(&self) -> Rc<Self> {
        self.me.upgrade().expect("it lives")
    }

    /// Whether the function was ever denied to change the targets of a group, so that own targets may have
    /// stayed there.
    pub fn was_ever_denied(&self, group: &str) -> bool {
        self.faults.ever_denied.borrow().contains(group)
    }

    /// The current time in milliseconds since 1970.
    pub fn unix_millis(&self) -> u64 {
        BEGINNING + self.scheduler.now()
    }

    pub fn timestamp(&self) -> Timestamp {
        Timestamp::from_millis(self.unix_millis())
    }

    /// Adds a line to the trace.
    pub fn log(&self, who: &str, what: impl Into<String>) {
        self.trace.add(self.scheduler.now(), who, what.into());
    }

    /// Notes a violation, and stops the life.
    pub fn violate(&self, what: impl Into<String>) {
        let what = what.into();
        self.log("judge", format!("VIOLATION: {what}"));
        self.violation.borrow_mut().get_or_insert(what);
        self.scheduler.stop();
    }

    pub fn violation(&self) -> Option<String> {
        self.violation.borrow().clone()
    }

    /// Whether a binding's record is in any bucket.
    pub fn has_record(&self, id: &str) -> bool {
        let key = format!("{id}/state.json");
        let s3 = self.s3.borrow();
        s3.buckets
            .values()
            .any(|bucket| bucket.objects.contains_key(&key))
    }

    /// Whether a binding's record says that a target is its own.
    pub fn is_recorded_as_own(&self, id: &str, group: &str, endpoint: &Endpoint) -> bool {
        let key = format!("{id}/state.json");
        let s3 = self.s3.borrow();
        let mut records = s3
            .buckets
            .values()
            .filter_map(|bucket| bucket.objects.get(&key));
        records.any(|record| {
            let record: serde_json::Value = serde_json::from_slice(&record.body).expect("JSON");
            !record["own"][group][endpoint.to_string()].is_null()
        })
    }

    pub fn start_work(&self) {
        self.under_way.set(self.under_way.get() + 1);
    }

    pub fn finish_work(&self) {
        self.under_way.set(self.under_way.get() - 1);
    }
}
