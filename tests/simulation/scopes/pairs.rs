//! Pairs of events that happen at once, with what led to them and what CloudFormation does next.
//!
//! No weather: only the order of calls differs.

use super::stories::{Event, Teller};
use crate::judge;
use crate::lambda::Delivery;
use crate::state::ACCOUNT;
use crate::wishes::Wish;
use alb_nlb_binding::names::BindingId;
use alb_nlb_binding::record::RequestType::{Create, Delete, Update};
use std::rc::Rc;

/// What happens at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pair {
    CreateAndDelete,
    /// What CloudFormation shows lags nine seconds behind its Delete.
    CreateAndUnseenDelete,
    /// The same with a second delivery of a Create that had a success.
    CreateAgainAndUnseenDelete,
    /// The same while the bucket's name is not free yet, so that the Create goes on when its Delete is done.
    SlowCreateAndUnseenDelete,
    UpdateAndRollback,
    /// The same within the seconds in which two signatures say nothing.
    UpdateAndQuickRollback,
    /// The same while the Update waits for DNS, and the rollback is long on its way; in one order only.
    UpdateAndLateRollback,
    /// The same when the same Update has been rolled back before.
    UpdateAgainAndLateRollback,
    UpdateAndDelete,
    /// A second delivery of the replacement, with the Delete of what it replaced.
    ReplacementAndCleanUp,
    ReplacementAndRollback,
    BucketAndTick,
    UpdateAndTick,
    DeleteAndTick,
    TickAndTick,
    /// An address is back in DNS while a tick puts it out.
    TickAndReturn,
    CreateTwice,
    UpdateTwice,
    ReplacementTwice,
    BucketTwice,
    DeleteTwice,
}

pub const PAIRS: [Pair; 21] = [
    Pair::CreateAndDelete,
    Pair::CreateAndUnseenDelete,
    Pair::CreateAgainAndUnseenDelete,
    Pair::SlowCreateAndUnseenDelete,
    Pair::UpdateAndRollback,
    Pair::UpdateAndQuickRollback,
    Pair::UpdateAndLateRollback,
    Pair::UpdateAgainAndLateRollback,
    Pair::UpdateAndDelete,
    Pair::ReplacementAndCleanUp,
    Pair::ReplacementAndRollback,
    Pair::BucketAndTick,
    Pair::UpdateAndTick,
    Pair::DeleteAndTick,
    Pair::TickAndTick,
    Pair::TickAndReturn,
    Pair::CreateTwice,
    Pair::UpdateTwice,
    Pair::ReplacementTwice,
    Pair::BucketTwice,
    Pair::DeleteTwice,
];

impl Teller {
    /// All of it: what led to the pair, the pair, and the end.
    pub async fn tells(&self, pair: Pair) {
        self.plays(pair).await;
        self.ends().await;
    }

    async fn plays(&self, pair: Pair) {
        let now = Delivery::default();
        let later = Delivery {
            after: 3_000,
            ..now
        };
        let living = |it: &(Rc<Wish>, String)| {
            self.user.living.replace(Some(it.clone()));
        };
        match pair {
            Pair::CreateAndDelete
            | Pair::CreateAndUnseenDelete
            | Pair::CreateAgainAndUnseenDelete
            | Pair::SlowCreateAndUnseenDelete => {
                let mut wish = self.wish(0, 0);
                if pair == Pair::CreateAgainAndUnseenDelete {
                    // For a given group the Delete would wait longer than CloudFormation's word lags.
                    wish.listeners.truncate(1);
                }
                let wish = Rc::new(wish);
                if pair == Pair::SlowCreateAndUnseenDelete {
                    let id = BindingId::parse(&wish.id(&self.user.stack.id)).expect("an id");
                    let until = self.world.stage.now() + 25_000;
                    let mut s3 = self.world.s3.borrow_mut();
                    s3.taken.insert(id.bucket(ACCOUNT), until);
                }
                self.shows("CREATE_IN_PROGRESS", "CREATE_IN_PROGRESS", None);
                let invented = "invented".to_owned();
                let id = if pair == Pair::CreateAgainAndUnseenDelete {
                    let create = self.send(Create, &wish, None, None, &[now, later]);
                    self.must(&create).await
                } else {
                    let create = self.send(Create, &wish, None, None, &[later]);
                    create.outcome(&self.world, 3_000).await;
                    invented
                };
                let lags = pair != Pair::CreateAndDelete;
                self.begins();
                let (stack, world) = (Rc::clone(&self.user.stack), Rc::clone(&self.world));
                let shown = id.clone();
                let leaves = move || {
                    let resource = (Some(shown), "DELETE_IN_PROGRESS");
                    stack.shows(&world, "ROLLBACK_IN_PROGRESS", Some(resource));
                };
                if lags {
                    self.world.stage.after(9_000, leaves);
                } else {
                    leaves();
                }
                let delete = self.send(Delete, &wish, None, Some(&id), &[now]);
                self.must(&delete).await;
                if lags {
                    self.sleeps(10_000).await;
                }
                self.user
                    .stack
                    .shows(&self.world, "ROLLBACK_COMPLETE", None);
            }
            Pair::UpdateAndLateRollback | Pair::UpdateAgainAndLateRollback => {
                let it = self.created(&self.wish(0, 0)).await;
                let (wish, (old, id)) = (Rc::new(self.wish(1, 0)), (&it.0, it.1.as_str()));
                let gaps: &[u64] = match pair {
                    Pair::UpdateAndLateRollback => &[120_000],
                    _ => &[0, 120_000],
                };
                for after in gaps.iter().copied() {
                    let name = "alb2.elb.amazonaws.com".to_owned();
                    let until = self.world.stage.now() + 40_000;
                    self.world.dns.borrow_mut().silent.insert(name, until);
                    self.shows("UPDATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", Some(id));
                    let update = self.send(Update, &wish, Some(old), Some(id), &[now]);
                    update.outcome(&self.world, 3_000).await;
                    let status = "UPDATE_ROLLBACK_IN_PROGRESS";
                    self.shows(status, "UPDATE_IN_PROGRESS", Some(id));
                    let late = Delivery { after, ..now };
                    let back = self.send(Update, old, Some(&wish), Some(id), &[late]);
                    self.must(&back).await;
                    self.shows("UPDATE_ROLLBACK_COMPLETE", "UPDATE_COMPLETE", Some(id));
                }
            }
            Pair::UpdateAndRollback | Pair::UpdateAndQuickRollback => {
                let it = self.created(&self.wish(0, 0)).await;
                let gap = if pair == Pair::UpdateAndRollback {
                    3_000
                } else {
                    1_400
                };
                let wish = Rc::new(self.wish(1, 0));
                let (old, id) = (&it.0, it.1.as_str());
                self.shows("UPDATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", Some(id));
                let update = self.send(
                    Update,
                    &wish,
                    Some(old),
                    Some(id),
                    &[Delivery { after: gap, ..now }],
                );
                update.outcome(&self.world, gap).await;
                self.begins();
                self.shows(
                    "UPDATE_ROLLBACK_IN_PROGRESS",
                    "UPDATE_IN_PROGRESS",
                    Some(id),
                );
                let back = self.send(Update, old, Some(&wish), Some(id), &[now]);
                self.must(&back).await;
                self.shows("UPDATE_ROLLBACK_COMPLETE", "UPDATE_COMPLETE", Some(id));
            }
            Pair::UpdateAndDelete => {
                let it = self.created(&self.wish(0, 0)).await;
                let wish = Rc::new(self.wish(1, 0));
                let (old, id) = (&it.0, it.1.as_str());
                self.shows("UPDATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", Some(id));
                let update = self.send(Update, &wish, Some(old), Some(id), &[later]);
                update.outcome(&self.world, 3_000).await;
                self.begins();
                self.shows("DELETE_IN_PROGRESS", "DELETE_IN_PROGRESS", Some(id));
                let delete = self.send(Delete, old, None, Some(id), &[now]);
                self.must(&delete).await;
                self.user.living.replace(None);
                self.user.stack.shows(&self.world, "DELETE_COMPLETE", None);
            }
            Pair::ReplacementAndCleanUp => {
                let it = self.created(&self.wish(0, 0)).await;
                let wish = Rc::new(self.wish(0, 1));
                self.shows("UPDATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", Some(&it.1));
                let second = Delivery {
                    after: 4_000,
                    ..now
                };
                let update = self.send(Update, &wish, Some(&it.0), Some(&it.1), &[now, second]);
                let id = self.must(&update).await;
                self.sleeps(4_000).await;
                self.begins();
                living(&(Rc::clone(&wish), id.clone()));
                self.shows(
                    "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
                    "UPDATE_COMPLETE",
                    Some(&id),
                );
                let delete = self.send(Delete, &it.0, None, Some(&it.1), &[now]);
                self.must(&delete).await;
                self.shows("UPDATE_COMPLETE", "UPDATE_COMPLETE", Some(&id));
            }
            Pair::ReplacementAndRollback => {
                let it = self.created(&self.wish(0, 0)).await;
                let wish = Rc::new(self.wish(0, 1));
                let (old, id) = (&it.0, it.1.as_str());
                self.shows("UPDATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", Some(id));
                let update = self.send(Update, &wish, Some(old), Some(id), &[later]);
                update.outcome(&self.world, 3_000).await;
                self.begins();
                judge::observe_abandoned(&self.world, &update.about);
                self.shows(
                    "UPDATE_ROLLBACK_IN_PROGRESS",
                    "UPDATE_IN_PROGRESS",
                    Some(id),
                );
                let back = self.send(Update, old, Some(&wish), Some(id), &[now]);
                self.must(&back).await;
                self.shows("UPDATE_ROLLBACK_COMPLETE", "UPDATE_COMPLETE", Some(id));
            }
            Pair::BucketAndTick | Pair::UpdateAndTick => {
                let mut wish = self.wish(0, 0);
                let it = self.created(&wish).await;
                if pair == Pair::BucketAndTick {
                    wish.bucket = Some(self.ground.buckets[0].clone());
                } else {
                    // The old target group is given up.
                    wish = self.wish(1, 0);
                    wish.listeners[1].given = Some(self.ground.given[1].clone());
                }
                self.moves();
                let wish = Rc::new(wish);
                self.begins();
                self.shows("UPDATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", Some(&it.1));
                self.ticks();
                let update = self.send(Update, &wish, Some(&it.0), Some(&it.1), &[now]);
                self.must(&update).await;
                living(&(wish, it.1.clone()));
                self.shows("UPDATE_COMPLETE", "UPDATE_COMPLETE", Some(&it.1));
            }
            Pair::DeleteAndTick => {
                let it = self.created(&self.wish(0, 0)).await;
                self.moves();
                self.begins();
                self.shows("DELETE_IN_PROGRESS", "DELETE_IN_PROGRESS", Some(&it.1));
                self.ticks();
                let delete = self.send(Delete, &it.0, None, Some(&it.1), &[now]);
                self.must(&delete).await;
                self.user.living.replace(None);
                self.user.stack.shows(&self.world, "DELETE_COMPLETE", None);
            }
            Pair::TickAndTick => {
                self.created(&self.wish(0, 0)).await;
                self.moves();
                self.begins();
                self.ticks();
                self.ticks();
            }
            Pair::TickAndReturn => {
                self.created(&self.wish(0, 0)).await;
                let gone = self.moves();
                self.begins();
                self.schedule.expects.set(true);
                self.ticks();
                self.sleeps(100).await;
                let now = self.world.stage.now();
                let dns = &self.world.dns;
                dns.borrow_mut().put("alb1.elb.amazonaws.com", gone, now);
                self.sleeps(100).await;
                self.ticks();
                self.schedule.expects.set(false);
            }
            Pair::CreateTwice => self.event(Event::Create, &[now, now]).await,
            Pair::UpdateTwice => self.event(Event::Update, &[now, now]).await,
            Pair::ReplacementTwice => self.event(Event::Replacement, &[now, now]).await,
            Pair::BucketTwice => self.event(Event::Move, &[now, now]).await,
            Pair::DeleteTwice => self.event(Event::Delete, &[now, now]).await,
        }
    }
}
