//! A request of CloudFormation as the record keeps it: its claim, and how it ended.

use super::signed::Signed;
use crate::clock::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// By then a request whose claim was taken over has stopped, and what it did is done: it acts within
/// 5 s of a look, and a call of it takes 5 s at most.
pub const TAKEN_OVER: Duration = Duration::from_secs(15);

/// After so long a request that has no answer will not get one: CloudFormation's function has ended
/// long before.
pub(super) const UNANSWERED: Duration = Duration::from_secs(15 * 60);

/// A request's hold on the binding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    #[serde(flatten)]
    pub mark: Mark,
    pub kind: RequestType,
    /// When CloudFormation signed the request's response address, where that tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed: Option<Signed>,
    pub at: Timestamp,
    /// Whether the stack was rolling back then, where that was known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rolls_back: Option<bool>,
    /// Whether it goes on from what stood before it, so that it cannot be what takes back the request before.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub goes_on: bool,
    /// Whether it is a rollback: of the request before, or of one that never came.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub takes_back: bool,
    /// What its properties came to, and those before.
    pub wants: Digest,
    pub wanted_before: Digest,
    /// Whether this request made the record, so that nothing was there before it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub made: bool,
    /// OwnTarget groups that are given now and no longer wanted: ticks leave them alone.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub gives_up: BTreeSet<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
}

impl Claim {
    /// Whether one of this request and another, by its properties and those before, takes back the other.
    pub fn is_inverse_of(&self, wants: &Digest, wanted_before: &Digest) -> bool {
        self.wants == *wanted_before && self.wanted_before == *wants
    }
}

/// Who holds a claim: the request, and which of its deliveries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    pub request: String,
    pub runner: String,
}

/// What CloudFormation wants done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum RequestType {
    Create,
    Update,
    Delete,
}

/// Properties, as far as two can be told apart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Digest(pub String);

/// A request before the claim, with its answer where it had one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Former {
    pub request: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<Response>,
}

/// How a request ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    pub answer: Response,
    /// From when on no call of the request can have an effect any more.
    pub settled: Timestamp,
}

/// What CloudFormation is answered, but for what identifies the request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Response {
    pub status: Status,
    pub reason: String,
    pub physical_id: String,
    /// For `Fn::GetAtt`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub data: BTreeMap<String, String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Status {
    Success,
    Failed,
}

/// A binding that an Update with another NLB made, or began to make, in place of the record's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replacement {
    /// The other NLB. The id follows from it and from the stack's resource, so that a note can only mean
    /// another binding of the same resource.
    pub nlb_arn: String,
    /// Whether that Update had a success.
    pub done: bool,
}
