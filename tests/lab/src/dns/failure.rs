//! How lookups go wrong when a test says so.

use std::time::{Duration, Instant};

use hickory_server::proto::rr::RecordType;

/// How a lookup goes wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum DnsFailure {
    ServFail,
    Refused,
    NxDomain,
    /// The question is taken and never answered.
    Silent,
    /// The name exists, but has no address.
    NoAddresses,
}

/// How the lookups of a name fail.
pub(super) struct Failing {
    /// How many lookups are still answered before the first one fails.
    pub answers: usize,
    pub failure: DnsFailure,
    /// How long lookups fail from the first one that does; without it they fail for ever.
    pub lasts: Option<Duration>,
    pub since: Option<Instant>,
}

impl Failing {
    /// How one lookup fails.
    pub fn fails(&mut self, kind: RecordType) -> Option<DnsFailure> {
        if self.answers > 0 {
            self.answers -= usize::from(kind == RecordType::A);
            return None;
        }
        let since = *self.since.get_or_insert_with(Instant::now);
        let is_over = self.lasts.is_some_and(|lasts| since.elapsed() >= lasts);
        (!is_over).then_some(self.failure)
    }
}
