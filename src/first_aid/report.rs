//! The answers that a person gets: JSON with names like CloudFormation's. docs/first-aid.md describes each field.

use crate::clock::Timestamp;
use crate::discovery::Found;
use crate::record::{Orders, RequestType};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

/// The warning if DNS may have more addresses than were found.
pub(super) const UNCERTAIN: &str = "the list of addresses is not certain: a higher MaxLookupsPerInvocation makes it \
                                    so, or DnsServers that do not cache";

/// The answer if the time was over before the question could be answered.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct UnfinishedReport {
    verdict: String,
}

impl UnfinishedReport {
    pub(super) fn new(within: Duration, doing: &str) -> Self {
        let seconds = within.as_secs_f64();
        let verdict =
            format!("cannot be told: not done within {seconds:.1} seconds; last: {doing}");
        Self { verdict }
    }
}

/// What a request would find, and what it would do.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct DryRunReport {
    pub(super) verdict: String,
    /// `None` if the question does not name a binding.
    pub(super) physical_resource_id: Option<String>,
    /// What would make the request fail.
    pub(super) findings: Vec<String>,
    /// What the request would only warn of.
    pub(super) warnings: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) dns: Option<DnsReport>,
    /// As the log prints them; `None` unless a plan was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) steps: Option<Vec<String>>,
}

/// What DNS shows now.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct DnsReport {
    name: String,
    addresses: BTreeSet<IpAddr>,
    lookups: usize,
    failed_lookups: usize,
    certain: bool,
}

impl DnsReport {
    pub(super) fn new(name: &str, found: &Found) -> Self {
        Self {
            name: name.to_owned(),
            addresses: found.addresses.clone(),
            lookups: found.lookups,
            failed_lookups: found.failed_lookups,
            certain: found.certain,
        }
    }
}

/// How all bindings of a Region are.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct RegionReport {
    pub(super) verdict: String,
    pub(super) bindings: Vec<BindingReport>,
}

/// How one binding is.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct BindingReport {
    pub(super) physical_resource_id: String,
    pub(super) verdict: String,
    /// Each thing that is wrong, and what to do about it. The verdict is made of these.
    pub(super) problems: Vec<String>,
    /// What is worth knowing but not wrong.
    pub(super) notes: Vec<String>,
    /// `Making`, `Serving` or `Leaving`; `None` without a record.
    pub(super) phase: Option<String>,
    /// CloudFormation's last request.
    pub(super) request: Option<RequestReport>,
    pub(super) orders: Option<Orders>,
    pub(super) dns: Option<DnsReport>,
    pub(super) target_groups: Vec<TargetGroupReport>,
    /// Addresses missing from DNS, with the ticks in a row that have missed them.
    pub(super) pending: BTreeMap<IpAddr, u32>,
    /// What the next tick would do if nothing changed until then, as the log prints it.
    pub(super) next_tick: Vec<String>,
    pub(super) last_tick: Option<TickReport>,
    pub(super) rule: Option<RuleReport>,
    pub(super) listeners: Vec<ListenerReport>,
    /// The record's URL in S3.
    pub(super) record: Option<String>,
    /// What an Update would do, as the log prints it.
    pub(super) next_update: Vec<String>,
    #[serde(skip)]
    pub(super) is_of_another_function: bool,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct RequestReport {
    pub(super) r#type: RequestType,
    pub(super) at: String,
    /// `under way`, `SUCCESS`, or `FAILED` with its reason.
    pub(super) outcome: String,
}

/// What the record and the metric know of the last tick. A tick that has nothing to do writes nothing.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct TickReport {
    /// When a tick last wrote the record, which it does before it registers, deregisters or counts something.
    pub(super) acted_at: Option<String>,
    /// The minute in which a tick or a request last got an answer of DNS, by the metric.
    pub(super) measured_at: Option<String>,
    /// The scheduled time of the tick that last counted something.
    pub(super) counted: Option<String>,
    pub(super) outcome: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct TargetGroupReport {
    pub(super) arn: String,
    pub(super) targets: Vec<TargetReport>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct TargetReport {
    pub(super) target: String,
    /// AWS's word for it.
    pub(super) health: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reason: Option<String>,
    /// Whether the binding has once seen this target in DNS, so that it may deregister it.
    pub(super) own: bool,
    pub(super) in_dns: bool,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct RuleReport {
    pub(super) name: String,
    pub(super) schedule: String,
    pub(super) enabled: bool,
    /// The ARNs of what the rule calls.
    pub(super) targets: Vec<String>,
}

/// A listener that the binding makes for one of `Listeners`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ListenerReport {
    pub(super) port: u16,
    /// `None` if the listener is gone.
    pub(super) arn: Option<String>,
    pub(super) forwards_to: Vec<String>,
    pub(super) is_right: bool,
}

/// A time in the record as text; `None` if the record has no such time yet.
pub(super) fn time(at: Timestamp) -> Option<String> {
    (at != Timestamp::default()).then(|| at.rfc3339())
}
