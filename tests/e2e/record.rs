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
mod way_of_use;

pub use stack::BindingStack;
