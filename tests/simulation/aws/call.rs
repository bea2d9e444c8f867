//! One call of AWS, which is first carried out and later answered. In between, its caller may be killed or stop
//! waiting, and the call may still be carried out. Reads, and writes that carry their own condition, are
//! repeated as the SDK repeats them (SDKs guide, "Retry behavior").

use super::faults::{plan, wait_limit};
use crate::judge;
use crate::oneshot::Oneshot;
use crate::state::{CallKind, Operation, Process, Service, Trigger};
use crate::world::SimulatedWorld;
use alb_nlb_binding::aws::api::{AwsError, AwsResult, Trouble};
use std::rc::Rc;
use std::time::Duration;

/// The AWS client of one process.
pub struct SimulatedAws {
    pub world: Rc<SimulatedWorld>,
    pub process: Rc<Process>,
}

/// How often the SDK tries a call that may pass.
const ATTEMPTS: u32 = 7;

pub const fn read(service: Service, name: &'static str) -> Operation {
    Operation {
        name,
        service,
        kind: CallKind::Read,
    }
}

pub const fn write(service: Service, name: &'static str) -> Operation {
    Operation {
        name,
        service,
        kind: CallKind::Write,
    }
}

pub const fn change(service: Service, name: &'static str) -> Operation {
    Operation {
        name,
        service,
        kind: CallKind::Permitted,
    }
}

impl SimulatedAws {
    pub async fn call<T: 'static>(
        &self,
        operation: Operation,
        resource: &str,
        effect: impl Fn(&SimulatedWorld, &Process) -> AwsResult<T> + 'static,
    ) -> AwsResult<T> {
        let effect = Rc::new(effect);
        let mut attempt = 1;
        loop {
            let answer = self.try_once(operation, resource, Rc::clone(&effect)).await;
            match answer {
                Err(error)
                    if operation.kind != CallKind::Permitted && may_retry(&error, attempt) =>
                {
                    let most = (300 << attempt.min(ATTEMPTS)).min(5_000);
                    let pause = self.world.dice.between(most / 2, most);
                    tokio::time::sleep(Duration::from_millis(pause)).await;
                    attempt += 1;
                }
                answer => return answer,
            }
        }
    }

    async fn try_once<T: 'static>(
        &self,
        operation: Operation,
        resource: &str,
        effect: Rc<impl Fn(&SimulatedWorld, &Process) -> AwsResult<T> + 'static>,
    ) -> AwsResult<T> {
        let Self { world, process } = self;
        if operation.kind != CallKind::Read && matches!(process.trigger, Trigger::Status { .. }) {
            world.violate(format!("{} changes something", process.name));
        }
        if operation.kind == CallKind::Permitted {
            judge::check_change_start(world, process, operation.name);
        }
        let plan = plan(world, operation, resource);
        let oneshot = Oneshot::new();
        let no_answer = {
            let (oneshot, resource) = (oneshot.clone(), resource.to_owned());
            move || oneshot.fill(Err(AwsError::no_answer(operation.name, resource)))
        };
        let Some(carried_out) = plan.carried_out else {
            world.log(
                &process.name,
                format!("{} {resource}: never arrives", operation.name),
            );
            process.send_call(
                world,
                false,
                wait_limit(operation.kind),
                Box::new(no_answer),
            );
            return oneshot.take().await;
        };
        let carry_out = {
            let (world, process) = (Rc::clone(world), Rc::clone(process));
            let (resource, oneshot) = (resource.to_owned(), oneshot.clone());
            move || {
                let answer = match plan.refusal {
                    Some((code, trouble)) => Err(refused(operation.name, &resource, code, trouble)),
                    None => effect(&world, &process),
                };
                world.log(&process.name, {
                    let outcome = match &answer {
                        Ok(_) if plan.answered.is_none() => ", answer lost".to_owned(),
                        Ok(_) => String::new(),
                        Err(error) => format!(": {}", error.code.as_deref().unwrap_or("no code")),
                    };
                    format!("{} {resource}{outcome}", operation.name)
                });
                if world.scheduler.has_chooser() {
                    return process.deliver_answer(&world, move || oneshot.fill(answer));
                }
                if let Some(answered) = plan.answered {
                    let (later, process) = (Rc::clone(&world), Rc::clone(&process));
                    world.scheduler.run_after(answered, move || {
                        process.deliver_answer(&later, move || oneshot.fill(answer));
                    });
                }
            }
        };
        let is_permitted = operation.kind == CallKind::Permitted;
        if plan.answered.is_none() || (is_permitted && world.scheduler.has_chooser()) {
            world
                .scheduler
                .run_after(wait_limit(operation.kind), no_answer);
        }
        process.send_call(world, is_permitted, carried_out, Box::new(carry_out));
        oneshot.take().await
    }
}

/// Whether the product lets the SDK repeat a call.
const fn may_retry(error: &AwsError, attempt: u32) -> bool {
    match error.trouble {
        Trouble::Passes => true,
        Trouble::MayPass => attempt < ATTEMPTS,
        Trouble::Stays => false,
    }
}

/// The error with which AWS refuses a call that would fail again.
pub fn rejected(operation: &'static str, resource: &str, code: &'static str) -> AwsError {
    refused(operation, resource, code, Trouble::Stays)
}

/// The error with which AWS refuses a call.
pub fn refused(
    operation: &'static str,
    resource: &str,
    code: &'static str,
    trouble: Trouble,
) -> AwsError {
    AwsError {
        operation,
        resource: resource.to_owned(),
        code: Some(code.to_owned()),
        reason: format!("{code}: as it happens"),
        trouble,
        source: None,
    }
}
