//! Fixed addresses for an Application Load Balancer: keeps a Network Load Balancer's IP targets
//! equal to the addresses that an internal ALB has in DNS.
//!
//! One function has two roles. It is the provider of the CloudFormation resource `Custom::AlbNlbBinding`, and it is
//! the sync that a schedule rule calls, for a binding or in place of the function that AWS published in 2018. A person
//! may also ask it how a binding is ([`first_aid`]). In each role data flows one way: event, typed request,
//! observation, pure plan, apply, response.

// No future here is spawned, so none has to be Send: one invocation is one task.
#![allow(async_fn_in_trait)]
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic
    )
)]

pub mod aws;
pub mod backoff;
pub mod binding;
pub mod clock;
pub mod discovery;
pub mod event;
pub mod first_aid;
pub mod function;
pub mod invocation;
pub mod legacy;
pub mod log;
pub mod model;
pub mod names;
pub mod permit;
pub mod progress;
pub mod properties;
pub mod provider;
pub mod reader;
pub mod record;
pub mod sync;
