//! One request of CloudFormation on its way through the protocol: it asks whether it is wanted, claims the
//! record, changes it, and stores its outcome.
//!
//! Nothing here decides about the binding itself: the callers make it and take it away.

mod change;
mod claiming;
mod other_delivery;
mod outcome;
mod stack_status;
mod turn;

pub use claiming::{ClaimPurpose, ClaimResult};
pub use outcome::SuccessfulRequest;
pub use turn::Turn;
