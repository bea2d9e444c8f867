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
    full: BTreeMap<usize, Vec<DnsAnswer>>,
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
            false => self.full.entry(answer.server).or_default().push(answer),
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
        let cached_for = match certain {
            true => None,
            false => self.answers().filter_map(|answer| answer.cached_for).max(),
        };
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
                lives: cached_for.unwrap_or_default(),
            },
            is_cached: !certain && (cached_for.is_some() || !judgement.caches.is_empty()),
            addresses: self.seen,
            lookups: self.lookups,
            failed_lookups: self.failed,
        }
    }

    fn needed(&self, known: &BTreeSet<IpAddr>) -> usize {
        lookups_needed(self.seen.len(), known.len())
    }

    /// The full answers.
    fn answers(&self) -> impl Iterator<Item = &DnsAnswer> {
        self.full.values().flatten()
    }

    fn judge(&self, known: &BTreeSet<IpAddr>) -> Judgement {
        let known = self.seen.union(known).count();
        let repeats = |answers: &Draws| repeat(answers.different, answers.count, answers.of);
        let repeats_itself =
            |(_, answers): &(&usize, &Vec<DnsAnswer>)| repeats(&Draws::of(answers.iter(), known));
        let (caches, others): (Vec<_>, Vec<_>) = self.full.iter().partition(repeats_itself);
        let pool = Draws::of(others.into_iter().flat_map(|(_, answers)| answers), known);
        // Many servers may stand before one cache.
        match repeats(&pool) {
            true => Judgement {
                caches: self.full.keys().copied().collect(),
                worth: 0,
            },
            false => Judgement {
                caches: caches.into_iter().map(|(server, _)| *server).collect(),
                worth: worth(pool.different, pool.count, pool.of),
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

/// Full answers, as they would be if each were chosen anew.
struct Draws {
    count: usize,
    different: usize,
    /// Of how many addresses they are chosen.
    of: usize,
}

impl Draws {
    fn of<'a>(answers: impl Iterator<Item = &'a DnsAnswer>, known: usize) -> Self {
        let mut different = BTreeSet::new();
        let mut seen: BTreeSet<IpAddr> = BTreeSet::new();
        let (mut count, mut is_cached) = (0, false);
        for answer in answers {
            count += 1;
            is_cached |= answer.cached_for.is_some();
            seen.extend(&answer.addresses);
            different.insert(&answer.addresses);
        }
        // As many as they show themselves. Where that is no more than one answer holds, there may be
        // others: those that are known, and one at least where a cache says that it is one.
        let shown = ADDRESSES_PER_ANSWER + usize::from(is_cached);
        let of = match seen.len() > ADDRESSES_PER_ANSWER {
            true => seen.len(),
            false => known.max(shown),
        };
        Self {
            count,
            different: different.len(),
            of,
        }
    }
}

#[cfg(test)]
mod tests;
