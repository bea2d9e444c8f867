//! How far full answers are independent of each other, and which servers are caches. Pure.
//!
//! AWS promises nowhere that each answer is a new choice, and a cache repeats the answer that it keeps. So this never
//! believes what a server says about itself; it counts how many of the answers differ. Different answers that all lack
//! an address say as much about it as that many draws. If fewer answers differ than chance would allow, a cache gave
//! them.

use super::dns::DnsAnswer;
use super::stopping_rule::float;
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

/// A cache gave the answers if the chance that draws repeat each other as often is lower than this.
const CHANCE_OF_RANDOM: f64 = 1e-6;

/// The limit of what [`possible_answers`] counts: an `f64` still holds every whole number below it.
const MOST_ANSWERS: f64 = 1e15;

/// The full answers of one server, or of several.
#[derive(Debug, Clone, Default)]
pub(super) struct FullAnswers {
    pub(super) count: usize,
    different: BTreeSet<BTreeSet<IpAddr>>,
    pub(super) addresses: BTreeSet<IpAddr>,
    /// How many addresses the largest answer holds.
    largest: usize,
    pub(super) are_from_resolver: bool,
    /// The longest time for which a cache repeats one of them.
    pub(super) cached_for: Duration,
}

impl FullAnswers {
    pub(super) fn of_servers<'a>(servers: impl IntoIterator<Item = &'a Self>) -> Self {
        let mut all = Self::default();
        for one in servers {
            all.count += one.count;
            all.different.extend(one.different.iter().cloned());
            all.addresses.extend(&one.addresses);
            all.largest = all.largest.max(one.largest);
            all.are_from_resolver |= one.are_from_resolver;
            all.cached_for = all.cached_for.max(one.cached_for);
        }
        all
    }

    pub(super) fn add(&mut self, answer: DnsAnswer) {
        self.count += 1;
        self.addresses.extend(&answer.addresses);
        self.largest = self.largest.max(answer.addresses.len());
        self.are_from_resolver |= answer.is_from_resolver;
        self.cached_for = self.cached_for.max(answer.cached_for);
        self.different.insert(answer.addresses);
    }

    /// Whether they were chosen from more addresses than one answer holds.
    pub(super) fn hold_more_than_one_answer(&self) -> bool {
        self.addresses.len() > self.largest
    }

    /// Whether they repeat each other as a cache's do. `known` is the number of known addresses.
    pub(super) fn are_cached(&self, known: usize) -> bool {
        are_cached(
            self.different.len(),
            self.count,
            self.possible_answers(known),
        )
    }

    /// How many draws they are worth. `known` is the number of known addresses.
    pub(super) fn draws(&self, known: usize) -> usize {
        draws(
            self.different.len(),
            self.count,
            self.possible_answers(known),
        )
    }

    /// How many different answers the servers can give. If they have shown no more addresses than one answer
    /// holds, there may be more: those that are known, and at least one more if the system's resolver answers.
    fn possible_answers(&self, known: usize) -> f64 {
        let addresses = match self.hold_more_than_one_answer() {
            true => self.addresses.len(),
            false => known.max(self.largest + usize::from(self.are_from_resolver)),
        };
        possible_answers(addresses, self.largest)
    }
}

/// How many draws `answers` full answers are worth, of which `different` ones differ while `possible` ones exist:
/// the number of draws that most probably shows this number of different answers, but at most the number of
/// answers.
fn draws(different: usize, answers: usize, possible: f64) -> usize {
    let different = float(different);
    if different >= possible {
        return answers;
    }
    let draws = (-different / possible).ln_1p() / (-1.0 / possible).ln_1p();
    // Finite and not negative.
    (draws.ceil() as usize).min(answers)
}

/// Whether too few of the full answers differ for draws; the numbers are those of [`draws`].
fn are_cached(different: usize, answers: usize, possible: f64) -> bool {
    if different == answers || float(different) >= possible {
        return false;
    }
    // The chance is below (possible over different) * (different / possible)^answers.
    let selections: f64 = (0..different)
        .map(|one| ((possible - float(one)) / float(one + 1)).ln())
        .sum();
    selections + float(answers) * (float(different) / possible).ln() < CHANCE_OF_RANDOM.ln()
}

/// How many different answers exist that hold `per_answer` of the addresses.
fn possible_answers(addresses: usize, per_answer: usize) -> f64 {
    let possible: f64 = (0..per_answer.min(addresses))
        .map(|one| float(addresses - one) / float(one + 1))
        .product();
    possible.round().min(MOST_ANSWERS)
}

#[cfg(test)]
mod tests {
    use super::{are_cached, draws, possible_answers};

    #[test]
    fn answers_that_all_differ_are_worth_as_many_draws_as_they_are() {
        for addresses in 9..=1000 {
            for held in [8, addresses / 2] {
                let possible = possible_answers(addresses, held);
                for answers in 1..=4 {
                    let text = format!("{answers} answers with {held} of {addresses}");
                    assert_eq!(draws(answers, answers, possible), answers, "{text}");
                    assert!(!are_cached(answers, answers, possible), "{text}");
                }
            }
        }
    }

    #[test]
    fn one_and_the_same_answer_is_worth_one_draw_where_there_are_more_addresses_than_it_holds() {
        for addresses in 9..=1000 {
            for held in [8, addresses - 1] {
                let possible = possible_answers(addresses, held);
                assert_eq!(draws(1, 50, possible), 1, "{held} of {addresses}");
                assert!(are_cached(1, 50, possible), "{held} of {addresses}");
            }
        }
        for all in [8, 20, 1000] {
            assert_eq!(draws(1, 50, possible_answers(all, all)), 50);
            assert!(!are_cached(1, 50, possible_answers(all, all)));
        }
    }

    #[test]
    fn of_few_addresses_answers_must_repeat_each_other_and_may() {
        let (of_9, of_28) = (possible_answers(9, 8), possible_answers(28, 8));
        // All nine answers that there are.
        assert_eq!(draws(9, 32, of_9), 32);
        assert!(!are_cached(9, 32, of_9) && !are_cached(7, 32, of_9));
        // Half of them in fifty answers come by chance less than once in a million times.
        assert!(are_cached(4, 50, of_9));
        // 28 addresses make three million answers: two that are equal are a cache's.
        assert!(are_cached(1, 2, of_28) && !are_cached(31, 32, of_28));
    }
}
