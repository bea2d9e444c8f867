//! What is left of a binding that is being deleted, as the plan reads it, and where it was found. No I/O.

use crate::model::{Listener, Rule, TargetGroup};
use crate::record::{Record, StoredRecord};
use std::collections::BTreeSet;

/// What is left of a binding.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct RemainingResources {
    pub(super) rule: Option<Rule>,
    pub(super) listeners: Vec<Listener>,
    pub(super) groups: Vec<TargetGroup>,
    pub(super) has_own_bucket: bool,
    /// The tombstone, and the bucket that it is in.
    pub(super) record: Option<(Record, String)>,
}

/// What is known about where the binding's parts may be. Each observation adds to it.
#[derive(Debug, Default)]
pub(super) struct SearchPlaces {
    /// NLBs that its listeners may be on.
    pub(super) nlbs: BTreeSet<String>,
    /// Listeners on these NLBs that are not the binding's.
    pub(super) others: BTreeSet<String>,
    /// The ports that its target groups may have been made for. `None` if the record does not say it: then every
    /// target group of the account has to be listed.
    pub(super) ports: Option<BTreeSet<u16>>,
    /// The names of target groups that were taken away under this claim.
    pub(super) gone: BTreeSet<String>,
    /// Whether the record was seen in the own bucket: then this bucket is not another account's.
    pub(super) uses_own_bucket: bool,
}

impl SearchPlaces {
    pub(super) fn on(nlbs: impl Iterator<Item = String>) -> Self {
        Self {
            nlbs: nlbs.collect(),
            ..Self::default()
        }
    }
}

/// The rule and the record as the claim has just read them: only this request has acted since.
#[derive(Debug)]
pub(super) struct JustRead {
    pub(super) rule: Option<Rule>,
    pub(super) held: Option<StoredRecord>,
}
