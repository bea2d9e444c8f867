//! The simulated world as plain data: load balancers, target groups, the state object, the rule.
//!
//! Everything in it follows from the seed; nothing in it knows how the product works.

use super::ledger::Ledger;
use crate::model::{Endpoint, Registered, Rule};
use crate::sync::TickInput;
use crate::sync::state::State;
use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::ops::RangeInclusive;

/// All chance there is, from one seed.
pub(super) struct Chance(pub Xoshiro256PlusPlus);

impl Chance {
    pub fn from_seed(seed: u64) -> Self {
        Self(Xoshiro256PlusPlus::seed_from_u64(seed))
    }

    pub fn of(&mut self, probability: f64) -> bool {
        probability > 0.0 && self.0.random_bool(probability)
    }

    pub fn number(&mut self, range: RangeInclusive<usize>) -> usize {
        self.0.random_range(range)
    }

    pub fn one_of<T: Clone>(&mut self, things: &[T]) -> T {
        things[self.number(0..=things.len() - 1)].clone()
    }
}

/// How likely it is that something goes wrong.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Weather {
    /// A call fails and is not carried out.
    pub fails: f64,
    /// A call is carried out and its answer lost.
    pub unseen: f64,
    /// After a call an invocation is held up for minutes.
    pub slow: f64,
    /// An invocation ends between two calls.
    pub dies: f64,
    /// A tick never comes, or comes twice.
    pub lost: f64,
    pub doubled: f64,
    /// Lookups fail.
    pub silent: f64,
}

impl Weather {
    pub fn storm(chance: &mut Chance) -> Self {
        let mut some = |most: f64| match chance.of(0.5) {
            true => most,
            false => 0.0,
        };
        Self {
            fails: some(0.1),
            unseen: some(0.1),
            slow: some(0.05),
            dies: some(0.02),
            lost: some(0.2),
            doubled: some(0.3),
            silent: some(0.3),
        }
    }
}

/// Who registered a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    Us,
    Others,
}

/// One target; AWS still lists it for a while after it was deregistered.
#[derive(Debug, Clone)]
pub(super) struct Target {
    pub by: By,
    pub drains_until: Option<u64>,
}

pub(super) type Group = BTreeMap<Endpoint, Target>;

/// A target and the group it is in.
pub(super) type Key = (String, Endpoint);

#[derive(Debug, Clone)]
pub(super) struct Object {
    pub body: Vec<u8>,
    pub etag: u64,
    /// What the body says.
    pub state: State,
}

pub(super) struct World {
    pub chance: Chance,
    pub weather: Weather,
    /// Whether invocations take turns call by call, or have the world to themselves.
    pub interleaved: bool,
    pub minute: u64,
    /// The addresses that each load balancer has in DNS.
    pub albs: BTreeMap<String, BTreeSet<IpAddr>>,
    /// Addresses that a load balancer has given back, the last one last.
    pub dropped: Vec<IpAddr>,
    pub independent_dns: bool,
    pub groups: BTreeMap<String, Group>,
    /// The state object in each bucket.
    pub buckets: BTreeMap<String, Option<Object>>,
    pub rule: Option<Rule>,
    /// What the rule says.
    pub orders: Option<TickInput>,
    pub ledger: Ledger,
    /// For ETags and ARNs.
    pub serial: u64,
    /// What happened, for a person who replays a seed.
    pub story: Option<Vec<String>>,
}

/// Network Load Balancer guide, "Deregistration delay": 300 seconds by default.
const DRAINS_FOR: u64 = 5;

impl World {
    pub fn new(seed: u64, tells: bool) -> Self {
        Self {
            chance: Chance::from_seed(seed),
            weather: Weather::default(),
            interleaved: false,
            minute: 0,
            albs: BTreeMap::new(),
            dropped: Vec::new(),
            independent_dns: true,
            groups: BTreeMap::new(),
            buckets: BTreeMap::new(),
            rule: None,
            orders: None,
            ledger: Ledger::default(),
            serial: 0,
            story: tells.then(Vec::new),
        }
    }

    pub fn tell(&mut self, happened: impl FnOnce() -> String) {
        if let Some(story) = &mut self.story {
            story.push(format!("minute {}: {}", self.minute, happened()));
        }
    }

    pub fn next(&mut self) -> u64 {
        self.serial += 1;
        self.serial
    }

    /// The targets that a group routes to.
    pub fn registered(&self, group: &str) -> Option<Registered> {
        let targets = self.groups.get(group)?.iter();
        let registered = targets.filter(|(_, target)| target.drains_until.is_none());
        Some(registered.map(|(endpoint, _)| (*endpoint, None)).collect())
    }

    /// Our own targets, in all groups.
    pub fn ours(&self) -> impl Iterator<Item = Key> {
        self.groups.iter().flat_map(|(arn, group)| {
            let ours = group
                .iter()
                .filter(|(_, target)| target.by == By::Us && target.drains_until.is_none());
            ours.map(|(endpoint, _)| (arn.clone(), *endpoint))
        })
    }

    pub fn register(&mut self, group: &str, endpoint: Endpoint, by: By) {
        let target = Target {
            by,
            drains_until: None,
        };
        let group = self.groups.get_mut(group).expect("an existing group");
        let present = group.entry(endpoint).or_insert_with(|| target.clone());
        // What drains is registered anew; what is registered stays whose it is.
        if present.drains_until.is_some() {
            *present = target;
        }
    }

    pub fn deregister(&mut self, group: &str, endpoint: Endpoint) {
        let until = self.minute + DRAINS_FOR;
        let group = self.groups.get_mut(group).expect("an existing group");
        if let Some(target) = group.get_mut(&endpoint) {
            target.drains_until.get_or_insert(until);
        }
    }

    /// What time does by itself.
    pub fn pass_minutes(&mut self, minutes: u64) {
        self.minute += minutes;
        for group in self.groups.values_mut() {
            group.retain(|_, target| target.drains_until.is_none_or(|until| until > self.minute));
        }
    }

    /// An address for a load balancer: often one that was given back before.
    pub fn address(&mut self) -> IpAddr {
        if self.chance.of(0.4)
            && let Some(dropped) = self.dropped.pop()
            && !self.is_in_use(dropped)
        {
            return dropped;
        }
        loop {
            let (third, last) = (self.chance.number(0..=1), self.chance.number(1..=254));
            let address = IpAddr::from([10, 0, third as u8, last as u8]);
            if !self.is_in_use(address) {
                return address;
            }
        }
    }

    fn is_in_use(&self, address: IpAddr) -> bool {
        self.albs.values().any(|alb| alb.contains(&address))
    }
}
