//! Carries the plan of Create and Update out: `applier` has the order of the steps, `step` the calls of each one.
//!
//! Decides nothing: which steps there are, and their order, is decided by the plan.

mod applier;
mod bucket;
mod made;
mod return_values;
mod side_by_side;
mod step;

pub(super) use applier::Applier;
pub use return_values::{MakeResult, ReturnValues};
