//! Judges that an invocation changes only resources of its own binding.
//!
//! docs/reference.md, "What a binding makes": a bucket, rule or target group belongs to a binding by its name, and a
//! listener by its tag. Nothing else may ever be changed or deleted.

use super::meant_resources::group_name;
use crate::properties::LOGICAL_ID;
use crate::state::{Process, SIMULATED_ACCOUNT, SimulatedObject, Trigger};
use crate::world::SimulatedWorld;
use alb_nlb_binding::model::{LoadBalancerType, Tags};
use alb_nlb_binding::names::{BindingId, TAG};

/// The bindings that an invocation may change: a tick only its own, a request those of its resource with any NLB.
fn ids(world: &SimulatedWorld, process: &Process) -> Vec<String> {
    match &process.trigger {
        Trigger::Tick { id, .. } | Trigger::Status { id } => vec![id.to_string()],
        Trigger::Request(sent) => {
            let stack = &sent.stack.id;
            let Ok(elb) = world.elb.try_borrow() else {
                // The caller is changing it just now. The own id is enough here.
                return vec![sent.binding_id.clone()];
            };
            let nlbs = elb.load_balancers.iter();
            let nlbs = nlbs
                .filter(|(_, (load_balancer, _))| load_balancer.kind == LoadBalancerType::Network);
            nlbs.map(|(arn, _)| BindingId::derive(stack, LOGICAL_ID, arn).to_string())
                .collect()
        }
    }
}

fn require_own(world: &SimulatedWorld, process: &Process, may: impl Fn(&str) -> bool, what: &str) {
    if !ids(world, process).iter().any(|id| may(id)) {
        world.violate(format!(
            "{} touches {what}, which is not its binding's",
            process.name
        ));
    }
}

pub fn require_own_rule(world: &SimulatedWorld, process: &Process, name: &str) {
    require_own(world, process, |id| id == name, &format!("the rule {name}"));
}

pub fn require_own_bucket(world: &SimulatedWorld, process: &Process, name: &str) {
    let may = |id: &str| name == format!("{id}-{SIMULATED_ACCOUNT}");
    require_own(world, process, may, &format!("the bucket {name}"));
}

pub fn require_own_object(world: &SimulatedWorld, process: &Process, bucket: &str, key: &str) {
    let may = |id: &str| key.starts_with(&format!("{id}/"));
    require_own(world, process, may, &format!("s3://{bucket}/{key}"));
}

/// `group` is the name or the ARN of a target group.
pub fn require_own_group(world: &SimulatedWorld, process: &Process, group: &str) {
    let may = |id: &str| group.contains(&group_name(id, 0)[..21]);
    require_own(world, process, may, &format!("the target group {group}"));
}

pub fn require_own_listener(world: &SimulatedWorld, process: &Process, arn: &str) {
    let tags = world
        .elb
        .borrow()
        .listeners
        .get(arn)
        .map(|held| held.tags.clone());
    let Some(tags) = tags else { return };
    let may = |id: &str| tags.get(TAG).is_some_and(|tag| tag == id);
    require_own(world, process, may, &format!("the listener {arn}"));
}

pub fn check_new_listener(world: &SimulatedWorld, process: &Process, on: &str, tags: &Tags) {
    let Trigger::Request(sent) = &process.trigger else {
        return world.violate("a tick makes a listener");
    };
    let is_tagged = tags.get(TAG).is_some_and(|tag| *tag == sent.binding_id);
    if sent.properties.nlb != on || !is_tagged {
        world.violate(format!(
            "{} makes a listener on {on} with the tags {tags:?}",
            process.name
        ));
    }
}

/// Rule 7 of the record: a record is deleted last, and only while it is the tombstone. By rule 10, a stub and a copy
/// that is arriving may be deleted as well.
pub fn check_record_deletion(
    world: &SimulatedWorld,
    process: &Process,
    key: &str,
    object: Option<&SimulatedObject>,
) {
    let Some(object) = object.filter(|_| key.ends_with("/state.json")) else {
        return;
    };
    let body = String::from_utf8_lossy(&object.body);
    let may_go = ["\"phase\":\"Leaving\"", "\"moved_to\"", "\"arriving_from\""];
    if !may_go.iter().any(|mark| body.contains(mark)) {
        world.violate(format!(
            "{} deletes the record {key}, which is no tombstone",
            process.name
        ));
    }
}
