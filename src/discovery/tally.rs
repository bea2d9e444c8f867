//! What the lookups of one run came to so far, and how many more it takes. Pure.
//!
//! It never takes a server's word for its answers being independent of each other: how far they
//! are is judged by the answers. Each answer may make it want more, or say that the list is
//! complete, but hardly ever want less: so a run may go on before it is known what was known before
//! it, and no lookup is made in vain.

use super::certainty::{ADDRESSES_PER_ANSWER, doubt, lookups_needed, repeat, worth};
use crate::capabilities::DnsAnswer;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

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
    pub evidence: Evidence,
    /// Whether a cache stands between, so that asking again at once shows nothing new.
    pub is_cached: bool,
}

/// What a run says of an address that it has not seen. What one run could not make certain,
/// several can.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Evidence {
    /// How many answers, each chosen anew, it is worth.
    pub draws: u32,
    /// How many it takes to be certain.
    pub needed: u32,
    /// For how long later runs would see the same again.
    pub lives: Duration,
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
    seen: BTreeSet<IpAddr>,
    /// Lookups begun.
    lookups: usize,
    /// Those of them whose answers have not come yet.
    under_way: usize,
    failed: usize,
    /// Full answers, by server.
    full: BTreeMap<usize, Full>,
    /// Answers that said to be the whole list.
    short: Vec<DnsAnswer>,
}

impl Tally {
    pub(super) fn new(max_lookups: usize) -> Self {
        Self {
            max_lookups,
            seen: BTreeSet::new(),
            lookups: 0,
            under_way: 0,
            failed: 0,
            full: BTreeMap::new(),
            short: Vec::new(),
        }
    }

    /// How many more lookups are needed and allowed beyond those under way. `known` are the
    /// addresses known before this run.
    pub(super) fn wanted(&self, known: &BTreeSet<IpAddr>) -> usize {
        if self.is_complete() {
            return 0;
        }
        let allowed = self.max_lookups.saturating_sub(self.lookups);
        self.needed(known)
            .saturating_sub(self.judge(known).worth + self.under_way)
            .min(allowed)
    }

    /// The servers to ask last: those that repeat themselves, and those whose lists lack what others
    /// have shown.
    pub(super) fn last(&self, known: &BTreeSet<IpAddr>) -> BTreeSet<usize> {
        let mut last = self.judge(known).caches;
        last.extend(self.short.iter().map(|answer| answer.server));
        last
    }

    /// Whether an answer was the whole list, so that no other answer is waited for. A stale server's
    /// lacks what others have shown, and is one answer among others.
    pub(super) fn is_complete(&self) -> bool {
        let mut short = self.short.iter();
        short.any(|answer| answer.addresses.is_superset(&self.seen))
    }

    /// Counts a lookup that is begun now, and gives its number.
    pub(super) fn begin(&mut self) -> usize {
        self.lookups += 1;
        self.under_way += 1;
        self.lookups
    }

    /// Takes the answer to a lookup.
    pub(super) fn take(&mut self, answer: DnsAnswer) {
        self.under_way = self.under_way.saturating_sub(1);
        self.seen.extend(&answer.addresses);
        match answer.addresses.len() < ADDRESSES_PER_ANSWER {
            true => self.short.push(answer),
            false => self.full.entry(answer.server).or_default().take(answer),
        }
    }

    pub(super) fn take_failure(&mut self) {
        self.under_way = self.under_way.saturating_sub(1);
        self.failed += 1;
    }

    /// The servers that repeat themselves as a cache does; none where that is of no account.
    pub(super) fn caches(&self, known: &BTreeSet<IpAddr>) -> BTreeSet<usize> {
        match self.is_complete() {
            true => BTreeSet::new(),
            false => self.judge(known).caches,
        }
    }

    pub(super) fn found(self, known: &BTreeSet<IpAddr>) -> Found {
        let needed = self.needed(known);
        let judgement = self.judge(known);
        let is_complete = self.is_complete();
        let certain = is_complete || judgement.worth >= needed;
        // Caches may all stand before one and the same, so all that they repeat counts once.
        let draws = if certain {
            needed
        } else {
            judgement.worth.max(1)
        };
        let lives = self.full.values().map(|full| full.lives).max();
        let lives = lives.filter(|_| !certain).unwrap_or_default();
        let is_resolvers = self.full.values().any(|full| full.is_resolvers);
        let doubt = match is_complete {
            true => 0.0,
            false => doubt(self.seen.len(), known.len(), judgement.worth.max(1)),
        };
        Found {
            certain,
            doubt,
            evidence: Evidence {
                draws: u32::try_from(draws).unwrap_or(u32::MAX),
                needed: u32::try_from(needed).unwrap_or(u32::MAX),
                lives,
            },
            is_cached: !certain && (is_resolvers || !judgement.caches.is_empty()),
            addresses: self.seen,
            lookups: self.lookups,
            failed_lookups: self.failed,
        }
    }

    fn needed(&self, known: &BTreeSet<IpAddr>) -> usize {
        lookups_needed(self.seen.len(), known.len())
    }

    fn judge(&self, known: &BTreeSet<IpAddr>) -> Judgement {
        let known = self.seen.union(known).count();
        let of_server = self.full.iter().map(|(server, full)| (*server, full));
        let (caches, others): (BTreeMap<_, _>, BTreeMap<_, _>) = of_server
            .partition(|(_, full)| repeat(full.different.len(), full.count, full.of(known)));
        let mut pool = Full::default();
        let mut different = BTreeSet::new();
        for full in others.values() {
            pool.count += full.count;
            pool.seen.extend(&full.seen);
            pool.is_resolvers |= full.is_resolvers;
            different.extend(&full.different);
        }
        // Many servers may stand before one cache.
        match repeat(different.len(), pool.count, pool.of(known)) {
            true => Judgement {
                caches: self.full.keys().copied().collect(),
                worth: 0,
            },
            false => Judgement {
                caches: caches.into_keys().collect(),
                worth: worth(different.len(), pool.count, pool.of(known)),
            },
        }
    }
}

/// What the full answers of one run are good for.
struct Judgement {
    /// The servers that repeat themselves, whose answers count as none.
    caches: BTreeSet<usize>,
    /// How many answers, each chosen anew, the others' are worth.
    worth: usize,
}

/// Full answers.
#[derive(Debug, Default)]
struct Full {
    count: usize,
    different: BTreeSet<BTreeSet<IpAddr>>,
    seen: BTreeSet<IpAddr>,
    is_resolvers: bool,
    /// The longest time that a cache goes on giving one of them.
    lives: Duration,
}

impl Full {
    fn take(&mut self, answer: DnsAnswer) {
        self.count += 1;
        self.seen.extend(&answer.addresses);
        self.is_resolvers |= answer.is_resolvers;
        self.lives = self.lives.max(answer.lives);
        self.different.insert(answer.addresses);
    }

    /// Of how many addresses they would be chosen: as many as they show. Where that is no more than one
    /// answer holds, there may be others: those that are known, and one at least where the system's
    /// resolver says so.
    fn of(&self, known: usize) -> usize {
        match self.seen.len() > ADDRESSES_PER_ANSWER {
            true => self.seen.len(),
            false => known.max(ADDRESSES_PER_ANSWER + usize::from(self.is_resolvers)),
        }
    }
}

#[cfg(test)]
mod tests;
