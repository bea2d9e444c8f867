//! EventBridge: fires every enabled rule once a minute. EventBridge guide, "Input transformation" (a string
//! value gets quotes), and "a rule may fire more than once for one scheduled time".
//!
//! Knows no bindings, only the rules that they have made.

use crate::calendar::{BEGINNING, MINUTE_IN_MILLIS, rfc3339};
use crate::lambda::{Delivery, invoke};
use crate::state::{Kill, Trigger};
use crate::world::SimulatedWorld;
use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

/// How many ticks of a thousand each fault happens to.
#[derive(Debug, Clone, Copy, Default)]
pub struct TickFaultRates {
    pub doubled: u32,
    pub late: u32,
    /// Lambda holds all ticks back for some minutes, and delivers them in a burst.
    pub held_back: u32,
    pub killed: u32,
    pub left_out: u32,
}

pub struct EventBridge {
    pub faults: Cell<TickFaultRates>,
    pub held_until: Cell<u64>,
    /// At which await all ticks are killed that are fired while this is set.
    pub kill: Cell<Option<Kill>>,
}

impl EventBridge {
    pub fn new(rates: TickFaultRates) -> Rc<Self> {
        Rc::new(Self {
            faults: Cell::new(rates),
            held_until: Cell::new(0),
            kill: Cell::new(None),
        })
    }

    /// Fires every minute and never ends.
    pub async fn run(self: Rc<Self>, world: Rc<SimulatedWorld>) {
        loop {
            let left = MINUTE_IN_MILLIS - world.scheduler.now() % MINUTE_IN_MILLIS;
            tokio::time::sleep(Duration::from_millis(left)).await;
            self.fire(&world);
        }
    }

    /// Fires all rules for the minute that has just begun.
    pub fn fire(&self, world: &Rc<SimulatedWorld>) {
        let (rates, dice) = (self.faults.get(), &world.dice);
        let now = world.scheduler.now();
        let minute = BEGINNING + now / MINUTE_IN_MILLIS * MINUTE_IN_MILLIS;
        if dice.chance(rates.held_back) {
            self.held_until
                .set(now + dice.between(2, 5) * MINUTE_IN_MILLIS);
            world.log("lambda", "ticks are held back");
            world.coverage.count("bursts of ticks held back");
        }
        let events: Vec<_> = {
            let rules = world.rules.borrow();
            let enabled = rules.iter().filter(|(_, held)| held.rule.enabled);
            let templates = enabled.flat_map(|(name, held)| {
                held.rule
                    .targets
                    .iter()
                    .map(|target| (name.clone(), target.template.clone()))
            });
            templates.collect()
        };
        for (name, template) in events {
            if dice.chance(rates.left_out) {
                continue;
            }
            let text = template.replace("<time>", &format!("\"{}\"", rfc3339(minute)));
            let event: serde_json::Value = serde_json::from_str(&text).expect("an event");
            let times = if dice.chance(rates.doubled) {
                world.coverage.count("ticks delivered twice");
                2
            } else {
                1
            };
            for _ in 0..times {
                let trigger = Trigger::Tick {
                    id: name.clone().into(),
                    scheduled: minute,
                };
                invoke(world, event.clone(), trigger, self.delivery(world, now));
            }
        }
    }

    fn delivery(&self, world: &SimulatedWorld, now: u64) -> Delivery {
        let (rates, dice) = (self.faults.get(), &world.dice);
        let held = self.held_until.get().saturating_sub(now);
        let late = if dice.chance(rates.late) {
            world.coverage.count("ticks that came late");
            dice.between(5_000, 200_000)
        } else if world.scheduler.has_chooser() {
            0
        } else {
            dice.between(0, 900)
        };
        let kill = |dice: &crate::dice::Dice| Kill {
            at: u32::try_from(dice.between(1, 14)).unwrap(),
            arrives: dice.chance(500),
        };
        Delivery {
            after: held + late,
            kill: self
                .kill
                .get()
                .or_else(|| dice.chance(rates.killed).then(|| kill(dice))),
            kill_retry: dice.chance(rates.killed).then(|| kill(dice)),
            retry_after: dice.between(20_000, 90_000),
        }
    }
}
