//! Any situation at all, also one that no history leads to: planned, carried out and planned
//! again, it asks for nothing more.

use crate::model::{Endpoint, Registered};
use crate::sync::plan::{Plan, Rules, Situation, plan};
use crate::sync::state::State;
use proptest::collection::{btree_map, btree_set, vec};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

const TICK: &str = "tick-3";

/// A situation that owns what it is made of.
#[derive(Debug, Clone)]
struct Any {
    seen: BTreeSet<IpAddr>,
    groups: Vec<(String, u16)>,
    registered: BTreeMap<String, Registered>,
    state: State,
    load_balancer: String,
    rules: Rules,
}

impl Any {
    fn plan(&self) -> Plan {
        plan(&Situation {
            seen: &self.seen,
            groups: &self.groups,
            registered: &self.registered,
            state: &self.state,
            load_balancer: &self.load_balancer,
            tick: TICK,
            rules: self.rules,
        })
    }

    fn carry_out(&mut self, plan: &Plan) {
        if let Some(state) = &plan.state {
            self.state = state.clone();
        }
        for (arn, group) in &plan.groups {
            let registered = self.registered.get_mut(arn).expect("an existing group");
            registered.extend(group.register.iter().map(|endpoint| (*endpoint, None)));
            registered.retain(|endpoint, _| !group.deregister.contains_key(endpoint));
        }
    }
}

// Few of each, so that they meet often.
fn address() -> impl Strategy<Value = IpAddr> {
    (1..=6_u8).prop_map(|last| IpAddr::from([10, 0, 0, last]))
}

fn port() -> impl Strategy<Value = u16> {
    prop_oneof![Just(80), Just(8080)]
}

fn group() -> impl Strategy<Value = String> {
    (1..=3_u8).prop_map(|number| format!("arn:group-{number}"))
}

fn endpoint() -> impl Strategy<Value = Endpoint> {
    (address(), port()).prop_map(|(address, port)| Endpoint { address, port })
}

fn load_balancer() -> impl Strategy<Value = String> {
    prop_oneof![Just("arn:alb-1".to_owned()), Just("arn:alb-2".to_owned())]
}

fn state() -> impl Strategy<Value = State> {
    let own = btree_map(endpoint(), 0..=6_u32, 0..6);
    let targets = btree_map(group(), own, 0..=3);
    let bound = prop_oneof![Just(String::new()), load_balancer()];
    let ticks = prop::sample::subsequence(vec!["tick-1", "tick-2", TICK], 0..=3);
    (targets, bound, ticks).prop_map(|(targets, load_balancer, ticks)| {
        let mut state = State {
            load_balancer,
            ..State::default()
        };
        state.ticks = ticks.into_iter().map(str::to_owned).collect();
        state.targets = targets;
        // A state holds no group without own targets.
        state.targets.retain(|_, own| !own.is_empty());
        state
    })
}

fn any_situation() -> impl Strategy<Value = Any> {
    let registered = btree_map(endpoint(), Just(None), 0..8);
    let rules = prop_oneof![
        (1..=5_u32).prop_map(|until| Rules::Count { until }),
        Just(Rules::OnlyAdd),
        Just(Rules::Bind),
    ];
    (
        btree_set(address(), 0..5),
        vec((group(), port()), 0..5),
        btree_map(group(), registered, 0..=3),
        state(),
        load_balancer(),
        rules,
    )
        .prop_map(
            |(seen, groups, registered, state, load_balancer, rules)| Any {
                seen,
                groups,
                registered,
                state,
                load_balancer,
                rules,
            },
        )
}

/// The same cases in every run, and nothing written into the source folder.
fn config() -> ProptestConfig {
    ProptestConfig {
        cases: 2000,
        rng_seed: RngSeed::Fixed(20_261_122),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn whatever_the_situation_a_plan_that_was_carried_out_leaves_nothing_to_do(any in any_situation()) {
        let mut any = any;
        let first = any.plan();
        any.carry_out(&first);
        let second = any.plan();
        prop_assert!(second.groups.is_empty(), "{second}");
        // What was seen to be gone is forgotten by now, or by a later tick.
        any.carry_out(&second);
        prop_assert_eq!(any.plan().to_string(), "nothing to do");
    }

    #[test]
    fn whatever_the_situation_nothing_foreign_and_nothing_in_dns_is_taken_away(any in any_situation()) {
        for (arn, group) in any.plan().groups {
            for endpoint in group.deregister.keys() {
                let own = any.state.targets.get(&arn);
                prop_assert!(own.is_some_and(|own| own.contains_key(endpoint)), "{endpoint}");
                let ordered = any.groups.contains(&(arn.clone(), endpoint.port));
                prop_assert!(!(ordered && any.seen.contains(&endpoint.address)), "{endpoint}");
            }
        }
    }

    #[test]
    fn whatever_the_situation_what_is_registered_is_owned_first(any in any_situation()) {
        let plan = any.plan();
        for (arn, group) in &plan.groups {
            for endpoint in &group.register {
                let state = plan.state.as_ref().expect("a write before a registration");
                prop_assert!(state.targets[arn].contains_key(endpoint));
            }
        }
    }
}
