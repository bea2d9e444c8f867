//! What the simulated world holds: data, and methods that need only this data.
//!
//! Imports neither the world nor the modules that act on it, so that all of them can import this one.

mod dns;
mod elb;
mod faults;
mod observed;
mod process;
mod request;
mod rules;
mod s3;
mod stack;

pub use dns::{ADDRESSES_PER_ANSWER, DnsZone, NAMES};
pub use elb::{
    SIMULATED_ACCOUNT, SIMULATED_REGION, SimulatedElb, SimulatedListener, SimulatedTargetGroup, arn,
};
pub use faults::{CallFaultRates, CallKind, Operation, QUOTAS, Service, SimulatedFaults};
pub use observed::{
    BindingHistory, Observations, ObservedAnswer, ObservedClaim, ObservedLookup, ObservedProcess,
    ObservedRequest,
};
pub use process::{InvocationEnd, Kill, Process, Trigger};
pub use request::{ReceivedAnswer, RequestResult, SentRequest};
pub use rules::SimulatedRule;
pub use s3::{SimulatedBucket, SimulatedObject, SimulatedS3};
pub use stack::{SimulatedStack, StackStatus};
