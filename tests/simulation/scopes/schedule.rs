//! A schedule of calls, and the search through all schedules with a few preemptions.
//!
//! Iterative context bounding, which CHESS does too (Musuvathi and Qadeer, 2007): an invocation goes on until it
//! waits for time, except for a bounded number of preemptions. Letting time pass while an invocation could go on
//! also counts as a preemption: a call then takes as long as it may.

use crate::scheduler::{Chooser, PendingCall, TaskId};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

/// A permitted call is carried out after this many milliseconds at the latest.
const PERMITTED: u64 = 4_800;

/// A call that is repeated is carried out after this many milliseconds at the latest.
const REPEATED: u64 = 19_000;

/// A point at which the schedule had a choice.
#[derive(Debug, Clone)]
pub struct ChoicePoint {
    /// How many preemptions each option costs. The first option is to go on.
    pub costs: Vec<u32>,
    pub chosen: usize,
}

#[derive(Default)]
pub struct Schedule {
    /// Whether the schedule makes choices now. Otherwise calls go on in their natural order.
    pub is_active: Cell<bool>,
    /// Whether an effect is about to happen for which no invocation waits.
    pub expects: Cell<bool>,
    prefix: Vec<usize>,
    /// The points at which to preempt, each with the number of the option to take.
    preempts: RefCell<BTreeMap<usize, usize>>,
    points: RefCell<Vec<ChoicePoint>>,
    current: Cell<Option<TaskId>>,
    /// Set while time passes: calls that were sent until then are held back.
    held_until: Cell<Option<u64>>,
    held: Cell<usize>,
}

impl Schedule {
    pub fn following(prefix: Vec<usize>) -> Self {
        Self {
            prefix,
            ..Self::default()
        }
    }

    pub fn preempted(at: BTreeMap<usize, usize>) -> Self {
        let preempts = RefCell::new(at);
        Self {
            preempts,
            ..Self::default()
        }
    }

    /// The option to take at a point. If no option there is a preemption, the preemption moves to the next point.
    fn choice(&self, place: usize, costs: &[u32]) -> usize {
        let mut preempts = self.preempts.borrow_mut();
        let due = preempts.first_entry().filter(|first| *first.key() <= place);
        let preempting: Vec<_> = (0..costs.len()).filter(|index| costs[*index] > 0).collect();
        match due {
            Some(due) if !preempting.is_empty() => preempting[due.remove() % preempting.len()],
            _ => self
                .prefix
                .get(place)
                .map_or(0, |wanted| *wanted.min(&(costs.len() - 1))),
        }
    }

    /// All points at which the schedule had a choice.
    pub fn points(&self) -> Vec<ChoicePoint> {
        self.points.borrow().clone()
    }

    fn take(&self, waiting: &[PendingCall], task: TaskId) -> Option<usize> {
        self.current.set(Some(task));
        self.held_until.set(None);
        waiting.iter().position(|waiting| waiting.task == task)
    }
}

/// The schedule as the chooser of the scheduler.
pub struct ScheduleChooser(pub Rc<Schedule>);

impl Chooser for ScheduleChooser {
    fn choose(&self, waiting: &[PendingCall], is_one_sleeping: bool, now: u64) -> Option<usize> {
        let schedule = &self.0;
        let is_one_sleeping = is_one_sleeping || schedule.expects.get();
        let limit = |waiting: &PendingCall| {
            if waiting.is_permitted {
                PERMITTED
            } else {
                REPEATED
            }
        };
        let due = waiting
            .iter()
            .find(|waiting| now - waiting.since >= limit(waiting));
        if let Some(due) = due {
            return schedule.take(waiting, due.task);
        }
        if schedule.held_until.get().is_some()
            && waiting.len() <= schedule.held.get()
            && is_one_sleeping
        {
            return None;
        }
        let mut tasks: Vec<TaskId> = Vec::new();
        for one in waiting {
            if !tasks.contains(&one.task) {
                tasks.push(one.task);
            }
        }
        let current = schedule.current.get().filter(|task| tasks.contains(task));
        let was_held = schedule.held_until.get().is_some();
        // After time has passed, the task that came last goes on.
        let first = match current.filter(|_| !was_held) {
            Some(current) => current,
            None if was_held => *tasks.last()?,
            None => *tasks.first()?,
        };
        if !schedule.is_active.get() {
            return schedule.take(waiting, first);
        }
        let mut options = vec![Some(first)];
        options.extend(
            tasks
                .iter()
                .filter(|task| **task != first)
                .map(|task| Some(*task)),
        );
        let switches = u32::from(current.is_some());
        let mut costs: Vec<u32> = options.iter().map(|_| switches).collect();
        costs[0] = 0;
        if is_one_sleeping {
            options.push(None);
            costs.push(1);
        }
        let mut points = schedule.points.borrow_mut();
        let chosen = if options.len() == 1 {
            0
        } else {
            let chosen = schedule.choice(points.len(), &costs);
            points.push(ChoicePoint { costs, chosen });
            chosen
        };
        match options[chosen] {
            Some(task) => schedule.take(waiting, task),
            None => {
                schedule.held_until.set(Some(now));
                schedule.held.set(waiting.len());
                None
            }
        }
    }
}

/// How many preemptions were used.
pub fn spent(points: &[ChoicePoint]) -> u32 {
    points.iter().map(|point| point.costs[point.chosen]).sum()
}

/// The next schedule after one that was played. It changes the last choice that can be changed within the bound,
/// and leaves the choices after it open.
pub fn next(points: &[ChoicePoint], bound: u32) -> Option<Vec<usize>> {
    for index in (0..points.len()).rev() {
        let point = &points[index];
        let left = bound.saturating_sub(spent(&points[..index]));
        let mut others = point.chosen + 1..point.costs.len();
        if let Some(other) = others.find(|other| point.costs[*other] <= left) {
            let mut prefix: Vec<_> = points[..index].iter().map(|point| point.chosen).collect();
            prefix.push(other);
            return Some(prefix);
        }
    }
    None
}
