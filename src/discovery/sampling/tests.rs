//! Sampling, on simulated DNS servers: some answer as AWS does, with at most 8 addresses chosen at random, and some
//! do not. The number of lookups is compared with what an observer needs who knows how many addresses there are.

use super::*;
use rand::rngs::Xoshiro256PlusPlus as Chance;
use rand::seq::index::sample;
use rand::{RngExt as _, SeedableRng};

const RUNS: usize = 1_000;

/// The TTL that a cache gives.
const TTL: Duration = Duration::from_secs(60);

fn addresses(count: usize) -> Vec<IpAddr> {
    (0..count)
        .map(|number| IpAddr::from(u32::try_from(number + 1).expect("few").to_be_bytes()))
        .collect()
}

fn choice(chance: &mut Chance, all: &[IpAddr]) -> BTreeSet<IpAddr> {
    let count = all.len().min(ADDRESSES_PER_ANSWER);
    let chosen = sample(chance, all.len(), count).into_iter();
    chosen.map(|index| all[index]).collect()
}

fn answer(chance: &mut Chance, all: &[IpAddr]) -> DnsAnswer {
    DnsAnswer {
        addresses: choice(chance, all),
        server: 0,
        is_from_resolver: false,
        cached_for: Duration::ZERO,
    }
}

/// A server: what it answers, and what it says about its answers.
#[derive(Clone)]
struct SimulatedServer {
    answers: Answers,
    is_resolver: bool,
    cached_for: Duration,
}

#[derive(Clone)]
enum Answers {
    /// A choice of its own each time.
    Random(Vec<IpAddr>),
    /// One of these, by chance, as several caches behind one address give them.
    Any(Vec<BTreeSet<IpAddr>>),
    /// One after the other, and then always the last.
    InTurn(Vec<BTreeSet<IpAddr>>),
    /// One after the other, and then again from the first.
    Around(Vec<BTreeSet<IpAddr>>),
}

impl SimulatedServer {
    fn random(all: &[IpAddr]) -> Self {
        Self {
            answers: Answers::Random(all.to_vec()),
            is_resolver: false,
            cached_for: Duration::ZERO,
        }
    }

    /// A cache that never forgets.
    fn frozen(chance: &mut Chance, all: &[IpAddr]) -> Self {
        Self {
            answers: Answers::InTurn(vec![choice(chance, all)]),
            is_resolver: false,
            cached_for: TTL,
        }
    }

    /// One that gives all of them, eight at a time.
    fn around(all: &[IpAddr]) -> Self {
        let windows = all.chunks(4).zip(all.chunks(4).cycle().skip(1));
        let windows = windows.map(|(one, next)| one.iter().chain(next).copied().collect());
        Self {
            answers: Answers::Around(windows.collect()),
            ..Self::random(all)
        }
    }

    fn answer(&mut self, chance: &mut Chance, server: usize) -> DnsAnswer {
        let addresses = match &mut self.answers {
            Answers::Random(all) => choice(chance, all),
            Answers::Any(sets) => sets[chance.random_range(0..sets.len())].clone(),
            Answers::InTurn(sets) if sets.len() > 1 => sets.remove(0),
            Answers::InTurn(sets) => sets[0].clone(),
            Answers::Around(sets) => {
                sets.rotate_left(1);
                sets[0].clone()
            }
        };
        DnsAnswer {
            addresses,
            server,
            is_from_resolver: self.is_resolver,
            cached_for: self.cached_for,
        }
    }
}

/// What a run is made with.
struct Limits {
    lookups: usize,
    side_by_side: usize,
}

const USUAL: Limits = Limits {
    lookups: 50,
    side_by_side: 64,
};

/// One run, in rounds: all lookups of a round are answered before the next round begins, which is the worst case.
/// Gives the number of rounds, what was found, and which servers are caches.
fn simulate(
    chance: &mut Chance,
    servers: &mut [SimulatedServer],
    known: &[IpAddr],
    limits: &Limits,
) -> (usize, Found, BTreeSet<usize>) {
    let known = known.iter().copied().collect();
    let mut sampling = Sampling::new(limits.lookups, servers.len());
    let mut more_lookups = 1;
    let mut rounds = 0;
    while more_lookups > 0 {
        rounds += 1;
        let last = sampling.servers_to_ask_last(&sampling.assess(&known));
        for _ in 0..more_lookups {
            let number = sampling.begin_lookup();
            let mut order: Vec<_> = (0..servers.len()).collect();
            order.rotate_left(number % servers.len());
            order.sort_by_key(|server| last.contains(server));
            sampling.add_answer(servers[order[0]].answer(chance, order[0]));
        }
        more_lookups = sampling
            .assess(&known)
            .more_lookups
            .min(limits.side_by_side);
    }
    let assessment = sampling.assess(&known);
    let found = sampling.into_found(&known, &assessment);
    (rounds, found, assessment.caches)
}

fn run(
    chance: &mut Chance,
    all: &[IpAddr],
    known: &[IpAddr],
    side_by_side: usize,
) -> (usize, Found) {
    let limits = Limits {
        lookups: 1000,
        side_by_side,
    };
    let (rounds, found, caches) =
        simulate(chance, &mut [SimulatedServer::random(all)], known, &limits);
    assert_eq!(caches, BTreeSet::new(), "chosen at random");
    (rounds, found)
}

/// All the ways in which servers repeat answers, each with the servers of one run.
fn repeating(chance: &mut Chance, all: &[IpAddr]) -> Vec<(&'static str, Vec<SimulatedServer>)> {
    let mut sets = |count: usize| -> Vec<_> { (0..count).map(|_| choice(chance, all)).collect() };
    let same = sets(1);
    let one = |answers| vec![answers];
    let kinds = vec![
        ("one set", one(Answers::InTurn(sets(1)))),
        (
            "two sets, one after the other",
            one(Answers::InTurn(sets(2))),
        ),
        ("two nodes", one(Answers::Any(sets(2)))),
        ("four nodes", one(Answers::Any(sets(4)))),
        ("eight nodes", one(Answers::Any(sets(8)))),
        (
            "two caches",
            vec![Answers::InTurn(sets(1)), Answers::InTurn(sets(1))],
        ),
        (
            "fifty servers of one cache",
            vec![Answers::InTurn(same); 50],
        ),
    ];
    let kinds = kinds.into_iter().map(|(kind, answers)| {
        let servers = answers.into_iter().map(|answers| SimulatedServer {
            answers,
            is_resolver: false,
            cached_for: Duration::ZERO,
        });
        (kind, servers.collect())
    });
    kinds.collect()
}

/// How many answers one run needs until nothing is missing.
fn until_complete(chance: &mut Chance, all: &[IpAddr]) -> usize {
    let mut seen = BTreeSet::new();
    let mut answers = 0;
    while seen.len() < all.len() {
        seen.extend(choice(chance, all));
        answers += 1;
    }
    answers
}

#[test]
fn lookups_stay_within_a_tenth_and_one_of_what_one_needs_who_knows_how_many_addresses_there_are() {
    let mut chance = Chance::seed_from_u64(28);
    for count in [12, 28, 56, 100] {
        let all = addresses(count);
        let mut needed: Vec<_> = (0..RUNS)
            .map(|_| until_complete(&mut chance, &all))
            .collect();
        needed.sort_unstable();
        // In 999 of 1,000 runs this many are enough.
        let quantile = needed[RUNS - RUNS / 1000];
        let found: Vec<_> = (0..RUNS)
            .map(|_| run(&mut chance, &all, &[], 64).1)
            .collect();
        let most = found.iter().map(|found| found.lookups).max();
        assert!(
            most <= Some(quantile + quantile.div_ceil(10) + 1),
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
    for count in [1, 7, 8, 28, 100] {
        let all = addresses(count);
        for side_by_side in [1, 16, 64, 1000] {
            let (_, found) = run(&mut chance, &all, &all, side_by_side);
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
fn random_answers_are_never_taken_for_a_caches_and_few_addresses_cost_no_lookup_more() {
    let mut chance = Chance::seed_from_u64(9);
    for servers in [1, 2, 4] {
        for count in [8, 9, 10, 11, 12, 16, 28, 36] {
            let all = addresses(count);
            let mut servers = vec![SimulatedServer::random(&all); servers];
            let text = format!("{count} addresses, {} servers", servers.len());
            let mut lookups = 0;
            for _ in 0..RUNS / 4 {
                let (_, found, caches) = simulate(&mut chance, &mut servers, &all, &USUAL);
                assert!(found.certain && !found.is_cached, "{text}: {found:?}");
                assert_eq!(caches, BTreeSet::new(), "{text}");
                lookups += found.lookups;
            }
            let needed = lookups_needed(count, 0);
            // One run in a thousand does not show all of them, and then asks for more.
            let most = needed * (RUNS / 4) + USUAL.lookups;
            assert!(lookups <= most, "{text}: {lookups}");
        }
    }
}

#[test]
fn eight_addresses_are_certain_after_five_lookups_also_where_none_was_known() {
    let mut chance = Chance::seed_from_u64(80);
    let all = addresses(8);
    for known in [&all[..], &[]] {
        for servers in [1, 4] {
            let mut servers = vec![SimulatedServer::random(&all); servers];
            let (_, found, caches) = simulate(&mut chance, &mut servers, known, &USUAL);
            assert!(found.certain && !found.is_cached, "{found:?}");
            assert_eq!((found.lookups, caches), (5, BTreeSet::new()));
        }
    }
}

#[test]
fn eight_addresses_of_the_systems_resolver_are_not_certain() {
    let mut chance = Chance::seed_from_u64(81);
    let mut cache = SimulatedServer::random(&addresses(8));
    cache.is_resolver = true;
    cache.cached_for = TTL;
    for known in [&addresses(8)[..], &[]] {
        let (_, found, caches) = simulate(&mut chance, &mut [cache.clone()], known, &USUAL);
        assert!(!found.certain && found.is_cached, "{found:?}");
        assert_eq!(found.evidence.draws, 1);
        assert_eq!(found.evidence.cached_for, TTL);
        assert_eq!(caches, [0].into());
    }
}

#[test]
fn a_cache_that_repeats_itself_makes_no_list_certain_and_counts_as_one_answer() {
    let mut chance = Chance::seed_from_u64(28);
    let all = addresses(28);
    // One has left.
    let known = addresses(29);
    for _ in 0..100 {
        for (kind, servers) in repeating(&mut chance, &all) {
            for cached_for in [Duration::ZERO, TTL] {
                let mut servers = servers.clone();
                for server in &mut servers {
                    server.cached_for = cached_for;
                }
                let (_, found, caches) = simulate(&mut chance, &mut servers, &known, &USUAL);
                assert!(!found.certain && found.doubt > 0.9, "{kind}: {found:?}");
                assert!(found.is_cached, "{kind}");
                assert_eq!(found.lookups, USUAL.lookups, "{kind}");
                assert_eq!(
                    (found.evidence.draws, found.evidence.needed),
                    (1, 34),
                    "{kind}"
                );
                assert_eq!(found.evidence.cached_for, cached_for);
                assert_eq!(caches.len(), servers.len(), "{kind}");
            }
        }
    }
}

#[test]
fn a_cache_among_servers_that_choose_anew_is_told_from_them_and_does_not_spoil_the_list() {
    let mut chance = Chance::seed_from_u64(29);
    let all = addresses(28);
    for others in [1, 3] {
        for _ in 0..100 {
            let mut servers = vec![SimulatedServer::random(&all); others];
            servers.push(SimulatedServer::frozen(&mut chance, &all));
            let (_, found, caches) = simulate(&mut chance, &mut servers, &[], &USUAL);
            assert!(found.certain, "{others} others: {found:?}");
            assert_eq!(caches, [others].into());
        }
    }
}

#[test]
fn the_same_eight_although_a_ninth_is_known_are_not_certain() {
    let mut chance = Chance::seed_from_u64(89);
    let all = addresses(8);
    for servers in [1, 4] {
        let mut servers = vec![SimulatedServer::random(&all); servers];
        let (_, found, caches) = simulate(&mut chance, &mut servers, &addresses(9), &USUAL);
        assert!(!found.certain && found.is_cached, "{found:?}");
        assert_eq!((found.evidence.draws, found.evidence.needed), (1, 6));
        assert_eq!(caches.len(), servers.len());
    }
}

#[test]
fn nine_of_28_known_addresses_become_certain_though_their_answers_must_repeat() {
    let mut chance = Chance::seed_from_u64(90);
    let mut servers = [SimulatedServer::random(&addresses(9))];
    let runs = (0..200).map(|_| simulate(&mut chance, &mut servers, &addresses(28), &USUAL));
    let certain = runs.filter(|(_, found, caches)| {
        assert_eq!(*caches, BTreeSet::new());
        assert!(
            found.evidence.draws >= 11,
            "three runs are enough: {found:?}"
        );
        found.certain
    });
    // One in forty runs does not see all nine answers that there are in 50 lookups.
    assert!(certain.count() > 180);
}

#[test]
fn one_lookup_at_a_cache_counts_as_one_answer_for_as_long_as_it_is_kept() {
    let mut chance = Chance::seed_from_u64(1);
    let mut cache = SimulatedServer::random(&addresses(28));
    cache.cached_for = TTL;
    let limits = Limits {
        lookups: 1,
        ..USUAL
    };
    let (_, found, _) = simulate(&mut chance, &mut [cache], &addresses(28), &limits);
    assert_eq!((found.evidence.draws, found.evidence.needed), (1, 32));
    assert_eq!(found.evidence.cached_for, TTL);
}

#[test]
fn few_lookups_at_several_caches_count_as_one_answer_together() {
    let mut chance = Chance::seed_from_u64(4);
    let all = addresses(28);
    for lookups in [1, 2, 4, 5] {
        let limits = Limits { lookups, ..USUAL };
        for caches in 1..=4 {
            let mut servers: Vec<_> = (0..caches)
                .map(|_| SimulatedServer::frozen(&mut chance, &all))
                .collect();
            let (_, found, _) = simulate(&mut chance, &mut servers, &all, &limits);
            assert_eq!(
                (found.evidence.draws, found.evidence.needed),
                (1, 32),
                "{caches} caches, {lookups} lookups"
            );
            assert_eq!(found.evidence.cached_for, TTL);
        }
        let mut honest = [SimulatedServer::random(&all)];
        let (_, found, caches) = simulate(&mut chance, &mut honest, &all, &limits);
        assert_eq!(found.evidence.draws as usize, lookups);
        assert_eq!(caches, BTreeSet::new());
    }
}

#[test]
fn servers_that_give_all_known_addresses_in_turn_are_certain_and_no_caches() {
    let mut chance = Chance::seed_from_u64(12);
    for count in [12, 16, 20, 28] {
        let all = addresses(count);
        for servers in [1, 4] {
            let mut servers = vec![SimulatedServer::around(&all); servers];
            let (_, found, caches) = simulate(&mut chance, &mut servers, &all, &USUAL);
            assert!(found.certain && !found.is_cached, "{found:?}");
            assert_eq!(caches, BTreeSet::new());
            assert_eq!(found.lookups, lookups_needed(count, 0));
        }
    }
}

#[test]
fn what_rotating_servers_have_not_shown_is_not_taken_for_gone() {
    let mut chance = Chance::seed_from_u64(13);
    let mut server = [SimulatedServer::around(&addresses(28))];
    let (_, found, caches) = simulate(&mut chance, &mut server, &addresses(29), &USUAL);
    assert!(!found.certain);
    assert_eq!((found.evidence.draws, caches), (1, [0].into()));
}

#[test]
fn a_server_that_gives_more_than_eight_addresses_in_one_answer_is_no_cache() {
    let mut chance = Chance::seed_from_u64(20);
    let all = addresses(20);
    let answers = Answers::InTurn(vec![all.iter().copied().collect()]);
    for known in [&all[..], &[]] {
        let mut server = [SimulatedServer {
            answers: answers.clone(),
            ..SimulatedServer::random(&all)
        }];
        let (_, found, caches) = simulate(&mut chance, &mut server, known, &USUAL);
        assert!(found.certain, "{found:?}");
        assert_eq!(caches, BTreeSet::new());
    }
}

#[test]
fn how_long_an_answer_lives_is_asked_of_caches_only_and_capped() {
    let mut chance = Chance::seed_from_u64(60);
    let all = addresses(28);
    let limits = Limits {
        lookups: 10,
        ..USUAL
    };
    let mut honest = SimulatedServer::random(&all);
    honest.cached_for = TTL;
    let (_, found, _) = simulate(&mut chance, &mut [honest], &all, &limits);
    assert_eq!(found.evidence.draws, 10);
    assert_eq!(found.evidence.cached_for, Duration::ZERO);
    let mut cache = SimulatedServer::frozen(&mut chance, &all);
    cache.cached_for = Duration::from_secs(86_400);
    let (_, found, _) = simulate(&mut chance, &mut [cache], &all, &limits);
    assert_eq!(found.evidence.cached_for, LONGEST_CACHED);
}

#[test]
fn a_short_answer_that_lacks_what_is_known_is_not_believed_of_one_server_of_several() {
    let mut chance = Chance::seed_from_u64(5);
    let all = addresses(28);
    let stale = SimulatedServer::random(&addresses(5));
    // It is asked first in one run of four.
    for at in 0..4 {
        let mut servers = vec![SimulatedServer::random(&all); 4];
        servers[at] = stale.clone();
        let (_, found, _) = simulate(&mut chance, &mut servers, &all, &USUAL);
        assert!(found.certain, "{found:?}");
        assert_eq!(found.addresses.len(), 28);
    }
    let (_, found, _) = simulate(&mut chance, &mut [stale], &all, &USUAL);
    assert_eq!((found.lookups, found.addresses.len()), (1, 5));
}

#[test]
fn two_short_answers_of_different_servers_are_united() {
    let mut chance = Chance::seed_from_u64(6);
    let all = addresses(7);
    for at in 0..4 {
        let mut servers = vec![SimulatedServer::random(&all); 4];
        servers[at] = SimulatedServer::random(&all[..6]);
        let (_, found, _) = simulate(&mut chance, &mut servers, &all, &USUAL);
        assert!(found.certain && found.lookups <= 2, "{found:?}");
        assert_eq!(found.addresses.len(), 7);
    }
}

#[test]
fn what_two_servers_say_is_the_list_whatever_a_third_says() {
    let mut chance = Chance::seed_from_u64(7);
    let all = addresses(28);
    for at in 0..4 {
        let mut servers = vec![SimulatedServer::random(&all[..5]); 4];
        servers[at] = SimulatedServer::frozen(&mut chance, &all);
        let (_, found, caches) = simulate(&mut chance, &mut servers, &all, &USUAL);
        assert!(found.certain && found.doubt == 0.0, "{found:?}");
        assert_eq!(caches, BTreeSet::new());
        assert!(found.addresses.len() <= 13);
    }
}

#[test]
fn a_short_answer_that_nobody_can_confirm_takes_nothing_away() {
    let known = addresses(7).into_iter().collect();
    let mut sampling = Sampling::new(50, 2);
    sampling.begin_lookup();
    sampling.add_answer(short(5));
    assert_eq!(sampling.assess(&known).more_lookups, 1);
    sampling.begin_lookup();
    assert_eq!(sampling.assess(&known).more_lookups, 0);
    sampling.add_failure();
    let assessment = sampling.assess(&known);
    assert_eq!(
        (assessment.more_lookups, assessment.is_complete),
        (0, false)
    );
    assert!(!sampling.into_found(&known, &assessment).is_complete());
}

#[test]
fn of_many_lookups_under_way_several_short_answers_of_one_server_are_one_servers_word() {
    let known = addresses(28).into_iter().collect();
    let mut sampling = Sampling::new(50, 4);
    for _ in 0..4 {
        sampling.begin_lookup();
    }
    // It is stale, and the quickest.
    sampling.add_answer(short(5));
    sampling.add_answer(short(5));
    assert!(!sampling.assess(&known).is_complete);
    let mut confirmed = sampling.clone();
    confirmed.add_answer(DnsAnswer {
        server: 1,
        ..short(5)
    });
    assert!(confirmed.assess(&known).is_complete);
    // Those who should have confirmed it are silent.
    sampling.add_failure();
    sampling.add_failure();
    assert!(sampling.assess(&known).is_complete);
}

#[test]
fn lookups_that_were_in_vain_count_for_the_next_try() {
    let mut sampling = Sampling::new(50, 4).with_earlier_lookups(49);
    sampling.begin_lookup();
    let full = short(ADDRESSES_PER_ANSWER);
    sampling.add_answer(full);
    assert_eq!(sampling.assess(&BTreeSet::new()).more_lookups, 0);
}

#[test]
fn a_short_answer_ends_the_run_where_there_is_one_server_or_it_holds_all_that_is_known() {
    for (servers, known, count) in [(1, 28, 5), (1, 28, 7), (4, 5, 5), (4, 5, 7), (1, 0, 1)] {
        let known = addresses(known).into_iter().collect();
        let mut sampling = Sampling::new(50, servers);
        sampling.begin_lookup();
        sampling.add_answer(short(count));
        let assessment = sampling.assess(&known);
        assert!(assessment.is_complete);
        assert_eq!(assessment.more_lookups, 0);
        let found = sampling.into_found(&known, &assessment);
        assert!(found.certain && found.doubt == 0.0);
        assert_eq!(found.evidence.draws, found.evidence.needed);
    }
}

#[test]
fn where_nothing_is_known_a_short_answer_is_confirmed_by_another_server() {
    let mut sampling = Sampling::new(50, 4);
    sampling.begin_lookup();
    sampling.add_answer(short(5));
    let nothing = BTreeSet::new();
    assert_eq!(sampling.assess(&nothing).more_lookups, 1);
    sampling.begin_lookup();
    let all = DnsAnswer {
        server: 1,
        ..short(7)
    };
    sampling.add_answer(all);
    let assessment = sampling.assess(&nothing);
    assert!(assessment.is_complete);
    assert_eq!(
        sampling.into_found(&nothing, &assessment).addresses.len(),
        7
    );
}

fn short(count: usize) -> DnsAnswer {
    DnsAnswer {
        addresses: addresses(count).into_iter().collect(),
        server: 0,
        is_from_resolver: false,
        cached_for: Duration::ZERO,
    }
}

#[test]
fn a_list_that_is_known_takes_two_rounds_and_an_unknown_one_a_few_more() {
    let mut chance = Chance::seed_from_u64(2);
    for (count, known, most) in [(7, 0, 1), (28, 28, 2), (56, 56, 3), (28, 0, 6), (100, 0, 8)] {
        let all = addresses(count);
        let rounds = (0..1000)
            .map(|_| run(&mut chance, &all, &all[..known], 64).0)
            .max();
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
        let known = all.iter().copied().collect();
        let mut sampling = Sampling::new(allowed, 1);
        for number in 0.. {
            if sampling.assess(&known).more_lookups == 0 {
                break;
            }
            sampling.begin_lookup();
            match number {
                1..=10 => sampling.add_failure(),
                _ => sampling.add_answer(answer(&mut chance, &all)),
            }
        }
        let assessment = sampling.assess(&known);
        let found = sampling.into_found(&known, &assessment);
        assert_eq!((found.lookups, found.failed_lookups), (lookups, 10));
        assert_eq!(found.certain, certain);
        assert_eq!(found.doubt < 0.001, certain);
    }
}

#[test]
fn a_certain_run_is_evidence_enough_for_all_that_is_known_after_it() {
    let mut chance = Chance::seed_from_u64(31);
    let all = addresses(31);
    // Three have left, and three have come.
    let mut servers = [SimulatedServer::random(&all[3..])];
    let (_, found, _) = simulate(&mut chance, &mut servers, &all[..28], &USUAL);
    assert!(found.certain);
    let needed = lookups_needed(31, 0);
    assert_eq!(found.evidence.draws as usize, needed);
    assert_eq!(found.evidence.needed as usize, needed);
}
