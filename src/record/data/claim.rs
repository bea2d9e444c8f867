//! What the record keeps of requests of CloudFormation: the claim, its outcome, and the requests before it.

use super::signed::Signed;
use crate::clock::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Rule 2: how long a request that takes a claim over waits. By then the other one has stopped, and its calls have
/// ended: it acts within 5 s of a look, and a call takes 5 s at most.
pub const TAKEOVER_WAIT: Duration = Duration::from_secs(15);

/// Rule 6: a request that has no answer after this time gets none, because its function has ended long before.
pub(super) const UNANSWERED: Duration = Duration::from_secs(15 * 60);

/// Rule 2: the request that is being served, or the last one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    #[serde(flatten)]
    pub delivery: DeliveryId,
    pub kind: RequestType,
    /// Rule 4: when CloudFormation signed the request's response address. `None` if that cannot be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed: Option<Signed>,
    pub at: Timestamp,
    /// Whether the stack was rolling back when the record was claimed. `None` if that was not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rolls_back: Option<bool>,
    /// Whether it asks for something new, so that it cannot be the rollback of the request before it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub goes_on: bool,
    /// Whether it is a rollback: of the request before it, or of one that never came.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub takes_back: bool,
    /// Its properties, and the properties before it.
    pub wants: PropertiesDigest,
    pub wanted_before: PropertiesDigest,
    /// Whether this request made the record, or makes a binding again that a Delete had begun to remove: there was no
    /// binding before it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub made: bool,
    /// Given target groups that this request gives up. Ticks leave them alone.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub gives_up: BTreeSet<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
}

impl Claim {
    /// Rule 4: whether the new properties of each request are the old ones of the other, so that one of them may take
    /// the other back.
    pub fn is_inverse_of(
        &self,
        wants: &PropertiesDigest,
        wanted_before: &PropertiesDigest,
    ) -> bool {
        self.wants == *wanted_before && self.wanted_before == *wants
    }
}

/// Which request made a claim, and which delivery of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryId {
    /// CloudFormation's id of the request, the same for each delivery.
    pub request: String,
    /// The log stream and a random number of the invocation that serves this delivery.
    pub runner: String,
}

/// What CloudFormation wants done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum RequestType {
    Create,
    Update,
    Delete,
}

/// A digest of properties: two are equal if the properties are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PropertiesDigest(pub String);

/// Rule 3: a request before the claim, with its answer if it has one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FormerRequest {
    pub request: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<Response>,
}

/// How a request ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    pub answer: Response,
    /// After this time no call of the request can take effect.
    #[serde(rename = "settled")]
    pub quiet_from: Timestamp,
}

/// The answer to CloudFormation, without the ids that it sent with the request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Response {
    pub status: ResponseStatus,
    pub reason: String,
    pub physical_id: String,
    /// The return values of `Fn::GetAtt`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub data: BTreeMap<String, String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum ResponseStatus {
    Success,
    Failed,
}

/// Rule 9: a binding that an Update with another NLB made, or began to make, in place of this record's binding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replacement {
    /// The other NLB. The physical id follows from it and from the stack's resource, so a note can only mean another
    /// binding of the same resource.
    pub nlb_arn: String,
    /// Whether that Update succeeded.
    pub done: bool,
}
