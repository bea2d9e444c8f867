//! Leave to change one thing on AWS.
//!
//! Every call that changes something takes a permit, and only the record's lease gives one, after it
//! has seen that the caller may still act. So no call can be made without that look. Reading needs
//! none, and neither does the record itself, whose writes carry their own condition.

use std::time::Duration;

/// How long a call that changes something may take. What AWS does of it, it has begun by then.
pub const CALL_TIMEOUT: Duration = Duration::from_secs(5);

/// Good for one call, which is given up after [`CALL_TIMEOUT`] and never repeated by itself.
#[derive(Debug)]
pub struct Permit(());

impl Permit {
    /// Only for the record's lease.
    pub(crate) const fn after_a_look() -> Self {
        Self(())
    }
}
