//! One record decides: requests and ticks that are doubled, late, overtaken, killed or half done, on
//! the built binary. What a test needs to come in between is held at a call, never timed.

mod buckets;
mod cancelled;
mod deliveries;
mod found;
mod gone;
mod kills;
mod lost;
mod minutes;
mod others;
mod overtaken;
mod replacements;
mod request;
mod rollbacks;
mod stack;
mod ticks;
mod unwanted;

use crate::support::TIMEOUT;
use lab::Call;
use request::{Request, SIGNATURES, Signature, killed_at};
pub use stack::Stack;
use std::time::{Duration, SystemTime};

const ELB: &str = "elasticloadbalancing";

/// How often an operation was called.
pub fn called(calls: &[Call], operation: &str) -> usize {
    let calls = calls.iter();
    calls.filter(|call| call.operation == operation).count()
}

/// So long ago.
pub fn ago(seconds: u64) -> SystemTime {
    SystemTime::now() - Duration::from_secs(seconds)
}
