//! What the lookups of one run came to so far, and how many more it takes. Pure.
//!
//! It never takes back what it wanted: every answer may only make it want more, or say that the
//! list is complete. So a run may go on before it is known what was known before it, and no
//! lookup is made in vain.

use super::certainty::{ADDRESSES_PER_ANSWER, doubt, lookups_needed};
use std::collections::BTreeSet;
use std::net::IpAddr;

/// What a run found.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    pub addresses: BTreeSet<IpAddr>,
    /// Lookups made, failed ones among them.
    pub lookups: usize,
    pub failed_lookups: usize,
    /// Whether no address is missing, but for one chance in a thousand.
    pub certain: bool,
    /// The chance that an address is missing, between 0 and 1.
    pub doubt: f64,
    /// In how many runs like this one an address must be missing to be surely gone.
    pub runs_needed: u32,
}

impl Found {
    /// Whether an address that is not in the list may be taken for gone: not where lookups
    /// failed that were needed.
    pub fn is_whole(&self) -> bool {
        self.certain || self.failed_lookups == 0
    }
}

/// The answers of one run.
#[derive(Debug)]
pub(super) struct Tally {
    max_lookups: usize,
    /// Whether each answer is a fresh random choice, as authoritative servers make it. A cache
    /// repeats itself, so that many of its answers make nothing certain.
    independent: bool,
    seen: BTreeSet<IpAddr>,
    /// Lookups begun.
    lookups: usize,
    /// Those of them whose answers have not come yet.
    under_way: usize,
    failed: usize,
    full_answers: usize,
    complete: bool,
}

impl Tally {
    pub(super) fn new(max_lookups: usize, independent: bool) -> Self {
        Self {
            max_lookups,
            independent,
            seen: BTreeSet::new(),
            lookups: 0,
            under_way: 0,
            failed: 0,
            full_answers: 0,
            complete: false,
        }
    }

    /// How many more lookups are needed and allowed beyond those under way. `known` is how many
    /// addresses were known before this run.
    pub(super) fn wanted(&self, known: usize) -> usize {
        if self.complete {
            return 0;
        }
        let allowed = self.max_lookups.saturating_sub(self.lookups);
        if !self.independent {
            return allowed;
        }
        lookups_needed(self.seen.len(), known)
            .saturating_sub(self.full_answers + self.under_way)
            .min(allowed)
    }

    /// Whether an answer was the whole list, so that no other answer is waited for.
    pub(super) fn is_complete(&self) -> bool {
        self.complete
    }

    /// Counts a lookup that is begun now, and gives its number.
    pub(super) fn begin(&mut self) -> usize {
        self.lookups += 1;
        self.under_way += 1;
        self.lookups
    }

    /// Takes the answer to a lookup, which has addresses.
    pub(super) fn take(&mut self, addresses: impl IntoIterator<Item = IpAddr>) {
        self.under_way = self.under_way.saturating_sub(1);
        let mut count = 0;
        self.seen
            .extend(addresses.into_iter().inspect(|_| count += 1));
        if count < ADDRESSES_PER_ANSWER {
            self.complete = true;
        } else {
            self.full_answers += 1;
        }
    }

    pub(super) fn take_failure(&mut self) {
        self.under_way = self.under_way.saturating_sub(1);
        self.failed += 1;
    }

    pub(super) fn found(self, known: usize) -> Found {
        let needed = lookups_needed(self.seen.len(), known);
        let certain = self.complete || (self.independent && self.full_answers >= needed);
        // What one run could not make certain, several can. A cache gives one fresh answer a run.
        let fresh = if self.independent {
            self.full_answers
        } else {
            1
        };
        let runs_needed = match certain {
            true => 1,
            false => needed.div_ceil(fresh.max(1)),
        };
        let doubt = match self.complete {
            true => 0.0,
            false => doubt(self.seen.len(), known, fresh),
        };
        Found {
            addresses: self.seen,
            lookups: self.lookups,
            failed_lookups: self.failed,
            certain,
            doubt,
            runs_needed: u32::try_from(runs_needed).unwrap_or(u32::MAX),
        }
    }
}

#[cfg(test)]
mod tests;
