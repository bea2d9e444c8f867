//! Small scopes, tried exhaustively: every order of the calls of two events with a few preemptions, and every
//! await at which Lambda may kill an invocation.
//!
//! `SIMULATION_PREEMPTIONS` sets how many preemptions all schedules have. Without it, all schedules with one
//! are played, and some with two or three. `SIMULATION_SCHEDULE` plays one schedule again and prints its trace.

mod kills;
mod orders;
mod pair_scenarios;
mod pairs;
mod play;
mod scenario;
mod schedule;
