//! Users and their stacks: what they do, and what befalls their requests.

mod faults;
mod lifecycle;
mod state;

pub use state::{Fortune, PATIENCE, User};
