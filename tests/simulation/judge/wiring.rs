//! Judges the wiring: the target groups, listeners and the rule that acknowledged properties need are there.
//!
//! docs/semantics.md, "Create and Update": while a binding stays, nothing is deleted that it needs. Only an Update
//! deletes, as its last step, what its own properties no longer name.

use super::meant_resources::group_name;
use crate::properties::ResourceProperties;
use crate::state::{Process, SIMULATED_ACCOUNT, SimulatedBucket, Trigger};
use crate::world::SimulatedWorld;
use alb_nlb_binding::names::TAG;
use alb_nlb_binding::record::RequestType;

/// Judges that the resources that properties name are there, and no other resources of the binding.
pub(super) fn check_wiring(
    world: &SimulatedWorld,
    id: &str,
    properties: &ResourceProperties,
    when: &str,
) {
    if let Err(what) = wired(world, id, properties) {
        world.violate(format!("{when}, {what}"));
    }
}

pub fn check_listener_deletion(world: &SimulatedWorld, process: &Process, arn: &str) {
    let elb = world.elb.borrow();
    let Some(held) = elb.listeners.get(arn) else {
        return;
    };
    let Some(id) = held.tags.get(TAG) else { return };
    let port = held.listener.port;
    let names = |properties: &ResourceProperties| {
        properties.nlb == held.load_balancer && properties.makes_listener_on(port)
    };
    check_removal(world, process, id, names, arn);
}

pub fn check_group_deletion(world: &SimulatedWorld, process: &Process, arn: &str) {
    let elb = world.elb.borrow();
    let Some(held) = elb.groups.get(arn) else {
        return;
    };
    let name = &held.group.name;
    for id in world.observed.bindings.borrow().keys() {
        let names = |properties: &ResourceProperties| {
            properties
                .made_listeners()
                .any(|entry| *name == group_name(id, entry.port))
        };
        check_removal(world, process, id, names, name);
    }
}

/// Judges the deletion of a rule or of its target.
pub fn check_rule_deletion(world: &SimulatedWorld, process: &Process, id: &str) {
    check_removal(world, process, id, |_| true, &format!("the rule {id}"));
}

/// `names` says whether properties need what is deleted.
fn check_removal(
    world: &SimulatedWorld,
    process: &Process,
    id: &str,
    names: impl Fn(&ResourceProperties) -> bool,
    what: &str,
) {
    let bindings = world.observed.bindings.borrow();
    let request = bindings.get(id).filter(|binding| !binding.is_leaving);
    let Some(request) = request.and_then(|binding| binding.current()) else {
        return;
    };
    // A later Update gives it up. It might have no answer yet, or have failed, or be cancelled.
    let gives_up = matches!(&process.trigger, Trigger::Request(sent)
            if sent.kind == RequestType::Update
                && sent.binding_id == id
                && sent.number > request.number
                && !names(&sent.properties));
    if names(&request.properties) && !gives_up {
        let who = &process.name;
        world.violate(format!(
            "{who} deletes {what}, which CloudFormation's last acknowledged properties name"
        ));
    }
}

fn wired(world: &SimulatedWorld, id: &str, properties: &ResourceProperties) -> Result<(), String> {
    let (elb, rules) = (world.elb.borrow(), world.rules.borrow());
    for entry in properties.made_listeners() {
        let (name, port) = (group_name(id, entry.port), entry.port);
        let Some(held) = elb.group_called(&name) else {
            return Err(format!("the target group {name} is not there"));
        };
        if held.group.health_check.interval_seconds != properties.interval {
            return Err(format!(
                "{name} is not checked every {} s",
                properties.interval
            ));
        }
        let listener = elb.listener_at(&properties.nlb, port);
        let is_own = listener.is_some_and(|held| held.tags.get(TAG).is_some_and(|tag| tag == id));
        let forwards =
            listener.is_some_and(|there| there.listener.forwards_to == [held.group.arn.clone()]);
        if !is_own || !forwards {
            return Err(format!("no listener of {id} on {port} forwards to {name}"));
        }
    }
    let is_right =
        |held: &&crate::state::SimulatedRule| held.rule.enabled && held.rule.targets.len() == 1;
    if rules.get(id).filter(is_right).is_none() {
        return Err(format!("no rule {id} is enabled with one target"));
    }
    let bucket = format!("{id}-{SIMULATED_ACCOUNT}");
    let s3 = world.s3.borrow();
    let is_closed =
        |bucket: &SimulatedBucket| bucket.policy.is_some() && bucket.tags.contains_key(TAG);
    if properties.bucket.is_none() && !s3.buckets.get(&bucket).is_some_and(is_closed) {
        return Err(format!("{bucket} has no policy, or not its tags"));
    }
    let mut listeners = elb.listeners.values();
    let own =
        |held: &&crate::state::SimulatedListener| held.tags.get(TAG).is_some_and(|tag| tag == id);
    if let Some(held) =
        listeners.find(|held| own(held) && !properties.makes_listener_on(held.listener.port))
    {
        return Err(format!(
            "a listener of {id} is left on {}",
            held.listener.port
        ));
    }
    let prefix = &group_name(id, 0)[..21];
    let is_named = |name: &str| {
        properties
            .made_listeners()
            .any(|entry| name == group_name(id, entry.port))
    };
    let mut groups = elb.groups.values().map(|held| &held.group.name);
    match groups.find(|name| name.starts_with(prefix) && !is_named(name)) {
        Some(name) => Err(format!("the target group {name} is left")),
        None => Ok(()),
    }
}
