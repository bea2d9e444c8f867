//! Permission to change one thing on AWS: rule 1 of the record in a type.
//!
//! Every call that changes something takes a permit. Only the record's lease gives one, after it has seen that the
//! caller may still act, so no such call can be made without that look. Calls that only read take none. Writes of the
//! record take none either, because each carries its own condition.

use std::time::Duration;

/// For how long a look at the record is believed: a call that changes something starts within this time.
pub const FRESH_FOR: Duration = Duration::from_secs(5);

/// How long a call that changes something may take. Whatever AWS does because of it has begun by then.
pub const CALL_TIMEOUT: Duration = Duration::from_secs(5);

/// Allows one call. The caller gives the call up after [`CALL_TIMEOUT`], and needs another permit to repeat it.
#[derive(Debug)]
pub struct Permit(());

impl Permit {
    /// Only the record's lease may call this.
    pub(crate) const fn after_a_look() -> Self {
        Self(())
    }
}
