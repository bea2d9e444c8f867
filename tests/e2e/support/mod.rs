//! What the tests are written with: one lab with an ALB, an NLB and the function, what CloudFormation and
//! EventBridge do with it, and what can be seen of it afterwards.

mod calls;
mod constants;
mod denials;
mod fixture;
mod given;
mod leftovers;
mod privileges;
mod requests;
mod response;
mod schedule;
mod targets;
mod ticks;

pub use calls::{called, is_reading, operations};
pub use constants::{ELB, SHORT_MINUTE, STACK_ID, TIMEOUT, binary};
pub use fixture::Fixture;
pub use given::{forward_to, make_idle_target_group, make_listener, make_target_group};
pub use privileges::asked_of_iam;
pub use response::SentResponse;
pub use schedule::rule_input;
pub use targets::{as_targets, wait_for_targets};
pub use ticks::{SuccessLog, addresses_line};
