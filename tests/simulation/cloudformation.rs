//! CloudFormation's side of a custom resource: it shows the status of stacks, sends requests and waits for
//! answers. CloudFormation guide, "Custom resource request objects": one request at a time, an invented physical
//! id if a Create was never answered, and a response URL that is signed when the request is sent.
//!
//! The module `user` decides what a stack does next.

use crate::calendar::signed;
use crate::judge;
use crate::lambda::{Delivery, invoke};
use crate::oneshot::Oneshot;
use crate::properties::ResourceProperties;
use crate::state::{
    ReceivedAnswer, RequestResult, SentRequest, SimulatedStack, StackStatus, Trigger,
};
use crate::world::SimulatedWorld;
use alb_nlb_binding::record::RequestType;
use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

/// A request that is to be sent.
pub struct RequestToSend {
    pub kind: RequestType,
    pub properties: Rc<ResourceProperties>,
    pub old: Option<Rc<ResourceProperties>>,
    pub physical_id: Option<String>,
}

impl SimulatedStack {
    /// Shows a status of the stack, and the physical id and the status of its resource.
    pub fn show(
        &self,
        world: &SimulatedWorld,
        status: &'static str,
        resource: Option<(Option<String>, &'static str)>,
    ) {
        world.log(&self.name, format!("{status}, resource {resource:?}"));
        let shown = StackStatus { status, resource };
        self.history
            .borrow_mut()
            .push((world.scheduler.now(), shown.clone()));
        self.current.replace(shown);
    }
}

impl SentRequest {
    /// Sends a request and invokes the function once for each delivery.
    pub fn send(
        world: &Rc<SimulatedWorld>,
        stack: &Rc<SimulatedStack>,
        ask: RequestToSend,
        deliveries: &[Delivery],
    ) -> Rc<Self> {
        let number = world.scheduler.next_number();
        let RequestToSend {
            kind,
            properties,
            old,
            physical_id,
        } = ask;
        let derived = properties.binding_id(&stack.id);
        let given = physical_id
            .clone()
            .filter(|id| id.starts_with(alb_nlb_binding::names::PREFIX));
        let binding_id = match kind {
            RequestType::Delete => given.unwrap_or(derived),
            RequestType::Create | RequestType::Update => derived,
        };
        let url = format!(
            "https://cloudformation/{number}?X-Amz-Date={}&X-Amz-Signature=secret",
            signed(world.unix_millis())
        );
        let is_seen = |since| since + stack.lag <= world.scheduler.now();
        let sent = Rc::new(Self {
            is_rollback: stack.rollback_since().is_some_and(is_seen),
            number,
            kind,
            stack: Rc::clone(stack),
            properties,
            old,
            physical_id,
            binding_id,
            url: url.clone(),
            is_open: Cell::new(true),
            answer: Oneshot::new(),
        });
        world.log(&stack.name, format!("sends {}", sent.summary()));
        world.coverage.count(match kind {
            RequestType::Create => "Creates",
            RequestType::Update if sent.is_replacement() => "Updates that replace",
            RequestType::Update => "Updates",
            RequestType::Delete => "Deletes",
        });
        world.requests.borrow_mut().insert(url, Rc::clone(&sent));
        judge::observe_request(world, &sent);
        for delivery in deliveries {
            invoke(
                world,
                sent.event(),
                Trigger::Request(Rc::clone(&sent)),
                *delivery,
            );
        }
        sent
    }

    /// Waits for the answer for at most `patience` milliseconds, and then gives the request up.
    pub async fn wait_for_answer(
        &self,
        world: &SimulatedWorld,
        patience: u64,
    ) -> Option<ReceivedAnswer> {
        let answer = self.answer.clone().take();
        let answer = tokio::time::timeout(Duration::from_millis(patience), answer)
            .await
            .ok();
        if answer.is_none() && self.is_open.replace(false) {
            world.log(
                &self.stack.name,
                format!("waits no longer for request-{}", self.number),
            );
            world.coverage.count("requests that were given up");
            judge::observe_result(world, self, RequestResult::GivenUp);
        }
        answer
    }
}
