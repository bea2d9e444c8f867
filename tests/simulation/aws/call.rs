//! One call of AWS. It has two moments: it is carried out, and it is answered. In between its caller may be
//! killed, or stop waiting; what was sent may be carried out all the same. What only reads, and what
//! carries its own condition, is repeated as the SDK does (SDKs guide, "Retry behavior").

use super::fate::{fate, patience};
use crate::judge;
use crate::slot::Slot;
use crate::state::{Kind, Operation, Process, Role, Service};
use crate::world::World;
use alb_nlb_binding::aws::api::{AwsError, AwsResult, Trouble};
use std::rc::Rc;
use std::time::Duration;

/// What one process reaches AWS by.
pub struct SimulatedAws {
    pub world: Rc<World>,
    pub process: Rc<Process>,
}

const ATTEMPTS: u32 = 7;

pub const fn reads(service: Service, name: &'static str) -> Operation {
    Operation {
        name,
        service,
        kind: Kind::Read,
    }
}

pub const fn writes(service: Service, name: &'static str) -> Operation {
    Operation {
        name,
        service,
        kind: Kind::Write,
    }
}

pub const fn changes(service: Service, name: &'static str) -> Operation {
    Operation {
        name,
        service,
        kind: Kind::Permitted,
    }
}

impl SimulatedAws {
    pub async fn call<T: 'static>(
        &self,
        operation: Operation,
        resource: &str,
        effect: impl Fn(&World, &Process) -> AwsResult<T> + 'static,
    ) -> AwsResult<T> {
        let effect = Rc::new(effect);
        let mut attempt = 1;
        loop {
            let answer = self.once(operation, resource, Rc::clone(&effect)).await;
            match answer {
                Err(error) if operation.kind != Kind::Permitted && passes(&error, attempt) => {
                    let most = (300 << attempt.min(ATTEMPTS)).min(5_000);
                    let pause = self.world.dice.between(most / 2, most);
                    tokio::time::sleep(Duration::from_millis(pause)).await;
                    attempt += 1;
                }
                answer => return answer,
            }
        }
    }

    async fn once<T: 'static>(
        &self,
        operation: Operation,
        resource: &str,
        effect: Rc<impl Fn(&World, &Process) -> AwsResult<T> + 'static>,
    ) -> AwsResult<T> {
        let Self { world, process } = self;
        if operation.kind != Kind::Read && matches!(process.role, Role::Question { .. }) {
            world.violate(format!("{} changes something", process.name));
        }
        if operation.kind == Kind::Permitted {
            judge::judge_change_start(world, process, operation.name);
        }
        let fate = fate(world, operation, resource);
        let slot = Slot::new();
        let no_answer = {
            let (slot, resource) = (slot.clone(), resource.to_owned());
            move || slot.fill(Err(AwsError::no_answer(operation.name, resource)))
        };
        let Some(carried_out) = fate.carried_out else {
            world.say(
                &process.name,
                format!("{} {resource}: never arrives", operation.name),
            );
            process.submits(world, false, patience(operation.kind), Box::new(no_answer));
            return slot.take().await;
        };
        let carry_out = {
            let (world, process) = (Rc::clone(world), Rc::clone(process));
            let (resource, slot) = (resource.to_owned(), slot.clone());
            move || {
                let answer = match fate.refusal {
                    Some((code, trouble)) => Err(refused(operation.name, &resource, code, trouble)),
                    None => effect(&world, &process),
                };
                world.say(&process.name, {
                    let outcome = match &answer {
                        Ok(_) if fate.answered.is_none() => ", answer lost".to_owned(),
                        Ok(_) => String::new(),
                        Err(error) => format!(": {}", error.code.as_deref().unwrap_or("no code")),
                    };
                    format!("{} {resource}{outcome}", operation.name)
                });
                if world.stage.has_chooser() {
                    return process.delivers(&world, move || slot.fill(answer));
                }
                if let Some(answered) = fate.answered {
                    let (world, process) = (Rc::clone(&world), Rc::clone(&process));
                    let stage = Rc::clone(&world);
                    stage.stage.after(answered, move || {
                        process.delivers(&world, move || slot.fill(answer));
                    });
                }
            }
        };
        let is_permitted = operation.kind == Kind::Permitted;
        if fate.answered.is_none() || (is_permitted && world.stage.has_chooser()) {
            world.stage.after(patience(operation.kind), no_answer);
        }
        process.submits(world, is_permitted, carried_out, Box::new(carry_out));
        slot.take().await
    }
}

/// What the product lets the SDK repeat.
const fn passes(error: &AwsError, attempt: u32) -> bool {
    match error.trouble {
        Trouble::Passes => true,
        Trouble::MayPass => attempt < ATTEMPTS,
        Trouble::Stays => false,
    }
}

pub fn missing(operation: &'static str, resource: &str, code: &'static str) -> AwsError {
    refused(operation, resource, code, Trouble::Stays)
}

/// An answer of AWS that refuses.
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
