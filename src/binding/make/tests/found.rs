//! What the checks find of a Create and of an Update.

use super::carried_out::{carried_out, checked};
use super::world::empty_account;
use crate::binding::desired::Desired;
use crate::binding::make::checks::{LastSuccess, check};
use crate::binding::make::observed::Observed;
use std::collections::BTreeMap;

/// What the checks find of a Create.
pub(super) fn found(desired: &Desired, world: &Observed) -> Option<String> {
    let found = check(desired, None, world).err();
    found.map(|findings| findings.to_string())
}

pub(super) fn findings(desired: &Desired, world: &Observed) -> String {
    found(desired, world).expect("something is found")
}

/// What the checks find of an Update from `before` to `wanted`: errors and warnings.
pub(super) fn update(
    before: &Desired,
    wanted: &Desired,
    world: &Observed,
) -> (Option<String>, String) {
    let made_before = carried_out(before, empty_account(before));
    let orders = before.orders(&checked(&made_before), &BTreeMap::new());
    let orders = orders.expect("all is made");
    let last_success = LastSuccess {
        properties: std::slice::from_ref(&before.properties),
        orders: &orders,
    };
    match check(wanted, Some(last_success), world) {
        Ok((_, known)) => (None, known.to_string()),
        Err(findings) => (Some(findings.to_string()), String::new()),
    }
}
