//! The trace of a life: what happened in which order, so that a violation can be understood.
//!
//! Keeps the last lines only, and prints nothing unless `is_printed` is set.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;

/// How many lines are kept for the report of a violation.
const KEPT_LINES: usize = 220;

#[derive(Default)]
pub struct Trace {
    lines: RefCell<VecDeque<TraceLine>>,
    /// Whether every line is printed as it happens.
    pub is_printed: Cell<bool>,
    /// A hash of all lines, with which two runs are compared.
    pub fingerprint: Cell<u64>,
}

struct TraceLine {
    at: u64,
    who: String,
    what: String,
}

impl Trace {
    pub fn add(&self, at: u64, who: &str, what: String) {
        let mut fingerprint = self.fingerprint.get();
        for byte in who.bytes().chain(what.bytes()).take(24) {
            fingerprint = (fingerprint ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        self.fingerprint.set(fingerprint ^ at);
        let line = TraceLine {
            at,
            who: who.to_owned(),
            what,
        };
        if self.is_printed.get() {
            println!("{}", line.text());
        }
        let mut lines = self.lines.borrow_mut();
        if lines.len() >= KEPT_LINES {
            lines.pop_front();
        }
        lines.push_back(line);
    }

    pub fn text(&self) -> String {
        let lines = self.lines.borrow();
        let lines: Vec<_> = lines.iter().map(TraceLine::text).collect();
        lines.join("\n")
    }
}

impl TraceLine {
    fn text(&self) -> String {
        let Self { at, who, what } = self;
        let seconds = at / 1000;
        let millis = at % 1000;
        format!(
            "{:4}:{:02}.{millis:03}  {who:<12} {what}",
            seconds / 60,
            seconds % 60
        )
    }
}
