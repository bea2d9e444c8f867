//! The judge: checks every change when it is carried out, and stops the life at the first one that breaks a
//! promise.
//!
//! What it judges is written in docs/semantics.md, which comments name by its headings, and in the rules of the record
//! (src/record/mod.rs), which they name by their numbers. It repeats the numbers in them, such as how long a look at
//! the record is valid, and does not take them from the product: so it notices if the product changes one.
//!
//! A function `observe_...` only notes what happened, in the world's `Observations`; a function `check_...` or
//! `require_...` reports a violation. The judge knows the world and the answers to CloudFormation. Of the product's
//! internals it knows where the record is, who is named in it, whether the request has an outcome, and what marks a
//! record that may be deleted.

mod ending;
mod keeping;
mod meant_resources;
mod misses;
mod ownership;
mod records;
mod requests;
mod targets;
mod ticks;
mod wiring;

pub use ending::{
    check_convergence, check_nothing_left, most_misses, observe_delivery_end,
    observe_delivery_start,
};
pub use ownership::{
    check_new_listener, check_record_deletion, require_own_bucket, require_own_group,
    require_own_listener, require_own_object, require_own_rule,
};
pub use records::{
    check_change_start, observe_record_read, observe_record_write, observe_write_attempt,
};
pub use requests::{
    binding_ids, check_answer, check_end, check_status, check_timeout, observe_abandoned,
    observe_request, observe_result,
};
pub use targets::{
    check_deregistration, check_registration, observe_dns_answer, observe_target_health,
};
pub use wiring::{check_group_deletion, check_listener_deletion, check_rule_deletion};
