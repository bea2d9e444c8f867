//! The scheduler of tasks and timed effects in virtual time.
//!
//! Every invocation and every actor is a task that the scheduler polls, so that it can play Lambda's kill by
//! dropping the task at its current await. Time passes only while all tasks wait. Nothing sleeps in real time.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;
use tokio::time::{Instant, Sleep};

pub type TaskId = usize;
type Task = Pin<Box<dyn Future<Output = ()>>>;
type Effect = Box<dyn FnOnce()>;

/// More steps than any life needs: a life that takes more is caught in a loop.
const MOST_STEPS: u64 = 200_000;

/// A call that is held back until the chooser lets it through.
pub struct PendingCall {
    pub task: TaskId,
    /// When the call was sent, in milliseconds since the beginning.
    pub since: u64,
    /// Whether it is a permitted change. The product gives it up after five seconds, so it is carried out by then
    /// or never.
    pub is_permitted: bool,
    pub go: Effect,
}

/// Decides which of the calls that are held back is carried out next.
pub trait Chooser {
    /// The index of one of them, or `None` to let time pass. `is_one_sleeping` says whether an invocation
    /// waits for time to pass.
    fn choose(&self, waiting: &[PendingCall], is_one_sleeping: bool, now: u64) -> Option<usize>;
}

pub struct Scheduler {
    start: Instant,
    signal: Arc<Signal>,
    tasks: RefCell<Vec<(Option<Task>, Arc<TaskWaker>)>>,
    due: RefCell<BTreeMap<(u64, u64), Effect>>,
    numbers: Cell<u64>,
    killed: RefCell<Vec<TaskId>>,
    waiting: RefCell<Vec<PendingCall>>,
    chooser: Option<Box<dyn Chooser>>,
    is_stopped: Cell<bool>,
    steps: Cell<u64>,
    invocations: RefCell<BTreeSet<TaskId>>,
}

#[derive(Default)]
struct Signal {
    ready: Mutex<VecDeque<TaskId>>,
    root: Mutex<Option<Waker>>,
}

struct TaskWaker {
    id: TaskId,
    is_queued: AtomicBool,
    signal: Arc<Signal>,
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.is_queued.swap(true, Ordering::Relaxed) {
            self.signal.ready.lock().unwrap().push_back(self.id);
            if let Some(root) = &*self.signal.root.lock().unwrap() {
                root.wake_by_ref();
            }
        }
    }
}

impl Scheduler {
    /// Must be called inside a tokio runtime. Without a chooser, every call is carried out at its own time.
    pub fn new(chooser: Option<Box<dyn Chooser>>) -> Self {
        Self {
            start: Instant::now(),
            signal: Arc::default(),
            tasks: RefCell::default(),
            due: RefCell::default(),
            numbers: Cell::new(0),
            killed: RefCell::default(),
            waiting: RefCell::default(),
            chooser,
            is_stopped: Cell::new(false),
            steps: Cell::new(0),
            invocations: RefCell::default(),
        }
    }

    /// Milliseconds since the beginning of the world.
    pub fn now(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_millis()).unwrap()
    }

    /// A number that was not given before; later numbers are higher.
    pub fn next_number(&self) -> u64 {
        let number = self.numbers.get();
        self.numbers.set(number + 1);
        number
    }

    pub fn spawn(&self, task: impl Future<Output = ()> + 'static) -> TaskId {
        let mut tasks = self.tasks.borrow_mut();
        let id = tasks.len();
        let waker = Arc::new(TaskWaker {
            id,
            is_queued: AtomicBool::new(false),
            signal: Arc::clone(&self.signal),
        });
        waker.wake_by_ref();
        tasks.push((Some(Box::pin(task)), waker));
        id
    }

    /// Drops a task at its current await, as soon as it is not being polled.
    pub fn kill(&self, task: TaskId) {
        self.killed.borrow_mut().push(task);
    }

    pub fn has_chooser(&self) -> bool {
        self.chooser.is_some()
    }

    /// Notes that the task of an invocation starts or ends.
    pub fn mark_invocation(&self, task: TaskId, is_running: bool) {
        let mut invocations = self.invocations.borrow_mut();
        if is_running {
            invocations.insert(task)
        } else {
            invocations.remove(&task)
        };
    }

    /// Runs an effect `millis` milliseconds from now.
    pub fn run_after(&self, millis: u64, effect: impl FnOnce() + 'static) {
        let at = (self.now() + millis, self.next_number());
        self.due.borrow_mut().insert(at, Box::new(effect));
    }

    pub fn hold_call(&self, waiting: PendingCall) {
        self.waiting.borrow_mut().push(waiting);
    }

    /// Drops the calls of a task that are still held back, so that they never reach AWS.
    pub fn forget_calls(&self, task: TaskId) {
        self.waiting
            .borrow_mut()
            .retain(|waiting| waiting.task != task);
    }

    pub fn stop(&self) {
        self.is_stopped.set(true);
    }

    /// Whether there were so many steps that the life must be caught in a loop.
    pub fn exceeds_step_limit(&self) -> bool {
        self.steps.get() > MOST_STEPS
    }

    /// Runs all tasks until [`Self::stop`], or until the step limit.
    pub async fn run(&self) {
        let mut alarm = Box::pin(tokio::time::sleep(Duration::ZERO));
        let play = poll_fn(|context| {
            *self.signal.root.lock().unwrap() = Some(context.waker().clone());
            self.step(context, &mut alarm)
        });
        tokio::task::unconstrained(play).await;
        self.tasks.borrow_mut().clear();
        self.due.borrow_mut().clear();
        self.waiting.borrow_mut().clear();
    }

    fn step(&self, context: &mut Context<'_>, alarm: &mut Pin<Box<Sleep>>) -> Poll<()> {
        loop {
            loop {
                let ready = self.signal.ready.lock().unwrap().pop_front();
                let Some(id) = ready else { break };
                self.poll(id);
                self.drop_killed();
            }
            self.drop_killed();
            self.steps.set(self.steps.get() + 1);
            if self.is_stopped.get() || self.exceeds_step_limit() {
                return Poll::Ready(());
            }
            let now = self.now();
            let first = self.due.borrow().first_key_value().map(|(at, _)| *at);
            if let Some(at) = first.filter(|(at, _)| *at <= now) {
                let effect = self.due.borrow_mut().remove(&at).unwrap();
                effect();
                continue;
            }
            if let Some(go) = self.choose_call(now) {
                go();
                continue;
            }
            // If calls are held back, the chooser is asked again soon.
            let soon = if self.waiting.borrow().is_empty() {
                3_600_000
            } else {
                100
            };
            let first = first.map_or(now + soon, |(at, _)| at.min(now + soon));
            alarm
                .as_mut()
                .reset(self.start + Duration::from_millis(first));
            if alarm.as_mut().poll(context).is_pending() {
                return Poll::Pending;
            }
        }
    }

    fn choose_call(&self, now: u64) -> Option<Effect> {
        let chooser = self.chooser.as_ref()?;
        let mut waiting = self.waiting.borrow_mut();
        if waiting.is_empty() {
            return None;
        }
        let invocations = self.invocations.borrow();
        let is_one_sleeping = invocations
            .iter()
            .any(|task| waiting.iter().all(|waiting| waiting.task != *task));
        let index = chooser.choose(&waiting, is_one_sleeping, now)?;
        Some(waiting.remove(index).go)
    }

    fn poll(&self, id: TaskId) {
        let (task, waker) = {
            let mut tasks = self.tasks.borrow_mut();
            let (task, waker) = &mut tasks[id];
            waker.is_queued.store(false, Ordering::Relaxed);
            (task.take(), Arc::clone(waker))
        };
        let Some(mut task) = task else { return };
        let waker = Waker::from(waker);
        if task
            .as_mut()
            .poll(&mut Context::from_waker(&waker))
            .is_pending()
        {
            self.tasks.borrow_mut()[id].0 = Some(task);
        }
    }

    fn drop_killed(&self) {
        let killed: Vec<_> = self.killed.borrow_mut().drain(..).collect();
        for id in killed {
            let task = self.tasks.borrow_mut()[id].0.take();
            drop(task);
        }
    }
}
