//! End to end: the built binary, driven as Lambda, CloudFormation and EventBridge drive it, on the lab. Not the
//! place for what a unit test or the simulation can tell: each of these starts an emulated AWS.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

mod answer;
mod arm64;
mod create;
mod delete;
mod demo;
mod dns;
mod enterprise;
mod faults;
mod figures;
mod first_aid;
mod many;
mod operations;
mod other_targets;
mod own_bucket;
mod passing;
mod privilege;
mod published;
mod quotas;
mod recipes;
mod record;
mod steady;
mod support;
mod tick;
mod update;
