//! What is measured, and how fast DNS and AWS answer meanwhile.

use std::path::PathBuf;
use std::time::Duration;

use lab::Lab;

/// How long DNS takes to answer.
pub const DNS_DELAY: Duration = Duration::from_millis(20);
/// How long every call of an AWS API takes.
pub const AWS_DELAY: Duration = Duration::from_millis(30);
/// How long an invocation may take.
pub const INVOCATION_TIMEOUT: Duration = Duration::from_secs(60);
/// Addresses of each ALB when many bindings are measured.
pub const ADDRESSES_PER_ALB: usize = 3;
/// The first listener of each binding.
pub const FIRST_PORT: u16 = 8000;

/// What is measured.
#[derive(Debug)]
pub struct Subject {
    /// The function's binary as it is deployed.
    pub binary: PathBuf,
    /// The zip that it is deployed in.
    pub package: PathBuf,
    /// How many bindings tick in one minute; a third of them is deployed at once. 0 leaves both out.
    pub bindings: usize,
    /// The source of the function that AWS published in 2018, on Python 3, if it is at hand.
    pub legacy: Option<PathBuf>,
}

/// Lets DNS and AWS answer as late as that from now on.
pub fn set_delays(lab: &Lab) {
    lab.dns().set_delay(DNS_DELAY);
    lab.gateway().set_delay(AWS_DELAY);
}
