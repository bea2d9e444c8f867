//! The capabilities of AWS over the simulated world, a file for each resource, and the call that they share.

mod buckets;
mod call;
mod elb;
mod fate;
mod groups;
mod objects;
mod responder;
mod rules;
mod stacks;
mod targets;

pub use call::SimulatedAws;
pub use responder::Post;
