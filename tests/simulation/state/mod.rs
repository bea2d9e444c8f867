//! What the world holds: plain data, and methods that need nothing but it.
//!
//! Knows neither the world nor who acts on it.

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
pub use elb::{ACCOUNT, REGION, SimulatedElb, SimulatedListener, SimulatedTargetGroup, arn};
pub use faults::{CallFaultRates, CallKind, Faults, Operation, QUOTAS, Service};
pub use observed::{
    Observations, ObservedAnswer, ObservedBinding, ObservedClaim, ObservedLookup, ObservedProcess,
    ObservedRequest,
};
pub use process::{InvocationEnd, Kill, Process, Trigger};
pub use request::{ReceivedAnswer, RequestResult, SentRequest};
pub use rules::SimulatedRule;
pub use s3::{SimulatedBucket, SimulatedObject, SimulatedS3};
pub use stack::{SimulatedStack, StackStatus};
