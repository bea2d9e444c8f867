//! The end of a life: when nothing is under way and the weather is fair, all that was acknowledged is
//! wired, and what is registered is what is in DNS; and of a binding that is gone nothing is left.

use super::Judge;
use super::book::{dns_name, group_name, places};
use crate::elb::ACCOUNT;
use crate::world::World;
use alb_nlb_binding::model::Endpoint;
use alb_nlb_binding::names::TAG;
use std::collections::BTreeSet;

impl Judge {
    /// The most misses that any binding waits for.
    pub fn patience(&self) -> u64 {
        let books = self.books.borrow();
        let current = books.values().filter_map(|book| book.current());
        u64::from(current.map(|term| term.wish.until).max().unwrap_or(1))
    }

    /// The contract: within N + 2 ticks, DNS and groups are equal.
    pub fn is_converged(&self, world: &World) {
        let mut wanted: BTreeSet<(String, Endpoint)> = BTreeSet::new();
        for (id, book) in self.books.borrow().iter() {
            let Some(term) = book.current().filter(|_| !book.is_leaving) else {
                continue;
            };
            self.is_wired(world, id, &term.wish, "when all is quiet");
            let addresses = world
                .dns
                .borrow()
                .addresses(&dns_name(world, &term.wish.alb));
            for (group, port) in places(world, id, &term.wish) {
                for address in &addresses {
                    let endpoint = Endpoint {
                        address: *address,
                        port,
                    };
                    if !world.elb.borrow().registered(&group, &endpoint) {
                        world.violate(format!("when all is quiet, {endpoint} is not registered in {group}, which {id} serves"));
                    }
                    wanted.insert((group.clone(), endpoint));
                }
            }
        }
        self.no_surplus(world, &wanted, "when all is quiet");
    }

    fn no_surplus(&self, world: &World, wanted: &BTreeSet<(String, Endpoint)>, when: &str) {
        let elb = world.elb.borrow();
        for (arn, group) in &elb.groups {
            for (endpoint, held) in &group.targets {
                let is_ours = held.is_ours && held.drains.is_none();
                let key = (arn.clone(), *endpoint);
                // Rule 11: found by one binding, though another has registered it.
                let is_found = self.was_found.borrow().contains(&key);
                if is_ours && !wanted.contains(&key) && !world.may_stay(arn) && !is_found {
                    world.violate(format!("{when}, {endpoint} is still registered in {arn}"));
                }
            }
        }
    }

    /// The contract, "Delete": nothing is there afterwards.
    pub fn nothing_is_left(&self, world: &World) {
        for id in self.books.borrow().keys() {
            let rules = world.rules.borrow();
            if rules.contains_key(id) {
                world.violate(format!("the rule {id} is left"));
            }
            let s3 = world.s3.borrow();
            if s3.buckets.contains_key(&format!("{id}-{ACCOUNT}")) {
                world.violate(format!("the bucket of {id} is left"));
            }
            for (name, bucket) in &s3.buckets {
                if let Some(key) = bucket
                    .objects
                    .keys()
                    .find(|key| key.starts_with(id.as_str()))
                {
                    world.violate(format!("the object {key} is left in the bucket {name}"));
                }
            }
            let elb = world.elb.borrow();
            let prefix = &group_name(id, 0)[..21];
            if let Some(group) = elb
                .groups
                .values()
                .find(|held| held.group.name.starts_with(prefix))
            {
                world.violate(format!("the target group {} is left", group.group.name));
            }
            if elb
                .listeners
                .values()
                .any(|held| held.tags.get(TAG) == Some(id))
            {
                world.violate(format!("a listener of {id} is left"));
            }
        }
        self.no_surplus(world, &BTreeSet::new(), "after all is deleted");
    }
}
