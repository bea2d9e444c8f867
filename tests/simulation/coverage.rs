//! Counts what happened in all lives together, so that a test can demand that every fault really happened.

use std::cell::RefCell;
use std::collections::BTreeMap;

#[derive(Default)]
pub struct Coverage(RefCell<BTreeMap<&'static str, u64>>);

impl Coverage {
    pub fn count(&self, what: &'static str) {
        *self.0.borrow_mut().entry(what).or_default() += 1;
    }

    pub fn of(&self, what: &'static str) -> u64 {
        self.0.borrow().get(what).copied().unwrap_or_default()
    }

    pub fn text(&self) -> String {
        let counts = self.0.borrow();
        let lines: Vec<_> = counts
            .iter()
            .map(|(what, count)| format!("{count:9}  {what}"))
            .collect();
        lines.join("\n")
    }
}
