//! Lambda: parallel environments, kills, one retry, the timeout. Lambda guide, "Asynchronous
//! invocation": an event may be delivered more than once, and one that failed is tried again later.
//!
//! A kill drops the invocation at the await where it is; what it has sent may arrive all the same.

use crate::aws::{Post, SimulatedAws};
use crate::cloudformation::Sent;
use crate::dns::Resolver;
use crate::judge::Notes;
use crate::slot::Slot;
use crate::stage::{TaskId, Waiting};
use crate::world::World;
use alb_nlb_binding::clock::Clock;
use alb_nlb_binding::function::Function;
use alb_nlb_binding::invocation::Invocation;
use futures_util::FutureExt;
use serde_json::Value;
use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::panic::AssertUnwindSafe;
use std::rc::Rc;
use std::time::Duration;

/// The function's timeout.
const TIMEOUT: u64 = 300_000;

pub struct Process {
    pub number: u64,
    pub name: String,
    pub log_stream: String,
    pub role: Role,
    pub started: u64,
    pub notes: Notes,
    task: Cell<Option<TaskId>>,
    gates: Cell<u32>,
    dies: Cell<Option<Death>>,
    has_ended: Cell<bool>,
    end: Slot<End>,
}

/// In which role an invocation was called.
#[derive(Clone)]
pub enum Role {
    Request(Rc<Sent>),
    /// A tick of a binding, with its scheduled time of day.
    Tick {
        id: Rc<str>,
        scheduled: u64,
    },
    /// A person's question how a binding fares.
    Question {
        id: Rc<str>,
    },
}

impl Role {
    /// The bindings that it is about: its own, and the one that was before.
    fn bindings(&self) -> BTreeSet<String> {
        match self {
            Self::Tick { id, .. } | Self::Question { id } => [id.to_string()].into(),
            Self::Request(sent) => {
                let old = sent.old.as_ref().map(|old| old.id(&sent.stack.id));
                old.into_iter().chain([sent.about.clone()]).collect()
            }
        }
    }
}

/// Where Lambda kills an invocation.
#[derive(Debug, Clone, Copy)]
pub struct Death {
    /// At which of its awaits.
    pub at: u32,
    /// Whether what it has just sent arrives.
    pub arrives: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    Done,
    Failed,
    Killed,
}

/// How an event reaches the function.
#[derive(Debug, Clone, Copy, Default)]
pub struct Delivery {
    pub after: u64,
    pub dies: Option<Death>,
    /// Where the retry dies, too.
    pub dies_again: Option<Death>,
    pub retries_after: u64,
}

/// Delivers an event, and delivers it once more where the function fails or is killed.
pub fn invoke(world: &Rc<World>, event: Value, role: Role, delivery: Delivery) {
    world.begins();
    let bindings = role.bindings();
    world.judge.delivery_begins(&bindings);
    let it = Rc::clone(world);
    world.stage.spawn(async move {
        tokio::time::sleep(Duration::from_millis(delivery.after)).await;
        let request_id = format!("invocation-{}", it.stage.number());
        let mut end = End::Killed;
        for dies in [delivery.dies, delivery.dies_again] {
            let process = start(&it, event.clone(), &role, &request_id, dies);
            end = process.end.clone().take().await;
            if end == End::Done {
                break;
            }
            tokio::time::sleep(Duration::from_millis(delivery.retries_after)).await;
        }
        it.is_done();
        let is_cut_short = end != End::Done && matches!(role, Role::Request(_));
        it.judge.delivery_ends(&it, &bindings, is_cut_short);
    });
}

fn start(
    world: &Rc<World>,
    event: Value,
    role: &Role,
    request_id: &str,
    dies: Option<Death>,
) -> Rc<Process> {
    let number = world.stage.number();
    let name = match role {
        Role::Request(sent) => format!("{:?}~{number}", sent.kind),
        Role::Tick { .. } => format!("tick~{number}"),
        Role::Question { .. } => format!("question~{number}"),
    };
    let process = Rc::new(Process {
        number,
        log_stream: format!("2026/11/25/[$LATEST]{number:08x}"),
        name,
        role: role.clone(),
        started: world.stage.now(),
        notes: Notes::default(),
        task: Cell::new(None),
        gates: Cell::new(0),
        dies: Cell::new(dies),
        has_ended: Cell::new(false),
        end: Slot::new(),
    });
    world.tell(&process, || match role {
        Role::Request(sent) => format!("begins: {}", sent.text()),
        Role::Tick { id, scheduled } => {
            let late = world.wall().saturating_sub(*scheduled) / 1000;
            format!("begins: {id}, {late} s after its time")
        }
        Role::Question { id } => format!("begins: how does {id} fare?"),
    });
    world.tally.count(match role {
        Role::Request(_) => "invocations for CloudFormation",
        Role::Tick { .. } => "ticks",
        Role::Question { .. } => "questions",
    });
    world.begins();
    let task = world.stage.spawn(run(
        Rc::clone(world),
        Rc::clone(&process),
        event,
        request_id.to_owned(),
    ));
    process.task.set(Some(task));
    world.stage.is_invocation(task, true);
    let (it, stopped) = (Rc::clone(world), Rc::clone(&process));
    world.stage.after(TIMEOUT, move || {
        if !stopped.has_ended.get() {
            it.judge.is_out_of_time(&it, &stopped);
            stopped.is_killed(&it);
        }
    });
    process
}

async fn run(world: Rc<World>, process: Rc<Process>, event: Value, request_id: String) {
    let function = Function {
        aws: SimulatedAws {
            world: Rc::clone(&world),
            process: Rc::clone(&process),
        },
        dns: Resolver {
            world: Rc::clone(&world),
            process: Rc::clone(&process),
            lists: RefCell::default(),
        },
        responder: Post {
            world: Rc::clone(&world),
            process: Rc::clone(&process),
        },
        region: crate::elb::REGION.to_owned(),
        variable: Box::new(|_| None),
    };
    let invocation = Invocation {
        request_id,
        function_arn: "arn:aws:lambda:eu-central-1:123456789012:function:binding".to_owned(),
        log_stream: process.log_stream.clone(),
        remaining: Duration::from_millis(TIMEOUT),
    };
    let clock = Clock::starting_at(world.timestamp());
    let handled = AssertUnwindSafe(function.handle(event, &invocation, clock)).catch_unwind();
    let end = match handled.await {
        Ok(Ok(answer)) => {
            world.judge.is_told(&world, &process, &answer);
            End::Done
        }
        Ok(Err(error)) => {
            world.tell(&process, || {
                format!("fails: {}", alb_nlb_binding::log::chain(&error))
            });
            world.tally.count("invocations that failed");
            End::Failed
        }
        Err(_) => {
            world.violate("the function panicked");
            End::Failed
        }
    };
    if end == End::Done {
        world.tell(&process, || "ends".to_owned());
    }
    world.judge.ends(&world, &process, end);
    process.ends(&world, end);
}

impl Process {
    fn ends(&self, world: &World, end: End) {
        if !self.has_ended.replace(true) {
            if let Some(task) = self.task.get() {
                world.stage.is_invocation(task, false);
            }
            world.is_done();
            self.end.fill(end);
        }
    }

    fn is_killed(&self, world: &World) {
        if self.has_ended.get() {
            return;
        }
        world.tell(self, || "is killed".to_owned());
        world.tally.count("kills");
        if let Some(task) = self.task.get() {
            world.stage.forget(task);
            world.stage.kill(task);
        }
        world.judge.ends(world, self, End::Killed);
        self.ends(world, End::Killed);
    }

    /// One more await; tells whether it is the last.
    fn dies_here(&self) -> Option<Death> {
        let gates = self.gates.get() + 1;
        self.gates.set(gates);
        self.dies.get().filter(|death| death.at == gates)
    }

    /// A request goes out, and is carried out after so long.
    pub fn submits(
        self: &Rc<Self>,
        world: &Rc<World>,
        is_permitted: bool,
        after: u64,
        go: Box<dyn FnOnce()>,
    ) {
        if let Some(death) = self.dies_here() {
            self.is_killed(world);
            if death.arrives {
                match world.stage.has_chooser() {
                    true => go(),
                    false => world.stage.after(after, go),
                }
            }
            return;
        }
        match self.task.get().filter(|_| world.stage.has_chooser()) {
            Some(task) => world.stage.wait(Waiting {
                task,
                since: world.stage.now(),
                is_permitted,
                go,
            }),
            None => world.stage.after(after, go),
        }
    }

    /// An answer comes in.
    pub fn delivers(&self, world: &World, fill: impl FnOnce()) {
        if self.has_ended.get() {
            return;
        }
        if !world.stage.has_chooser() && self.dies_here().is_some() {
            self.is_killed(world);
            return;
        }
        fill();
    }
}
