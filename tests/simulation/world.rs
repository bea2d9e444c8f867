//! One simulated world: AWS, DNS, CloudFormation and everybody in it, with its judge.
//!
//! Holds things together, and decides nothing.

use crate::calendar::BEGINNING;
use crate::coverage::Coverage;
use crate::dice::Dice;
use crate::scheduler::{Chooser, Scheduler};
use crate::state::{
    DnsZone, Faults, Observations, SentRequest, SimulatedElb, SimulatedRule, SimulatedS3,
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
    pub faults: Faults,
    pub observed: Observations,
    pub elb: RefCell<SimulatedElb>,
    pub s3: RefCell<SimulatedS3>,
    pub rules: RefCell<BTreeMap<String, SimulatedRule>>,
    pub dns: RefCell<DnsZone>,
    /// When each load balancer's metric was last put.
    pub measured: RefCell<BTreeMap<String, Timestamp>>,
    /// Requests of CloudFormation by their response addresses.
    pub sent: RefCell<BTreeMap<String, Rc<SentRequest>>>,
    /// Invocations that run, and deliveries that are still to come.
    pub under_way: Cell<u32>,
    violation: RefCell<Option<String>>,
    me: Weak<SimulatedWorld>,
}

impl SimulatedWorld {
    pub fn new(seed: u64, coverage: &Rc<Coverage>, chooser: Option<Box<dyn Chooser>>) -> Rc<Self> {
        // The product's pauses are by chance, too.
        fastrand::seed(seed);
        Rc::new_cyclic(|me| Self {
            scheduler: Scheduler::new(chooser),
            dice: Dice::new(seed),
            trace: Trace::default(),
            coverage: Rc::clone(coverage),
            faults: Faults::default(),
            observed: Observations::default(),
            elb: RefCell::default(),
            s3: RefCell::default(),
            rules: RefCell::default(),
            dns: RefCell::default(),
            measured: RefCell::default(),
            sent: RefCell::default(),
            under_way: Cell::new(0),
            violation: RefCell::default(),
            me: me.clone(),
        })
    }

    /// For what happens later.
    pub fn rc(&self) -> Rc<Self> {
        self.me.upgrade().expect("it lives")
    }

    /// Whether own targets of a group may be left there, because they might not be taken out.
    pub fn was_ever_denied(&self, group: &str) -> bool {
        self.faults.ever_denied.borrow().contains(group)
    }

    /// The time of day.
    pub fn unix_millis(&self) -> u64 {
        BEGINNING + self.scheduler.now()
    }

    pub fn timestamp(&self) -> Timestamp {
        Timestamp::from_millis(self.unix_millis())
    }

    pub fn say(&self, who: &str, what: impl Into<String>) {
        self.trace.add(self.scheduler.now(), who, what.into());
    }

    /// Ends the life: the product has done what it may not.
    pub fn violate(&self, what: impl Into<String>) {
        let what = what.into();
        self.say("judge", format!("VIOLATION: {what}"));
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
