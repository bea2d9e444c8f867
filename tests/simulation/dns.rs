//! DNS as an Application Load Balancer has it: a set of addresses that changes as it scales, of which
//! an answer holds at most eight, a random choice (ALB guide, "DNS name").
//!
//! Remembers since when each address is there, and when it left.

use crate::dice::Dice;
use crate::lambda::Process;
use crate::slot::Slot;
use crate::world::World;
use alb_nlb_binding::discovery::{Dns, DnsAnswer, DnsError, DnsQuery};
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::rc::Rc;
use std::time::Duration;

pub const ADDRESSES_PER_ANSWER: usize = 8;

pub const NAMES: [&str; 2] = ["alb1.elb.amazonaws.com", "alb2.elb.amazonaws.com"];

/// How many answers in a row leave an address out at most. That a list which is certain misses one is a chance
/// that the contract lets pass, one in a thousand, and it proves nothing about the product.
const LEFT_OUT: u32 = 5;

/// The addresses of all names.
#[derive(Default)]
pub struct Zone {
    pub names: BTreeMap<String, Name>,
    /// Until when a name has no address yet.
    pub silent: BTreeMap<String, u64>,
    next: u32,
    /// What a cache between the function and a name gives, until it expires.
    cached: BTreeMap<String, (u64, Option<Vec<IpAddr>>)>,
}

#[derive(Default)]
pub struct Name {
    /// Since when each is there.
    pub live: BTreeMap<IpAddr, u64>,
    /// When each that was there before has left.
    pub left: BTreeMap<IpAddr, u64>,
    /// Of how many answers in a row each was left out.
    left_out: BTreeMap<IpAddr, u32>,
    /// Every coming and going.
    history: Vec<(u64, IpAddr, bool)>,
}

impl Zone {
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

    /// Since when an address is in a name, without a break.
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

    pub fn was_ever(&self, name: &str, address: IpAddr) -> bool {
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

    /// At most eight of them.
    fn answer(&mut self, name: &str, dice: &Dice) -> Vec<IpAddr> {
        let mut addresses = self.addresses(name);
        let Some(Name { left_out, .. }) = self.names.get_mut(name) else {
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

    /// The same through a cache, if there is one for the next minutes; and for how long that keeps it. One
    /// of all addresses is not played: it hides what comes for as long.
    fn answer_through_a_cache(&mut self, name: &str, world: &World) -> (Vec<IpAddr>, Duration) {
        let (now, dice) = (world.stage.now(), &world.dice);
        let caches = world.weather.climate().caches;
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
            Some((until, Some(kept))) => {
                world.tally.count("an answer of a cache");
                (kept, Duration::from_millis(until - now))
            }
            _ => (self.answer(name, dice), Duration::ZERO),
        }
    }

    pub fn left(&self, name: &str) -> Vec<IpAddr> {
        let name = self.names.get(name);
        name.map(|name| name.left.keys().copied().collect())
            .unwrap_or_default()
    }
}

/// Whom one process asks.
pub struct Resolver {
    pub world: Rc<World>,
    pub process: Rc<Process>,
    /// What this invocation remembers of each name.
    pub lists: RefCell<BTreeMap<String, BTreeSet<IpAddr>>>,
}

pub struct Asked {
    world: Rc<World>,
    process: Rc<Process>,
    name: String,
    has_answered: Rc<Cell<bool>>,
}

impl Dns for Resolver {
    type Query = Asked;

    async fn first_lookup(
        &self,
        dns_name: &str,
        _: &[SocketAddr],
    ) -> Result<(Asked, DnsAnswer), DnsError> {
        let asked = Asked {
            world: Rc::clone(&self.world),
            process: Rc::clone(&self.process),
            name: dns_name.to_owned(),
            has_answered: Rc::default(),
        };
        let first = asked.lookup(1, BTreeSet::new()).await?;
        Ok((asked, first))
    }

    async fn query(&self, dns_name: &str, _: &[SocketAddr]) -> Option<Asked> {
        Some(Asked {
            world: Rc::clone(&self.world),
            process: Rc::clone(&self.process),
            name: dns_name.to_owned(),
            has_answered: Rc::default(),
        })
    }

    fn remembered(&self, dns_name: &str) -> BTreeSet<IpAddr> {
        let lists = self.lists.borrow();
        lists.get(dns_name).cloned().unwrap_or_default()
    }

    fn remember(&self, dns_name: &str, addresses: &BTreeSet<IpAddr>) {
        let mut lists = self.lists.borrow_mut();
        lists.insert(dns_name.to_owned(), addresses.clone());
    }
}

impl DnsQuery for Asked {
    async fn lookup(&self, number: usize, _: BTreeSet<usize>) -> Result<DnsAnswer, DnsError> {
        let slot = Slot::new();
        let answer = {
            let (world, process) = (Rc::clone(&self.world), Rc::clone(&self.process));
            let (name, slot) = (self.name.clone(), slot.clone());
            let has_answered = Rc::clone(&self.has_answered);
            move || {
                let answer = look(&world, &name);
                // Where the first lookup of a run fails, the run has looked by the next one.
                let is_first_answer = answer.is_ok() && !has_answered.replace(true);
                if number == 1 || is_first_answer {
                    world.story.add(
                        world.stage.now(),
                        &process.name,
                        format!("DNS of {name}: {}", told(&answer)),
                    );
                    world
                        .judge
                        .looks_at_dns(&world, &process, &name, answer.is_ok());
                }
                slot.fill(answer);
            }
        };
        self.process.submits(
            &self.world,
            false,
            2 + self.world.dice.between(0, 20),
            Box::new(answer),
        );
        slot.take().await
    }

    fn silence(&self) -> DnsError {
        DnsError::Silent {
            name: self.name.clone(),
            servers: "the simulated one".to_owned(),
        }
    }

    fn server_count(&self) -> usize {
        1
    }

    fn warn_of_caches(&self, _: &BTreeSet<usize>, _: usize) {}
}

fn told(answer: &Result<DnsAnswer, DnsError>) -> String {
    match answer {
        Ok(answer) => {
            let addresses: Vec<_> = answer.addresses.iter().map(ToString::to_string).collect();
            addresses.join(" ")
        }
        Err(error) => error.to_string(),
    }
}

fn look(world: &World, name: &str) -> Result<DnsAnswer, DnsError> {
    if world.dice.chance(world.weather.climate().dns_fails) {
        world.tally.count("a DNS lookup that failed");
        return Err(DnsError::Silent {
            name: name.to_owned(),
            servers: "all".to_owned(),
        });
    }
    let mut dns = world.dns.borrow_mut();
    let (addresses, cached_for) = dns.answer_through_a_cache(name, world);
    drop(dns);
    let silent = world.dns.borrow().silent.get(name).copied();
    if addresses.is_empty() || silent.is_some_and(|until| world.stage.now() < until) {
        return Err(DnsError::NoAddresses {
            name: name.to_owned(),
        });
    }
    Ok(DnsAnswer {
        addresses: addresses.into_iter().collect(),
        server: 0,
        is_from_resolver: false,
        cached_for,
    })
}
