//! The steps from which small scenarios are built: the events of a stack's lifecycle, ticks, and the end.
//!
//! There are no faults here: only the order of the calls differs.

use super::schedule::Schedule;
use crate::cloudformation::RequestToSend;
use crate::eventbridge::{EventBridge, TickFaultRates};
use crate::fixtures::{Fixtures, prepare};
use crate::judge;
use crate::lambda::Delivery;
use crate::properties::{ListenerSettings, PropertyChoices, ResourceProperties};
use crate::state::{Kill, SentRequest, SimulatedStack};
use crate::user::{SERVICE_TIMEOUT, User};
use crate::world::SimulatedWorld;
use alb_nlb_binding::record::RequestType::{self, Create, Delete, Update};
use std::cell::{Cell, RefCell};
use std::net::IpAddr;
use std::rc::Rc;
use std::time::Duration;

/// A world with one user, in which a small scenario is played.
pub struct SmallScenario {
    pub world: Rc<SimulatedWorld>,
    pub user: Rc<User>,
    pub fixtures: Fixtures,
    pub schedule: Rc<Schedule>,
    pub eventbridge: Rc<EventBridge>,
}

/// What CloudFormation may ask the function for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StackEvent {
    Create,
    /// An Update to another ALB, port and given target group.
    Update,
    /// An Update to another NLB.
    Replacement,
    /// An Update to another bucket.
    Move,
    Delete,
}

pub const EVENTS: [StackEvent; 5] = [
    StackEvent::Create,
    StackEvent::Update,
    StackEvent::Replacement,
    StackEvent::Move,
    StackEvent::Delete,
];

impl SmallScenario {
    pub fn new(world: &Rc<SimulatedWorld>, schedule: &Rc<Schedule>) -> Self {
        let fixtures = prepare(world, 3);
        let user = Rc::new(User {
            world: Rc::clone(world),
            stack: SimulatedStack::new("stack1", true, false, 0),
            choices: PropertyChoices::default(),
            faults: Cell::default(),
            acknowledged: RefCell::default(),
            first_bucket: RefCell::default(),
        });
        Self {
            world: Rc::clone(world),
            user,
            fixtures,
            schedule: Rc::clone(schedule),
            eventbridge: EventBridge::new(TickFaultRates::default()),
        }
    }

    /// Properties with one listener of its own and one given target group.
    pub fn properties(&self, alb: usize, nlb: usize) -> ResourceProperties {
        ResourceProperties {
            alb: self.fixtures.albs[alb].clone(),
            nlb: self.fixtures.nlbs[nlb].clone(),
            listeners: vec![
                ListenerSettings {
                    port: 8000,
                    alb_port: 443,
                    given_group: None,
                },
                ListenerSettings {
                    port: 80,
                    alb_port: 80,
                    given_group: Some(self.fixtures.given[0].clone()),
                },
            ],
            bucket: None,
            needed_misses: 1,
            interval: 30,
        }
    }

    /// The properties that an event asks for.
    pub fn properties_of(&self, event: StackEvent) -> ResourceProperties {
        match event {
            StackEvent::Create | StackEvent::Delete => self.properties(0, 0),
            StackEvent::Update => {
                let mut properties = self.properties(1, 0);
                properties.listeners[0].port = 8001;
                properties.listeners[1].given_group = Some(self.fixtures.given[1].clone());
                properties
            }
            StackEvent::Replacement => self.properties(0, 1),
            StackEvent::Move => ResourceProperties {
                bucket: Some(self.fixtures.buckets[0].clone()),
                ..self.properties(0, 0)
            },
        }
    }

    pub async fn sleep(&self, millis: u64) {
        tokio::time::sleep(Duration::from_millis(millis)).await;
    }

    pub fn show(&self, stack: &'static str, resource: &'static str, id: Option<&str>) {
        let resource = Some((id.map(str::to_owned), resource));
        self.user.stack.show(&self.world, stack, resource);
    }

    pub fn send(
        &self,
        kind: RequestType,
        properties: &Rc<ResourceProperties>,
        old: Option<&Rc<ResourceProperties>>,
        id: Option<&str>,
        deliveries: &[Delivery],
    ) -> Rc<SentRequest> {
        let ask = RequestToSend {
            kind,
            properties: Rc::clone(properties),
            old: old.cloned(),
            physical_id: id.map(str::to_owned),
        };
        SentRequest::send(&self.world, &self.user.stack, ask, deliveries)
    }

    /// Creates the stack, without anything going wrong.
    pub async fn created(
        &self,
        properties: &ResourceProperties,
    ) -> (Rc<ResourceProperties>, String) {
        self.user.create(properties.clone()).await;
        self.sleep(20_000).await;
        self.user
            .acknowledged
            .borrow()
            .clone()
            .expect("it was created")
    }

    pub fn tick(&self) {
        self.eventbridge.fire(&self.world);
    }

    /// Lets the schedule choose the order of calls from now on.
    pub fn start_choosing(&self) {
        self.schedule.is_active.set(true);
    }

    pub async fn wait_until_quiet(&self) {
        loop {
            self.sleep(7_000).await;
            if self.world.under_way.get() == 0 {
                self.schedule.is_active.set(false);
                return;
            }
        }
    }

    pub async fn finish(&self) {
        self.wait_until_quiet().await;
        if self.user.acknowledged.borrow().is_some() {
            for _ in 0..judge::most_misses(&self.world) + 1 {
                let left = 60_000 - self.world.scheduler.now() % 60_000;
                self.sleep(left).await;
                self.tick();
            }
            self.wait_until_quiet().await;
            judge::check_convergence(&self.world);
            self.user.delete_stack().await;
        }
        self.wait_until_quiet().await;
        judge::check_nothing_left(&self.world);
        self.world.scheduler.stop();
    }

    /// Changes the addresses of the first ALB: one comes, and the one that is returned goes.
    pub fn move_addresses(&self) -> IpAddr {
        let (name, now) = ("alb1.elb.amazonaws.com", self.world.scheduler.now());
        let mut dns = self.world.dns.borrow_mut();
        let gone = dns.addresses(name)[0];
        dns.add(name, now);
        dns.take(name, gone, now);
        gone
    }

    /// Plays one event with these deliveries, in a stack in which nothing else goes wrong.
    pub async fn event(&self, event: StackEvent, deliveries: &[Delivery]) {
        let old = self.properties_of(StackEvent::Create);
        match event {
            StackEvent::Create => {
                let properties = Rc::new(old);
                self.start_choosing();
                self.show("CREATE_IN_PROGRESS", "CREATE_IN_PROGRESS", None);
                let sent = self.send(Create, &properties, None, None, deliveries);
                let id = self.expect_success(&sent).await;
                self.show("CREATE_COMPLETE", "CREATE_COMPLETE", Some(&id));
                self.user.acknowledged.replace(Some((properties, id)));
            }
            StackEvent::Update | StackEvent::Replacement | StackEvent::Move => {
                self.update(&old, self.properties_of(event), deliveries)
                    .await;
            }
            StackEvent::Delete => {
                let it = self.created(&old).await;
                self.start_choosing();
                self.show("DELETE_IN_PROGRESS", "DELETE_IN_PROGRESS", Some(&it.1));
                let sent = self.send(Delete, &it.0, None, Some(&it.1), deliveries);
                self.expect_success(&sent).await;
                self.user.acknowledged.replace(None);
                self.user.stack.show(&self.world, "DELETE_COMPLETE", None);
            }
        }
    }

    /// Plays an Update, and the Delete of the replaced binding if the Update was to another NLB.
    async fn update(
        &self,
        old: &ResourceProperties,
        properties: ResourceProperties,
        deliveries: &[Delivery],
    ) {
        let it = self.created(old).await;
        let properties = Rc::new(properties);
        self.start_choosing();
        self.show("UPDATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", Some(&it.1));
        let sent = self.send(Update, &properties, Some(&it.0), Some(&it.1), deliveries);
        let id = self.expect_success(&sent).await;
        self.user
            .acknowledged
            .replace(Some((properties, id.clone())));
        let cleaning = "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS";
        self.show(cleaning, "UPDATE_COMPLETE", Some(&id));
        if id != it.1 {
            let clean = [Delivery::default()];
            let delete = self.send(Delete, &it.0, None, Some(&it.1), &clean);
            self.expect_success(&delete).await;
        }
        self.show("UPDATE_COMPLETE", "UPDATE_COMPLETE", Some(&id));
    }

    /// Waits for the success that every wanted request must have if there are no faults. Gives the physical id.
    pub async fn expect_success(&self, sent: &Rc<SentRequest>) -> String {
        match sent.wait_for_answer(&self.world, SERVICE_TIMEOUT).await {
            Some(answer) if answer.is_success => answer.physical_id,
            answer => {
                self.world
                    .violate(format!("{} has no success: {answer:?}", sent.summary()));
                String::new()
            }
        }
    }
}

/// A delivery that is killed at one await and then tried again by Lambda.
pub fn killed(at: u32, arrives: bool) -> Delivery {
    Delivery {
        kill: Some(Kill { at, arrives }),
        retry_after: 60_000,
        ..Delivery::default()
    }
}
