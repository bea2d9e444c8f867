//! The address where CloudFormation takes answers. CloudFormation guide, "Custom resource response objects".
//!
//! An answer that nobody waits for any more changes nothing.

use crate::judge;
use crate::slot::Slot;
use crate::state::{Answered, Outcome, Process, Sent};
use crate::world::World;
use alb_nlb_binding::aws::api::{PutError, Responder, ResponseUrl};
use serde_json::Value;
use std::rc::Rc;
use std::time::Duration;

/// What one process answers by.
pub struct Post {
    pub world: Rc<World>,
    pub process: Rc<Process>,
}

enum Put {
    Taken(u16),
    Broken,
}

impl Responder for Post {
    async fn put(
        &self,
        url: &ResponseUrl,
        body: String,
        timeout: Duration,
    ) -> Result<u16, PutError> {
        let Self { world, process } = self;
        let slot = Slot::new();
        let fails = world.dice.chance(world.weather.climate().answer_put_fails);
        let arrives = !fails || world.dice.chance(500);
        let go = {
            let (world, process, slot) = (Rc::clone(world), Rc::clone(process), slot.clone());
            let url = url.secret().to_owned();
            move || {
                if arrives {
                    take(&world, &process, &url, &body);
                }
                if fails {
                    world
                        .tally
                        .count("answers that CloudFormation's address did not take");
                }
                let put = match (fails, arrives) {
                    (false, _) => Put::Taken(200),
                    (true, true) => Put::Broken,
                    (true, false) => Put::Taken(503),
                };
                let deliver = Rc::clone(&process);
                deliver.delivers(&world, move || slot.fill(put));
            }
        };
        process.submits(world, false, 5 + world.dice.between(0, 40), Box::new(go));
        let broken = || PutError {
            may_pass: true,
            source: "broken".into(),
        };
        match tokio::time::timeout(timeout, slot.take()).await {
            Ok(Put::Taken(status)) => Ok(status),
            Ok(Put::Broken) | Err(_) => Err(broken()),
        }
    }
}

/// CloudFormation reads an answer.
fn take(world: &World, process: &Process, url: &str, body: &str) {
    let sent = world.sent.borrow().get(url).cloned();
    let Some(sent) = sent else {
        return world.violate("an answer went to an address that CloudFormation does not know");
    };
    if body.len() > 4096 {
        return world.violate("an answer is longer than 4096 bytes");
    }
    process.notes.has_answered.set(true);
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
        ", for which nobody waits"
    };
    world.say(
        &process.name,
        format!("answers {} {physical_id}{what}{to}", text("Status")),
    );
    judge::judge_answer(world, process, &sent, is_success, &physical_id);
    is_answered(&sent, world, is_success, physical_id);
}

fn is_answered(sent: &Sent, world: &World, is_success: bool, physical_id: String) {
    if sent.is_open.replace(false) {
        judge::observe_result(
            world,
            sent,
            if is_success {
                Outcome::Success
            } else {
                Outcome::Failed
            },
        );
        world.tally.count(if is_success {
            "successes"
        } else {
            "failures answered"
        });
        sent.answer.fill(Answered {
            is_success,
            physical_id,
        });
    }
}
