//! The lab: an emulated AWS on this machine, for tests, the demo and the benchmark. It is MiniStack,
//! the DNS of its load balancers, a gateway before it that answers as AWS does where MiniStack does
//! not, and Lambda's runtime.
//!
//! It is not a program, it knows no test, and it does not judge the function that runs on it. A lab is
//! complete in itself: its ports are chosen free, so that several run side by side, and nothing of it
//! is left behind. It never talks to AWS, nor to anything beyond this machine.

mod api;
mod dns;
mod gateway;
mod lab;
mod lock;
mod logs;
mod ministack;
mod names;
mod network;
pub mod package;
pub mod policy;
mod process;
mod response_url;
mod rule_event;
mod runtime;
mod runtime_api;
mod secrets;
mod spec;
pub mod stack;
mod tasks;
mod usage;
mod xml;

pub use dns::{Cache, DnsFailure, DnsServer};
pub use gateway::{Call, FakeStackView, Fault, FaultId, FaultKind, HeldCalls, Target, TargetState};
pub use lab::Lab;
pub use names::{ACCOUNT, FUNCTION_ACCESS_KEY, FUNCTION_NAME, LAB_ACCESS_KEY, REGION};
pub use network::{Alb, AlbAndNlb, Nlb, Vpc};
pub use process::python;
pub use response_url::{ResponseUrlServer, SIGNATURE};
pub use rule_event::{rule_event, scheduled_event};
pub use runtime::{InvocationResult, RunningFunction};
pub use runtime_api::RuntimeApi;
pub use spec::{AlbSpec, NlbSpec, ZONES};
pub use usage::Usage;
