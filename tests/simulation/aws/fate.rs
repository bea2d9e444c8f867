//! What becomes of one call on its way: how long it takes, whether it arrives, and what refuses it.
//!
//! From the guides: ELB "Request throttling" (40 at once, then 10 a second), S3 "Error responses",
//! EventBridge "Common errors". Decides by dice only; without faults all calls are quick and succeed.

use crate::dice::Dice;
use crate::state::{Kind, Operation, Service};
use crate::world::World;
use alb_nlb_binding::aws::api::Trouble;

/// What becomes of one call.
pub struct Fate {
    /// After so many milliseconds it is carried out, if at all.
    pub carried_out: Option<u64>,
    /// After so many more it is answered, if at all.
    pub answered: Option<u64>,
    pub refusal: Option<(&'static str, Trouble)>,
}

/// Who waits for a call no longer than this goes on without an answer: the product's own limit for a
/// change, the SDK's for an attempt.
pub const fn patience(kind: Kind) -> u64 {
    match kind {
        Kind::Permitted => 5_000,
        Kind::Read | Kind::Write => 10_000,
    }
}

pub fn fate(world: &World, operation: Operation, resource: &str) -> Fate {
    let (dice, climate) = (&world.dice, world.weather.climate());
    let leg = |dice: &Dice| match dice.between(0, 999) {
        n if n < u64::from(climate.hangs) => dice.between(3_000, patience(operation.kind)),
        n if n < u64::from(climate.hangs + climate.slow) => dice.between(200, 2_500),
        n => 2 + n % 30,
    };
    let carried_out = leg(dice).min(patience(operation.kind) - 10);
    let answered = leg(dice);
    let mut fate = Fate {
        carried_out: Some(carried_out),
        answered: Some(answered),
        refusal: refusal(world, operation, resource),
    };
    if dice.chance(climate.request_lost) {
        world.tally.count("a request that never arrived");
        fate.carried_out = None;
    } else if dice.chance(climate.answer_lost) || carried_out + answered > patience(operation.kind)
    {
        world.tally.count("an answer that was lost");
        fate.answered = None;
    }
    fate
}

fn refusal(world: &World, operation: Operation, resource: &str) -> Option<(&'static str, Trouble)> {
    let (dice, climate) = (&world.dice, world.weather.climate());
    let is_denied = world
        .weather
        .denied
        .borrow()
        .iter()
        .any(|(name, of)| *name == operation.name && resource.contains(of.as_str()));
    if is_denied {
        world.tally.count("a denial");
        return Some(("AccessDenied", Trouble::Stays));
    }
    if let Some(full) = world.weather.full.borrow().get(operation.name) {
        world.tally.count("a quota that is reached");
        return Some(*full);
    }
    if operation.service == Service::Elb
        && climate.throttled > 0
        && !world.weather.has_token(world.stage.now())
    {
        world.tally.count("a throttled call");
        return Some(("Throttling", Trouble::Passes));
    }
    if dice.chance(climate.throttled) {
        world.tally.count("a throttled call");
        return Some(("Throttling", Trouble::Passes));
    }
    if dice.chance(climate.fails) {
        world.tally.count("a failure of AWS");
        return Some(("InternalFailure", Trouble::MayPass));
    }
    let is_change = operation.service == Service::Events && operation.kind == Kind::Permitted;
    if is_change && dice.chance(climate.concurrent) {
        world.tally.count("a busy EventBridge");
        return Some(("ConcurrentModificationException", Trouble::Passes));
    }
    None
}
