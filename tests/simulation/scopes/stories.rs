//! The small stories that are played in every order: two events at once, what led to them, and what
//! CloudFormation does next.
//!
//! No weather: only the order of calls differs.

use crate::cloudformation::Ask;
use crate::eventbridge::{EventBridge, Habits};
use crate::judge;
use crate::lambda::Delivery;
use crate::life::{Ground, prepare};
use crate::scopes::schedule::Schedule;
use crate::state::{Death, Sent, Stack};
use crate::user::{PATIENCE, User};
use crate::wishes::{Choices, Listen, Wish};
use crate::world::World;
use alb_nlb_binding::record::RequestType::{self, Create, Delete, Update};
use std::cell::{Cell, RefCell};
use std::net::IpAddr;
use std::rc::Rc;
use std::time::Duration;

/// Who plays a story.
pub struct Teller {
    pub world: Rc<World>,
    pub user: Rc<User>,
    pub ground: Ground,
    pub schedule: Rc<Schedule>,
    pub eventbridge: Rc<EventBridge>,
}

/// What CloudFormation may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    Create,
    /// To another ALB, port and given target group.
    Update,
    /// To another NLB.
    Replacement,
    /// To another bucket.
    Move,
    Delete,
}

pub const EVENTS: [Event; 5] = [
    Event::Create,
    Event::Update,
    Event::Replacement,
    Event::Move,
    Event::Delete,
];

impl Teller {
    pub fn new(world: &Rc<World>, schedule: &Rc<Schedule>) -> Self {
        let ground = prepare(world, 3);
        let user = Rc::new(User {
            world: Rc::clone(world),
            stack: Stack::new("stack1", true, false, 0),
            choices: Choices::default(),
            fortune: Cell::default(),
            living: RefCell::default(),
            made_in: RefCell::default(),
        });
        Self {
            world: Rc::clone(world),
            user,
            ground,
            schedule: Rc::clone(schedule),
            eventbridge: EventBridge::new(Habits::default()),
        }
    }

    /// One listener that is made, one target group that is given.
    pub fn wish(&self, alb: usize, nlb: usize) -> Wish {
        Wish {
            alb: self.ground.albs[alb].clone(),
            nlb: self.ground.nlbs[nlb].clone(),
            listeners: vec![
                Listen {
                    port: 8000,
                    alb_port: 443,
                    given: None,
                },
                Listen {
                    port: 80,
                    alb_port: 80,
                    given: Some(self.ground.given[0].clone()),
                },
            ],
            bucket: None,
            until: 1,
            interval: 30,
        }
    }

    /// What an event asks for.
    pub fn wish_of(&self, event: Event) -> Wish {
        match event {
            Event::Create | Event::Delete => self.wish(0, 0),
            Event::Update => {
                let mut wish = self.wish(1, 0);
                wish.listeners[0].port = 8001;
                wish.listeners[1].given = Some(self.ground.given[1].clone());
                wish
            }
            Event::Replacement => self.wish(0, 1),
            Event::Move => Wish {
                bucket: Some(self.ground.buckets[0].clone()),
                ..self.wish(0, 0)
            },
        }
    }

    pub async fn sleeps(&self, millis: u64) {
        tokio::time::sleep(Duration::from_millis(millis)).await;
    }

    pub fn shows(&self, stack: &'static str, resource: &'static str, id: Option<&str>) {
        let resource = Some((id.map(str::to_owned), resource));
        self.user.stack.shows(&self.world, stack, resource);
    }

    pub fn send(
        &self,
        kind: RequestType,
        wish: &Rc<Wish>,
        old: Option<&Rc<Wish>>,
        id: Option<&str>,
        deliveries: &[Delivery],
    ) -> Rc<Sent> {
        let ask = Ask {
            kind,
            wish: Rc::clone(wish),
            old: old.cloned(),
            physical_id: id.map(str::to_owned),
        };
        Sent::send(&self.world, &self.user.stack, ask, deliveries)
    }

    /// A stack in its ordinary life.
    pub async fn created(&self, wish: &Wish) -> (Rc<Wish>, String) {
        self.user.creates(wish.clone()).await;
        self.sleeps(20_000).await;
        self.user.living.borrow().clone().expect("it was created")
    }

    pub fn ticks(&self) {
        self.eventbridge.fires(&self.world);
    }

    /// From now on each order is another story.
    pub fn begins(&self) {
        self.schedule.is_active.set(true);
    }

    pub async fn is_quiet(&self) {
        loop {
            self.sleeps(7_000).await;
            if self.world.under_way.get() == 0 {
                self.schedule.is_active.set(false);
                return;
            }
        }
    }

    pub async fn ends(&self) {
        self.is_quiet().await;
        if self.user.living.borrow().is_some() {
            for _ in 0..judge::most_misses(&self.world) + 1 {
                let left = 60_000 - self.world.stage.now() % 60_000;
                self.sleeps(left).await;
                self.ticks();
            }
            self.is_quiet().await;
            judge::judge_convergence(&self.world);
            self.user.deletes_all().await;
        }
        self.is_quiet().await;
        judge::judge_nothing_left(&self.world);
        self.world.stage.end();
    }

    /// The ALB's addresses change: one comes, one goes.
    pub fn moves(&self) -> IpAddr {
        let (name, now) = ("alb1.elb.amazonaws.com", self.world.stage.now());
        let mut dns = self.world.dns.borrow_mut();
        let gone = dns.addresses(name)[0];
        dns.add(name, now);
        dns.take(name, gone, now);
        gone
    }

    /// One request, delivered like that, in an ordinary stack.
    pub async fn event(&self, event: Event, deliveries: &[Delivery]) {
        let old = self.wish_of(Event::Create);
        match event {
            Event::Create => {
                let wish = Rc::new(old);
                self.begins();
                self.shows("CREATE_IN_PROGRESS", "CREATE_IN_PROGRESS", None);
                let sent = self.send(Create, &wish, None, None, deliveries);
                let id = self.must(&sent).await;
                self.shows("CREATE_COMPLETE", "CREATE_COMPLETE", Some(&id));
                self.user.living.replace(Some((wish, id)));
            }
            Event::Update | Event::Replacement | Event::Move => {
                self.updates(&old, self.wish_of(event), deliveries).await;
            }
            Event::Delete => {
                let it = self.created(&old).await;
                self.begins();
                self.shows("DELETE_IN_PROGRESS", "DELETE_IN_PROGRESS", Some(&it.1));
                let sent = self.send(Delete, &it.0, None, Some(&it.1), deliveries);
                self.must(&sent).await;
                self.user.living.replace(None);
                self.user.stack.shows(&self.world, "DELETE_COMPLETE", None);
            }
        }
    }

    /// An Update that is taken, and where it was to another NLB, the Delete of what it replaced.
    async fn updates(&self, old: &Wish, wish: Wish, deliveries: &[Delivery]) {
        let it = self.created(old).await;
        let wish = Rc::new(wish);
        self.begins();
        self.shows("UPDATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", Some(&it.1));
        let sent = self.send(Update, &wish, Some(&it.0), Some(&it.1), deliveries);
        let id = self.must(&sent).await;
        self.user.living.replace(Some((wish, id.clone())));
        let cleaning = "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS";
        self.shows(cleaning, "UPDATE_COMPLETE", Some(&id));
        if id != it.1 {
            let clean = [Delivery::default()];
            let delete = self.send(Delete, &it.0, None, Some(&it.1), &clean);
            self.must(&delete).await;
        }
        self.shows("UPDATE_COMPLETE", "UPDATE_COMPLETE", Some(&id));
    }

    /// In fair weather every request that is wanted has a success.
    pub async fn must(&self, sent: &Rc<Sent>) -> String {
        match sent.outcome(&self.world, PATIENCE).await {
            Some(answer) if answer.is_success => answer.physical_id,
            answer => {
                self.world
                    .violate(format!("{} has no success: {answer:?}", sent.text()));
                String::new()
            }
        }
    }
}

/// Killed at one await, and tried again by Lambda, which may be killed at another.
pub fn killed(at: u32, arrives: bool) -> Delivery {
    Delivery {
        dies: Some(Death { at, arrives }),
        retries_after: 60_000,
        ..Delivery::default()
    }
}
