//! The plan of one tick: from what DNS shows, what is registered and what the record knows, to what the tick
//! registers, deregisters and remembers. Pure, and it prints itself.
//!
//! Never deregisters a target that the binding has not once seen in its ALB's DNS, nor one that is in DNS now.
//!
//! `situation` goes in, `planned` comes out, and `planning` holds the rules. `tests` plays ticks one after the
//! other on a small world; `proptests` says what holds after any ticks and requests whatsoever.

mod planned;
mod planning;
mod situation;

#[cfg(test)]
mod proptests;
#[cfg(test)]
mod tests;

pub use planned::{GroupPlan, TickPlan};
pub use planning::{plan, waits_until};
pub use situation::{Mode, Situation};
