//! Decides by the dice what happens to a request: late, doubled and lost deliveries, kills, cancels, failures of
//! other resources, and missing permissions.

use super::state::{SERVICE_TIMEOUT, User};
use crate::lambda::Delivery;
use crate::properties::ResourceProperties;
use crate::state::{Kill, QUOTAS};
use alb_nlb_binding::names::PREFIX;

impl User {
    pub fn draw_deliveries(&self) -> Vec<Delivery> {
        let (dice, rates, coverage) = (&self.world.dice, self.faults.get(), &self.world.coverage);
        if dice.chance(rates.never_delivered) {
            coverage.count("requests that were never delivered");
            return Vec::new();
        }
        let after = || {
            if dice.chance(rates.late) {
                dice.between(2_000, 300_000)
            } else {
                dice.between(20, 900)
            }
        };
        let kill = || {
            dice.chance(rates.killed).then(|| Kill {
                at: u32::try_from(dice.between(1, 110)).unwrap(),
                arrives: dice.chance(500),
            })
        };
        let delivery = || Delivery {
            after: after(),
            kill: kill(),
            kill_retry: kill(),
            retry_after: dice.between(30_000, 120_000),
        };
        let mut deliveries = vec![delivery()];
        // If the function cannot ask CloudFormation, it cannot tell a second delivery after the Delete from a
        // Create that is wanted, so it goes on (rule 5 of the record, src/record/mod.rs).
        if self.stack.is_known && !self.stack.is_denied && dice.chance(rates.doubled) {
            coverage.count("requests that were delivered twice");
            deliveries.push(delivery());
        }
        deliveries
    }

    /// How many milliseconds CloudFormation waits for an answer. A cancel makes that shorter.
    pub fn draw_patience(&self) -> u64 {
        let dice = &self.world.dice;
        if dice.chance(self.faults.get().cancelled) {
            self.world.coverage.count("cancels");
            // The signature times of a request and of its rollback say which one is later only if they are more
            // than two seconds apart.
            return dice.between(3_100, 60_000);
        }
        SERVICE_TIMEOUT
    }

    /// Whether another resource of the stack fails.
    pub fn does_other_fail(&self) -> bool {
        let fails = self.world.dice.chance(self.faults.get().other_fails);
        if fails {
            self.world.coverage.count("failures of other resources");
        }
        fails
    }

    /// Allows the function everything that the properties need, and ends all reached quotas.
    pub fn restore_grants(&self, properties: &ResourceProperties) {
        self.world.faults.quotas_reached.borrow_mut().clear();
        let given = properties.given_groups();
        let mut denied = self.world.faults.denied.borrow_mut();
        denied.retain(|(_, group)| !given.contains(group.as_str()) && group != PREFIX);
    }

    /// Sets what the stack allows the function while these properties are served.
    pub fn set_grants(&self, properties: &ResourceProperties, old: &ResourceProperties) {
        let (world, given) = (&self.world, properties.given_groups());
        let mut quotas_reached = world.faults.quotas_reached.borrow_mut();
        quotas_reached.clear();
        if world.dice.chance(self.faults.get().quota) {
            quotas_reached.extend([world.dice.pick(&QUOTAS)]);
        }
        let mut denied = world.faults.denied.borrow_mut();
        denied.retain(|(_, group)| !given.contains(group.as_str()) && group != PREFIX);
        if world.dice.chance(self.faults.get().rule_denied) {
            denied.insert(("PutTargets", PREFIX.to_owned()));
        }
        for group in old.given_groups().difference(&given) {
            if world.dice.chance(self.faults.get().grant_removed) {
                world.log(
                    &self.stack.name,
                    format!("takes the grant for {group} away"),
                );
                let mut once = world.faults.ever_denied.borrow_mut();
                once.insert((*group).to_owned());
                for operation in ["DeregisterTargets", "RegisterTargets"] {
                    denied.insert((operation, (*group).to_owned()));
                }
            }
        }
    }
}
