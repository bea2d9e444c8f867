//! Plays each pair of events: what leads to it, the pair itself, and what CloudFormation does next.
//!
//! There are no faults here: only the order of the calls differs.

use super::pairs::EventPair;
use super::scenario::{SmallScenario, StackEvent};
use crate::judge;
use crate::lambda::Delivery;
use crate::properties::ResourceProperties;
use crate::state::SIMULATED_ACCOUNT;
use alb_nlb_binding::names::BindingId;
use alb_nlb_binding::record::RequestType::{Create, Delete, Update};
use std::rc::Rc;

impl SmallScenario {
    /// Plays what leads to the pair, the pair, and the end.
    pub async fn run_pair(&self, pair: EventPair) {
        self.run_events(pair).await;
        self.finish().await;
    }

    async fn run_events(&self, pair: EventPair) {
        let now = Delivery::default();
        let later = Delivery {
            after: 3_000,
            ..now
        };
        let acknowledged = |it: &(Rc<ResourceProperties>, String)| {
            self.user.acknowledged.replace(Some(it.clone()));
        };
        match pair {
            EventPair::CreateAndDelete
            | EventPair::CreateAndUnseenDelete
            | EventPair::CreateAgainAndUnseenDelete
            | EventPair::SlowCreateAndUnseenDelete => {
                let mut properties = self.properties(0, 0);
                if pair == EventPair::CreateAgainAndUnseenDelete {
                    // With a given group, the Delete would wait longer than the shown status lags.
                    properties.listeners.truncate(1);
                }
                let properties = Rc::new(properties);
                if pair == EventPair::SlowCreateAndUnseenDelete {
                    let id = BindingId::parse(&properties.binding_id(&self.user.stack.id))
                        .expect("an id");
                    let until = self.world.scheduler.now() + 25_000;
                    let mut s3 = self.world.s3.borrow_mut();
                    s3.taken.insert(id.bucket(SIMULATED_ACCOUNT), until);
                }
                self.show("CREATE_IN_PROGRESS", "CREATE_IN_PROGRESS", None);
                let invented = "invented".to_owned();
                let id = if pair == EventPair::CreateAgainAndUnseenDelete {
                    let create = self.send(Create, &properties, None, None, &[now, later]);
                    self.expect_success(&create).await
                } else {
                    let create = self.send(Create, &properties, None, None, &[later]);
                    create.wait_for_answer(&self.world, 3_000).await;
                    invented
                };
                let lags = pair != EventPair::CreateAndDelete;
                self.start_choosing();
                let (stack, world) = (Rc::clone(&self.user.stack), Rc::clone(&self.world));
                let shown = id.clone();
                let leaves = move || {
                    let resource = (Some(shown), "DELETE_IN_PROGRESS");
                    stack.show(&world, "ROLLBACK_IN_PROGRESS", Some(resource));
                };
                if lags {
                    self.world.scheduler.run_after(9_000, leaves);
                } else {
                    leaves();
                }
                let delete = self.send(Delete, &properties, None, Some(&id), &[now]);
                self.expect_success(&delete).await;
                if lags {
                    self.sleep(10_000).await;
                }
                self.user.stack.show(&self.world, "ROLLBACK_COMPLETE", None);
            }
            EventPair::UpdateAndLateRollback | EventPair::UpdateAgainAndLateRollback => {
                let it = self.created(&self.properties(0, 0)).await;
                let (properties, (old, id)) =
                    (Rc::new(self.properties(1, 0)), (&it.0, it.1.as_str()));
                let gaps: &[u64] = match pair {
                    EventPair::UpdateAndLateRollback => &[120_000],
                    _ => &[0, 120_000],
                };
                for after in gaps.iter().copied() {
                    let name = "alb2.elb.amazonaws.com".to_owned();
                    let until = self.world.scheduler.now() + 40_000;
                    self.world.dns.borrow_mut().silent.insert(name, until);
                    self.show("UPDATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", Some(id));
                    let update = self.send(Update, &properties, Some(old), Some(id), &[now]);
                    update.wait_for_answer(&self.world, 3_000).await;
                    let status = "UPDATE_ROLLBACK_IN_PROGRESS";
                    self.show(status, "UPDATE_IN_PROGRESS", Some(id));
                    let late = Delivery { after, ..now };
                    let back = self.send(Update, old, Some(&properties), Some(id), &[late]);
                    self.expect_success(&back).await;
                    self.show("UPDATE_ROLLBACK_COMPLETE", "UPDATE_COMPLETE", Some(id));
                }
            }
            EventPair::UpdateAndRollback
            | EventPair::UpdateAndQuickRollback
            | EventPair::ReplacementAndRollback => {
                let it = self.created(&self.properties(0, 0)).await;
                let gap = match pair {
                    EventPair::UpdateAndQuickRollback => 1_400,
                    _ => 3_000,
                };
                let properties = Rc::new(match pair {
                    EventPair::ReplacementAndRollback => self.properties(0, 1),
                    _ => self.properties(1, 0),
                });
                let (old, id) = (&it.0, it.1.as_str());
                self.show("UPDATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", Some(id));
                let update = self.send(
                    Update,
                    &properties,
                    Some(old),
                    Some(id),
                    &[Delivery { after: gap, ..now }],
                );
                update.wait_for_answer(&self.world, gap).await;
                self.start_choosing();
                if update.is_replacement() {
                    judge::observe_abandoned(&self.world, &update.binding_id);
                }
                self.show(
                    "UPDATE_ROLLBACK_IN_PROGRESS",
                    "UPDATE_IN_PROGRESS",
                    Some(id),
                );
                let back = self.send(Update, old, Some(&properties), Some(id), &[now]);
                self.expect_success(&back).await;
                self.show("UPDATE_ROLLBACK_COMPLETE", "UPDATE_COMPLETE", Some(id));
            }
            EventPair::UpdateAndDelete => {
                let it = self.created(&self.properties(0, 0)).await;
                let properties = Rc::new(self.properties(1, 0));
                let (old, id) = (&it.0, it.1.as_str());
                self.show("UPDATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", Some(id));
                let update = self.send(Update, &properties, Some(old), Some(id), &[later]);
                update.wait_for_answer(&self.world, 3_000).await;
                self.start_choosing();
                self.show("DELETE_IN_PROGRESS", "DELETE_IN_PROGRESS", Some(id));
                let delete = self.send(Delete, old, None, Some(id), &[now]);
                self.expect_success(&delete).await;
                self.user.acknowledged.replace(None);
                self.user.stack.show(&self.world, "DELETE_COMPLETE", None);
            }
            EventPair::ReplacementAndCleanUp => {
                let it = self.created(&self.properties(0, 0)).await;
                let properties = Rc::new(self.properties(0, 1));
                self.show("UPDATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", Some(&it.1));
                let second = Delivery {
                    after: 4_000,
                    ..now
                };
                let update = self.send(
                    Update,
                    &properties,
                    Some(&it.0),
                    Some(&it.1),
                    &[now, second],
                );
                let id = self.expect_success(&update).await;
                self.sleep(4_000).await;
                self.start_choosing();
                acknowledged(&(Rc::clone(&properties), id.clone()));
                self.show(
                    "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
                    "UPDATE_COMPLETE",
                    Some(&id),
                );
                let delete = self.send(Delete, &it.0, None, Some(&it.1), &[now]);
                self.expect_success(&delete).await;
                self.show("UPDATE_COMPLETE", "UPDATE_COMPLETE", Some(&id));
            }
            EventPair::BucketAndTick | EventPair::UpdateAndTick => {
                let mut properties = self.properties(0, 0);
                let it = self.created(&properties).await;
                if pair == EventPair::BucketAndTick {
                    properties.bucket = Some(self.fixtures.buckets[0].clone());
                } else {
                    // The Update gives the old target group up.
                    properties = self.properties(1, 0);
                    properties.listeners[1].given_group = Some(self.fixtures.given[1].clone());
                }
                self.move_addresses();
                let properties = Rc::new(properties);
                self.start_choosing();
                self.show("UPDATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", Some(&it.1));
                self.tick();
                let update = self.send(Update, &properties, Some(&it.0), Some(&it.1), &[now]);
                self.expect_success(&update).await;
                acknowledged(&(properties, it.1.clone()));
                self.show("UPDATE_COMPLETE", "UPDATE_COMPLETE", Some(&it.1));
            }
            EventPair::DeleteAndTick => {
                let it = self.created(&self.properties(0, 0)).await;
                self.move_addresses();
                self.start_choosing();
                self.show("DELETE_IN_PROGRESS", "DELETE_IN_PROGRESS", Some(&it.1));
                self.tick();
                let delete = self.send(Delete, &it.0, None, Some(&it.1), &[now]);
                self.expect_success(&delete).await;
                self.user.acknowledged.replace(None);
                self.user.stack.show(&self.world, "DELETE_COMPLETE", None);
            }
            EventPair::TickAndTick => {
                self.created(&self.properties(0, 0)).await;
                self.move_addresses();
                self.start_choosing();
                self.tick();
                self.tick();
            }
            EventPair::TickAndReturn => {
                self.created(&self.properties(0, 0)).await;
                let gone = self.move_addresses();
                self.start_choosing();
                self.schedule.expects.set(true);
                self.tick();
                self.sleep(100).await;
                let now = self.world.scheduler.now();
                let dns = &self.world.dns;
                dns.borrow_mut().put("alb1.elb.amazonaws.com", gone, now);
                self.sleep(100).await;
                self.tick();
                self.schedule.expects.set(false);
            }
            EventPair::CreateTwice => self.event(StackEvent::Create, &[now, now]).await,
            EventPair::UpdateTwice => self.event(StackEvent::Update, &[now, now]).await,
            EventPair::ReplacementTwice => self.event(StackEvent::Replacement, &[now, now]).await,
            EventPair::BucketTwice => self.event(StackEvent::Move, &[now, now]).await,
            EventPair::DeleteTwice => self.event(StackEvent::Delete, &[now, now]).await,
        }
    }
}
