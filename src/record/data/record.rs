//! What the record holds, and how it is written: the binding's whole truth in one JSON object.
//!
//! An unreadable record is an error and never an empty one. No I/O.

use super::caller::Caller;
use super::claim::{
    Claim, Former, Mark, Outcome, Replacement, RequestType, Response, Status, UNANSWERED,
};
use super::orders::Orders;
use super::own_target::{Own, is_default};
use crate::clock::Timestamp;
use crate::model::Endpoint;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// How many requests before the claim are remembered, with their answers: CloudFormation's and
/// Lambda's second deliveries come within minutes.
const REMEMBERED_REQUESTS: usize = 16;

/// How many counted ticks are remembered, for the same reason.
const REMEMBERED_TICKS: usize = 16;

/// One binding's record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Whose it is: its physical id, or what stands in for that in place of the published function.
    pub owner: String,
    pub phase: Phase,
    /// What ticks go by: what CloudFormation last had a success for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub orders: Option<Orders>,
    /// The properties that they came of, as CloudFormation gave them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub properties: Option<Value>,
    /// The ports of the listeners that target groups may have been made for, noted before they are; a group
    /// that is gone may still be among them. `None` where they are not known, because the record was lost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ports: Option<BTreeSet<u16>>,
    /// The request that is being served, or was the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claim: Option<Claim>,
    /// The requests before it, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub before: Vec<Former>,
    /// Own targets by target group ARN. A group that is here has been written about before.
    pub own: BTreeMap<String, Own>,
    /// What was registered in given groups before this binding's first write about them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub found: BTreeMap<String, BTreeSet<Endpoint>>,
    /// The ticks that were counted last, oldest first: each its scheduled time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub counted: Vec<String>,
    /// Until when a cache goes on giving the answer that was counted last.
    #[serde(default, skip_serializing_if = "is_default")]
    pub cached_until: Timestamp,
    /// When a tick last wrote: whatever it then did was done 15 s later.
    #[serde(default)]
    pub ticked: Timestamp,
    /// What the last tick that acted could not do; the next one takes it back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<Failure>,
    /// The bucket that it comes from: it counts only once there is a stub.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arriving_from: Option<String>,
    /// Other buckets in which a stub or a copy of this record may be.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub elsewhere: BTreeSet<String>,
    /// The bindings that Updates with another NLB made in place of this one, the newest last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub replaced: Vec<Replacement>,
}

/// Where a binding is in its life.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Phase {
    /// No request has had a success yet.
    Making,
    Serving,
    /// Delete's tombstone: ticks stop.
    Leaving,
}

/// Why a tick failed that had begun to register and deregister.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    pub at: Timestamp,
    pub reason: String,
}

impl Record {
    /// An empty one.
    pub fn new(owner: &str, phase: Phase) -> Self {
        Self {
            owner: owner.to_owned(),
            phase,
            orders: None,
            properties: None,
            ports: None,
            claim: None,
            before: Vec::new(),
            own: BTreeMap::new(),
            found: BTreeMap::new(),
            counted: Vec::new(),
            cached_until: Timestamp::default(),
            ticked: Timestamp::default(),
            failed: None,
            arriving_from: None,
            elsewhere: BTreeSet::new(),
            replaced: Vec::new(),
        }
    }

    /// Every address known, whether or not it is missing at the moment.
    pub fn addresses(&self) -> BTreeSet<IpAddr> {
        let endpoints = self.own.values().flat_map(BTreeMap::keys);
        endpoints.map(|endpoint| endpoint.address).collect()
    }

    /// Whether a tick has been counted already: EventBridge and Lambda deliver at least once.
    pub fn has_counted(&self, tick: &str) -> bool {
        self.counted.iter().any(|counted| counted == tick)
    }

    /// Remembers that a tick was counted.
    pub fn count(&mut self, tick: &str) {
        if !self.has_counted(tick) {
            self.counted.push(tick.to_owned());
        }
        let surplus = self.counted.len().saturating_sub(REMEMBERED_TICKS);
        self.counted.drain(..surplus);
    }

    /// Gives the binding to another request, or to another delivery of the same one.
    pub fn claim_for(&mut self, mut claim: Claim) {
        if let Some(former) = self.claim.take() {
            if former.mark.request == claim.mark.request {
                claim.made |= former.made;
                claim.goes_on = former.goes_on;
                claim.takes_back = former.takes_back;
                claim.gives_up = former.gives_up;
            } else {
                let is_inverse = claim.is_inverse_of(&former.wants, &former.wanted_before);
                // What takes back is not taken back by a rollback itself.
                let may_take_back = is_inverse && !former.takes_back;
                claim.goes_on = claim.wants != former.wants && !may_take_back;
                claim.takes_back = !claim.goes_on && claim.rolls_back == Some(true);
                self.before.push(Former {
                    request: former.mark.request,
                    answer: former.outcome.map(|outcome| outcome.answer),
                });
            }
        }
        let surplus = self.before.len().saturating_sub(REMEMBERED_REQUESTS);
        self.before.drain(..surplus);
        match (claim.kind, &self.phase) {
            (RequestType::Delete, _) => self.phase = Phase::Leaving,
            // What a Delete has begun to take away is made anew, and until then no tick has orders.
            (_, Phase::Leaving) => {
                self.phase = Phase::Making;
                self.orders = None;
                self.properties = None;
                claim.made = true;
            }
            _ => {}
        }
        self.claim = Some(claim);
    }

    /// Notes the binding that an Update with another NLB is about to make in place of this one.
    pub fn note(&mut self, nlb_arn: &str) {
        self.forget(nlb_arn);
        self.replaced.push(Replacement {
            nlb_arn: nlb_arn.to_owned(),
            done: false,
        });
    }

    /// Takes such a note back.
    pub fn forget(&mut self, nlb_arn: &str) {
        self.replaced.retain(|noted| noted.nlb_arn != nlb_arn);
    }

    /// Whether this delivery of this request holds the binding.
    pub fn is_held_by(&self, mark: &Mark) -> bool {
        self.claim.as_ref().is_some_and(|claim| claim.mark == *mark)
    }

    /// Whether a delivery of this request, or a killed one, has claimed the record and not been answered.
    pub fn is_served_for(&self, caller: &Caller) -> bool {
        let claim = self.claim.as_ref();
        let is_same = |claim: &&Claim| claim.mark.request == caller.mark.request;
        claim
            .filter(is_same)
            .is_some_and(|claim| claim.outcome.is_none() && claim.kind == caller.kind)
    }

    /// Whether a request has had a success, and no Delete has come since.
    pub fn serves(&self) -> bool {
        self.phase == Phase::Serving
    }

    /// Whether the last request is a Create that may still be under way, or come once more while CloudFormation
    /// shows it as wanted: one that has had no success, or has had it just now.
    pub fn is_of_a_create(&self, now: Timestamp) -> bool {
        self.claim.as_ref().is_some_and(|claim| {
            let is_success = |outcome: &Outcome| outcome.answer.status == Status::Success;
            let is_over =
                claim.outcome.as_ref().is_some_and(is_success) && now.since(claim.at) >= UNANSWERED;
            claim.kind == RequestType::Create && !is_over
        })
    }

    /// The answer that a request was given, if it is remembered.
    pub fn answer_to(&self, request: &str) -> Option<&Response> {
        let claim = self.claim.as_ref();
        let now = claim
            .filter(|claim| claim.mark.request == request)
            .and_then(|claim| Some(&claim.outcome.as_ref()?.answer));
        let before = self.before.iter().rev();
        now.or_else(|| {
            before
                .filter(|former| former.request == request)
                .find_map(|former| former.answer.as_ref())
        })
    }
}
