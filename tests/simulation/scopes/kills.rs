//! Every await at which Lambda may kill an invocation: before its call arrives, and after. Lambda then
//! tries it again, or CloudFormation goes on without it.

use super::play;
use super::stories::{EVENTS, Event, Teller, killed};
use crate::judge;
use crate::lambda::Delivery;
use crate::state::Death;
use alb_nlb_binding::record::RequestType::{Create, Delete, Update};
use std::cell::Cell;
use std::rc::Rc;
use std::time::Instant;

/// No event has so many awaits.
const MOST: u32 = 400;

/// What follows a kill.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    /// Lambda's retry completes it.
    Retry,
    /// A second delivery was on its way already.
    Second,
    /// The retry is killed as well, and CloudFormation does what it does then.
    GivenUp,
}

/// A tick that is killed at one await after the other; Lambda tries it again.
fn kills_ticks() -> u32 {
    let mut played = 0;
    for at in 1..MOST {
        for arrives in [false, true] {
            let reached = Rc::new(Cell::new(false));
            let tells = Rc::clone(&reached);
            let result = play(&Rc::default(), false, move |teller| async move {
                teller.created(&teller.wish(0, 0)).await;
                teller.moves();
                teller.eventbridge.dies.set(Some(Death { at, arrives }));
                teller.ticks();
                teller.eventbridge.dies.set(None);
                teller.sleeps(1_000).await;
                tells.set(teller.world.tally.of("kills") > 0);
                teller.ends().await;
            });
            if let Err(story) = result {
                println!("{story}");
                panic!("a tick killed at await {at}, arrives: {arrives}");
            }
            played += 1;
            if !reached.get() {
                return played;
            }
        }
    }
    panic!("a tick has no end");
}

/// Plays one kill after the other, until the event has no more awaits.
fn kills(event: Event, next: Next) -> u32 {
    let mut played = 0;
    for at in 1..MOST {
        for arrives in [false, true] {
            let reached = Rc::new(Cell::new(false));
            let tells = Rc::clone(&reached);
            let result = play(&Rc::default(), false, move |teller| async move {
                match next {
                    Next::Retry => teller.event(event, &[killed(at, arrives)]).await,
                    Next::Second => {
                        let second = Delivery {
                            after: 300,
                            ..Delivery::default()
                        };
                        let deliveries = [killed(at, arrives), second];
                        teller.event(event, &deliveries).await;
                    }
                    Next::GivenUp => teller.gives_up(event, at, arrives).await,
                }
                tells.set(teller.world.tally.of("kills") > 0);
                teller.ends().await;
            });
            if let Err(story) = result {
                println!("{story}");
                panic!("{event:?} killed at await {at}, arrives: {arrives}, {next:?}");
            }
            played += 1;
            if !reached.get() {
                return played;
            }
        }
    }
    panic!("{event:?} has no end");
}

impl Teller {
    /// A request that is never answered, and what CloudFormation does next.
    async fn gives_up(&self, event: Event, at: u32, arrives: bool) {
        let dies = Delivery {
            dies_again: Some(Death { at, arrives }),
            ..killed(at, arrives)
        };
        match event {
            Event::Create => {
                let wish = Rc::new(self.wish(0, 0));
                self.shows("CREATE_IN_PROGRESS", "CREATE_IN_PROGRESS", None);
                let sent = self.send(Create, &wish, None, None, &[dies]);
                sent.outcome(&self.world, 400_000).await;
                self.shows(
                    "ROLLBACK_IN_PROGRESS",
                    "DELETE_IN_PROGRESS",
                    Some("invented"),
                );
                let sent = self.send(
                    Delete,
                    &wish,
                    None,
                    Some("invented"),
                    &[Delivery::default()],
                );
                self.must(&sent).await;
                self.user
                    .stack
                    .shows(&self.world, "ROLLBACK_COMPLETE", None);
            }
            Event::Update | Event::Replacement | Event::Move => {
                let (old, id) = self.created(&self.wish(0, 0)).await;
                let wish = Rc::new(self.wish_of(event));
                self.shows("UPDATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", Some(&id));
                let sent = self.send(Update, &wish, Some(&old), Some(&id), &[dies]);
                let answer = sent.outcome(&self.world, 400_000).await;
                if sent.replaces() {
                    judge::observe_abandoned(&self.world, &sent.about);
                }
                self.shows(
                    "UPDATE_ROLLBACK_IN_PROGRESS",
                    "UPDATE_IN_PROGRESS",
                    Some(&id),
                );
                let back = self.send(Update, &old, Some(&wish), Some(&id), &[Delivery::default()]);
                self.must(&back).await;
                if let Some(answer) = answer.filter(|answer| answer.physical_id != id) {
                    let cleaning = "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS";
                    self.shows(cleaning, "UPDATE_COMPLETE", Some(&id));
                    let clean = self.send(
                        Delete,
                        &wish,
                        None,
                        Some(&answer.physical_id),
                        &[Delivery::default()],
                    );
                    self.must(&clean).await;
                }
                self.shows("UPDATE_ROLLBACK_COMPLETE", "UPDATE_COMPLETE", Some(&id));
            }
            Event::Delete => {
                let (wish, id) = self.created(&self.wish(0, 0)).await;
                self.shows("DELETE_IN_PROGRESS", "DELETE_IN_PROGRESS", Some(&id));
                let sent = self.send(Delete, &wish, None, Some(&id), &[dies]);
                sent.outcome(&self.world, 400_000).await;
                let again = self.send(Delete, &wish, None, Some(&id), &[Delivery::default()]);
                self.must(&again).await;
                self.user.living.replace(None);
                self.user.stack.shows(&self.world, "DELETE_COMPLETE", None);
            }
        }
    }
}

#[test]
fn a_kill_at_any_await_is_mended_by_the_retry_or_by_what_cloudformation_does_next() {
    let started = Instant::now();
    let mut all = 0;
    let mut plays = |next| {
        for event in EVENTS {
            let played = kills(event, next);
            println!("{event:?} killed, {next:?}: {played} stories");
            all += played;
        }
    };
    for next in [Next::Retry, Next::Second, Next::GivenUp] {
        plays(next);
    }
    let played = kills_ticks();
    println!("ticks killed: {played} stories");
    all += played;
    println!("{all} kills in {:.1} s", started.elapsed().as_secs_f64());
}
