//! Kills an invocation at each of its awaits, before or after its call arrives. Then Lambda tries it again, or
//! CloudFormation goes on without it.

use super::play::play;
use super::scenario::{EVENTS, SmallScenario, StackEvent, killed};
use crate::judge;
use crate::lambda::Delivery;
use crate::state::Kill;
use alb_nlb_binding::record::RequestType::{Create, Delete, Update};
use std::cell::Cell;
use std::rc::Rc;
use std::time::Instant;

/// More awaits than any event has.
const MOST_AWAITS: u32 = 400;

/// What happens after a kill.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum AfterKill {
    /// Lambda's retry completes the event.
    Retry,
    /// A second delivery of the event was already on its way.
    Second,
    /// The retry is killed as well, and CloudFormation gives the request up.
    GivenUp,
}

/// Plays `events` with a kill at each await in turn, until they end before that await. Gives the number of runs.
fn play_kills(what: &str, events: impl AsyncFn(&SmallScenario, Kill) + 'static) -> u32 {
    let events = Rc::new(events);
    let mut played = 0;
    for at in 1..MOST_AWAITS {
        for arrives in [false, true] {
            let reached = Rc::new(Cell::new(false));
            let (was_reached, events) = (Rc::clone(&reached), Rc::clone(&events));
            let result = play(&Rc::default(), false, move |scenario| async move {
                events(&scenario, Kill { at, arrives }).await;
                was_reached.set(scenario.world.coverage.of("kills") > 0);
                scenario.finish().await;
            });
            if let Err(trace) = result {
                println!("{trace}");
                panic!("{what} killed at await {at}, arrives: {arrives}");
            }
            played += 1;
            if !reached.get() {
                return played;
            }
        }
    }
    panic!("{what} killed: there is no end");
}

/// Kills a tick, and Lambda tries it again.
fn play_tick_kills() -> u32 {
    play_kills("a tick", async |scenario, kill| {
        scenario.created(&scenario.properties(0, 0)).await;
        scenario.move_addresses();
        scenario.eventbridge.kill.set(Some(kill));
        scenario.tick();
        scenario.eventbridge.kill.set(None);
        scenario.sleep(1_000).await;
    })
}

/// Kills an event, and then `next` happens.
fn play_event_kills(event: StackEvent, next: AfterKill) -> u32 {
    let what = format!("{event:?}, {next:?},");
    play_kills(&what, async move |scenario, Kill { at, arrives }| {
        let first = killed(at, arrives);
        let second = Delivery {
            after: 300,
            ..Delivery::default()
        };
        match next {
            AfterKill::Retry => scenario.event(event, &[first]).await,
            AfterKill::Second => scenario.event(event, &[first, second]).await,
            AfterKill::GivenUp => scenario.give_up(event, at, arrives).await,
        }
    })
}

impl SmallScenario {
    /// Sends a request that is killed twice, and does what CloudFormation does next.
    async fn give_up(&self, event: StackEvent, at: u32, arrives: bool) {
        let kill = Delivery {
            kill_retry: Some(Kill { at, arrives }),
            ..killed(at, arrives)
        };
        match event {
            StackEvent::Create => {
                let properties = Rc::new(self.properties(0, 0));
                self.show("CREATE_IN_PROGRESS", "CREATE_IN_PROGRESS", None);
                let sent = self.send(Create, &properties, None, None, &[kill]);
                sent.wait_for_answer(&self.world, 400_000).await;
                self.show(
                    "ROLLBACK_IN_PROGRESS",
                    "DELETE_IN_PROGRESS",
                    Some("invented"),
                );
                let sent = self.send(
                    Delete,
                    &properties,
                    None,
                    Some("invented"),
                    &[Delivery::default()],
                );
                self.expect_success(&sent).await;
                self.user.stack.show(&self.world, "ROLLBACK_COMPLETE", None);
            }
            StackEvent::Update | StackEvent::Replacement | StackEvent::Move => {
                let (old, id) = self.created(&self.properties(0, 0)).await;
                let properties = Rc::new(self.properties_of(event));
                self.show("UPDATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", Some(&id));
                let sent = self.send(Update, &properties, Some(&old), Some(&id), &[kill]);
                let answer = sent.wait_for_answer(&self.world, 400_000).await;
                if sent.is_replacement() {
                    judge::observe_abandoned(&self.world, &sent.binding_id);
                }
                self.show(
                    "UPDATE_ROLLBACK_IN_PROGRESS",
                    "UPDATE_IN_PROGRESS",
                    Some(&id),
                );
                let back = self.send(
                    Update,
                    &old,
                    Some(&properties),
                    Some(&id),
                    &[Delivery::default()],
                );
                self.expect_success(&back).await;
                if let Some(answer) = answer.filter(|answer| answer.physical_id != id) {
                    let cleaning = "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS";
                    self.show(cleaning, "UPDATE_COMPLETE", Some(&id));
                    let clean = self.send(
                        Delete,
                        &properties,
                        None,
                        Some(&answer.physical_id),
                        &[Delivery::default()],
                    );
                    self.expect_success(&clean).await;
                }
                self.show("UPDATE_ROLLBACK_COMPLETE", "UPDATE_COMPLETE", Some(&id));
            }
            StackEvent::Delete => {
                let (properties, id) = self.created(&self.properties(0, 0)).await;
                self.show("DELETE_IN_PROGRESS", "DELETE_IN_PROGRESS", Some(&id));
                let sent = self.send(Delete, &properties, None, Some(&id), &[kill]);
                sent.wait_for_answer(&self.world, 400_000).await;
                let again = self.send(Delete, &properties, None, Some(&id), &[Delivery::default()]);
                self.expect_success(&again).await;
                self.user.acknowledged.replace(None);
                self.user.stack.show(&self.world, "DELETE_COMPLETE", None);
            }
        }
    }
}

#[test]
fn a_kill_at_any_await_is_mended_by_the_retry_or_by_what_cloudformation_does_next() {
    let started = Instant::now();
    let mut all = 0;
    let mut play_all = |next| {
        for event in EVENTS {
            let played = play_event_kills(event, next);
            println!("{event:?} killed, {next:?}: {played} runs");
            all += played;
        }
    };
    for next in [AfterKill::Retry, AfterKill::Second, AfterKill::GivenUp] {
        play_all(next);
    }
    let played = play_tick_kills();
    println!("ticks killed: {played} runs");
    all += played;
    println!("{all} kills in {:.1} s", started.elapsed().as_secs_f64());
}
