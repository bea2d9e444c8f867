//! The addresses of each Application Load Balancer in DNS. The set changes as the load balancer scales, and an
//! answer holds at most eight of them, chosen at random (ALB guide, "DNS name").
//!
//! Remembers when each address came and when it left.

use crate::dice::Dice;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

/// docs/semantics.md, "8 addresses in an answer". The judge must not take the number from the product.
pub const ADDRESSES_PER_ANSWER: usize = 8;

pub const NAMES: [&str; 2] = ["alb1.elb.amazonaws.com", "alb2.elb.amazonaws.com"];

/// How many answers in a row may leave an address out. Without this limit, a list that the product takes for
/// certain could miss an address. docs/semantics.md accepts that at one in a thousand, so it would prove nothing.
const LEFT_OUT: u32 = 5;

/// The addresses of all DNS names.
#[derive(Default)]
pub struct DnsZone {
    pub names: BTreeMap<String, NameHistory>,
    /// Until when a name has no addresses yet.
    pub silent: BTreeMap<String, u64>,
    next: u32,
    /// For each name until when the present choice lasts: the answer of a cache, or `None` for no cache.
    cached: BTreeMap<String, (u64, Option<Vec<IpAddr>>)>,
}

#[derive(Default)]
pub struct NameHistory {
    /// Since when each present address is in DNS.
    pub live: BTreeMap<IpAddr, u64>,
    /// When each former address left.
    pub left: BTreeMap<IpAddr, u64>,
    /// How many answers in a row have left each address out.
    left_out: BTreeMap<IpAddr, u32>,
    /// Each time an address came (`true`) or left (`false`).
    history: Vec<(u64, IpAddr, bool)>,
}

impl DnsZone {
    pub fn add(&mut self, name: &str, now: u64) -> IpAddr {
        self.next += 1;
        let address = IpAddr::V4(Ipv4Addr::from(0x0a00_0000 + self.next));
        self.put(name, address, now);
        address
    }

    pub fn put(&mut self, name: &str, address: IpAddr, now: u64) {
        let entry = self.names.entry(name.to_owned()).or_default();
        if entry.live.insert(address, now).is_none() {
            entry.history.push((now, address, true));
        }
    }

    pub fn take(&mut self, name: &str, address: IpAddr, now: u64) {
        let entry = self.names.entry(name.to_owned()).or_default();
        if entry.live.remove(&address).is_some() {
            entry.left.insert(address, now);
            entry.history.push((now, address, false));
        }
    }

    /// Since when an address has been in a name without a break.
    pub fn since(&self, name: &str, address: IpAddr) -> Option<u64> {
        self.names.get(name)?.live.get(&address).copied()
    }

    pub fn was_live(&self, name: &str, address: IpAddr, at: u64) -> bool {
        let history = self
            .names
            .get(name)
            .into_iter()
            .flat_map(|name| name.history.iter().rev());
        let mut history = history.filter(|(when, of, _)| *when <= at && *of == address);
        history.next().is_some_and(|(_, _, came)| *came)
    }

    pub fn was_ever_live(&self, name: &str, address: IpAddr) -> bool {
        let name = self.names.get(name);
        name.is_some_and(|name| {
            name.live.contains_key(&address) || name.left.contains_key(&address)
        })
    }

    pub fn addresses(&self, name: &str) -> Vec<IpAddr> {
        let name = self.names.get(name);
        name.map(|name| name.live.keys().copied().collect())
            .unwrap_or_default()
    }

    /// One answer: all addresses, or a random choice of eight.
    fn answer(&mut self, name: &str, dice: &Dice) -> Vec<IpAddr> {
        let mut addresses = self.addresses(name);
        let Some(NameHistory { left_out, .. }) = self.names.get_mut(name) else {
            return addresses;
        };
        while addresses.len() > ADDRESSES_PER_ANSWER {
            let long = |address: &IpAddr| left_out.get(address) >= Some(&LEFT_OUT);
            let free: Vec<_> = (0..addresses.len())
                .filter(|at| !long(&addresses[*at]))
                .collect();
            let at = free[dice.index(free.len())];
            *left_out.entry(addresses.swap_remove(at)).or_default() += 1;
        }
        for address in &addresses {
            left_out.remove(address);
        }
        addresses
    }

    /// One answer, and for how long a cache keeps it, which is zero if there is no cache at present. `caches`
    /// is how often of a thousand there is one. A cache of a complete answer is never simulated, because it
    /// would hide all new addresses for as long.
    pub fn answer_through_a_cache(
        &mut self,
        name: &str,
        now: u64,
        dice: &Dice,
        caches: u32,
    ) -> (Vec<IpAddr>, Duration) {
        if caches == 0 || self.addresses(name).len() <= ADDRESSES_PER_ANSWER {
            self.cached.remove(name);
            return (self.answer(name, dice), Duration::ZERO);
        }
        let is_over = self.cached.get(name).is_none_or(|(until, _)| now >= *until);
        if is_over {
            let kept = dice.chance(caches);
            let kept = kept.then(|| self.answer(name, dice));
            let until = now + dice.between(60_000, 300_000);
            self.cached.insert(name.to_owned(), (until, kept));
        }
        match self.cached.get(name).cloned() {
            Some((until, Some(kept))) => (kept, Duration::from_millis(until - now)),
            _ => (self.answer(name, dice), Duration::ZERO),
        }
    }

    pub fn left(&self, name: &str) -> Vec<IpAddr> {
        let name = self.names.get(name);
        name.map(|name| name.left.keys().copied().collect())
            .unwrap_or_default()
    }
}
