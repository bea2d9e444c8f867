//! A user and the stack: creates, updates, replacements, failures of other resources, cancels,
//! rollbacks, clean-ups, removals, deletes. CloudFormation guide, "Stack status codes", "Continue
//! rolling back an update", and "Custom resources" (replacement).
//!
//! Ends in a stack that is settled, and then gone.

use super::state::{PATIENCE, User};
use crate::cloudformation::Ask;
use crate::judge;
use crate::state::{Answered, Climate, Sent};
use crate::wishes::Wish;
use alb_nlb_binding::record::RequestType::{self, Create, Delete, Update};
use std::rc::Rc;

impl User {
    fn send(
        &self,
        kind: RequestType,
        wish: &Rc<Wish>,
        old: Option<&Rc<Wish>>,
        id: Option<String>,
    ) -> Rc<Sent> {
        let ask = Ask {
            kind,
            wish: Rc::clone(wish),
            old: old.cloned(),
            physical_id: id,
        };
        Sent::send(&self.world, &self.stack, ask, &self.deliveries())
    }

    fn shows(&self, stack: &'static str, resource: &'static str, id: Option<String>) {
        self.stack.shows(&self.world, stack, Some((id, resource)));
    }

    /// A stack with the resource in it, or one without after a failure.
    pub async fn creates(&self, mut wish: Wish) {
        let bucket = wish.bucket.take();
        wish.bucket = self.made_in.borrow_mut().get_or_insert(bucket).clone();
        let wish = Rc::new(wish);
        let is_new = self.stack.now.borrow().status.is_empty();
        if !is_new {
            // Until the deliveries and the retries of the former Create are over: beside a new one that has
            // not come yet they cannot be told from it (a limit of the product's).
            self.sleeps(480_000).await;
        }
        let (going, done) = if is_new {
            ("CREATE_IN_PROGRESS", "CREATE_COMPLETE")
        } else {
            ("UPDATE_IN_PROGRESS", "UPDATE_COMPLETE")
        };
        self.shows(going, "CREATE_IN_PROGRESS", None);
        self.grants(&wish, &wish);
        let sent = self.send(Create, &wish, None, None);
        let answer = sent.outcome(&self.world, self.patience()).await;
        if let Some(Answered {
            is_success: true,
            physical_id,
        }) = &answer
        {
            self.shows(going, "CREATE_COMPLETE", Some(physical_id.clone()));
            self.sleeps(self.world.dice.between(10, 3_000)).await;
            if !self.other_fails() {
                self.living.replace(Some((wish, physical_id.clone())));
                return self.shows(done, "CREATE_COMPLETE", Some(physical_id.clone()));
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
        self.sleeps(self.world.dice.between(10, 2_000)).await;
        self.deletes(going, &wish, &id).await;
        self.stack.shows(&self.world, done, None);
    }

    /// Deletes one physical id, again and again until that has a success.
    async fn deletes(&self, status: &'static str, wish: &Rc<Wish>, id: &str) {
        let id = Some(id.to_owned());
        loop {
            self.shows(status, "DELETE_IN_PROGRESS", id.clone());
            let sent = self.send(Delete, wish, None, id.clone());
            let answer = sent.outcome(&self.world, PATIENCE).await;
            if answer.is_some_and(|answer| answer.is_success) {
                return self.shows(status, "DELETE_COMPLETE", id);
            }
            self.shows("DELETE_FAILED", "DELETE_FAILED", id.clone());
            self.world.tally.count("Deletes that had to be sent again");
            self.sleeps(self.world.dice.between(5_000, 120_000)).await;
        }
    }

    /// An Update, in place or to another NLB, with all that may go wrong about it.
    pub async fn updates(&self) {
        let (old, old_id) = self.living.borrow().clone().expect("a living resource");
        let dice = &self.world.dice;
        let replaces = self.choices.nlbs.len() > 1 && dice.chance(self.fortune.get().replaces);
        let wish = Rc::new(old.changed(dice, &self.choices, replaces));
        if wish == old {
            return;
        }
        self.updates_to(&wish, &old, &old_id).await;
    }

    pub async fn updates_to(&self, wish: &Rc<Wish>, old: &Rc<Wish>, old_id: &str) {
        let dice = &self.world.dice;
        self.shows(
            "UPDATE_IN_PROGRESS",
            "UPDATE_IN_PROGRESS",
            Some(old_id.to_owned()),
        );
        if replaces_nlb(wish, old) {
            self.grants_again(wish);
        } else {
            self.grants(wish, old);
        }
        let sent = self.send(Update, wish, Some(old), Some(old_id.to_owned()));
        let answer = sent.outcome(&self.world, self.patience()).await;
        let new_id = answer.as_ref().map(|answer| answer.physical_id.clone());
        let new_id = new_id.filter(|id| id != old_id);
        if let Some(Answered {
            is_success: true,
            physical_id,
        }) = &answer
        {
            self.shows(
                "UPDATE_IN_PROGRESS",
                "UPDATE_COMPLETE",
                Some(physical_id.clone()),
            );
            self.sleeps(dice.between(10, 3_000)).await;
            if !self.other_fails() {
                self.living
                    .replace(Some((Rc::clone(wish), physical_id.clone())));
                let cleaning = "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS";
                self.shows(cleaning, "UPDATE_COMPLETE", Some(physical_id.clone()));
                if new_id.is_some() {
                    self.cleans_up(old, old_id).await;
                }
                return self.shows(
                    "UPDATE_COMPLETE",
                    "UPDATE_COMPLETE",
                    Some(physical_id.clone()),
                );
            }
        } else {
            self.shows(
                "UPDATE_IN_PROGRESS",
                "UPDATE_FAILED",
                Some(old_id.to_owned()),
            );
        }
        let lingers = answer.is_some() && dice.chance(self.fortune.get().lingers);
        let most = if lingers { 240_000 } else { 2_000 };
        self.sleeps(dice.between(1, most)).await;
        if sent.replaces() {
            judge::observe_abandoned(&self.world, &sent.about);
        }
        self.rolls_back(wish, old, old_id, new_id).await;
    }

    /// An Update with the inverse properties, until that has a success.
    async fn rolls_back(
        &self,
        wish: &Rc<Wish>,
        old: &Rc<Wish>,
        old_id: &str,
        new_id: Option<String>,
    ) {
        self.world.tally.count("rollbacks");
        self.grants_again(old);
        loop {
            self.shows(
                "UPDATE_ROLLBACK_IN_PROGRESS",
                "UPDATE_IN_PROGRESS",
                Some(old_id.to_owned()),
            );
            let sent = self.send(Update, old, Some(wish), Some(old_id.to_owned()));
            let answer = sent.outcome(&self.world, PATIENCE).await;
            if answer.is_some_and(|answer| answer.is_success) {
                break;
            }
            self.shows(
                "UPDATE_ROLLBACK_FAILED",
                "UPDATE_FAILED",
                Some(old_id.to_owned()),
            );
            self.world
                .tally
                .count("rollbacks that had to be sent again");
            // Who sends it again has mended DNS, for which it may else wait for hours, beside a cache.
            let weather = &self.world.weather;
            weather.set(Climate {
                dns_fails: 0,
                ..weather.climate()
            });
            self.sleeps(self.world.dice.between(5_000, 120_000)).await;
        }
        let cleaning = "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS";
        self.shows(cleaning, "UPDATE_COMPLETE", Some(old_id.to_owned()));
        if let Some(new_id) = new_id {
            self.cleans_up(wish, &new_id).await;
        }
        self.shows(
            "UPDATE_ROLLBACK_COMPLETE",
            "UPDATE_COMPLETE",
            Some(old_id.to_owned()),
        );
    }

    /// After a replacement: the other binding goes. The resource's living id stays shown. CloudFormation
    /// tries a Delete that fails twice more; here it is sent until it has a success, so that the life goes on.
    async fn cleans_up(&self, wish: &Rc<Wish>, id: &str) {
        loop {
            let sent = self.send(Delete, wish, None, Some(id.to_owned()));
            let answer = sent.outcome(&self.world, PATIENCE).await;
            if answer.is_some_and(|answer| answer.is_success) {
                return;
            }
            self.world.tally.count("Deletes that had to be sent again");
            self.sleeps(self.world.dice.between(2_000, 20_000)).await;
        }
    }

    /// The resource goes from the template, and the stack lives on.
    pub async fn removes(&self) {
        let (wish, id) = self.living.borrow_mut().take().expect("a living resource");
        self.world
            .tally
            .count("resources removed while the stack lives on");
        self.deletes("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", &wish, &id)
            .await;
        self.stack.shows(&self.world, "UPDATE_COMPLETE", None);
    }

    /// The whole stack goes.
    pub async fn deletes_all(&self) {
        let living = self.living.borrow_mut().take();
        if let Some((wish, id)) = living {
            self.deletes("DELETE_IN_PROGRESS", &wish, &id).await;
        }
        self.stack.shows(&self.world, "DELETE_COMPLETE", None);
    }
}

/// The Delete of what is replaced needs the grants that this had.
fn replaces_nlb(wish: &Wish, old: &Wish) -> bool {
    wish.nlb != old.nlb
}
