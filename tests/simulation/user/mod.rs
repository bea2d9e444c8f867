//! Users and their stacks: what they do, and which faults happen to their requests.

mod faults;
mod lifecycle;
mod state;

pub use state::{RequestFaultRates, SERVICE_TIMEOUT, User};
