//! What a run of lookups found, and how much it says about an address that it did not see.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

/// What a run found.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    pub addresses: BTreeSet<IpAddr>,
    /// All lookups, with the failed ones.
    pub lookups: usize,
    pub failed_lookups: usize,
    /// Whether the chance that an address is missing is below one in a thousand.
    pub certain: bool,
    /// The chance that an address is missing, between 0 and 1.
    pub doubt: f64,
    pub evidence: Evidence,
    /// Whether a cache gave the answers, so that another lookup now shows nothing new.
    pub is_cached: bool,
}

/// How strongly a run says that an address is gone if the run did not see it. If one run is not certain, several runs
/// together may be.
///
/// It is counted in draws: a draw is one full answer that was chosen at random and independently of all others.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Evidence {
    /// How many draws the answers of this run are worth.
    pub draws: u32,
    /// How many draws make the list certain.
    pub needed: u32,
    /// For how long later runs would see the same answers again; zero if no cache gave them, or if the list is certain.
    pub cached_for: Duration,
}

impl Found {
    /// Whether an address that is not in the list may be counted as missing. It must not be if lookups failed that were
    /// needed.
    pub fn is_complete(&self) -> bool {
        self.certain || self.failed_lookups == 0
    }
}
