//! What is asked of AWS, one file a service. No SDK type appears here.
//!
//! Callers ask for [`Aws`]. It has ten parts only because Rust wants all methods of one trait's `impl` in one file: the
//! parts let `sdk`, and the simulation, have one file for each. A function that needs one part may ask for that part,
//! so that its test can do without the others.
//!
//! A call that changes something takes a permit, and is made once: the record's lease repeats it.

mod cloudformation;
mod cloudwatch;
mod elb;
mod error;
mod events;
mod gather;
mod response;
mod retry_while;
mod s3;

pub use cloudformation::{Stack, StackResource, Stacks};
pub use cloudwatch::Metrics;
pub use elb::{ElbTags, Listeners, LoadBalancers, TARGETS_PER_CALL, TargetGroups, Targets};
pub use error::{AwsError, AwsResult, TRIES, Trouble, is_in_use, none_if_not_found};
pub use events::Rules;
pub use gather::{CALLS_SIDE_BY_SIDE, gather};
pub use response::{PutError, Responder, ResponseUrl};
pub use retry_while::retry_while;
pub use s3::{Buckets, ObjectVersion, Objects, StoredObject, VERSIONS_PER_CALL, WriteOutcome};

/// All that is asked of AWS: the trait that callers ask for.
pub trait Aws:
    LoadBalancers
    + Listeners
    + TargetGroups
    + Targets
    + ElbTags
    + Buckets
    + Objects
    + Rules
    + Metrics
    + Stacks
{
}
impl<T> Aws for T where
    T: LoadBalancers
        + Listeners
        + TargetGroups
        + Targets
        + ElbTags
        + Buckets
        + Objects
        + Rules
        + Metrics
        + Stacks
{
}
