//! The product's DNS client over the simulated world.

use crate::judge;
use crate::oneshot::Oneshot;
use crate::state::Process;
use crate::world::SimulatedWorld;
use alb_nlb_binding::discovery::{Dns, DnsAnswer, DnsError, DnsQuery};
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;

/// The DNS client of one invocation.
pub struct SimulatedDns {
    pub world: Rc<SimulatedWorld>,
    pub process: Rc<Process>,
    /// The addresses that this invocation remembers for each name.
    pub lists: RefCell<BTreeMap<String, BTreeSet<IpAddr>>>,
}

pub struct SimulatedDnsQuery {
    world: Rc<SimulatedWorld>,
    process: Rc<Process>,
    name: String,
    has_answered: Rc<Cell<bool>>,
}

impl Dns for SimulatedDns {
    type Query = SimulatedDnsQuery;

    async fn first_lookup(
        &self,
        dns_name: &str,
        _: &[SocketAddr],
    ) -> Result<(SimulatedDnsQuery, DnsAnswer), DnsError> {
        let asked = SimulatedDnsQuery {
            world: Rc::clone(&self.world),
            process: Rc::clone(&self.process),
            name: dns_name.to_owned(),
            has_answered: Rc::default(),
        };
        let first = asked.lookup(1, BTreeSet::new()).await?;
        Ok((asked, first))
    }

    async fn query(&self, dns_name: &str, _: &[SocketAddr]) -> Option<SimulatedDnsQuery> {
        Some(SimulatedDnsQuery {
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

impl DnsQuery for SimulatedDnsQuery {
    async fn lookup(&self, number: usize, _: BTreeSet<usize>) -> Result<DnsAnswer, DnsError> {
        let oneshot = Oneshot::new();
        let answer = {
            let (world, process) = (Rc::clone(&self.world), Rc::clone(&self.process));
            let (name, oneshot) = (self.name.clone(), oneshot.clone());
            let has_answered = Rc::clone(&self.has_answered);
            move || {
                let answer = look_up(&world, &name);
                // If the first lookup of a run fails, the next one counts as the look of the run.
                let is_first_answer = answer.is_ok() && !has_answered.replace(true);
                if number == 1 || is_first_answer {
                    world.trace.add(
                        world.scheduler.now(),
                        &process.name,
                        format!("DNS of {name}: {}", answer_text(&answer)),
                    );
                    judge::observe_dns_answer(&world, &process, &name, answer.is_ok());
                }
                oneshot.fill(answer);
            }
        };
        self.process.send_call(
            &self.world,
            false,
            2 + self.world.dice.between(0, 20),
            Box::new(answer),
        );
        oneshot.take().await
    }

    fn no_answer(&self) -> DnsError {
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

fn answer_text(answer: &Result<DnsAnswer, DnsError>) -> String {
    match answer {
        Ok(answer) => {
            let addresses: Vec<_> = answer.addresses.iter().map(ToString::to_string).collect();
            addresses.join(" ")
        }
        Err(error) => error.to_string(),
    }
}

fn look_up(world: &SimulatedWorld, name: &str) -> Result<DnsAnswer, DnsError> {
    if world.dice.chance(world.faults.rates().dns_fails) {
        world.coverage.count("a DNS lookup that failed");
        return Err(DnsError::Silent {
            name: name.to_owned(),
            servers: "all".to_owned(),
        });
    }
    let mut dns = world.dns.borrow_mut();
    let (addresses, cached_for) = dns.answer_through_a_cache(
        name,
        world.scheduler.now(),
        &world.dice,
        world.faults.rates().caches,
    );
    drop(dns);
    if !cached_for.is_zero() {
        world.coverage.count("an answer of a cache");
    }
    let silent = world.dns.borrow().silent.get(name).copied();
    if addresses.is_empty() || silent.is_some_and(|until| world.scheduler.now() < until) {
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
