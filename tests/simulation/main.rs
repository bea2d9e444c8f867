//! Deterministic simulation of the function: CloudFormation, Lambda, EventBridge, AWS and DNS are played in
//! memory and in virtual time, and a judge checks every change against what the product promises.
//!
//! The simulation calls the product's own entry with events, reads its answers, and does not use its
//! internals. Everything follows from a seed. There is no I/O, no thread and no real time.
//!
//! `state` is what the simulated world holds, and `world` puts it together. The other modules act on the world:
//! the services (`aws`, `cloudformation`, `lambda`, `eventbridge`, `dns`), the users, and the judge. Two kinds of
//! tests use all this: `lives` (random lives from many seeds) and `scopes` (small scenarios in every order).
//!
//! `SIMULATION_LIVES` sets how many lives are played. `SIMULATION_SEED` plays one life again and prints its
//! trace. `SIMULATION_PREEMPTIONS` sets how many preemptions the small scopes have, and `SIMULATION_SCHEDULE`
//! plays one of their schedules again.

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
mod fixtures;
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
