//! All that is seen of one binding, each part by itself: what cannot be seen hides nothing else.

use super::report::Listener;
use crate::binding::Step;
use crate::clock::Timestamp;
use crate::discovery::Found;
use crate::model::{Rule, TargetHealth};
use crate::names::BindingId;
use crate::record::{Orders, Record, RuleEvent};
use crate::sync::Plan;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// How far back the metric is looked at.
pub(super) const MEASURED_WITHIN: Duration = Duration::from_secs(3600);

/// One binding, looked at.
#[derive(Debug)]
pub(super) struct Sight {
    pub(super) id: BindingId,
    pub(super) region: String,
    pub(super) account: String,
    /// This function, which the rule is to call.
    pub(super) function_arn: String,
    pub(super) now: Timestamp,
    pub(super) rule: Option<Rule>,
    pub(super) event: Option<RuleEvent>,
    pub(super) record: RecordSight,
    /// Of the record, or of the rule's copy where that is lost.
    pub(super) orders: Option<Orders>,
    pub(super) dns: Option<Result<Found, String>>,
    /// The targets of each group; `None` where it does not exist.
    pub(super) groups: BTreeMap<String, Result<Option<Vec<TargetHealth>>, String>>,
    pub(super) next_tick: Option<Plan>,
    /// When a tick or a request last had DNS's answer, within [`MEASURED_WITHIN`]. None without the metric.
    pub(super) measured: Option<Result<Option<Timestamp>, String>>,
    /// None where nobody knows the properties.
    pub(super) wiring: Option<Result<Wiring, String>>,
    /// Target groups that are the binding's by name, where there is neither rule nor record.
    pub(super) leftovers: Vec<String>,
}

/// What there is of the record.
#[derive(Debug)]
pub(super) enum RecordSight {
    There {
        record: Box<Record>,
        place: String,
    },
    /// There is no such object in any of these buckets, and of some not even the bucket.
    Gone {
        buckets: BTreeSet<String>,
        missing: BTreeSet<String>,
    },
    /// There is an object, and no record can be read from it.
    Unreadable {
        why: String,
    },
    /// S3 does not let anybody look, or does not answer.
    Hidden {
        why: String,
    },
}

impl RecordSight {
    pub(super) fn record(&self) -> Option<&Record> {
        match self {
            Self::There { record, .. } => Some(record),
            Self::Gone { .. } | Self::Unreadable { .. } | Self::Hidden { .. } => None,
        }
    }
}

/// What the checks and the plan make of the properties that stand.
#[derive(Debug)]
pub(super) struct Wiring {
    pub(super) findings: Vec<String>,
    pub(super) steps: Vec<Step>,
    pub(super) listeners: Vec<Listener>,
}
