//! The last steps: they remove what the binding made before and must not have any more.

use crate::binding::desired::Desired;
use crate::binding::make::observed::{NlbListener, Observed};
use crate::binding::step::{Removal, Step};
use std::collections::BTreeSet;

/// Own listeners that are not wanted any more, in the order of their ports.
pub(super) fn surplus_listeners<'a>(
    desired: &Desired,
    observed: &'a Observed,
) -> Vec<&'a NlbListener> {
    let ports: BTreeSet<u16> = desired.made().map(|made| made.port).collect();
    let listeners = observed.nlb_listeners.iter();
    let surplus =
        listeners.filter(|listener| listener.is_own && !ports.contains(&listener.listener.port));
    let mut surplus: Vec<_> = surplus.collect();
    surplus.sort_by_key(|own| own.listener.port);
    surplus
}

pub(super) fn plan_removals(
    desired: &Desired,
    observed: &Observed,
    surplus: Vec<&NlbListener>,
    steps: &mut Vec<Step>,
) {
    let names: BTreeSet<String> = desired.made().map(|made| made.group).collect();
    let listeners = surplus.into_iter();
    let listeners = listeners.map(|NlbListener { listener, .. }| Removal::Listener {
        arn: listener.arn.clone(),
        port: listener.port,
    });
    let groups = observed.groups.iter().map(|own| &own.group);
    let groups = groups.filter(|group| !names.contains(&group.name));
    let groups = groups.map(|group| Removal::TargetGroup {
        arn: group.arn.clone(),
        name: group.name.clone(),
    });
    let record = observed.record.as_ref();
    let stubs = record.into_iter().flat_map(|(record, _)| &record.elsewhere);
    // The own bucket is deleted with the binding, with the stub in it.
    let stubs = stubs.filter(|stub| **stub != desired.bucket() && **stub != desired.own_bucket());
    let stubs = stubs.map(|bucket| Removal::Stub {
        bucket: bucket.clone(),
    });
    let given = desired.given_up(observed).into_iter();
    let given = given.map(|target_group| Removal::Targets { target_group });
    let removals = listeners.chain(groups).chain(stubs).chain(given);
    steps.extend(removals.map(Step::Remove));
}
