//! The capabilities of AWS over the simulated world, a file for each resource, and the call that they share.

mod buckets;
mod call;
mod faults;
mod groups;
mod listeners;
mod objects;
mod responder;
mod rules;
mod stacks;
mod targets;

pub use call::SimulatedAws;
pub use responder::SimulatedResponder;
