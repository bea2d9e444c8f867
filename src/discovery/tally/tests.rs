//! The stopping rule against an observer who knows how many addresses there are, on a simulated
//! DNS that answers as AWS does, at most 8 addresses, chosen at random.

use super::*;
use rand::SeedableRng;
use rand::rngs::Xoshiro256PlusPlus as Chance;
use rand::seq::index::sample;

const RUNS: usize = 2_000;

fn addresses(count: usize) -> Vec<IpAddr> {
    (0..count)
        .map(|number| IpAddr::from(u32::try_from(number + 1).expect("few").to_be_bytes()))
        .collect()
}

fn answer(chance: &mut Chance, all: &[IpAddr]) -> Vec<IpAddr> {
    let count = all.len().min(ADDRESSES_PER_ANSWER);
    sample(chance, all.len(), count)
        .into_iter()
        .map(|index| all[index])
        .collect()
}

/// One run in which every lookup under way is answered before the next ones begin, which is the
/// worst that can happen: the rounds it takes, and what was found.
fn run(chance: &mut Chance, all: &[IpAddr], known: usize, side_by_side: usize) -> (usize, Found) {
    let mut tally = Tally::new(1000, true);
    tally.begin();
    tally.take(answer(chance, all));
    let mut rounds = 1;
    loop {
        let wanted = tally.wanted(known).min(side_by_side);
        if wanted == 0 {
            return (rounds, tally.found(known));
        }
        rounds += 1;
        for _ in 0..wanted {
            tally.begin();
        }
        for _ in 0..wanted {
            tally.take(answer(chance, all));
        }
    }
}

/// How many answers one run needs until nothing is missing.
fn until_complete(chance: &mut Chance, all: &[IpAddr]) -> usize {
    let mut seen = BTreeSet::new();
    let mut answers = 0;
    while seen.len() < all.len() {
        seen.extend(answer(chance, all));
        answers += 1;
    }
    answers
}

#[test]
fn lookups_stay_within_a_tenth_of_what_one_needs_who_knows_how_many_addresses_there_are() {
    let mut chance = Chance::seed_from_u64(28);
    for count in [12, 28, 56, 100] {
        let all = addresses(count);
        let mut needed: Vec<_> = (0..RUNS)
            .map(|_| until_complete(&mut chance, &all))
            .collect();
        needed.sort_unstable();
        // In 999 of 1,000 runs this many are enough.
        let quantile = needed[RUNS - RUNS / 1000];
        let found: Vec<_> = (0..RUNS).map(|_| run(&mut chance, &all, 0, 64).1).collect();
        let most = found.iter().map(|found| found.lookups).max();
        assert!(
            most <= Some(quantile + quantile.div_ceil(10)),
            "{count} addresses: {most:?} lookups where {quantile} are enough"
        );
        let is_short = |found: &&Found| found.addresses.len() < count;
        let missed = found.iter().filter(is_short).count();
        // One in a thousand is allowed; three times that hardly ever happens by chance alone.
        assert!(
            missed <= 3 * RUNS / 1000,
            "{count} addresses: {missed} of {RUNS} runs missed one"
        );
        assert!(
            found
                .iter()
                .all(|found| found.certain && found.doubt < 0.001)
        );
    }
}

#[test]
fn no_lookup_is_made_in_vain_however_many_are_under_way_at_once() {
    let mut chance = Chance::seed_from_u64(8);
    for count in [1, 7, 8, 9, 28, 100] {
        let all = addresses(count);
        for side_by_side in [1, 16, 64, 1000] {
            let (_, found) = run(&mut chance, &all, count, side_by_side);
            let needed = lookups_needed(count, 0);
            let expected = if count < ADDRESSES_PER_ANSWER {
                1
            } else {
                needed
            };
            assert_eq!(
                found.lookups, expected,
                "{count} addresses, {side_by_side} side by side"
            );
        }
    }
}

#[test]
fn a_list_that_is_known_takes_two_rounds_and_an_unknown_one_a_few_more() {
    let mut chance = Chance::seed_from_u64(2);
    for (count, known, most) in [(7, 0, 1), (28, 28, 2), (56, 56, 3), (28, 0, 6), (100, 0, 8)] {
        let all = addresses(count);
        let rounds = (0..1000).map(|_| run(&mut chance, &all, known, 64).0).max();
        assert!(
            rounds <= Some(most),
            "{count} addresses, {known} known: {rounds:?} rounds"
        );
    }
}

#[test]
fn a_failed_lookup_is_made_up_for_within_what_is_allowed() {
    let mut chance = Chance::seed_from_u64(5);
    let all = addresses(28);
    for (allowed, lookups, certain) in [(100, 42, true), (20, 20, false)] {
        let mut tally = Tally::new(allowed, true);
        for number in 0.. {
            if tally.wanted(28) == 0 {
                break;
            }
            tally.begin();
            match number {
                1..=10 => tally.take_failure(),
                _ => tally.take(answer(&mut chance, &all)),
            }
        }
        let found = tally.found(28);
        assert_eq!((found.lookups, found.failed_lookups), (lookups, 10));
        assert_eq!(found.certain, certain);
        assert_eq!(found.doubt < 0.001, certain);
    }
}

#[test]
fn a_cache_repeats_itself_so_its_full_answers_make_nothing_certain() {
    let all = addresses(8);
    let mut tally = Tally::new(50, false);
    while tally.wanted(28) > 0 {
        tally.begin();
        tally.take(all.clone());
    }
    let found = tally.found(28);
    assert_eq!(found.lookups, 50);
    assert!(!found.certain && found.doubt > 0.9, "{found:?}");
    assert_eq!(found.runs_needed, 32);
}
