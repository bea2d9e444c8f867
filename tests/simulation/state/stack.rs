//! A stack and its statuses. What `DescribeStacks` shows may lag behind.

use crate::dice::Dice;
use std::cell::RefCell;
use std::rc::Rc;

pub struct SimulatedStack {
    pub id: String,
    pub name: String,
    /// Whether `DescribeStacks` in the function's account finds the stack.
    pub is_known: bool,
    pub is_denied: bool,
    /// How many milliseconds the shown status lags at most.
    pub lag: u64,
    pub history: RefCell<Vec<(u64, StackStatus)>>,
    /// The status without any lag.
    pub current: RefCell<StackStatus>,
}

#[derive(Debug, Clone, Default)]
pub struct StackStatus {
    pub status: &'static str,
    /// Physical id and status of the resource.
    pub resource: Option<(Option<String>, &'static str)>,
}

impl SimulatedStack {
    pub fn new(name: &str, is_known: bool, is_denied: bool, lag: u64) -> Rc<Self> {
        Rc::new(Self {
            id: format!("arn:aws:cloudformation:eu-central-1:123456789012:stack/{name}/1"),
            name: name.to_owned(),
            is_known,
            is_denied,
            lag,
            history: RefCell::default(),
            current: RefCell::default(),
        })
    }

    /// The status that CloudFormation shows at `now`. It may be one from up to `lag` milliseconds before.
    pub fn visible_status(&self, now: u64, dice: &Dice) -> Option<StackStatus> {
        let lag = if self.lag > 0 {
            dice.between(0, self.lag)
        } else {
            0
        };
        let until = now.saturating_sub(lag);
        let shown = self.history.borrow();
        let shown = shown
            .iter()
            .rev()
            .find(|(at, _)| *at <= until)
            .or(shown.first());
        shown.map(|(_, shown)| shown.clone())
    }

    /// Since when the stack rolls an Update back, or `None` if the function cannot ask CloudFormation.
    pub fn rollback_since(&self) -> Option<u64> {
        let shown = self.history.borrow();
        let rolls_back =
            |(_, shown): &&(u64, StackStatus)| shown.status == "UPDATE_ROLLBACK_IN_PROGRESS";
        let since = shown.iter().rev().take_while(rolls_back).last();
        let since = since.filter(|_| self.is_known && !self.is_denied);
        since.map(|(at, _)| *at)
    }

    /// Whether the stack has shown nothing but a rollback from `since` to `now`, or cannot be asked. Then targets
    /// that were registered before the binding must still be registered after it.
    pub fn is_rolling_back_or_unknown(&self, since: u64, now: u64) -> bool {
        let shown = self.history.borrow();
        let before = shown.iter().rev().find(|(at, _)| at + self.lag <= since);
        let after = shown
            .iter()
            .filter(|(at, _)| at + self.lag > since && *at <= now);
        let all = before
            .into_iter()
            .chain(after)
            .all(|(_, shown)| shown.status.contains("ROLLBACK"));
        !self.is_known || self.is_denied || all
    }
}
