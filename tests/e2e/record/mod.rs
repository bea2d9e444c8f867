//! One record decides what happens when requests and ticks come twice, late, at the same time, or are killed half
//! way. A test that needs something to happen in between holds a call until it has happened, and measures no time.

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
mod shown;
mod stack;
mod ticks;
mod unwanted;
mod way_of_use;

pub use stack::BindingStack;
