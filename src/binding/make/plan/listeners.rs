//! The steps of one listener that the binding makes on the NLB.

use super::removals::{plan_removals, surplus_listeners};
use super::tags::missing;
use crate::binding::desired::{Desired, MadeListener};
use crate::binding::make::checks::Checked;
use crate::binding::make::observed::{NlbListener, Observed};
use crate::binding::step::Step;
use crate::properties::DEFAULT_IDLE_TIMEOUT;
use std::collections::{BTreeMap, BTreeSet};

pub(super) fn plan_listener(made: &MadeListener<'_>, observed: &Observed, steps: &mut Vec<Step>) {
    let (port, target_group) = (made.port, &made.group);
    let own = observed
        .nlb_listeners
        .iter()
        .find(|listener| listener.is_own && listener.listener.port == port);
    let listeners = observed.nlb_listeners.iter();
    let mut others = listeners.filter(|listener| !listener.is_own);
    if others.any(|other| other.listener.port == port) {
        // Another listener has the port, and the binding keeps working without its own: the checks have warned.
        return;
    }
    let Some(own) = own else {
        steps.push(Step::CreateListener {
            port,
            target_group: target_group.clone(),
        });
        steps.extend(idle_timeout(made, DEFAULT_IDLE_TIMEOUT));
        return;
    };
    let arn = own.listener.arn.clone();
    let group = observed
        .groups
        .iter()
        .find(|own| own.group.name == *target_group);
    let forwards = group.is_some_and(|group| own.listener.forwards_to == [group.group.arn.clone()]);
    if !forwards {
        let target_group = target_group.clone();
        steps.push(Step::ForwardListener {
            arn,
            port,
            target_group,
        });
    }
    change_listener(made, own, observed, steps);
}

/// The steps for the idle timeout and the tags, which a changed target group or port leaves as they are.
fn change_listener(
    made: &MadeListener<'_>,
    own: &NlbListener,
    observed: &Observed,
    steps: &mut Vec<Step>,
) {
    let (arn, port) = (own.listener.arn.clone(), made.port);
    steps.extend(idle_timeout(made, own.idle_timeout()));
    if let Some(tags) = missing(&own.tags, &observed.tags) {
        steps.push(Step::TagListener { arn, port, tags });
    }
}

fn idle_timeout(made: &MadeListener<'_>, present: u32) -> Option<Step> {
    let (port, seconds) = (made.port, made.properties.idle_timeout);
    (present != seconds).then_some(Step::SetIdleTimeout { port, seconds })
}

/// The last steps if AWS refused to make listeners on the `refused` ports because of a quota (NLB guide, "Quotas":
/// 50 listeners). Listeners that are not wanted any more are moved to these ports, in the order of ports. `None` if
/// there are too few of them.
pub fn plan_moves(
    desired: &Desired,
    checked: &Checked<'_>,
    refused: &BTreeSet<u16>,
) -> Option<Vec<Step>> {
    let observed = checked.observed;
    let wanted: BTreeMap<u16, MadeListener<'_>> =
        desired.made().map(|made| (made.port, made)).collect();
    let mut surplus = surplus_listeners(desired, observed).into_iter();
    let mut steps = Vec::new();
    for port in refused {
        let (made, own) = (wanted.get(port)?, surplus.next()?);
        steps.push(Step::MoveListener {
            arn: own.listener.arn.clone(),
            from: own.listener.port,
            port: *port,
            target_group: made.group.clone(),
        });
        change_listener(made, own, observed, &mut steps);
    }
    plan_removals(desired, observed, surplus.collect(), &mut steps);
    Some(steps)
}
