//! What a binding goes through: Create, storms in which everything may go wrong, Updates among
//! them, calm after each, and Delete at the end.
//!
//! A quiet time, in which a tick has just been seen to do nothing, is leapt over: the next tick
//! would be the same one.

use super::aws::Client;
use super::dns::ADDRESSES_PER_ANSWER;
use super::invocation::{Wanted, delete, make};
use super::ledger::{Notes, Role};
use super::tally::Tally;
use super::turns::{End, Late, Running};
use super::world::{Weather, World};
use crate::log::chain;
use crate::sync::TickInput;
use std::cell::RefCell;
use std::pin::Pin;
use std::rc::Rc;
use tokio::runtime::{self, Runtime};

pub(super) struct Life {
    pub world: Rc<RefCell<World>>,
    /// Invocations under way.
    pub running: Vec<Running>,
    /// Ticks that are still to come.
    pub late: Vec<Late>,
    /// How the last lifecycle event ended.
    pub answer: Option<End>,
    /// Virtual time: it goes on only where the loop lets it.
    pub clock: Rc<Runtime>,
}

impl Life {
    pub fn new(seed: u64, tells: bool) -> Self {
        let mut world = World::new(seed, tells);
        world.furnish();
        let clock = runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build();
        Self {
            world: Rc::new(RefCell::new(world)),
            running: Vec::new(),
            late: Vec::new(),
            answer: None,
            clock: Rc::new(clock.expect("a clock")),
        }
    }

    pub fn story(&self) -> Vec<String> {
        let world = self.world.try_borrow();
        world
            .ok()
            .and_then(|world| world.story.clone())
            .unwrap_or_default()
    }

    /// One binding from Create to Delete, through so many storms.
    pub fn live(&mut self, storms: usize) {
        let mut wanted = {
            let world = &mut *self.world.borrow_mut();
            world.independent_dns = !world.chance.of(0.1);
            world.first_wish()
        };
        if self.provide(Role::Provider, &wanted) {
            for _ in 0..storms {
                self.storm(&mut wanted);
                self.settle(&wanted);
            }
        }
        self.end(&wanted);
    }

    pub fn tally(&self) -> Tally {
        let world = self.world.borrow();
        Tally {
            minutes: world.minute,
            ..world.ledger.tally
        }
    }

    /// Some minutes in which everything may go wrong, with an Update in some of them.
    fn storm(&mut self, wanted: &mut Wanted) {
        let minutes = {
            let world = &mut *self.world.borrow_mut();
            world.weather = Weather::storm(&mut world.chance);
            world.chance.number(1..=6)
        };
        for _ in 0..minutes {
            let happenings = self.world.borrow_mut().chance.number(0..=2);
            for _ in 0..happenings {
                self.world.borrow_mut().something_happens();
            }
            if self.chance(0.1) {
                let next = self.world.borrow_mut().another_wish(wanted);
                self.world.borrow_mut().ledger.tally.updates += 1;
                if self.provide(Role::Provider, &next) {
                    *wanted = next;
                } else {
                    // CloudFormation rolls back, and somebody tells it to go on doing so.
                    while !self.provide(Role::Provider, wanted) {
                        self.world.borrow_mut().weather = Weather::default();
                    }
                }
            }
            self.minute();
        }
    }

    /// Calm minutes, until there is nothing more to do; then hours in which nothing happens.
    fn settle(&mut self, wanted: &Wanted) {
        self.world.borrow_mut().weather = Weather::default();
        let most = 300;
        for minute in 0.. {
            assert!(minute < most, "it is not settled after {most} calm minutes");
            self.minute();
            let settled = self.current_orders().is_some_and(|orders| {
                assert_eq!(orders.alb_arn, wanted.alb, "these are old orders");
                self.world.borrow().is_settled(&orders)
            });
            if settled && self.running.is_empty() && self.late.is_empty() {
                break;
            }
        }
        let changes = self.tally().changes;
        self.minute();
        let world = &mut *self.world.borrow_mut();
        if world.albs[&wanted.alb].len() < ADDRESSES_PER_ANSWER {
            assert_eq!(
                changes, world.ledger.tally.changes,
                "a quiet tick does something"
            );
        }
        let hours = world.chance.number(1..=71) as u64;
        world.pass_minutes(60 * hours);
    }

    /// Delete, with ticks that come late.
    fn end(&mut self, wanted: &Wanted) {
        {
            let world = &mut *self.world.borrow_mut();
            world.weather = Weather::storm(&mut world.chance);
            for _ in 0..3 {
                world.something_happens();
            }
        }
        for minutes in [1, 3] {
            if let (Some(orders), true) = (self.current_orders(), self.chance(0.5)) {
                let minute = self.world.borrow().minute + minutes;
                let id = self.id("tick");
                self.late.push(Late { minute, id, orders });
            }
        }
        self.rule_ticks();
        while !self.provide(Role::Delete, wanted) {
            if self.chance(0.3) {
                self.world.borrow_mut().weather = Weather::default();
            }
        }
        while !(self.running.is_empty() && self.late.is_empty()) {
            self.minute();
        }
        self.world.borrow_mut().judge_end();
    }

    /// One lifecycle event, from its call to its answer; ticks go on meanwhile.
    fn provide(&mut self, role: Role, wanted: &Wanted) -> bool {
        let id = self.id("request");
        let client = self.client(id, role, None);
        let notes = Rc::clone(&client.notes);
        self.world
            .borrow_mut()
            .tell(|| format!("CloudFormation: {role:?} {wanted:?}"));
        let wanted = wanted.clone();
        let work: Pin<Box<dyn Future<Output = End>>> = if role == Role::Delete {
            Box::pin(async move {
                let deleted = delete(client, wanted).await;
                deleted.map_or_else(|error| End::Failed(chain(&error)), |()| End::Deleted)
            })
        } else {
            Box::pin(async move {
                let made = make(client, wanted).await;
                made.map_or_else(|error| End::Failed(chain(&error)), |()| End::Made)
            })
        };
        self.answer = None;
        self.start(work, notes, false);
        while self.answer.is_none() {
            self.minute();
        }
        matches!(self.answer, Some(End::Made | End::Deleted))
    }

    pub fn current_orders(&self) -> Option<TickInput> {
        self.world.borrow().orders.clone()
    }

    pub fn chance(&self, probability: f64) -> bool {
        self.world.borrow_mut().chance.of(probability)
    }

    pub fn id(&self, kind: &str) -> String {
        format!("{kind}-{}", self.world.borrow_mut().next())
    }

    pub fn client(&self, id: String, role: Role, orders: Option<TickInput>) -> Client {
        Client {
            world: Rc::clone(&self.world),
            notes: Rc::new(RefCell::new(Notes::new(id, role, orders))),
        }
    }
}
