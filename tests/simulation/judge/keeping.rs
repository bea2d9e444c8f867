//! Which targets a binding must keep registered, and which targets are foreign to it.
//!
//! docs/semantics.md, "A tick", 6 and 7: a target is own if the binding once saw it in the DNS of its ALB.

use super::meant_resources::{dns_name, groups_and_ports};
use crate::properties::ResourceProperties;
use crate::state::{BindingHistory, Process, Trigger};
use crate::world::SimulatedWorld;
use alb_nlb_binding::model::Endpoint;
use std::collections::BTreeSet;

/// Since when a binding must keep a target registered, or `None` if it need not.
pub fn kept_since(
    world: &SimulatedWorld,
    id: &str,
    binding: &BindingHistory,
    group: &str,
    endpoint: &Endpoint,
) -> Option<u64> {
    let kept = binding.kept.get(&(group.to_owned(), *endpoint)).copied()?;
    let request = binding.current().filter(|_| !binding.is_leaving)?;
    let since = world
        .dns
        .borrow()
        .since(&dns_name(world, &request.properties.alb), endpoint.address);
    let names = |properties: &ResourceProperties, group: &str| {
        groups_and_ports(world, id, properties)
            .iter()
            .any(|(arn, port)| arn == group && *port == endpoint.port)
    };
    let keeps = since.is_some_and(|since| since <= kept)
        && names(&request.properties, group)
        && !binding.is_being_given_up(group, &names);
    keeps.then_some(kept)
}

/// Whether a target never was in the DNS of any ALB of the binding.
pub fn is_foreign(
    world: &SimulatedWorld,
    process: &Process,
    bindings: &std::collections::BTreeMap<String, BindingHistory>,
    id: &str,
    endpoint: &Endpoint,
) -> bool {
    let mut albs: BTreeSet<String> = BTreeSet::new();
    if let Some(binding) = bindings.get(id) {
        albs.extend(binding.albs().into_iter().map(str::to_owned));
    }
    if let Trigger::Request(sent) = &process.trigger {
        albs.extend(sent.old.iter().map(|old| old.alb.clone()));
    }
    let dns = world.dns.borrow();
    !albs
        .iter()
        .any(|alb| dns.was_ever_live(&dns_name(world, alb), endpoint.address))
}
