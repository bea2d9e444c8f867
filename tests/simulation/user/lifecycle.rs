//! The lifecycle of a stack: creates, updates, replacements, failures of other resources, cancels, rollbacks,
//! clean-ups, removals, deletes. CloudFormation guide, "Stack status codes", "Continue rolling back an update",
//! and "Custom resources" (replacement).
//!
//! Every method goes on until the stack has settled.

use super::state::{SERVICE_TIMEOUT, User};
use crate::cloudformation::RequestToSend;
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
        let ask = RequestToSend {
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

    /// Creates the resource, in a new stack or in the present one, and deletes it again after a failure.
    pub async fn create(&self, mut properties: ResourceProperties) {
        let bucket = properties.bucket.take();
        properties.bucket = self.first_bucket.borrow_mut().get_or_insert(bucket).clone();
        let properties = Rc::new(properties);
        let is_new = self.stack.current.borrow().status.is_empty();
        if !is_new {
            // Waits until the deliveries and the retries of the former Create are done. Before a new Create
            // arrives, the function cannot tell them from it (a limit of the product).
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
        // CloudFormation invents a physical id if the Create was never answered.
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

    /// Deletes one physical id, and repeats that until it succeeds.
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

    /// Updates the resource, in place or to another NLB, with all that may go wrong.
    pub async fn update(&self) {
        let (old, old_id) = self
            .acknowledged
            .borrow()
            .clone()
            .expect("an acknowledged resource");
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

    /// Sends an Update with the former properties, and repeats it until it succeeds.
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
            // The user mends DNS before the next try. Otherwise the request might wait for it for hours, if there
            // is a cache.
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

    /// Deletes the other binding after a replacement, while CloudFormation shows the physical id that stays.
    /// CloudFormation repeats a failed Delete twice. Here it is repeated until it succeeds, so that the life
    /// goes on.
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

    /// Removes the resource from the template. The stack stays.
    pub async fn remove(&self) {
        let (properties, id) = self
            .acknowledged
            .borrow_mut()
            .take()
            .expect("an acknowledged resource");
        self.world
            .coverage
            .count("resources removed while the stack lives on");
        self.delete("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", &properties, &id)
            .await;
        self.stack.show(&self.world, "UPDATE_COMPLETE", None);
    }

    /// Deletes the whole stack.
    pub async fn delete_stack(&self) {
        let acknowledged = self.acknowledged.borrow_mut().take();
        if let Some((properties, id)) = acknowledged {
            self.delete("DELETE_IN_PROGRESS", &properties, &id).await;
        }
        self.stack.show(&self.world, "DELETE_COMPLETE", None);
    }
}

/// Whether the NLB changes, so that the binding is replaced. The Delete of the former one then still needs its
/// grants.
fn is_other_nlb(properties: &ResourceProperties, old: &ResourceProperties) -> bool {
    properties.nlb != old.nlb
}
