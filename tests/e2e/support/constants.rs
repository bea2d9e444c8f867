//! What is the same for every test.

use std::time::Duration;

/// Longer than any test takes: only tests of deadlines give their own.
pub const TIMEOUT: Duration = Duration::from_secs(60);

/// How long EventBridge's minutes last on a lab that deploys stacks.
pub const SHORT_MINUTE: Duration = Duration::from_secs(4);

pub const STACK_ID: &str = "arn:aws:cloudformation:us-east-1:000000000000:stack/orders/0b5bd2f0-c000-11ef-9cd2-0242ac120002";

/// Elastic Load Balancing's name in the lab's calls and faults.
pub const ELB: &str = "elasticloadbalancing";

/// The binary under test: the one just built, or the one that `BINDING_BINARY` names.
pub fn binary() -> String {
    std::env::var("BINDING_BINARY")
        .unwrap_or_else(|_| env!("CARGO_BIN_EXE_alb-nlb-binding").to_owned())
}
