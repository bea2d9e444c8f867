//! The record: everything that is known of one binding, and what a claim changes in it. No I/O.

use super::caller::Caller;
use super::claim::{
    Claim, DeliveryId, FormerRequest, Outcome, Replacement, RequestType, Response, ResponseStatus,
    UNANSWERED,
};
use super::orders::Orders;
use super::own_target::{OwnTargets, is_default};
use crate::clock::Timestamp;
use crate::model::Endpoint;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// How many requests before the claim the record keeps, with their answers: CloudFormation and Lambda deliver a
/// request a second time within minutes.
const REMEMBERED_REQUESTS: usize = 16;

/// How many counted ticks the record keeps, for the same reason.
const REMEMBERED_TICKS: usize = 16;

/// One binding's record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The binding's physical id, or the name that takes its place if this binary replaces the function of 2018.
    pub owner: String,
    pub phase: Phase,
    /// What ticks do. They come from the last request that succeeded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub orders: Option<Orders>,
    /// The properties that the orders came from, as CloudFormation gave them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub properties: Option<Value>,
    /// The listener ports for which the binding may have made target groups. A port is noted before its group is made,
    /// and may stay when the group is gone. `None` if the record was lost, and the ports with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ports: Option<BTreeSet<u16>>,
    /// The request that is being served, or the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claim: Option<Claim>,
    /// The requests before it, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub before: Vec<FormerRequest>,
    /// Own targets by target group ARN. A group is a key here from the first write about it, even if it has no own
    /// targets.
    pub own: BTreeMap<String, OwnTargets>,
    /// Rule 11, found targets by target group ARN: registered in a given group before this binding first wrote about
    /// that group.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub found: BTreeMap<String, BTreeSet<Endpoint>>,
    /// The scheduled times of the ticks that were counted last, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub counted: Vec<String>,
    /// Until this time a DNS cache may repeat the answer that was counted last.
    #[serde(default, skip_serializing_if = "is_default")]
    pub cached_until: Timestamp,
    /// When a tick last wrote the record. Whatever it did after that write has ended 15 s later.
    #[serde(default)]
    pub ticked: Timestamp,
    /// Why the last tick that acted failed. The next one that acts removes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<Failure>,
    /// Rule 10: the bucket that this copy comes from. The copy counts only once a stub is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arriving_from: Option<String>,
    /// Other buckets in which a stub or a copy of this record may be.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub elsewhere: BTreeSet<String>,
    /// Rule 9: the bindings that Updates with another NLB made, or began to make, in place of this one. The newest is
    /// the last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub replaced: Vec<Replacement>,
}

/// Where a binding is in its life.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Phase {
    /// No request has succeeded yet.
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
    /// An empty record.
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

    /// The addresses of all own targets, also of those that DNS does not show now.
    pub fn addresses(&self) -> BTreeSet<IpAddr> {
        let endpoints = self.own.values().flat_map(BTreeMap::keys);
        endpoints.map(|endpoint| endpoint.address).collect()
    }

    /// Whether a tick was counted already: EventBridge and Lambda may deliver one twice.
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

    /// Rules 2 and 7: gives the record to another request, or to another delivery of the same one. A Delete turns it
    /// into the tombstone.
    pub fn claim_for(&mut self, mut claim: Claim) {
        if let Some(former) = self.claim.take() {
            if former.delivery.request == claim.delivery.request {
                claim.made |= former.made;
                claim.goes_on = former.goes_on;
                claim.takes_back = former.takes_back;
                claim.gives_up = former.gives_up;
            } else {
                let is_inverse = claim.is_inverse_of(&former.wants, &former.wanted_before);
                // A rollback is not rolled back itself.
                let may_take_back = is_inverse && !former.takes_back;
                claim.goes_on = claim.wants != former.wants && !may_take_back;
                claim.takes_back = !claim.goes_on && claim.rolls_back == Some(true);
                self.before.push(FormerRequest {
                    request: former.delivery.request,
                    answer: former.outcome.map(|outcome| outcome.answer),
                });
            }
        }
        let surplus = self.before.len().saturating_sub(REMEMBERED_REQUESTS);
        self.before.drain(..surplus);
        match (claim.kind, &self.phase) {
            (RequestType::Delete, _) => self.phase = Phase::Leaving,
            // A Delete has begun to remove the binding: this request makes it again, and ticks have no orders until it
            // has succeeded.
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

    /// Rule 9: notes the binding that an Update is about to make on another NLB, in place of this one.
    pub fn note_replacement(&mut self, nlb_arn: &str) {
        self.forget_replacement(nlb_arn);
        self.replaced.push(Replacement {
            nlb_arn: nlb_arn.to_owned(),
            done: false,
        });
    }

    /// Removes such a note.
    pub fn forget_replacement(&mut self, nlb_arn: &str) {
        self.replaced.retain(|noted| noted.nlb_arn != nlb_arn);
    }

    /// Whether the claim is that of this delivery of this request.
    pub fn is_held_by(&self, delivery: &DeliveryId) -> bool {
        self.claim
            .as_ref()
            .is_some_and(|claim| claim.delivery == *delivery)
    }

    /// Whether the claim is this request's, by any delivery of it, and has no answer yet.
    pub fn has_open_claim_of(&self, caller: &Caller) -> bool {
        let claim = self.claim.as_ref();
        let is_same = |claim: &&Claim| claim.delivery.request == caller.delivery.request;
        claim
            .filter(is_same)
            .is_some_and(|claim| claim.outcome.is_none() && claim.kind == caller.kind)
    }

    /// Whether a request has succeeded, and no Delete has come since.
    pub fn is_serving(&self) -> bool {
        self.phase == Phase::Serving
    }

    /// Whether the last request is a Create that may still run, or may be delivered again while CloudFormation shows it
    /// as wanted: it has not succeeded, or it claimed the record less than 15 minutes ago.
    pub fn may_be_running_create(&self, now: Timestamp) -> bool {
        self.claim.as_ref().is_some_and(|claim| {
            let is_success = |outcome: &Outcome| outcome.answer.status == ResponseStatus::Success;
            let is_over =
                claim.outcome.as_ref().is_some_and(is_success) && now.since(claim.at) >= UNANSWERED;
            claim.kind == RequestType::Create && !is_over
        })
    }

    /// The answer to a request. `None` if the record no longer keeps it.
    pub fn answer_to(&self, request: &str) -> Option<&Response> {
        let claim = self.claim.as_ref();
        let now = claim
            .filter(|claim| claim.delivery.request == request)
            .and_then(|claim| Some(&claim.outcome.as_ref()?.answer));
        let before = self.before.iter().rev();
        now.or_else(|| {
            before
                .filter(|former| former.request == request)
                .find_map(|former| former.answer.as_ref())
        })
    }
}
