//! The checks and the plan of Create and Update, on worlds in memory.

mod bucket;
mod carried_out;
mod checks;
mod found;
mod last_success;
mod listeners;
mod plan;
mod target_groups;
mod timeouts;
mod world;
mod zones;

pub(super) use carried_out::{NOTHING, carried_out, steps};
