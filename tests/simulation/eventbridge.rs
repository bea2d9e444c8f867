//! EventBridge: a rule with a target fires each minute. EventBridge guide, "Input transformation" (a
//! text gets its quotes), and "a rule may fire more than once for one scheduled time".
//!
//! Knows nothing of bindings but what their rules hold.

use crate::calendar::{BEGINNING, MINUTE, rfc3339};
use crate::lambda::{Delivery, invoke};
use crate::state::{Death, Role};
use crate::world::World;
use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

/// How often of a thousand something befalls a tick.
#[derive(Debug, Clone, Copy, Default)]
pub struct Habits {
    pub doubled: u32,
    pub late: u32,
    /// Lambda holds all ticks back for some minutes, and delivers them in a burst.
    pub held_back: u32,
    pub killed: u32,
    pub left_out: u32,
}

pub struct EventBridge {
    pub habits: Cell<Habits>,
    pub held_until: Cell<u64>,
    /// Where the next ticks are killed, each time.
    pub dies: Cell<Option<Death>>,
}

impl EventBridge {
    pub fn new(habits: Habits) -> Rc<Self> {
        Rc::new(Self {
            habits: Cell::new(habits),
            held_until: Cell::new(0),
            dies: Cell::new(None),
        })
    }

    /// Fires every minute, for ever.
    pub async fn runs(self: Rc<Self>, world: Rc<World>) {
        loop {
            let left = MINUTE - world.stage.now() % MINUTE;
            tokio::time::sleep(Duration::from_millis(left)).await;
            self.fires(&world);
        }
    }

    /// All rules, for the minute that has just begun.
    pub fn fires(&self, world: &Rc<World>) {
        let (habits, dice) = (self.habits.get(), &world.dice);
        let now = world.stage.now();
        let minute = BEGINNING + now / MINUTE * MINUTE;
        if dice.chance(habits.held_back) {
            self.held_until.set(now + dice.between(2, 5) * MINUTE);
            world.say("lambda", "ticks are held back");
            world.tally.count("bursts of ticks held back");
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
            if dice.chance(habits.left_out) {
                continue;
            }
            let text = template.replace("<time>", &format!("\"{}\"", rfc3339(minute)));
            let event: serde_json::Value = serde_json::from_str(&text).expect("an event");
            let times = if dice.chance(habits.doubled) {
                world.tally.count("ticks delivered twice");
                2
            } else {
                1
            };
            for _ in 0..times {
                let role = Role::Tick {
                    id: name.clone().into(),
                    scheduled: minute,
                };
                invoke(world, event.clone(), role, self.delivery(world, now));
            }
        }
    }

    fn delivery(&self, world: &World, now: u64) -> Delivery {
        let (habits, dice) = (self.habits.get(), &world.dice);
        let held = self.held_until.get().saturating_sub(now);
        let late = if dice.chance(habits.late) {
            world.tally.count("ticks that came late");
            dice.between(5_000, 200_000)
        } else if world.stage.has_chooser() {
            0
        } else {
            dice.between(0, 900)
        };
        let death = |dice: &crate::dice::Dice| Death {
            at: u32::try_from(dice.between(1, 14)).unwrap(),
            arrives: dice.chance(500),
        };
        Delivery {
            after: held + late,
            dies: self
                .dies
                .get()
                .or_else(|| dice.chance(habits.killed).then(|| death(dice))),
            dies_again: dice.chance(habits.killed).then(|| death(dice)),
            retries_after: dice.between(20_000, 90_000),
        }
    }
}
