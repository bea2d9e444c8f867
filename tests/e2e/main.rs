//! End to end: the built binary, called on the lab as Lambda, CloudFormation and EventBridge call it. Each test
//! runs against an emulated AWS. These are neither the unit tests, which are beside the code in `src`, nor the
//! simulation in `tests/simulation`: what those can tell has no place here.

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
mod legacy;
mod many;
mod operations;
mod other_targets;
mod own_bucket;
mod passing;
mod privilege;
mod quotas;
mod recipes;
mod record;
mod steady;
mod support;
mod tick;
mod update;
