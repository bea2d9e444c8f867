//! Decides by the dice what happens to one call: how long it takes, whether it arrives, and what refuses it.
//!
//! From the guides: ELB "Request throttling" (40 at once, then 10 a second), S3 "Error responses",
//! EventBridge "Common errors". Without faults, all calls are quick and succeed.

use crate::dice::Dice;
use crate::state::{CallKind, Operation, Service};
use crate::world::SimulatedWorld;
use alb_nlb_binding::aws::api::Trouble;

/// What is going to happen to one call.
pub struct CallPlan {
    /// After how many milliseconds it is carried out, or `None` for never.
    pub carried_out: Option<u64>,
    /// How many milliseconds later it is answered, or `None` for never.
    pub answered: Option<u64>,
    pub refusal: Option<(&'static str, Trouble)>,
}

/// How many milliseconds a caller waits for an answer: the product's own limit for a change, the SDK's limit for
/// one attempt of another call.
pub const fn wait_limit(kind: CallKind) -> u64 {
    match kind {
        CallKind::Permitted => 5_000,
        CallKind::Read | CallKind::Write => 10_000,
    }
}

pub fn plan(world: &SimulatedWorld, operation: Operation, resource: &str) -> CallPlan {
    let (dice, rates) = (&world.dice, world.faults.rates());
    let leg = |dice: &Dice| match dice.between(0, 999) {
        n if n < u64::from(rates.hangs) => dice.between(3_000, wait_limit(operation.kind)),
        n if n < u64::from(rates.hangs + rates.slow) => dice.between(200, 2_500),
        n => 2 + n % 30,
    };
    let carried_out = leg(dice).min(wait_limit(operation.kind) - 10);
    let answered = leg(dice);
    let mut plan = CallPlan {
        carried_out: Some(carried_out),
        answered: Some(answered),
        refusal: refusal(world, operation, resource),
    };
    if dice.chance(rates.request_lost) {
        world.coverage.count("a request that never arrived");
        plan.carried_out = None;
    } else if dice.chance(rates.answer_lost) || carried_out + answered > wait_limit(operation.kind)
    {
        world.coverage.count("an answer that was lost");
        plan.answered = None;
    }
    plan
}

fn refusal(
    world: &SimulatedWorld,
    operation: Operation,
    resource: &str,
) -> Option<(&'static str, Trouble)> {
    let (dice, rates) = (&world.dice, world.faults.rates());
    let is_denied = world
        .faults
        .denied
        .borrow()
        .iter()
        .any(|(name, of)| *name == operation.name && resource.contains(of.as_str()));
    if is_denied {
        world.coverage.count("a denial");
        return Some(("AccessDenied", Trouble::Stays));
    }
    if let Some(refusal) = world.faults.quotas_reached.borrow().get(operation.name) {
        world.coverage.count("a quota that is reached");
        return Some(*refusal);
    }
    if operation.service == Service::Elb
        && rates.throttled > 0
        && !world.faults.has_token(world.scheduler.now())
    {
        world.coverage.count("a throttled call");
        return Some(("Throttling", Trouble::Passes));
    }
    if dice.chance(rates.throttled) {
        world.coverage.count("a throttled call");
        return Some(("Throttling", Trouble::Passes));
    }
    if dice.chance(rates.fails) {
        world.coverage.count("a failure of AWS");
        return Some(("InternalFailure", Trouble::MayPass));
    }
    let is_change = operation.service == Service::Events && operation.kind == CallKind::Permitted;
    if is_change && dice.chance(rates.concurrent) {
        world.coverage.count("a busy EventBridge");
        return Some(("ConcurrentModificationException", Trouble::Passes));
    }
    None
}
