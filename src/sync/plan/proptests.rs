//! What holds after any sequence of ticks and requests, for any addresses that come and go.

use super::tests::{GROUP, Planner, World, endpoint, of_32};
use proptest::collection::{btree_set, vec};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// What runs in one minute.
#[derive(Debug, Clone)]
enum Minute {
    /// A tick whose lookups are worth this number of the 32 draws that are needed.
    Tick(u32),
    LateTick,
    Request,
}

/// The addresses in DNS, and what runs then.
fn minute() -> impl Strategy<Value = (BTreeSet<u8>, Minute)> {
    let runs = prop_oneof![
        8 => (1..=32_u32).prop_map(Minute::Tick),
        1 => Just(Minute::LateTick),
        1 => Just(Minute::Request),
    ];
    (btree_set(1..=4_u8, 1..=4), runs)
}

/// The same cases in every run, and nothing written into the source folder.
fn config() -> ProptestConfig {
    ProptestConfig {
        cases: 300,
        rng_seed: RngSeed::Fixed(20_261_127),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn what_is_in_dns_is_registered_and_only_own_targets_leave_after_three_misses_and_enough_draws(
        minutes in vec(minute(), 1..40),
    ) {
        let mut world = World::new(&[]);
        let foreign = [endpoint(1, 8080), endpoint(9, 80)];
        let group = world.registered.get_mut(GROUP).expect("the group");
        group.extend(foreign.map(|target| (target, None)));
        // The misses in a row of each address, and their draws.
        let mut missed: BTreeMap<u8, (u32, u32)> = BTreeMap::new();
        for (seen, runs) in minutes {
            world.see(&Vec::from_iter(seen.iter().copied()));
            for address in 1..=4 {
                let (ticks, draws) = missed.entry(address).or_default();
                if seen.contains(&address) {
                    (*ticks, *draws) = (0, 0);
                } else if let Minute::Tick(worth) = runs {
                    (*ticks, *draws) = (*ticks + 1, *draws + worth);
                }
            }
            let plan = match runs {
                Minute::Tick(draws) => {
                    world.evidence = of_32(draws);
                    world.tick()
                }
                Minute::LateTick => world.carry_out(Planner::OnlyAdd),
                Minute::Request => world.carry_out(Planner::Request(&BTreeMap::new())),
            };
            let group = plan.groups.get(GROUP).into_iter();
            for target in group.flat_map(|group| group.deregister.keys()) {
                let left = (1..=4).find(|address| endpoint(*address, 80) == *target);
                let (ticks, draws) = left.map(|address| missed[&address]).unwrap_or_default();
                prop_assert!(ticks >= 3 && draws >= 32, "{target}: {ticks} misses, {draws} draws");
            }
            prop_assert!(plan.groups.is_empty() || plan.record.is_some(), "written first");
            let registered = &world.registered[GROUP];
            prop_assert!(foreign.iter().all(|target| registered.contains_key(target)));
            prop_assert!(seen.iter().all(|address| registered.contains_key(&endpoint(*address, 80))));
            let next = world.carry_out(Planner::OnlyAdd);
            prop_assert!(next.groups.is_empty(), "all is done: {next}");
            world.now = world.now + Duration::from_secs(60);
        }
    }
}
