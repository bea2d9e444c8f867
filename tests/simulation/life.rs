//! One life: users change their stacks in a world with faults, then the faults stop, and the judge checks the
//! end.
//!
//! Everything follows from the seed of the world and the settings.

use crate::calendar::MINUTE_IN_MILLIS;
use crate::dice::Dice;
use crate::eventbridge::{EventBridge, TickFaultRates};
use crate::fixtures::{Fixtures, prepare};
use crate::judge;
use crate::lambda::{Delivery, invoke};
use crate::properties::{PropertyChoices, ResourceProperties};
use crate::state::{ADDRESSES_PER_ANSWER, CallFaultRates, NAMES, SimulatedStack, Trigger};
use crate::user::{RequestFaultRates, User};
use crate::world::SimulatedWorld;
use serde_json::json;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

/// How a life differs from other lives.
#[derive(Debug, Clone, Copy, Default)]
pub struct LifeSettings {
    pub call_faults: CallFaultRates,
    pub tick_faults: TickFaultRates,
    pub request_faults: RequestFaultRates,
    pub users: u64,
    /// How many changes each user makes.
    pub changes: u64,
    /// The most addresses that an ALB has.
    pub addresses: usize,
    /// How many milliseconds the shown status of a stack lags at most.
    pub lag: u64,
    /// Whether `DescribeStacks` does not find the stacks.
    pub is_unknown: bool,
    /// Whether the function is denied `DescribeStacks`.
    pub is_denied: bool,
}

/// Lets addresses of all ALBs come and go until `is_stopped` is set.
async fn change_addresses(world: Rc<SimulatedWorld>, most: usize, is_stopped: Rc<Cell<bool>>) {
    loop {
        let pause = world.dice.between(5_000, 150_000);
        tokio::time::sleep(Duration::from_millis(pause)).await;
        if is_stopped.get() {
            return;
        }
        let name = world.dice.pick(&NAMES);
        let now = world.scheduler.now();
        let mut dns = world.dns.borrow_mut();
        let (live, left) = (dns.addresses(name), dns.left(name));
        match world.dice.between(0, 3) {
            0 if live.len() < most => {
                let address = dns.add(name, now);
                world.log("dns", format!("{name} + {address}"));
            }
            1 if !left.is_empty() && live.len() < most => {
                let address = left[world.dice.index(left.len())];
                dns.put(name, address, now);
                world.log("dns", format!("{name} + {address} again"));
            }
            _ if live.len() > 1 => {
                let address = live[world.dice.index(live.len())];
                dns.take(name, address, now);
                world.log("dns", format!("{name} - {address}"));
            }
            _ => {}
        }
    }
}

fn make_users(
    world: &Rc<SimulatedWorld>,
    fixtures: &Fixtures,
    settings: &LifeSettings,
) -> Vec<Rc<User>> {
    let users = (0..settings.users).map(|number| {
        let name = format!("stack{}", number + 1);
        let is_known = !settings.is_unknown;
        Rc::new(User {
            world: Rc::clone(world),
            stack: SimulatedStack::new(&name, is_known, settings.is_denied, settings.lag),
            choices: PropertyChoices {
                albs: fixtures.albs.clone(),
                nlbs: fixtures.nlbs.clone(),
                given: fixtures.given.clone(),
                buckets: fixtures.buckets.clone(),
                first_port: 8000 + 100 * u16::try_from(number).unwrap(),
            },
            faults: Cell::new(settings.request_faults),
            acknowledged: RefCell::new(None),
            first_bucket: RefCell::default(),
        })
    });
    users.collect()
}

/// Runs a whole life.
pub async fn run_life(world: Rc<SimulatedWorld>, settings: LifeSettings) {
    let fixtures = prepare(&world, settings.addresses);
    world.faults.set(settings.call_faults);
    let eventbridge = EventBridge::new(settings.tick_faults);
    world
        .scheduler
        .spawn(Rc::clone(&eventbridge).run(Rc::clone(&world)));
    let is_stopped = Rc::new(Cell::new(false));
    world.scheduler.spawn(change_addresses(
        Rc::clone(&world),
        settings.addresses,
        Rc::clone(&is_stopped),
    ));
    let users = make_users(&world, &fixtures, &settings);
    let scripts = users
        .iter()
        .map(|user| script(Rc::clone(user), settings.changes));
    futures_util::future::join_all(scripts).await;
    world.log("life", "becomes quiet");
    is_stopped.set(true);
    world.faults.set(CallFaultRates::default());
    eventbridge.faults.set(TickFaultRates::default());
    eventbridge.held_until.set(0);
    for user in &users {
        user.faults.set(RequestFaultRates::default());
    }
    wait_until_quiet(&world).await;
    wait_for_convergence(&world).await;
    ask_each_status(&world).await;
    if world.violation().is_some() {
        return;
    }
    futures_util::future::join_all(users.iter().map(|user| user.delete_stack())).await;
    wait_until_quiet(&world).await;
    judge::check_nothing_left(&world);
    ask_each_status(&world).await;
    world.coverage.count("lives");
    world.scheduler.stop();
}

/// Runs the changes of one user.
async fn script(user: Rc<User>, changes: u64) {
    let dice: &Dice = &user.world.dice;
    for _ in 0..changes {
        let exists = user.acknowledged.borrow().is_some();
        match dice.between(0, 999) {
            _ if !exists => {
                user.create(ResourceProperties::random(dice, &user.choices))
                    .await
            }
            n if n < u64::from(user.faults.get().removed) => user.remove().await,
            _ => user.update().await,
        }
        user.sleep(dice.between(1_000, 220_000)).await;
    }
}

/// Asks the function for the status of each present and former binding.
async fn ask_each_status(world: &Rc<SimulatedWorld>) {
    let ids = judge::binding_ids(world);
    for id in ids {
        let event = json!({"Action": "Status", "PhysicalResourceId": id});
        let trigger = Trigger::Status { id: id.into() };
        invoke(world, event, trigger, Delivery::default());
    }
    wait_until_quiet(world).await;
}

/// Waits until no invocation runs and no delivery is to come.
async fn wait_until_quiet(world: &SimulatedWorld) {
    loop {
        tokio::time::sleep(Duration::from_secs(7)).await;
        if world.under_way.get() == 0 {
            return;
        }
    }
}

/// Lets as many ticks pass as the addresses may take to converge, and then judges. A full answer that is always the
/// same may come from a cache. Addresses beside it leave only after as many equal ticks as make the list certain, so
/// that takes more ticks.
async fn wait_for_convergence(world: &SimulatedWorld) {
    let left = MINUTE_IN_MILLIS - world.scheduler.now() % MINUTE_IN_MILLIS;
    let is_full = |name: &str| world.dns.borrow().addresses(name).len() == ADDRESSES_PER_ANSWER;
    let more = match NAMES.into_iter().any(is_full) {
        true => 60,
        false => 0,
    };
    let minutes = judge::most_misses(world) + 1 + more;
    tokio::time::sleep(Duration::from_millis(
        left + minutes * MINUTE_IN_MILLIS + 50_000,
    ))
    .await;
    judge::check_convergence(world);
}
