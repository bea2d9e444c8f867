//! The steps of one target group that the binding makes.

use super::tags::{differing, missing};
use crate::binding::desired::MadeListener;
use crate::binding::make::observed::{Observed, OwnTargetGroup};
use crate::binding::step::Step;
use crate::model::{Attributes, LoadBalancer};
use crate::properties::{
    CONNECTION_TERMINATION, DRAINING_INTERVAL, MadeProperties, attribute_defaults,
};

pub(super) fn create(made: &MadeListener<'_>, nlb: &LoadBalancer, steps: &mut Vec<Step>) {
    steps.push(Step::CreateTargetGroup {
        name: made.group.clone(),
        port: made.alb_port,
        vpc_id: nlb.vpc_id.clone(),
        health_check: made.properties.health_check.clone(),
    });
    let attributes = differing(&made.properties.attributes, &attribute_defaults());
    modify_attributes(&made.group, attributes, steps);
}

/// AWS accepts an interval other than 0 only while connections are not terminated at once (ELBv2 API,
/// `TargetGroupAttribute`). So a change back to terminating them comes in a second call, after the interval.
fn modify_attributes(name: &str, mut attributes: Attributes, steps: &mut Vec<Step>) {
    let terminates = attributes
        .get(CONNECTION_TERMINATION)
        .is_some_and(|value| value == "true");
    let then = match attributes.contains_key(DRAINING_INTERVAL) && terminates {
        true => attributes
            .remove_entry(CONNECTION_TERMINATION)
            .into_iter()
            .collect(),
        false => Attributes::new(),
    };
    let calls = [attributes, then].into_iter();
    let calls = calls.filter(|attributes| !attributes.is_empty());
    steps.extend(calls.map(|attributes| Step::ModifyAttributes {
        name: name.to_owned(),
        attributes,
    }));
}

pub(super) fn change(
    own: &OwnTargetGroup,
    properties: &MadeProperties,
    observed: &Observed,
    steps: &mut Vec<Step>,
) {
    let name = own.group.name.clone();
    let MadeProperties {
        health_check,
        attributes,
        ..
    } = properties;
    if !own.group.health_check.matches(health_check) {
        steps.push(Step::ModifyHealthCheck {
            name: name.clone(),
            health_check: health_check.clone(),
        });
    }
    // An attribute that the properties no longer name goes back to AWS's default, if this type of target group has it.
    let mut wanted = attribute_defaults();
    wanted.retain(|key, _| own.attributes.contains_key(key));
    wanted.extend(attributes.clone());
    modify_attributes(&name, differing(&wanted, &own.attributes), steps);
    if let Some(tags) = missing(&own.tags, &observed.tags) {
        steps.push(Step::TagTargetGroup { name, tags });
    }
}
