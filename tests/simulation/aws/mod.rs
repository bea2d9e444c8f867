//! AWS over the simulated world: the product's AWS traits, with a file for each kind of resource.

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
