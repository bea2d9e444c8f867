//! What the lookups of one run came to so far, and how many more it takes. Pure.
//!
//! It never takes a server's word for its answers being independent of each other: how far they
//! are is judged by the answers. Each answer may make it want more, or say that the list is
//! complete, but hardly ever want less: so a run may go on before it is known what was known before
//! it, and no lookup is made in vain.

use super::dns::DnsAnswer;
use super::stopping_rule::{ADDRESSES_PER_ANSWER, choices, doubt, lookups_needed, repeat, worth};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

/// So long a VPC's resolver keeps an answer at most, whatever that says (docs/aws.md).
const LONGEST: Duration = Duration::from_secs(300);

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
#[derive(Debug, Clone)]
pub(super) struct Sampling {
    max_lookups: usize,
    /// How many servers there are to ask.
    servers: usize,
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

/// What the answers so far are good for.
#[derive(Debug)]
pub(super) struct Judgement {
    /// Whether no other answer need be waited for.
    pub(super) is_complete: bool,
    /// How many more lookups are needed and allowed beyond those under way.
    pub(super) wanted: usize,
    /// The servers that repeat themselves as a cache does.
    pub(super) caches: BTreeSet<usize>,
    /// How many answers, each chosen anew, the others' full ones are worth.
    worth: usize,
    /// How many of them do not come of servers that have answered only once, and so may be caches.
    proven: usize,
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

    /// Counts lookups that an earlier try of the run has made.
    pub(super) fn made_before(mut self, lookups: usize) -> Self {
        self.lookups = lookups;
        self
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

    pub(super) fn lookups(&self) -> usize {
        self.lookups
    }

    /// How many addresses were seen.
    pub(super) fn count(&self) -> usize {
        self.seen.len()
    }

    /// Whether all that was said is said to be the whole list, so that what was known decides.
    pub(super) fn is_short(&self) -> bool {
        self.full.is_empty() && !self.short.is_empty()
    }

    pub(super) fn take_failure(&mut self) {
        self.under_way = self.under_way.saturating_sub(1);
        self.failed += 1;
    }

    /// The servers to ask last: those that repeat themselves, and those whose lists lack what others
    /// have shown, or may lack it.
    pub(super) fn last(&self, judgement: &Judgement) -> BTreeSet<usize> {
        let short = self.short.iter().map(|answer| answer.server);
        judgement.caches.iter().copied().chain(short).collect()
    }

    /// `known` are the addresses known before this run.
    pub(super) fn judge(&self, known: &BTreeSet<IpAddr>) -> Judgement {
        if self.is_complete(known) {
            return Judgement {
                is_complete: true,
                ..Judgement::of_answers(0)
            };
        }
        let judgement = match self.under_way {
            0 if self.has_shown_all(known) => Judgement::of_answers(self.answers()),
            0 => self.judge_servers(known),
            // How far all answers are independent of each other is not asked before they have come.
            _ => Judgement {
                caches: self.caches(known),
                ..Judgement::of_answers(0)
            },
        };
        let allowed = self.max_lookups.saturating_sub(self.lookups);
        Judgement {
            wanted: self.lacks(known, judgement.worth).min(allowed),
            ..judgement
        }
    }

    /// Ends the run.
    pub(super) fn found(self, known: &BTreeSet<IpAddr>, judgement: &Judgement) -> Found {
        let &Judgement {
            is_complete, worth, ..
        } = judgement;
        let certain = is_complete || worth >= self.needed(known);
        // What is remembered after this run, later ones go by.
        let needed = lookups_needed(self.seen.union(known).count(), 0);
        let draws = match certain {
            true => needed,
            false => judgement.proven.max(1),
        };
        let of_caches = self.full.iter().filter(|(server, full)| {
            full.count == 1 || full.is_resolvers || judgement.caches.contains(server)
        });
        let lives = of_caches.map(|(_, full)| full.lives).max();
        let lives = lives.filter(|_| !certain).unwrap_or_default();
        let is_resolvers = self.full.values().any(|full| full.is_resolvers);
        let doubt = match is_complete {
            true => 0.0,
            false => doubt(self.seen.len(), known.len(), worth.max(1)),
        };
        Found {
            certain,
            doubt,
            evidence: Evidence {
                draws: u32::try_from(draws).unwrap_or(u32::MAX),
                needed: u32::try_from(needed).unwrap_or(u32::MAX),
                lives: lives.min(LONGEST),
            },
            is_cached: !certain && (is_resolvers || !judgement.caches.is_empty()),
            addresses: self.seen,
            lookups: self.lookups,
            failed_lookups: self.failed,
        }
    }

    /// Whether the run is over by a short answer, which says to be the whole list. A stale server's is
    /// one answer among others: where it lacks what is known, or nothing is, another server is asked
    /// before it is believed, and where that gives a full one, only two servers that say the same are.
    fn is_complete(&self, known: &BTreeSet<IpAddr>) -> bool {
        let is_confirmed = |one: &DnsAnswer| {
            let mut short = self.short.iter();
            short.any(|other| one.server != other.server && one.addresses == other.addresses)
        };
        // Of many that are under way a stale server gives several, before others give any.
        let has_two = match self.under_way {
            0 => self.short.len() > 1,
            _ => {
                self.short
                    .iter()
                    .map(|one| one.server)
                    .collect::<BTreeSet<_>>()
                    .len()
                    > 1
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

    /// Whether servers that choose from more addresses than one answer holds have shown every one that
    /// is known: then none is missing, in whatever order they give them.
    fn has_shown_all(&self, known: &BTreeSet<IpAddr>) -> bool {
        if known.is_empty() || !self.seen.is_superset(known) {
            return false;
        }
        let full = Pool::of(self.full.values().filter(|full| !full.is_resolvers));
        full.seen.len() > full.largest && full.seen.is_superset(known)
    }

    /// How many answers are lacking. That some were in vain is made up for when all have come: those
    /// under way may show that they were not.
    fn lacks(&self, known: &BTreeSet<IpAddr>, worth: usize) -> usize {
        if self.is_short() {
            return usize::from(self.failed + self.under_way == 0);
        }
        let has = match self.under_way {
            0 => worth,
            under_way => self.answers() + under_way,
        };
        self.needed(known).saturating_sub(has)
    }

    fn answers(&self) -> usize {
        self.full.values().map(|full| full.count).sum()
    }

    fn needed(&self, known: &BTreeSet<IpAddr>) -> usize {
        lookups_needed(self.seen.len(), known.len())
    }

    /// The servers each of which repeats itself.
    fn caches(&self, known: &BTreeSet<IpAddr>) -> BTreeSet<usize> {
        let known = self.seen.union(known).count();
        let caches = self.full.iter().filter(|(_, full)| full.repeats(known));
        caches.map(|(server, _)| *server).collect()
    }

    fn judge_servers(&self, known: &BTreeSet<IpAddr>) -> Judgement {
        let caches = self.caches(known);
        let known = self.seen.union(known).count();
        let others = self
            .full
            .iter()
            .filter(|(server, _)| !caches.contains(server));
        let others: Vec<_> = others.map(|(_, full)| full).collect();
        let pool = Pool::of(others.iter().copied());
        // Many servers may stand before one cache.
        if pool.repeats(known) {
            return Judgement {
                caches: self.full.keys().copied().collect(),
                ..Judgement::of_answers(0)
            };
        }
        let (once, often): (Vec<_>, Vec<_>) = others.into_iter().partition(|full| full.count == 1);
        let often = Pool::of(often);
        Judgement {
            caches,
            proven: often.worth(known) + usize::from(!once.is_empty()),
            ..Judgement::of_answers(pool.worth(known))
        }
    }
}

impl Judgement {
    /// The list is not complete, and so many full answers are good.
    const fn of_answers(worth: usize) -> Self {
        Self {
            is_complete: false,
            wanted: 0,
            caches: BTreeSet::new(),
            worth,
            proven: worth,
        }
    }
}

/// Full answers.
#[derive(Debug, Clone, Default)]
struct Full {
    count: usize,
    different: BTreeSet<BTreeSet<IpAddr>>,
    seen: BTreeSet<IpAddr>,
    /// How many addresses the largest of them holds.
    largest: usize,
    is_resolvers: bool,
    /// The longest time that a cache goes on giving one of them.
    lives: Duration,
}

impl Full {
    fn take(&mut self, answer: DnsAnswer) {
        self.count += 1;
        self.seen.extend(&answer.addresses);
        self.largest = self.largest.max(answer.addresses.len());
        self.is_resolvers |= answer.is_resolvers;
        self.lives = self.lives.max(answer.lives);
        self.different.insert(answer.addresses);
    }

    fn repeats(&self, known: usize) -> bool {
        let choices = choices_of(&self.seen, self.largest, self.is_resolvers, known);
        repeat(self.different.len(), self.count, choices)
    }
}

/// Full answers of several servers.
#[derive(Default)]
struct Pool<'a> {
    count: usize,
    different: BTreeSet<&'a BTreeSet<IpAddr>>,
    seen: BTreeSet<IpAddr>,
    largest: usize,
    is_resolvers: bool,
}

impl<'a> Pool<'a> {
    fn of(servers: impl IntoIterator<Item = &'a Full>) -> Self {
        let mut pool = Self::default();
        for full in servers {
            pool.count += full.count;
            pool.different.extend(&full.different);
            pool.seen.extend(&full.seen);
            pool.largest = pool.largest.max(full.largest);
            pool.is_resolvers |= full.is_resolvers;
        }
        pool
    }

    fn repeats(&self, known: usize) -> bool {
        repeat(self.different.len(), self.count, self.choices(known))
    }

    fn worth(&self, known: usize) -> usize {
        worth(self.different.len(), self.count, self.choices(known))
    }

    fn choices(&self, known: usize) -> f64 {
        choices_of(&self.seen, self.largest, self.is_resolvers, known)
    }
}

/// How many different answers there can be of the addresses that some show. Where these are no more than one
/// answer holds, there may be others: those that are known, and one at least where the system's resolver says so.
fn choices_of(seen: &BTreeSet<IpAddr>, largest: usize, is_resolvers: bool, known: usize) -> f64 {
    let addresses = match seen.len() > largest {
        true => seen.len(),
        false => known.max(largest + usize::from(is_resolvers)),
    };
    choices(addresses, largest)
}

#[cfg(test)]
mod tests;
