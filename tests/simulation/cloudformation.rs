//! CloudFormation towards a custom resource: stacks, what is shown of them, and requests. Guide,
//! "Custom resource request objects": one request at a time, a physical id of its own invention where a
//! Create was never answered, an address that is signed when the request is sent.
//!
//! What a stack does next is `user`'s.

use crate::calendar::signed;
use crate::judge;
use crate::lambda::{Delivery, invoke};
use crate::slot::Slot;
use crate::state::{Answered, Outcome, Role, Sent, Shown, Stack};
use crate::wishes::Wish;
use crate::world::World;
use alb_nlb_binding::record::RequestType;
use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

/// What a request asks for.
pub struct Ask {
    pub kind: RequestType,
    pub wish: Rc<Wish>,
    pub old: Option<Rc<Wish>>,
    pub physical_id: Option<String>,
}

impl Stack {
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
        judge::observe_request(world, &sent);
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
            judge::observe_result(world, self, Outcome::GivenUp);
        }
        answer
    }
}
