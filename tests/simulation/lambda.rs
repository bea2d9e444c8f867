//! Lambda: parallel environments, kills, one retry, the timeout. Lambda guide, "Asynchronous
//! invocation": an event may be delivered more than once, and one that failed is tried again later.
//!
//! A kill drops the invocation at the await where it is; what it has sent may arrive all the same.

use crate::aws::{Post, SimulatedAws};
use crate::dns::Resolver;
use crate::judge;
use crate::slot::Slot;
use crate::state::{Death, End, Notes, Process, REGION, Role};
use crate::world::World;
use alb_nlb_binding::clock::Clock;
use alb_nlb_binding::function::Function;
use alb_nlb_binding::invocation::Invocation;
use futures_util::FutureExt;
use serde_json::Value;
use std::cell::{Cell, RefCell};
use std::panic::AssertUnwindSafe;
use std::rc::Rc;
use std::time::Duration;

/// The function's timeout.
const TIMEOUT: u64 = 300_000;

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
    judge::observe_delivery_start(world, &bindings);
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
        judge::observe_delivery_end(&it, &bindings, is_cut_short);
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
    world.say(
        &process.name,
        match role {
            Role::Request(sent) => format!("begins: {}", sent.text()),
            Role::Tick { id, scheduled } => {
                let late = world.wall().saturating_sub(*scheduled) / 1000;
                format!("begins: {id}, {late} s after its time")
            }
            Role::Question { id } => format!("begins: how does {id} fare?"),
        },
    );
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
            judge::judge_timeout(&it, &stopped);
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
        region: REGION.to_owned(),
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
            judge::judge_status(&world, &process, &answer);
            End::Done
        }
        Ok(Err(error)) => {
            world.say(
                &process.name,
                format!("fails: {}", alb_nlb_binding::log::chain(&error)),
            );
            world.tally.count("invocations that failed");
            End::Failed
        }
        Err(_) => {
            world.violate("the function panicked");
            End::Failed
        }
    };
    if end == End::Done {
        world.say(&process.name, "ends".to_owned());
    }
    judge::judge_end(&world, &process, end);
    process.ends(&world, end);
}
