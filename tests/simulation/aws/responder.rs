//! The address at which CloudFormation takes answers. CloudFormation guide, "Custom resource response objects".
//!
//! An answer to a request that CloudFormation has given up changes nothing.

use crate::judge;
use crate::oneshot::Oneshot;
use crate::state::{Process, ReceivedAnswer, RequestResult, SentRequest};
use crate::world::SimulatedWorld;
use alb_nlb_binding::aws::api::{PutError, Responder, ResponseUrl};
use serde_json::Value;
use std::rc::Rc;
use std::time::Duration;

/// The client by which one process answers CloudFormation.
pub struct SimulatedResponder {
    pub world: Rc<SimulatedWorld>,
    pub process: Rc<Process>,
}

enum PutResult {
    Taken(u16),
    Broken,
}

impl Responder for SimulatedResponder {
    async fn put(
        &self,
        url: &ResponseUrl,
        body: String,
        timeout: Duration,
    ) -> Result<u16, PutError> {
        let Self { world, process } = self;
        let oneshot = Oneshot::new();
        let fails = world.dice.chance(world.faults.rates().answer_put_fails);
        let arrives = !fails || world.dice.chance(500);
        let go = {
            let (world, process, oneshot) = (Rc::clone(world), Rc::clone(process), oneshot.clone());
            let url = url.secret().to_owned();
            move || {
                if arrives {
                    take(&world, &process, &url, &body);
                }
                if fails {
                    world
                        .coverage
                        .count("answers that CloudFormation's address did not take");
                }
                let put = match (fails, arrives) {
                    (false, _) => PutResult::Taken(200),
                    (true, true) => PutResult::Broken,
                    (true, false) => PutResult::Taken(503),
                };
                let deliver = Rc::clone(&process);
                deliver.deliver_answer(&world, move || oneshot.fill(put));
            }
        };
        process.send_call(world, false, 5 + world.dice.between(0, 40), Box::new(go));
        let broken = || PutError {
            may_pass: true,
            source: "broken".into(),
        };
        match tokio::time::timeout(timeout, oneshot.take()).await {
            Ok(PutResult::Taken(status)) => Ok(status),
            Ok(PutResult::Broken) | Err(_) => Err(broken()),
        }
    }
}

/// Lets CloudFormation read an answer.
fn take(world: &SimulatedWorld, process: &Process, url: &str, body: &str) {
    let sent = world.requests.borrow().get(url).cloned();
    let Some(sent) = sent else {
        return world.violate("an answer went to an address that CloudFormation does not know");
    };
    if body.len() > 4096 {
        return world.violate("an answer is longer than 4096 bytes");
    }
    process.observed.has_answered.set(true);
    let answer: Value = serde_json::from_str(body).expect("JSON");
    let text = |name: &str| answer[name].as_str().unwrap_or_default().to_owned();
    let is_success = text("Status") == "SUCCESS";
    let physical_id = text("PhysicalResourceId");
    let what = if is_success {
        String::new()
    } else {
        format!(" ({})", text("Reason"))
    };
    let to = if sent.is_open() {
        ""
    } else {
        ", which was given up"
    };
    world.log(
        &process.name,
        format!("answers {} {physical_id}{what}{to}", text("Status")),
    );
    judge::check_answer(world, process, &sent, is_success, &physical_id);
    accept_answer(&sent, world, is_success, physical_id);
}

fn accept_answer(
    sent: &SentRequest,
    world: &SimulatedWorld,
    is_success: bool,
    physical_id: String,
) {
    if sent.is_open.replace(false) {
        judge::observe_result(
            world,
            sent,
            if is_success {
                RequestResult::Success
            } else {
                RequestResult::Failed
            },
        );
        world.coverage.count(if is_success {
            "successes"
        } else {
            "failures answered"
        });
        sent.answer.fill(ReceivedAnswer {
            is_success,
            physical_id,
        });
    }
}
