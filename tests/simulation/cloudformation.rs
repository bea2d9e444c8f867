//! CloudFormation towards a custom resource: stacks, what is shown of them, and requests. Guide,
//! "Custom resource request objects": one request at a time, a physical id of its own invention where a
//! Create was never answered, an address that is signed when the request is sent.
//!
//! What a stack does next is `user`'s.

use crate::calendar::signed;
use crate::judge::Outcome;
use crate::lambda::{Delivery, Process, Role, invoke};
use crate::slot::Slot;
use crate::wishes::{LOGICAL_ID, Wish};
use crate::world::World;
use alb_nlb_binding::record::RequestType;
use serde_json::json;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

pub struct Stack {
    pub id: String,
    pub name: String,
    /// Whether the function's account knows it.
    pub is_known: bool,
    pub is_denied: bool,
    /// For how long what is shown lags at most.
    pub lag: u64,
    shown: RefCell<Vec<(u64, Shown)>>,
    /// What it shows when nothing lags.
    pub now: RefCell<Shown>,
}

#[derive(Debug, Clone, Default)]
pub struct Shown {
    pub status: &'static str,
    /// Physical id and status.
    pub resource: Option<(Option<String>, &'static str)>,
}

/// One request, however often it is delivered.
pub struct Sent {
    pub number: u64,
    pub kind: RequestType,
    pub stack: Rc<Stack>,
    pub wish: Rc<Wish>,
    pub old: Option<Rc<Wish>>,
    pub physical_id: Option<String>,
    /// The binding that it is about.
    pub about: String,
    /// Whether its stack is seen to roll back when it is sent.
    pub takes_back: bool,
    url: String,
    is_open: Cell<bool>,
    answer: Slot<Answered>,
}

#[derive(Debug, Clone)]
pub struct Answered {
    pub is_success: bool,
    pub physical_id: String,
}

impl Stack {
    pub fn new(name: &str, is_known: bool, is_denied: bool, lag: u64) -> Rc<Self> {
        Rc::new(Self {
            id: format!("arn:aws:cloudformation:eu-central-1:123456789012:stack/{name}/1"),
            name: name.to_owned(),
            is_known,
            is_denied,
            lag,
            shown: RefCell::default(),
            now: RefCell::default(),
        })
    }

    /// The stack's status, and its resource's.
    pub fn shows(
        &self,
        world: &World,
        status: &'static str,
        resource: Option<(Option<String>, &'static str)>,
    ) {
        world.say(&self.name, format!("{status}, resource {resource:?}"));
        let shown = Shown { status, resource };
        self.shown
            .borrow_mut()
            .push((world.stage.now(), shown.clone()));
        self.now.replace(shown);
    }

    /// What is shown now, which may be what was shown a while ago.
    pub fn shown(&self, world: &World) -> Option<Shown> {
        let lag = if self.lag > 0 {
            world.dice.between(0, self.lag)
        } else {
            0
        };
        let until = world.stage.now().saturating_sub(lag);
        let shown = self.shown.borrow();
        let shown = shown
            .iter()
            .rev()
            .find(|(at, _)| *at <= until)
            .or(shown.first());
        shown.map(|(_, shown)| shown.clone())
    }

    /// Since when an Update is being rolled back, where CloudFormation can be asked.
    pub fn rolls_back_since(&self) -> Option<u64> {
        let shown = self.shown.borrow();
        let rolls_back = |(_, shown): &&(u64, Shown)| shown.status == "UPDATE_ROLLBACK_IN_PROGRESS";
        let since = shown.iter().rev().take_while(rolls_back).last();
        let since = since.filter(|_| self.is_known && !self.is_denied);
        since.map(|(at, _)| *at)
    }

    /// Whether what was there before a binding has to be there after it.
    pub fn rolls_back_or_is_unknown(&self, world: &World, since: u64) -> bool {
        let until = world.stage.now();
        let shown = self.shown.borrow();
        let before = shown.iter().rev().find(|(at, _)| at + self.lag <= since);
        let after = shown
            .iter()
            .filter(|(at, _)| at + self.lag > since && *at <= until);
        let all = before
            .into_iter()
            .chain(after)
            .all(|(_, shown)| shown.status.contains("ROLLBACK"));
        !self.is_known || self.is_denied || all
    }
}

impl Process {
    /// The stack that its request is of.
    pub fn stack(&self) -> Option<&Rc<Stack>> {
        match &self.role {
            Role::Request(sent) => Some(&sent.stack),
            Role::Tick { .. } | Role::Question { .. } => None,
        }
    }
}

/// What a request asks for.
pub struct Ask {
    pub kind: RequestType,
    pub wish: Rc<Wish>,
    pub old: Option<Rc<Wish>>,
    pub physical_id: Option<String>,
}

impl Sent {
    /// Sends a request, to be delivered like that.
    pub fn send(
        world: &Rc<World>,
        stack: &Rc<Stack>,
        ask: Ask,
        deliveries: &[Delivery],
    ) -> Rc<Self> {
        let number = world.stage.number();
        let Ask {
            kind,
            wish,
            old,
            physical_id,
        } = ask;
        let means = wish.id(&stack.id);
        let given = physical_id
            .clone()
            .filter(|id| id.starts_with(alb_nlb_binding::names::PREFIX));
        let about = match kind {
            RequestType::Delete => given.unwrap_or(means),
            RequestType::Create | RequestType::Update => means,
        };
        let url = format!(
            "https://cloudformation/{number}?X-Amz-Date={}&X-Amz-Signature=secret",
            signed(world.wall())
        );
        let is_seen = |since| since + stack.lag <= world.stage.now();
        let sent = Rc::new(Self {
            takes_back: stack.rolls_back_since().is_some_and(is_seen),
            number,
            kind,
            stack: Rc::clone(stack),
            wish,
            old,
            physical_id,
            about,
            url: url.clone(),
            is_open: Cell::new(true),
            answer: Slot::new(),
        });
        world.say(&stack.name, format!("sends {}", sent.text()));
        world.tally.count(match kind {
            RequestType::Create => "Creates",
            RequestType::Update if sent.replaces() => "Updates that replace",
            RequestType::Update => "Updates",
            RequestType::Delete => "Deletes",
        });
        world.sent.borrow_mut().insert(url, Rc::clone(&sent));
        world.judge.sent(&sent);
        for delivery in deliveries {
            invoke(
                world,
                sent.event(),
                Role::Request(Rc::clone(&sent)),
                *delivery,
            );
        }
        sent
    }

    fn event(&self) -> serde_json::Value {
        let mut event = json!({
            "RequestType": format!("{:?}", self.kind),
            "ServiceToken": "arn:function",
            "ResponseURL": self.url,
            "StackId": self.stack.id,
            "RequestId": format!("request-{}", self.number),
            "LogicalResourceId": LOGICAL_ID,
            "ResourceType": "Custom::AlbNlbBinding",
            "ResourceProperties": self.wish.properties(),
        });
        if let Some(id) = &self.physical_id {
            event["PhysicalResourceId"] = json!(id);
        }
        if let Some(old) = &self.old {
            event["OldResourceProperties"] = old.properties();
        }
        event
    }

    /// Whether it is an Update that makes another binding.
    pub fn replaces(&self) -> bool {
        self.kind == RequestType::Update && self.physical_id.as_deref() != Some(self.about.as_str())
    }

    pub fn is_open(&self) -> bool {
        self.is_open.get()
    }

    pub fn text(&self) -> String {
        let Self { number, kind, .. } = self;
        let id = self.physical_id.as_deref().unwrap_or("no id yet");
        format!(
            "{kind:?} request-{number} of {id} about {}: {}",
            self.about,
            self.wish.text()
        )
    }

    pub fn is_answered(&self, world: &World, is_success: bool, physical_id: String) {
        if self.is_open.replace(false) {
            world.judge.outcome(
                world,
                self,
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
            self.answer.fill(Answered {
                is_success,
                physical_id,
            });
        }
    }

    /// Waits for the answer, and no longer than that.
    pub async fn outcome(&self, world: &World, patience: u64) -> Option<Answered> {
        let answer = self.answer.clone().take();
        let answer = tokio::time::timeout(Duration::from_millis(patience), answer)
            .await
            .ok();
        if answer.is_none() && self.is_open.replace(false) {
            world.say(
                &self.stack.name,
                format!("waits no longer for request-{}", self.number),
            );
            world.tally.count("requests that were given up");
            world.judge.outcome(world, self, Outcome::GivenUp);
        }
        answer
    }
}
