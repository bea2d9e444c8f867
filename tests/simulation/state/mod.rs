//! What the world holds: plain data, and methods that need nothing but it.
//!
//! Knows neither the world nor who acts on it.

mod dns;
mod elb;
mod observed;
mod process;
mod request;
mod rules;
mod s3;
mod stack;
mod weather;

pub use dns::{ADDRESSES_PER_ANSWER, NAMES, Zone};
pub use elb::{ACCOUNT, Elb, Group, HeldListener, REGION, arn};
pub use observed::{Book, Claimed, First, Judge, Look, Notes, Term};
pub use process::{Death, End, Process, Role};
pub use request::{Answered, Outcome, Sent};
pub use rules::HeldRule;
pub use s3::{Bucket, Object, S3};
pub use stack::{Shown, Stack};
pub use weather::{Climate, Kind, Operation, QUOTAS, Service, Weather};
