//! What befalls a request on its way: late, doubled and lost deliveries, kills, cancels, failures of
//! other resources.
//!
//! Decides by dice only.

use super::state::{PATIENCE, User};
use crate::lambda::Delivery;
use crate::state::{Death, QUOTAS};
use crate::wishes::Wish;
use alb_nlb_binding::names::PREFIX;

impl User {
    pub fn deliveries(&self) -> Vec<Delivery> {
        let (dice, fortune, tally) = (&self.world.dice, self.fortune.get(), &self.world.tally);
        if dice.chance(fortune.never_delivered) {
            tally.count("requests that were never delivered");
            return Vec::new();
        }
        let after = || {
            if dice.chance(fortune.late) {
                dice.between(2_000, 300_000)
            } else {
                dice.between(20, 900)
            }
        };
        let death = || {
            dice.chance(fortune.killed).then(|| Death {
                at: u32::try_from(dice.between(1, 110)).unwrap(),
                arrives: dice.chance(500),
            })
        };
        let delivery = || Delivery {
            after: after(),
            dies: death(),
            dies_again: death(),
            retries_after: dice.between(30_000, 120_000),
        };
        let mut deliveries = vec![delivery()];
        // Where CloudFormation cannot be asked, a second delivery after the Delete cannot be told from a Create
        // that is wanted ("everything else goes on", the contract's rule 5).
        if self.stack.is_known && !self.stack.is_denied && dice.chance(fortune.doubled) {
            tally.count("requests that were delivered twice");
            deliveries.push(delivery());
        }
        deliveries
    }

    /// How long CloudFormation waits, which a cancel cuts short.
    pub fn patience(&self) -> u64 {
        let dice = &self.world.dice;
        if dice.chance(self.fortune.get().cancelled) {
            self.world.tally.count("cancels");
            // Signatures of a request and its rollback tell which is later, but for two seconds.
            return dice.between(3_100, 60_000);
        }
        PATIENCE
    }

    /// Another resource of the stack fails.
    pub fn other_fails(&self) -> bool {
        let fails = self.world.dice.chance(self.fortune.get().other_fails);
        if fails {
            self.world.tally.count("failures of other resources");
        }
        fails
    }

    /// Everything that a wish needs is allowed again, and there is room for it.
    pub fn grants_again(&self, wish: &Wish) {
        self.world.weather.full.borrow_mut().clear();
        let given = wish.given();
        let mut denied = self.world.weather.denied.borrow_mut();
        denied.retain(|(_, group)| !given.contains(group.as_str()) && group != PREFIX);
    }

    /// What the stack allows the function, for as long as a wish is being served.
    pub fn grants(&self, wish: &Wish, old: &Wish) {
        let (world, given) = (&self.world, wish.given());
        let mut full = world.weather.full.borrow_mut();
        full.clear();
        if world.dice.chance(self.fortune.get().quota) {
            full.extend([world.dice.pick(&QUOTAS)]);
        }
        let mut denied = world.weather.denied.borrow_mut();
        denied.retain(|(_, group)| !given.contains(group.as_str()) && group != PREFIX);
        if world.dice.chance(self.fortune.get().rule_denied) {
            denied.insert(("PutTargets", PREFIX.to_owned()));
        }
        for group in old.given().difference(&given) {
            if world.dice.chance(self.fortune.get().grant_leaves) {
                world.say(
                    &self.stack.name,
                    format!("takes the grant for {group} away"),
                );
                let mut once = world.weather.once_denied.borrow_mut();
                once.insert((*group).to_owned());
                for operation in ["DeregisterTargets", "RegisterTargets"] {
                    denied.insert((operation, (*group).to_owned()));
                }
            }
        }
    }
}
