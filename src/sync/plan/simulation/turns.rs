//! The one loop: a minute passes, the rule ticks, and all invocations under way take turns, call
//! by call.
//!
//! Who is next, who is held up and who dies is chance; nobody waits for anybody.

use super::invocation::tick;
use super::ledger::{Notes, Role};
use super::life::Life;
use crate::log::chain;
use crate::sync::{Outcome, TickInput};
use std::cell::RefCell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use tokio::time::advance;

/// For how many minutes the function may work on a lifecycle event (cfn/provider.yaml).
const TIMEOUT: u64 = 5;

/// A tick is given up before a minute is over, so it sees one other minute begin at most.
const TICK_TIMEOUT: u64 = 2;

/// How long a call takes. The product waits by this clock, too.
const CALL: Duration = Duration::from_millis(50);

/// How an invocation ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum End {
    Synced(usize),
    Made,
    Deleted,
    Failed(String),
    /// Timed out, or ended by nobody's fault.
    Died,
}

pub(super) struct Running {
    work: Pin<Box<dyn Future<Output = End>>>,
    notes: Rc<RefCell<Notes>>,
    since: u64,
    held_up_until: u64,
    /// Lambda delivers at least once, and a failed invocation once more.
    again: bool,
}

/// A tick that is delivered later.
pub(super) struct Late {
    pub minute: u64,
    pub id: String,
    pub orders: TickInput,
}

impl Life {
    pub fn minute(&mut self) {
        self.world.borrow_mut().pass_minutes(1);
        self.rule_ticks();
        let minute = self.world.borrow().minute;
        let (due, late) = self.late.drain(..).partition(|late| late.minute <= minute);
        self.late = late;
        for Late { id, orders, .. } in due {
            self.tick(id, orders, true);
        }
        self.take_turns();
    }

    pub fn rule_ticks(&mut self) {
        let Some(orders) = self.current_orders() else {
            return;
        };
        let weather = self.world.borrow().weather;
        if self.chance(weather.lost) {
            return;
        }
        let id = self.id("tick");
        if self.chance(weather.doubled) {
            let minute = self.world.borrow_mut().chance.number(0..=2) as u64;
            let (id, orders) = (id.clone(), orders.clone());
            let minute = self.world.borrow().minute + minute;
            self.late.push(Late { minute, id, orders });
        }
        self.tick(id, orders, false);
    }

    fn tick(&mut self, id: String, orders: TickInput, again: bool) {
        self.world.borrow_mut().ledger.tally.ticks += 1;
        let client = self.client(id, Role::Tick, Some(orders.clone()));
        let notes = Rc::clone(&client.notes);
        let work = async move {
            match tick(client, orders).await {
                Ok(Outcome::Synced { addresses }) => End::Synced(addresses),
                Ok(Outcome::Deleted) => End::Deleted,
                Err(error) => End::Failed(chain(&error)),
            }
        };
        self.start(Box::pin(work), notes, again);
    }

    pub fn start(
        &mut self,
        work: Pin<Box<dyn Future<Output = End>>>,
        notes: Rc<RefCell<Notes>>,
        again: bool,
    ) {
        if !self.running.is_empty() {
            notes.borrow_mut().overlapped = true;
            for other in &self.running {
                other.notes.borrow_mut().overlapped = true;
            }
        }
        let since = self.world.borrow().minute;
        self.running.push(Running {
            work,
            notes,
            since,
            held_up_until: since,
            again,
        });
    }

    /// Lets whoever is not held up go on, in an order of chance, until all are or have ended.
    fn take_turns(&mut self) {
        let mut context = Context::from_waker(Waker::noop());
        let clock = Rc::clone(&self.clock);
        let _by_the_clock = clock.enter();
        loop {
            let (minute, weather) = {
                let world = &mut *self.world.borrow_mut();
                world.interleaved = self.running.len() > 1 || world.weather.slow > 0.0;
                (world.minute, world.weather)
            };
            let ready = self.running.iter().enumerate();
            let ready = ready.filter(|(_, running)| running.held_up_until <= minute);
            let ready: Vec<usize> = ready.map(|(index, _)| index).collect();
            if ready.is_empty() {
                return;
            }
            let index = self.world.borrow_mut().chance.one_of(&ready);
            let running = &self.running[index];
            let timeout = match running.notes.borrow().role {
                Role::Tick => TICK_TIMEOUT,
                Role::Provider | Role::Delete => TIMEOUT,
            };
            let timed_out = minute - running.since >= timeout;
            let end = if timed_out || self.chance(weather.dies) {
                Some(End::Died)
            } else {
                match self.running[index].work.as_mut().poll(&mut context) {
                    Poll::Ready(end) => Some(end),
                    Poll::Pending => None,
                }
            };
            if let Some(end) = end {
                let running = self.running.swap_remove(index);
                self.ended(running, end);
            } else if self.chance(weather.slow) {
                let minutes = self.world.borrow_mut().chance.number(1..=4) as u64;
                self.running[index].held_up_until = minute + minutes;
            }
            clock.block_on(advance(CALL));
        }
    }

    fn ended(&mut self, running: Running, end: End) {
        let mut notes = running.notes.borrow_mut();
        self.world
            .borrow_mut()
            .tell(|| format!("{} ends: {end:?}", notes.id));
        notes.faulted |= end == End::Died;
        if notes.role != Role::Tick {
            let made = notes.orders.take().filter(|_| end == End::Made);
            self.world.borrow_mut().ledger.bound = made.map(Rc::new);
            self.answer = Some(end);
            return;
        }
        if notes.faulted {
            let registered = std::mem::take(&mut notes.registered);
            let world = &mut *self.world.borrow_mut();
            if world.ledger.is_deleted {
                world.ledger.stranded.extend(registered);
            }
        }
        let orders = notes.orders.clone().expect("the orders of a tick");
        if matches!(end, End::Failed(_) | End::Died) && !running.again {
            let minute = self.world.borrow().minute + 1;
            let id = notes.id.clone();
            self.late.push(Late { minute, id, orders });
            return;
        }
        let is_current = self.current_orders().as_ref() == Some(&orders);
        let was_quick = running.since == self.world.borrow().minute;
        let was_alone = !notes.overlapped && !notes.faulted;
        if is_current && was_quick && was_alone && !running.again {
            let view = notes.view.as_ref().expect("a look at DNS");
            assert_eq!(end, End::Synced(view.addresses.len()));
            self.world.borrow_mut().judge_good_tick(&notes);
        }
    }
}
