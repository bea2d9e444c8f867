//! Everything that is observed of one binding. The parts are independent: one that cannot be read hides no
//! other. No I/O.

use super::report::ListenerReport;
use crate::binding::Step;
use crate::clock::Timestamp;
use crate::discovery::Found;
use crate::model::{Endpoint, Rule, TargetGroupPort, TargetHealth};
use crate::names::BindingId;
use crate::record::{Orders, Record, RuleEvent};
use crate::sync::TickPlan;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

/// How far back the metric is read.
pub(super) const METRIC_WINDOW: Duration = Duration::from_secs(3600);

/// The targets of each target group by its ARN; `None` if the group does not exist, or the text of an error.
pub(super) type GroupTargets = BTreeMap<String, Result<Option<Vec<TargetHealth>>, String>>;

/// One binding as it is now.
#[derive(Debug)]
pub(super) struct ObservedBinding {
    pub(super) id: BindingId,
    pub(super) region: String,
    pub(super) account: String,
    /// This function, which the rule should call.
    pub(super) function_arn: String,
    pub(super) now: Timestamp,
    pub(super) rule: Option<Rule>,
    pub(super) event: Option<RuleEvent>,
    pub(super) record: ObservedRecord,
    /// The record's orders, or the rule's copy of them if the record is lost.
    pub(super) orders: Option<Orders>,
    pub(super) dns: Option<Result<Found, String>>,
    pub(super) groups: GroupTargets,
    pub(super) next_tick: Option<TickPlan>,
    /// When a tick or a request last got an answer of DNS, within [`METRIC_WINDOW`]. `None` without the metric.
    pub(super) last_measured: Option<Result<Option<Timestamp>, String>>,
    /// `None` if the properties are not known.
    pub(super) drift: Option<Result<Drift, String>>,
    /// The names of the binding's own target groups, if there is neither rule nor record.
    pub(super) leftovers: Vec<String>,
}

/// The record, or why there is none.
#[derive(Debug)]
pub(super) enum ObservedRecord {
    There {
        record: Box<Record>,
        place: String,
    },
    /// There is no such object in any of `buckets`. Those that are `missing` do not exist themselves.
    Gone {
        buckets: BTreeSet<String>,
        missing: BTreeSet<String>,
    },
    /// There is an object, but it is no record that this function can read.
    Unreadable {
        why: String,
    },
    /// S3 refuses to show the object, or does not answer.
    Hidden {
        why: String,
    },
}

/// What differs from the properties of the last success, and what an Update would do about it.
#[derive(Debug)]
pub(super) struct Drift {
    pub(super) findings: Vec<String>,
    pub(super) steps: Vec<Step>,
    pub(super) listeners: Vec<ListenerReport>,
}

impl ObservedRecord {
    pub(super) fn record(&self) -> Option<&Record> {
        match self {
            Self::There { record, .. } => Some(record),
            Self::Gone { .. } | Self::Unreadable { .. } | Self::Hidden { .. } => None,
        }
    }
}

impl ObservedBinding {
    /// Whether ticks may act: a request has had a success, and no Delete has begun. Without a record they may, by the
    /// rule's copy of the orders.
    pub(super) fn may_serve(&self) -> bool {
        let record = self.record.record();
        record.is_none_or(|record| record.is_serving())
    }

    /// Whether a request has begun to change the binding, and ticks do not know of it yet.
    pub(super) fn is_being_changed(&self) -> bool {
        let record = self.record.record();
        record.is_some_and(|record| record.is_being_changed(self.now))
    }

    pub(super) fn found(&self) -> Option<&Found> {
        self.dns.as_ref()?.as_ref().ok()
    }

    /// The ports with which ticks register in a target group; none if the group is being given up.
    pub(super) fn ports(&self, group_arn: &str) -> BTreeSet<u16> {
        let served = self.orders.iter().flat_map(|orders| {
            let record = self.record.record();
            let served = record.map(|record| record.groups_for_ticks(orders, self.now));
            served.unwrap_or_else(|| orders.target_groups.clone())
        });
        let groups = served.filter(|group: &TargetGroupPort| group.arn == group_arn);
        groups.map(|group| group.port).collect()
    }

    /// Those targets of a group that the binding should have. The others belong to somebody else, or are about to
    /// leave.
    pub(super) fn expected<'a>(
        &self,
        group_arn: &str,
        targets: &'a [TargetHealth],
    ) -> Vec<&'a TargetHealth> {
        let (ports, addresses) = (self.ports(group_arn), self.expected_addresses());
        let is_expected = |target: &&TargetHealth| {
            let Endpoint { address, port } = target.endpoint;
            ports.contains(&port) && addresses.contains(&address)
        };
        targets.iter().filter(is_expected).collect()
    }

    /// The addresses in DNS, or if DNS does not answer, those that the record knows.
    fn expected_addresses(&self) -> BTreeSet<IpAddr> {
        let known = || {
            self.record
                .record()
                .map(|record| record.current_addresses())
        };
        let found = self.found().map(|found| found.addresses.clone());
        found.or_else(known).unwrap_or_default()
    }
}
