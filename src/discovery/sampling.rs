//! Counts the answers of one run, and says how many more lookups the run needs. Pure.
//!
//! Each answer may show that more lookups are needed, or that the list is complete, but hardly ever that fewer are
//! needed. So a run may send more lookups before earlier runs' addresses have been read, and no lookup is wasted.

use super::dns::DnsAnswer;
use super::found::{Evidence, Found};
use super::independence::FullAnswers;
use super::stopping_rule::{ADDRESSES_PER_ANSWER, doubt, lookups_needed};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

/// The longest time for which a VPC's resolver keeps an answer, whatever the answer says (docs/aws.md).
const LONGEST_CACHED: Duration = Duration::from_secs(300);

/// The answers of one run.
#[derive(Debug, Clone)]
pub(super) struct Sampling {
    max_lookups: usize,
    /// How many servers there are to ask.
    servers: usize,
    seen: BTreeSet<IpAddr>,
    /// Lookups that have begun.
    lookups: usize,
    /// Lookups that have begun and have not ended.
    under_way: usize,
    failed: usize,
    /// Answers of at least 8 addresses, by server.
    full: BTreeMap<usize, FullAnswers>,
    /// Answers of fewer addresses. Such an answer claims to be the whole list.
    short: Vec<DnsAnswer>,
}

/// What the answers so far are worth.
#[derive(Debug)]
pub(super) struct Assessment {
    /// Whether the run can end without waiting for another answer.
    pub(super) is_complete: bool,
    /// How many lookups are needed and allowed beyond those under way.
    pub(super) more_lookups: usize,
    /// The servers that repeat their answers as a cache does.
    pub(super) caches: BTreeSet<usize>,
    /// How many draws the full answers of the other servers are worth.
    draws: usize,
    /// How many of these draws are certain. A server that has answered only once may be a cache.
    certain_draws: usize,
}

impl Sampling {
    pub(super) fn new(max_lookups: usize, servers: usize) -> Self {
        Self {
            max_lookups,
            servers,
            seen: BTreeSet::new(),
            lookups: 0,
            under_way: 0,
            failed: 0,
            full: BTreeMap::new(),
            short: Vec::new(),
        }
    }

    /// Counts the lookups of an earlier attempt of this run.
    pub(super) fn with_earlier_lookups(mut self, lookups: usize) -> Self {
        self.lookups = lookups;
        self
    }

    /// Counts a lookup that begins now, and gives its number.
    pub(super) fn begin_lookup(&mut self) -> usize {
        self.lookups += 1;
        self.under_way += 1;
        self.lookups
    }

    /// Counts a lookup that has ended with an answer.
    pub(super) fn add_answer(&mut self, answer: DnsAnswer) {
        self.under_way = self.under_way.saturating_sub(1);
        self.seen.extend(&answer.addresses);
        match answer.addresses.len() < ADDRESSES_PER_ANSWER {
            true => self.short.push(answer),
            false => self.full.entry(answer.server).or_default().add(answer),
        }
    }

    pub(super) fn lookups(&self) -> usize {
        self.lookups
    }

    pub(super) fn address_count(&self) -> usize {
        self.seen.len()
    }

    /// Whether every answer claims to be the whole list. Whether that is true depends on what was known before.
    pub(super) fn has_only_short_answers(&self) -> bool {
        self.full.is_empty() && !self.short.is_empty()
    }

    /// Counts a lookup that has ended without an answer.
    pub(super) fn add_failure(&mut self) {
        self.under_way = self.under_way.saturating_sub(1);
        self.failed += 1;
    }

    /// The servers to ask last: caches, and servers that gave a short answer, because that may be incomplete.
    pub(super) fn servers_to_ask_last(&self, assessment: &Assessment) -> BTreeSet<usize> {
        let short = self.short.iter().map(|answer| answer.server);
        assessment.caches.iter().copied().chain(short).collect()
    }

    /// Says what the answers so far are worth, and how many more lookups are needed. `known` are the addresses that
    /// were known before this run.
    pub(super) fn assess(&self, known: &BTreeSet<IpAddr>) -> Assessment {
        if self.is_complete(known) {
            return Assessment {
                is_complete: true,
                ..Assessment::of_draws(0)
            };
        }
        let assessment = match self.under_way {
            0 if self.has_shown_all(known) => Assessment::of_draws(self.full_answers()),
            0 => self.assess_servers(known),
            // How far answers are independent of each other is assessed when all of them have come.
            _ => Assessment {
                caches: self.caches(known),
                ..Assessment::of_draws(0)
            },
        };
        let allowed = self.max_lookups.saturating_sub(self.lookups);
        Assessment {
            more_lookups: self.lookups_lacking(known, assessment.draws).min(allowed),
            ..assessment
        }
    }

    /// What the run has found, by its last assessment.
    pub(super) fn into_found(self, known: &BTreeSet<IpAddr>, assessment: &Assessment) -> Found {
        let &Assessment {
            is_complete, draws, ..
        } = assessment;
        let certain = is_complete || draws >= self.draws_needed(known);
        // Later runs know all of these addresses.
        let needed = lookups_needed(self.seen.union(known).count(), 0);
        let doubt = match is_complete {
            true => 0.0,
            false => doubt(self.seen.len(), known.len(), draws.max(1)),
        };
        let draws = match certain {
            true => needed,
            false => assessment.certain_draws.max(1),
        };
        let of_caches = self.full.iter().filter(|(server, full)| {
            full.count == 1 || full.are_from_resolver || assessment.caches.contains(server)
        });
        let cached_for = of_caches.map(|(_, full)| full.cached_for).max();
        let cached_for = cached_for.filter(|_| !certain).unwrap_or_default();
        let are_from_resolver = self.full.values().any(|full| full.are_from_resolver);
        Found {
            certain,
            doubt,
            evidence: Evidence {
                draws: u32::try_from(draws).unwrap_or(u32::MAX),
                needed: u32::try_from(needed).unwrap_or(u32::MAX),
                cached_for: cached_for.min(LONGEST_CACHED),
            },
            is_cached: !certain && (are_from_resolver || !assessment.caches.is_empty()),
            addresses: self.seen,
            lookups: self.lookups,
            failed_lookups: self.failed,
        }
    }

    /// Whether a short answer ends the run, because it is the whole list. A stale server may give one that is not.
    /// So if it lacks a known address, or if none is known, another server has to answer as well; and if a
    /// server has given a full answer, two servers have to give the same short one.
    fn is_complete(&self, known: &BTreeSet<IpAddr>) -> bool {
        let is_confirmed = |one: &DnsAnswer| {
            let mut short = self.short.iter();
            short.any(|other| one.server != other.server && one.addresses == other.addresses)
        };
        // While lookups are under way, a stale server may have given several answers before others give any.
        let has_two = match self.under_way {
            0 => self.short.len() > 1,
            _ => {
                let servers: BTreeSet<_> = self.short.iter().map(|one| one.server).collect();
                servers.len() > 1
            }
        };
        let is_believed = self.servers < 2 || has_two || self.max_lookups < 2;
        let holds_known = |one: &DnsAnswer| !known.is_empty() && one.addresses.is_superset(known);
        let is_all = |one: &DnsAnswer| is_believed || holds_known(one);
        let mut short = self.short.iter();
        match self.full.is_empty() {
            true => short.any(is_all),
            false => short.any(is_confirmed),
        }
    }

    /// Whether servers that choose from more addresses than one answer holds have shown every known address. Then none
    /// is missing, even if they give the addresses in turn and not at random.
    fn has_shown_all(&self, known: &BTreeSet<IpAddr>) -> bool {
        if known.is_empty() || !self.seen.is_superset(known) {
            return false;
        }
        let full = self.full.values().filter(|full| !full.are_from_resolver);
        let full = FullAnswers::of_servers(full);
        full.hold_more_than_one_answer() && full.addresses.is_superset(known)
    }

    /// How many lookups the run still needs. While lookups are under way, each answer counts as a draw: those to
    /// come may show that the answers are independent.
    fn lookups_lacking(&self, known: &BTreeSet<IpAddr>, draws: usize) -> usize {
        if self.has_only_short_answers() {
            return usize::from(self.failed + self.under_way == 0);
        }
        let has = match self.under_way {
            0 => draws,
            under_way => self.full_answers() + under_way,
        };
        self.draws_needed(known).saturating_sub(has)
    }

    fn full_answers(&self) -> usize {
        self.full.values().map(|full| full.count).sum()
    }

    fn draws_needed(&self, known: &BTreeSet<IpAddr>) -> usize {
        lookups_needed(self.seen.len(), known.len())
    }

    /// The servers that repeat their own answers as a cache does.
    fn caches(&self, known: &BTreeSet<IpAddr>) -> BTreeSet<usize> {
        let known = self.seen.union(known).count();
        let caches = self.full.iter().filter(|(_, full)| full.are_cached(known));
        caches.map(|(server, _)| *server).collect()
    }

    fn assess_servers(&self, known: &BTreeSet<IpAddr>) -> Assessment {
        let caches = self.caches(known);
        let known = self.seen.union(known).count();
        let others = self
            .full
            .iter()
            .filter(|(server, _)| !caches.contains(server));
        let others: Vec<_> = others.map(|(_, full)| full).collect();
        let all = FullAnswers::of_servers(others.iter().copied());
        // Many servers may share one cache.
        if all.are_cached(known) {
            return Assessment {
                caches: self.full.keys().copied().collect(),
                ..Assessment::of_draws(0)
            };
        }
        let (once, often): (Vec<_>, Vec<_>) = others.into_iter().partition(|full| full.count == 1);
        let often = FullAnswers::of_servers(often);
        Assessment {
            caches,
            certain_draws: often.draws(known) + usize::from(!once.is_empty()),
            ..Assessment::of_draws(all.draws(known))
        }
    }
}

impl Assessment {
    /// The list is not complete, and the full answers are worth this number of draws.
    const fn of_draws(draws: usize) -> Self {
        Self {
            is_complete: false,
            more_lookups: 0,
            caches: BTreeSet::new(),
            draws,
            certain_draws: draws,
        }
    }
}

#[cfg(test)]
mod tests;
