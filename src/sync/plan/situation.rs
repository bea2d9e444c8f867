//! What a plan is made from.

use crate::clock::Timestamp;
use crate::discovery::Evidence;
use crate::model::{Endpoint, Registered, TargetGroupPort};
use crate::record::{OwnTargets, Record};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// What there is when a tick or a request plans.
#[derive(Debug, Clone)]
pub struct Situation<'a> {
    /// The addresses that are in the ALB's DNS now.
    pub seen: &'a BTreeSet<IpAddr>,
    /// The target groups of the orders, each with a port. One group may have several.
    pub groups: &'a [TargetGroupPort],
    /// What is registered, by target group. A group that is missing here does not exist.
    pub registered: &'a BTreeMap<String, Registered>,
    pub record: &'a Record,
    /// Own targets, by target group, that other bindings serve as well. They stay.
    pub others: &'a BTreeMap<String, BTreeSet<Endpoint>>,
    pub mode: Mode<'a>,
    pub now: Timestamp,
}

/// What may be done beside registering what is in DNS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode<'a> {
    /// A tick of the schedule counts what is missing from DNS: once for each `tick`, and once for each answer that
    /// a cache repeats. An own target leaves when it has been missing in `until` ticks in a row and their evidence
    /// together is enough.
    Count {
        tick: &'a str,
        /// The time of the tick, but not before its scheduled time. So of ticks that come in quick succession none is
        /// held back by an answer of a cache that the tick before it has counted.
        at: Timestamp,
        until: u32,
        evidence: Evidence,
        /// The target groups that targets may leave.
        may_leave: &'a BTreeSet<String>,
    },
    /// Nothing is counted and nothing leaves, because lookups failed, the tick is late, or a request of
    /// CloudFormation is under way.
    OnlyAdd,
    /// A request of CloudFormation. Nothing is counted and nothing leaves. In given groups that the record has not
    /// named yet, what is registered already becomes found, and what an earlier function knew becomes own.
    Request {
        given: &'a BTreeSet<String>,
        adopted: &'a BTreeMap<String, OwnTargets>,
        /// The DNS names of the former and of the new load balancer if the request changes it.
        moves: Option<(&'a str, &'a str)>,
    },
}

impl Situation<'_> {
    /// The targets that DNS and the orders ask for in a target group.
    pub(super) fn targets_in_dns(&self, arn: &str) -> BTreeSet<Endpoint> {
        let groups = self.groups.iter().filter(|group| group.arn == arn);
        let targets = groups.flat_map(|group| {
            self.seen.iter().map(|address| Endpoint {
                address: *address,
                port: group.port,
            })
        });
        targets.collect()
    }

    pub(super) fn is_of_others(&self, arn: &str, endpoint: &Endpoint) -> bool {
        let others = self.others.get(arn);
        others.is_some_and(|others| others.contains(endpoint))
    }
}

impl<'a> Mode<'a> {
    /// The DNS names of the former and of the new load balancer if a request changes it.
    pub(super) const fn moves(self) -> Option<(&'a str, &'a str)> {
        match self {
            Self::Request { moves, .. } => moves,
            Self::Count { .. } | Self::OnlyAdd => None,
        }
    }
}
