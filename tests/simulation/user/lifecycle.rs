//! A user and the stack: creates, updates, replacements, failures of other resources, cancels,
//! rollbacks, clean-ups, removals, deletes. CloudFormation guide, "Stack status codes", "Continue
//! rolling back an update", and "Custom resources" (replacement).
//!
//! Ends in a stack that is settled, and then gone.

use super::state::{SERVICE_TIMEOUT, User};
use crate::cloudformation::NewRequest;
use crate::judge;
use crate::properties::ResourceProperties;
use crate::state::{CallFaultRates, ReceivedAnswer, SentRequest};
use alb_nlb_binding::record::RequestType::{self, Create, Delete, Update};
use std::rc::Rc;

impl User {
    fn send(
        &self,
        kind: RequestType,
        properties: &Rc<ResourceProperties>,
        old: Option<&Rc<ResourceProperties>>,
        id: Option<String>,
    ) -> Rc<SentRequest> {
        let ask = NewRequest {
            kind,
            properties: Rc::clone(properties),
            old: old.cloned(),
            physical_id: id,
        };
        SentRequest::send(&self.world, &self.stack, ask, &self.draw_deliveries())
    }

    fn show(&self, stack: &'static str, resource: &'static str, id: Option<String>) {
        self.stack.show(&self.world, stack, Some((id, resource)));
    }

    /// A stack with the resource in it, or one without after a failure.
    pub async fn create(&self, mut properties: ResourceProperties) {
        let bucket = properties.bucket.take();
        properties.bucket = self.first_bucket.borrow_mut().get_or_insert(bucket).clone();
        let properties = Rc::new(properties);
        let is_new = self.stack.current.borrow().status.is_empty();
        if !is_new {
            // Until the deliveries and the retries of the former Create are over: beside a new one that has
            // not come yet they cannot be told from it (a limit of the product's).
            self.sleep(480_000).await;
        }
        let (going, done) = if is_new {
            ("CREATE_IN_PROGRESS", "CREATE_COMPLETE")
        } else {
            ("UPDATE_IN_PROGRESS", "UPDATE_COMPLETE")
        };
        self.show(going, "CREATE_IN_PROGRESS", None);
        self.set_grants(&properties, &properties);
        let sent = self.send(Create, &properties, None, None);
        let answer = sent
            .wait_for_answer(&self.world, self.draw_patience())
            .await;
        if let Some(ReceivedAnswer {
            is_success: true,
            physical_id,
        }) = &answer
        {
            self.show(going, "CREATE_COMPLETE", Some(physical_id.clone()));
            self.sleep(self.world.dice.between(10, 3_000)).await;
            if !self.does_other_fail() {
                self.acknowledged
                    .replace(Some((properties, physical_id.clone())));
                return self.show(done, "CREATE_COMPLETE", Some(physical_id.clone()));
            }
        }
        // An id of its own where the Create was never answered.
        let id = answer.map_or_else(
            || format!("{}-Binding-1ABCDEF", self.stack.name),
            |answer| answer.physical_id,
        );
        let (going, done) = if is_new {
            ("ROLLBACK_IN_PROGRESS", "ROLLBACK_COMPLETE")
        } else {
            (
                "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
                "UPDATE_ROLLBACK_COMPLETE",
            )
        };
        self.sleep(self.world.dice.between(10, 2_000)).await;
        self.delete(going, &properties, &id).await;
        self.stack.show(&self.world, done, None);
    }

    /// Deletes one physical id, again and again until that has a success.
    async fn delete(&self, status: &'static str, properties: &Rc<ResourceProperties>, id: &str) {
        let id = Some(id.to_owned());
        loop {
            self.show(status, "DELETE_IN_PROGRESS", id.clone());
            let sent = self.send(Delete, properties, None, id.clone());
            let answer = sent.wait_for_answer(&self.world, SERVICE_TIMEOUT).await;
            if answer.is_some_and(|answer| answer.is_success) {
                return self.show(status, "DELETE_COMPLETE", id);
            }
            self.show("DELETE_FAILED", "DELETE_FAILED", id.clone());
            self.world
                .coverage
                .count("Deletes that had to be sent again");
            self.sleep(self.world.dice.between(5_000, 120_000)).await;
        }
    }

    /// An Update, in place or to another NLB, with all that may go wrong about it.
    pub async fn update(&self) {
        let (old, old_id) = self
            .acknowledged
            .borrow()
            .clone()
            .expect("a living resource");
        let dice = &self.world.dice;
        let replaces = self.choices.nlbs.len() > 1 && dice.chance(self.faults.get().replaces);
        let properties = Rc::new(old.with_changes(dice, &self.choices, replaces));
        if properties == old {
            return;
        }
        self.update_to(&properties, &old, &old_id).await;
    }

    pub async fn update_to(
        &self,
        properties: &Rc<ResourceProperties>,
        old: &Rc<ResourceProperties>,
        old_id: &str,
    ) {
        let dice = &self.world.dice;
        self.show(
            "UPDATE_IN_PROGRESS",
            "UPDATE_IN_PROGRESS",
            Some(old_id.to_owned()),
        );
        if is_other_nlb(properties, old) {
            self.restore_grants(properties);
        } else {
            self.set_grants(properties, old);
        }
        let sent = self.send(Update, properties, Some(old), Some(old_id.to_owned()));
        let answer = sent
            .wait_for_answer(&self.world, self.draw_patience())
            .await;
        let new_id = answer.as_ref().map(|answer| answer.physical_id.clone());
        let new_id = new_id.filter(|id| id != old_id);
        if let Some(ReceivedAnswer {
            is_success: true,
            physical_id,
        }) = &answer
        {
            self.show(
                "UPDATE_IN_PROGRESS",
                "UPDATE_COMPLETE",
                Some(physical_id.clone()),
            );
            self.sleep(dice.between(10, 3_000)).await;
            if !self.does_other_fail() {
                self.acknowledged
                    .replace(Some((Rc::clone(properties), physical_id.clone())));
                let cleaning = "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS";
                self.show(cleaning, "UPDATE_COMPLETE", Some(physical_id.clone()));
                if new_id.is_some() {
                    self.clean_up(old, old_id).await;
                }
                return self.show(
                    "UPDATE_COMPLETE",
                    "UPDATE_COMPLETE",
                    Some(physical_id.clone()),
                );
            }
        } else {
            self.show(
                "UPDATE_IN_PROGRESS",
                "UPDATE_FAILED",
                Some(old_id.to_owned()),
            );
        }
        let lingers = answer.is_some() && dice.chance(self.faults.get().lingers);
        let most = if lingers { 240_000 } else { 2_000 };
        self.sleep(dice.between(1, most)).await;
        if sent.is_replacement() {
            judge::observe_abandoned(&self.world, &sent.binding_id);
        }
        self.roll_back(properties, old, old_id, new_id).await;
    }

    /// An Update with the inverse properties, until that has a success.
    async fn roll_back(
        &self,
        properties: &Rc<ResourceProperties>,
        old: &Rc<ResourceProperties>,
        old_id: &str,
        new_id: Option<String>,
    ) {
        self.world.coverage.count("rollbacks");
        self.restore_grants(old);
        loop {
            self.show(
                "UPDATE_ROLLBACK_IN_PROGRESS",
                "UPDATE_IN_PROGRESS",
                Some(old_id.to_owned()),
            );
            let sent = self.send(Update, old, Some(properties), Some(old_id.to_owned()));
            let answer = sent.wait_for_answer(&self.world, SERVICE_TIMEOUT).await;
            if answer.is_some_and(|answer| answer.is_success) {
                break;
            }
            self.show(
                "UPDATE_ROLLBACK_FAILED",
                "UPDATE_FAILED",
                Some(old_id.to_owned()),
            );
            self.world
                .coverage
                .count("rollbacks that had to be sent again");
            // Who sends it again has mended DNS, for which it may else wait for hours, beside a cache.
            let faults = &self.world.faults;
            faults.set(CallFaultRates {
                dns_fails: 0,
                ..faults.rates()
            });
            self.sleep(self.world.dice.between(5_000, 120_000)).await;
        }
        let cleaning = "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS";
        self.show(cleaning, "UPDATE_COMPLETE", Some(old_id.to_owned()));
        if let Some(new_id) = new_id {
            self.clean_up(properties, &new_id).await;
        }
        self.show(
            "UPDATE_ROLLBACK_COMPLETE",
            "UPDATE_COMPLETE",
            Some(old_id.to_owned()),
        );
    }

    /// After a replacement: the other binding goes. The resource's living id stays shown. CloudFormation
    /// tries a Delete that fails twice more; here it is sent until it has a success, so that the life goes on.
    async fn clean_up(&self, properties: &Rc<ResourceProperties>, id: &str) {
        loop {
            let sent = self.send(Delete, properties, None, Some(id.to_owned()));
            let answer = sent.wait_for_answer(&self.world, SERVICE_TIMEOUT).await;
            if answer.is_some_and(|answer| answer.is_success) {
                return;
            }
            self.world
                .coverage
                .count("Deletes that had to be sent again");
            self.sleep(self.world.dice.between(2_000, 20_000)).await;
        }
    }

    /// The resource goes from the template, and the stack lives on.
    pub async fn remove(&self) {
        let (properties, id) = self
            .acknowledged
            .borrow_mut()
            .take()
            .expect("a living resource");
        self.world
            .coverage
            .count("resources removed while the stack lives on");
        self.delete("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", &properties, &id)
            .await;
        self.stack.show(&self.world, "UPDATE_COMPLETE", None);
    }

    /// The whole stack goes.
    pub async fn delete_stack(&self) {
        let acknowledged = self.acknowledged.borrow_mut().take();
        if let Some((properties, id)) = acknowledged {
            self.delete("DELETE_IN_PROGRESS", &properties, &id).await;
        }
        self.stack.show(&self.world, "DELETE_COMPLETE", None);
    }
}

/// The Delete of what is replaced needs the grants that this had.
fn is_other_nlb(properties: &ResourceProperties, old: &ResourceProperties) -> bool {
    properties.nlb != old.nlb
}
