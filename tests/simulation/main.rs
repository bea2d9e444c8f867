//! A world in which the function is played as it runs: CloudFormation, Lambda, EventBridge, AWS and
//! DNS as they behave, in memory and in virtual time; and a judge that watches every change.
//!
//! It drives the product's own entry, events in and answers out, and knows nothing of its insides.
//! All follows from a seed. No I/O, no threads, no real time.
//!
//! `SIMULATION_LIVES` says how many lives are played, `SIMULATION_SEED` plays one again and prints its
//! story. `SIMULATION_PREEMPTIONS` says how deep the small scopes go, `SIMULATION_SCHEDULE` plays one of their
//! schedules again.

#![allow(
    async_fn_in_trait,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

mod aws;
mod calendar;
mod cloudformation;
mod coverage;
mod dice;
mod dns;
mod eventbridge;
mod judge;
mod lambda;
mod life;
mod lives;
mod network;
mod oneshot;
mod properties;
mod scheduler;
mod scopes;
mod settings;
mod state;
mod trace;
mod user;
mod world;
