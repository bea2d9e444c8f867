//! What the steps of one plan have made so far, and what AWS refused to make. No I/O.

use crate::binding::error::BindingError;
use crate::binding::make::observed::Observed;
use crate::binding::make::orders::group_arn;
use std::collections::{BTreeMap, BTreeSet};

/// What the steps have made so far.
#[derive(Default)]
pub(super) struct MadeSoFar {
    /// Target group ARNs by name.
    pub(super) groups: BTreeMap<String, String>,
    /// Listener ARNs by port.
    pub(super) listeners: BTreeMap<u16, String>,
    pub(super) rule_arn: Option<String>,
    pub(super) addresses: usize,
    /// Target groups to be taken away of which AWS said that they do not exist: it might not show them yet.
    pub(super) unknown: BTreeSet<String>,
}

impl MadeSoFar {
    /// The ARN of an own target group, made just now or observed.
    pub(super) fn group_arn(&self, name: &str, observed: &Observed) -> Option<String> {
        group_arn(name, observed, &self.groups)
    }

    /// The ARN of the own listener on a port, made just now or observed.
    pub(super) fn listener_arn(&self, port: u16, observed: &Observed) -> Option<String> {
        let mut listeners = observed.nlb_listeners.iter();
        let existing = listeners.find(|own| own.is_own && own.listener.port == port);
        let existing = existing.map(|own| &own.listener.arn);
        self.listeners.get(&port).or(existing).cloned()
    }
}

/// A listener that AWS refuses for a quota.
pub(super) struct RefusedListener {
    pub(super) port: u16,
    pub(super) error: BindingError,
}
