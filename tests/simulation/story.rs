//! What happened, in order, so that a violation can be understood.
//!
//! Keeps the last lines only, and writes nothing while all is well.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;

/// So many lines are told of a violation.
const KEPT: usize = 220;

#[derive(Default)]
pub struct Story {
    lines: RefCell<VecDeque<Line>>,
    /// Whether every line is told as it happens.
    pub is_told: Cell<bool>,
    /// Tells two runs apart.
    pub fingerprint: Cell<u64>,
}

struct Line {
    at: u64,
    who: String,
    what: String,
}

impl Story {
    pub fn add(&self, at: u64, who: &str, what: String) {
        let mut fingerprint = self.fingerprint.get();
        for byte in who.bytes().chain(what.bytes()).take(24) {
            fingerprint = (fingerprint ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        self.fingerprint.set(fingerprint ^ at);
        let line = Line {
            at,
            who: who.to_owned(),
            what,
        };
        if self.is_told.get() {
            println!("{}", line.text());
        }
        let mut lines = self.lines.borrow_mut();
        if lines.len() >= KEPT {
            lines.pop_front();
        }
        lines.push_back(line);
    }

    pub fn text(&self) -> String {
        let lines = self.lines.borrow();
        let lines: Vec<_> = lines.iter().map(Line::text).collect();
        lines.join("\n")
    }
}

impl Line {
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
