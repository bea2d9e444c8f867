//! The answers as a person reads them: JSON with names like CloudFormation's.

use crate::clock::Timestamp;
use crate::discovery::Found;
use crate::record::{Orders, RequestType};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

/// Told of a list of addresses.
pub(super) const UNCERTAIN: &str = "the list of addresses is not certain: a higher MaxLookupsPerInvocation makes it \
                                    so, or DnsServers that do not cache";

/// A question that could not be answered.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Refused {
    verdict: String,
}

impl Refused {
    pub(super) fn out_of_time(within: Duration, doing: &str) -> Self {
        let seconds = within.as_secs_f64();
        let verdict =
            format!("cannot be told: not done within {seconds:.1} seconds; last: {doing}");
        Self { verdict }
    }
}

/// What a request would find, and do.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Rehearsal {
    pub(super) verdict: String,
    /// None where the binding is still to come.
    pub(super) physical_resource_id: Option<String>,
    /// What fails the request.
    pub(super) findings: Vec<String>,
    /// What only warns.
    pub(super) warnings: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) dns: Option<DnsReport>,
    /// As the log prints them; only of a plan.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) steps: Option<Vec<String>>,
}

/// What DNS shows.
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

/// How all bindings of a Region fare.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Statuses {
    pub(super) verdict: String,
    pub(super) bindings: Vec<Status>,
}

/// How a binding fares.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Status {
    pub(super) physical_resource_id: String,
    pub(super) verdict: String,
    /// What is wrong, each with what to do; the verdict is made of these.
    pub(super) problems: Vec<String>,
    /// What is worth knowing and not wrong.
    pub(super) notes: Vec<String>,
    /// `Making`, `Serving` or `Leaving`; none without a record.
    pub(super) phase: Option<String>,
    /// CloudFormation's last request.
    pub(super) request: Option<Request>,
    pub(super) orders: Option<Orders>,
    pub(super) dns: Option<DnsReport>,
    pub(super) target_groups: Vec<TargetGroup>,
    /// Addresses missing from DNS, with the ticks in a row that have missed them.
    pub(super) pending: BTreeMap<IpAddr, u32>,
    /// What the next tick would do by what is there now, as the log prints it.
    pub(super) next_tick: Vec<String>,
    pub(super) last_tick: Option<LastTick>,
    pub(super) rule: Option<Rule>,
    pub(super) listeners: Vec<Listener>,
    /// Where the record is.
    pub(super) record: Option<String>,
    /// What an Update would put right, as the log prints it.
    pub(super) next_update: Vec<String>,
    #[serde(skip)]
    pub(super) is_of_another: bool,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Request {
    pub(super) r#type: RequestType,
    pub(super) at: String,
    /// `under way`, `SUCCESS`, or `FAILED` with its reason.
    pub(super) outcome: String,
}

/// What the record tells of ticks: one that finds nothing to do writes nothing.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct LastTick {
    /// When one last wrote: before it registered, deregistered or counted something.
    pub(super) acted_at: Option<String>,
    /// The minute in which one last had DNS's answer, by the metric.
    pub(super) measured_at: Option<String>,
    /// The scheduled time of the one that last counted something.
    pub(super) counted: Option<String>,
    pub(super) outcome: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct TargetGroup {
    pub(super) arn: String,
    pub(super) targets: Vec<Target>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Target {
    pub(super) target: String,
    /// AWS's word.
    pub(super) health: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reason: Option<String>,
    /// Whether the binding has once seen it in DNS, so that it may take it away.
    pub(super) own: bool,
    pub(super) in_dns: bool,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Rule {
    pub(super) name: String,
    pub(super) schedule: String,
    pub(super) enabled: bool,
    /// What it calls.
    pub(super) targets: Vec<String>,
}

/// One of `Listeners`, and what there is of it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Listener {
    pub(super) port: u16,
    /// None where it is gone.
    pub(super) arn: Option<String>,
    pub(super) forwards_to: Vec<String>,
    pub(super) is_right: bool,
}

/// A moment of the record; none where it has not come.
pub(super) fn moment(at: Timestamp) -> Option<String> {
    (at != Timestamp::default()).then(|| at.rfc3339())
}
