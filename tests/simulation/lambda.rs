//! Lambda: invokes the function in parallel environments, with kills, one retry and the timeout. Lambda guide,
//! "Asynchronous invocation": an event may be delivered more than once, and a failed one is tried again later.

use crate::aws::{SimulatedAws, SimulatedResponder};
use crate::dns::SimulatedDns;
use crate::judge;
use crate::oneshot::Oneshot;
use crate::state::{InvocationEnd, Kill, ObservedProcess, Process, SIMULATED_REGION, Trigger};
use crate::world::SimulatedWorld;
use alb_nlb_binding::clock::Clock;
use alb_nlb_binding::function::Function;
use alb_nlb_binding::invocation::Invocation;
use futures_util::FutureExt;
use serde_json::Value;
use std::cell::{Cell, RefCell};
use std::panic::AssertUnwindSafe;
use std::rc::Rc;
use std::time::Duration;

/// The timeout of the function in milliseconds.
const FUNCTION_TIMEOUT: u64 = 300_000;

/// How an event reaches the function. Times are in milliseconds.
#[derive(Debug, Clone, Copy, Default)]
pub struct Delivery {
    pub after: u64,
    pub kill: Option<Kill>,
    /// At which await the retry is killed, if it is.
    pub kill_retry: Option<Kill>,
    pub retry_after: u64,
}

/// Delivers an event, and delivers it once more if the function fails or is killed.
pub fn invoke(world: &Rc<SimulatedWorld>, event: Value, trigger: Trigger, delivery: Delivery) {
    world.start_work();
    let bindings = trigger.bindings();
    judge::observe_delivery_start(world, &bindings);
    let it = Rc::clone(world);
    world.scheduler.spawn(async move {
        tokio::time::sleep(Duration::from_millis(delivery.after)).await;
        let request_id = format!("invocation-{}", it.scheduler.next_number());
        let mut end = InvocationEnd::Killed;
        for kill in [delivery.kill, delivery.kill_retry] {
            let process = start(&it, event.clone(), &trigger, &request_id, kill);
            end = process.end.clone().take().await;
            if end == InvocationEnd::Done {
                break;
            }
            tokio::time::sleep(Duration::from_millis(delivery.retry_after)).await;
        }
        it.finish_work();
        let is_cut_short = end != InvocationEnd::Done && matches!(trigger, Trigger::Request(_));
        judge::observe_delivery_end(&it, &bindings, is_cut_short);
    });
}

fn start(
    world: &Rc<SimulatedWorld>,
    event: Value,
    trigger: &Trigger,
    request_id: &str,
    kill: Option<Kill>,
) -> Rc<Process> {
    let number = world.scheduler.next_number();
    let name = match trigger {
        Trigger::Request(sent) => format!("{:?}~{number}", sent.kind),
        Trigger::Tick { .. } => format!("tick~{number}"),
        Trigger::Status { .. } => format!("status~{number}"),
    };
    let process = Rc::new(Process {
        number,
        log_stream: format!("2026/11/25/[$LATEST]{number:08x}"),
        name,
        trigger: trigger.clone(),
        started: world.scheduler.now(),
        observed: ObservedProcess::default(),
        task: Cell::new(None),
        awaits: Cell::new(0),
        kill: Cell::new(kill),
        has_ended: Cell::new(false),
        end: Oneshot::new(),
    });
    world.log(
        &process.name,
        match trigger {
            Trigger::Request(sent) => format!("begins: {}", sent.summary()),
            Trigger::Tick { id, scheduled } => {
                let late = world.unix_millis().saturating_sub(*scheduled) / 1000;
                format!("begins: {id}, {late} s after its time")
            }
            Trigger::Status { id } => format!("begins: status of {id}"),
        },
    );
    world.coverage.count(match trigger {
        Trigger::Request(_) => "invocations for CloudFormation",
        Trigger::Tick { .. } => "ticks",
        Trigger::Status { .. } => "Status calls",
    });
    world.start_work();
    let task = world.scheduler.spawn(run(
        Rc::clone(world),
        Rc::clone(&process),
        event,
        request_id.to_owned(),
    ));
    process.task.set(Some(task));
    world.scheduler.mark_invocation(task, true);
    let (it, stopped) = (Rc::clone(world), Rc::clone(&process));
    world.scheduler.run_after(FUNCTION_TIMEOUT, move || {
        if !stopped.has_ended.get() {
            judge::check_timeout(&it, &stopped);
            stopped.kill(&it);
        }
    });
    process
}

async fn run(world: Rc<SimulatedWorld>, process: Rc<Process>, event: Value, request_id: String) {
    let function = Function {
        aws: SimulatedAws {
            world: Rc::clone(&world),
            process: Rc::clone(&process),
        },
        dns: SimulatedDns {
            world: Rc::clone(&world),
            process: Rc::clone(&process),
            lists: RefCell::default(),
        },
        responder: SimulatedResponder {
            world: Rc::clone(&world),
            process: Rc::clone(&process),
        },
        region: SIMULATED_REGION.to_owned(),
        variable: Box::new(|_| None),
    };
    let invocation = Invocation {
        request_id,
        function_arn: "arn:aws:lambda:eu-central-1:123456789012:function:binding".to_owned(),
        log_stream: process.log_stream.clone(),
        remaining: Duration::from_millis(FUNCTION_TIMEOUT),
    };
    let clock = Clock::starting_at(world.timestamp());
    let handled = AssertUnwindSafe(function.handle(event, &invocation, clock)).catch_unwind();
    let end = match handled.await {
        Ok(Ok(answer)) => {
            judge::check_status(&world, &process, &answer);
            InvocationEnd::Done
        }
        Ok(Err(error)) => {
            world.log(
                &process.name,
                format!("fails: {}", alb_nlb_binding::log::chain(&error)),
            );
            world.coverage.count("invocations that failed");
            InvocationEnd::Failed
        }
        Err(_) => {
            world.violate("the function panicked");
            InvocationEnd::Failed
        }
    };
    if end == InvocationEnd::Done {
        world.log(&process.name, "ends".to_owned());
    }
    judge::check_end(&world, &process, end);
    process.end(&world, end);
}
