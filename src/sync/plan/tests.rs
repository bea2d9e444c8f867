//! Sequences of ticks and requests on a small world, and what each of them registers, counts and deregisters.

use super::*;
use crate::clock::Timestamp;
use crate::discovery::Evidence;
use crate::model::{Endpoint, Registered, TargetGroupPort};
use crate::record::{OwnTarget, OwnTargets, Phase, Record, TAKEOVER_WAIT};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

pub(super) const GROUP: &str = "arn:group";

/// A run that is certain.
const CERTAIN: Evidence = of_32(32);

/// A run that is worth `draws` of the 32 draws that 28 addresses need.
pub(super) const fn of_32(draws: u32) -> Evidence {
    Evidence {
        draws,
        needed: 32,
        cached_for: Duration::ZERO,
    }
}

/// A small world: what is in DNS and registered, and what is remembered.
pub(super) struct World {
    seen: BTreeSet<IpAddr>,
    groups: Vec<TargetGroupPort>,
    pub(super) registered: BTreeMap<String, Registered>,
    record: Record,
    until: u32,
    pub(super) evidence: Evidence,
    moves: Option<(&'static str, &'static str)>,
    pub(super) now: Timestamp,
    scheduled: Option<Timestamp>,
    may_leave: BTreeSet<String>,
    others: BTreeMap<String, BTreeSet<Endpoint>>,
}

/// What plans.
#[derive(Clone, Copy)]
pub(super) enum Planner<'a> {
    Tick(&'a str),
    OnlyAdd,
    Request(&'a BTreeMap<String, OwnTargets>),
}

impl World {
    pub(super) fn new(seen: &[u8]) -> Self {
        let mut world = Self {
            seen: BTreeSet::new(),
            groups: vec![TargetGroupPort::new(GROUP, 80)],
            registered: BTreeMap::from([(GROUP.to_owned(), Registered::new())]),
            record: Record::new("binding", Phase::Serving),
            until: 3,
            evidence: CERTAIN,
            moves: None,
            now: Timestamp::from_millis(1_000_000),
            scheduled: None,
            may_leave: [GROUP.to_owned()].into(),
            others: BTreeMap::new(),
        };
        world.see(seen);
        world
    }

    pub(super) fn see(&mut self, seen: &[u8]) {
        self.seen = seen.iter().map(|last| address(*last)).collect();
    }

    fn situation<T>(&self, planner: Planner<'_>, use_it: impl FnOnce(&Situation<'_>) -> T) -> T {
        let mode = match planner {
            Planner::Tick(tick) => Mode::Count {
                tick,
                at: self.scheduled.unwrap_or(self.now),
                until: self.until,
                evidence: self.evidence,
                may_leave: &self.may_leave,
            },
            Planner::OnlyAdd => Mode::OnlyAdd,
            Planner::Request(adopted) => Mode::Request {
                given: &self.may_leave,
                adopted,
                moves: self.moves,
            },
        };
        use_it(&Situation {
            seen: &self.seen,
            groups: &self.groups,
            registered: &self.registered,
            record: &self.record,
            others: &self.others,
            mode,
            now: self.now,
        })
    }

    fn plan(&self, planner: Planner<'_>) -> TickPlan {
        self.situation(planner, plan)
    }

    /// One tick a minute after the one before: planned and carried out.
    pub(super) fn tick(&mut self) -> TickPlan {
        self.now = self.now + Duration::from_secs(60);
        let tick = self.now.to_string();
        self.carry_out(Planner::Tick(&tick))
    }

    pub(super) fn carry_out(&mut self, planner: Planner<'_>) -> TickPlan {
        let plan = self.plan(planner);
        if let Some(record) = &plan.record {
            self.record = record.clone();
        }
        for (arn, group) in &plan.groups {
            let registered = self.registered.get_mut(arn).expect("an existing group");
            registered.extend(group.register.iter().map(|endpoint| (*endpoint, None)));
            registered.retain(|endpoint, _| !group.deregister.contains_key(endpoint));
        }
        plan
    }

    fn own(&self) -> &OwnTargets {
        &self.record.own[GROUP]
    }

    fn registered(&self) -> Vec<String> {
        self.registered[GROUP]
            .keys()
            .map(ToString::to_string)
            .collect()
    }
}

fn address(last: u8) -> IpAddr {
    IpAddr::from([10, 0, 0, last])
}

pub(super) fn endpoint(last: u8, port: u16) -> Endpoint {
    Endpoint {
        address: address(last),
        port,
    }
}

#[test]
fn every_address_in_dns_is_registered_by_the_first_tick_and_a_second_does_nothing() {
    let mut world = World::new(&[1, 2, 3]);
    let first = world.tick();
    assert_eq!(first.added.len(), 3);
    assert_eq!(
        world.registered(),
        ["10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80"]
    );
    let second = world.tick();
    assert_eq!(second.to_string(), "nothing to do");
}

#[test]
fn an_address_that_leaves_dns_goes_after_three_ticks_and_not_before() {
    let mut world = World::new(&[1, 2]);
    world.tick();
    world.see(&[1]);
    for missed in 1..=2 {
        let plan = world.tick();
        assert_eq!(plan.pending, BTreeMap::from([(address(2), missed)]));
        let printed = format!("~ record\n  10.0.0.2 missing {missed} times\n");
        assert_eq!(plan.to_string(), printed);
        assert!(!plan.deregisters());
        assert_eq!(world.registered().len(), 2);
    }
    let third = world.tick();
    assert!(third.deregisters());
    assert_eq!(third.removed, BTreeSet::from([address(2)]));
    assert_eq!(world.registered(), ["10.0.0.1:80"]);
}

#[test]
fn an_address_that_comes_back_in_between_starts_to_count_anew() {
    let mut world = World::new(&[1, 2]);
    world.tick();
    for seen in [&[1][..], &[1], &[1, 2], &[1], &[1]] {
        world.see(seen);
        world.tick();
    }
    assert_eq!(world.registered().len(), 2);
}

#[test]
fn a_foreign_target_is_never_removed_also_not_on_an_own_address_with_another_port() {
    let mut world = World::new(&[1]);
    let group = world.registered.get_mut(GROUP).expect("the group");
    group.insert(endpoint(99, 80), None);
    group.insert(endpoint(1, 8080), None);
    world.tick();
    world.see(&[2]);
    for _ in 0..10 {
        world.tick();
    }
    assert_eq!(
        world.registered(),
        ["10.0.0.1:8080", "10.0.0.2:80", "10.0.0.99:80"]
    );
}

#[test]
fn a_second_delivery_of_a_tick_counts_once() {
    let mut world = World::new(&[1, 2]);
    world.tick();
    world.see(&[1]);
    for _ in 0..10 {
        world.carry_out(Planner::Tick("the same"));
    }
    assert_eq!(world.registered().len(), 2);
    assert_eq!(world.own()[&endpoint(2, 80)].missed, 1);
}

#[test]
fn a_look_at_dns_that_was_not_whole_adds_and_counts_nothing() {
    let mut world = World::new(&[1]);
    world.tick();
    world.see(&[2]);
    for _ in 0..10 {
        world.carry_out(Planner::OnlyAdd);
    }
    assert_eq!(world.registered(), ["10.0.0.1:80", "10.0.0.2:80"]);
    assert_eq!(world.own()[&endpoint(1, 80)].missed, 0);
}

#[test]
fn a_target_that_was_deregistered_is_forgotten_once_it_is_seen_to_be_gone() {
    let mut world = World::new(&[1, 2]);
    world.until = 1;
    world.tick();
    world.see(&[1]);
    world.tick();
    assert!(world.own().contains_key(&endpoint(2, 80)));
    let out = world.now;
    for (later, is_known) in [(14, true), (15, false)] {
        world.now = out + Duration::from_secs(later);
        world.carry_out(Planner::Tick(&later.to_string()));
        let own = world.own();
        assert_eq!(own.contains_key(&endpoint(2, 80)), is_known, "{later} s");
    }
}

#[test]
fn a_deregistration_that_failed_is_planned_again() {
    let mut world = World::new(&[1, 2]);
    world.until = 1;
    world.tick();
    world.see(&[1]);
    let failed = world.plan(Planner::Tick("fails"));
    world.record = failed.record.expect("a count is remembered");
    let again = world.tick();
    assert_eq!(again.removed, BTreeSet::from([address(2)]));
}

#[test]
fn a_target_that_drains_is_not_registered_and_is_registered_again() {
    let mut world = World::new(&[1]);
    world.tick();
    // Draining targets are not among the registered ones.
    world.registered.insert(GROUP.to_owned(), Registered::new());
    let plan = world.tick();
    assert_eq!(plan.groups[GROUP].register, [endpoint(1, 80)]);
    assert!(
        plan.record.is_some(),
        "a registration is guarded by a write of the record"
    );
}

#[test]
fn a_request_counts_nothing_and_takes_nothing_away() {
    let mut world = World::new(&[1]);
    world.until = 1;
    world.tick();
    world.see(&[2]);
    let plan = world.carry_out(Planner::Request(&BTreeMap::new()));
    assert_eq!(plan.pending, BTreeMap::from([(address(1), 0)]));
    assert_eq!(world.registered(), ["10.0.0.1:80", "10.0.0.2:80"]);
}

#[test]
fn what_is_registered_in_a_given_group_before_the_first_write_is_found_and_stays_marked() {
    let mut world = World::new(&[1, 2]);
    let theirs = Registered::from([(endpoint(1, 80), None), (endpoint(9, 80), None)]);
    world.registered.insert(GROUP.to_owned(), theirs);
    let none = BTreeMap::new();
    world.carry_out(Planner::Request(&none));
    let found = BTreeSet::from([endpoint(1, 80), endpoint(9, 80)]);
    assert_eq!(world.record.found[GROUP], found);
    assert!(!world.own().contains_key(&endpoint(9, 80)), "never in DNS");
    // Run again, as after a kill: what was registered by the first try is not found.
    world.carry_out(Planner::Request(&none));
    assert_eq!(world.record.found[GROUP], found);
    world.see(&[2]);
    world.tick();
    assert_eq!(world.record.found[GROUP], found);
}

#[test]
fn what_an_earlier_function_knew_becomes_own_with_its_counts() {
    let mut world = World::new(&[1]);
    let theirs = Registered::from([(endpoint(1, 80), None), (endpoint(2, 80), None)]);
    world.registered.insert(GROUP.to_owned(), theirs);
    let missed = OwnTarget {
        missed: 2,
        ..OwnTarget::default()
    };
    let own = OwnTargets::from([(endpoint(1, 80), missed.clone()), (endpoint(2, 80), missed)]);
    world.carry_out(Planner::Request(&BTreeMap::from([(GROUP.to_owned(), own)])));
    assert_eq!(world.own()[&endpoint(1, 80)].missed, 0, "it is in DNS");
    assert_eq!(world.own()[&endpoint(2, 80)].missed, 2);
    assert!(world.record.found[GROUP].contains(&endpoint(2, 80)));
    let third = world.tick();
    assert_eq!(third.removed, BTreeSet::from([address(2)]));
}

#[test]
fn a_target_that_is_wanted_again_right_after_it_was_put_out_is_waited_for() {
    let mut world = World::new(&[1, 2]);
    world.until = 1;
    world.tick();
    world.see(&[1]);
    world.tick();
    world.see(&[1, 2]);
    let out = world.now;
    for (seconds, waits) in [(0, true), (14, true), (15, false)] {
        world.now = out + Duration::from_secs(seconds);
        let until = world.situation(Planner::Tick("next"), waits_until);
        assert_eq!(until, waits.then(|| out + TAKEOVER_WAIT), "{seconds} s");
    }
    // The tick that puts it out is still at it.
    world.record.ticked = out + Duration::from_secs(10);
    let until = world.situation(Planner::Tick("next"), waits_until);
    assert_eq!(until, Some(world.record.ticked + TAKEOVER_WAIT));
    let back = world.tick();
    assert_eq!(back.groups[GROUP].register, [endpoint(2, 80)]);
    assert_eq!(world.own()[&endpoint(2, 80)].deregistered_at, None);
}

#[test]
fn out_of_a_group_that_the_rule_does_not_name_nothing_leaves() {
    let mut world = World::new(&[1, 2]);
    world.until = 1;
    world.tick();
    world.may_leave.clear();
    world.see(&[1]);
    for _ in 0..3 {
        world.tick();
    }
    assert_eq!(world.registered().len(), 2);
}

#[test]
fn what_another_binding_serves_stays_and_leaves_when_that_one_misses_it_too() {
    let mut world = World::new(&[1, 2]);
    world.until = 1;
    world.tick();
    let theirs = BTreeMap::from([(GROUP.to_owned(), [endpoint(2, 80)].into())]);
    world.others = theirs;
    world.see(&[1]);
    for _ in 0..3 {
        world.tick();
        assert_eq!(world.registered().len(), 2);
    }
    world.others.clear();
    world.tick();
    assert_eq!(world.registered(), ["10.0.0.1:80"]);
}

#[test]
fn a_target_that_a_tick_under_way_may_be_registering_is_not_forgotten() {
    let mut world = World::new(&[1]);
    world.until = 1;
    // WriteOutcome by a tick whose call has not been carried out yet.
    world.record = world.plan(Planner::Tick("first")).record.expect("own");
    world.see(&[2]);
    world.carry_out(Planner::Tick("second"));
    assert!(world.own().contains_key(&endpoint(1, 80)));
    let late = world.registered.get_mut(GROUP).expect("the group");
    late.insert(endpoint(1, 80), None);
    let next = world.tick();
    assert_eq!(next.removed, BTreeSet::from([address(1)]));
}

#[test]
fn a_moved_port_registers_the_new_targets_and_counts_the_old_ones_out() {
    let mut world = World::new(&[1]);
    world.tick();
    world.groups = vec![TargetGroupPort::new(GROUP, 8080)];
    world.tick();
    assert_eq!(world.registered(), ["10.0.0.1:80", "10.0.0.1:8080"]);
    world.tick();
    world.tick();
    assert_eq!(world.registered(), ["10.0.0.1:8080"]);
}

#[test]
fn a_group_that_the_orders_do_not_name_is_left_alone() {
    let mut world = World::new(&[1]);
    world.tick();
    world.groups.clear();
    world.see(&[2]);
    for _ in 0..5 {
        assert_eq!(world.tick().to_string(), "nothing to do");
    }
    assert_eq!(world.registered(), ["10.0.0.1:80"]);
}

#[test]
fn several_ports_may_share_one_group() {
    let mut world = World::new(&[1]);
    world.groups.push(TargetGroupPort::new(GROUP, 443));
    world.tick();
    assert_eq!(world.registered(), ["10.0.0.1:80", "10.0.0.1:443"]);
}

/// One tick per item of `evidence`, each missing target 2.
fn misses(world: &mut World, evidence: impl IntoIterator<Item = Evidence>) {
    world.see(&[1]);
    for evidence in evidence {
        world.evidence = evidence;
        world.tick();
    }
}

#[test]
fn what_no_tick_is_certain_of_leaves_when_all_together_are() {
    let mut world = World::new(&[1, 2]);
    world.tick();
    misses(&mut world, [of_32(1); 6]);
    misses(&mut world, [of_32(5); 5]);
    assert_eq!(world.registered().len(), 2, "31 answers");
    assert_eq!(world.own()[&endpoint(2, 80)].missed, 11);
    misses(&mut world, [of_32(1)]);
    assert_eq!(world.registered(), ["10.0.0.1:80"]);
}

#[test]
fn a_tick_that_is_certain_is_evidence_enough_but_counts_as_one_miss() {
    let mut world = World::new(&[1, 2]);
    world.tick();
    misses(&mut world, [of_32(1), CERTAIN]);
    assert_eq!(world.registered().len(), 2);
    misses(&mut world, [of_32(1)]);
    assert_eq!(world.registered(), ["10.0.0.1:80"]);
}

#[test]
fn what_is_seen_again_needs_all_the_evidence_anew() {
    let mut world = World::new(&[1, 2]);
    world.tick();
    misses(&mut world, [of_32(1); 31]);
    world.see(&[1, 2]);
    world.tick();
    assert_eq!(world.own()[&endpoint(2, 80)], OwnTarget::default());
    misses(&mut world, [of_32(1); 31]);
    assert_eq!(world.registered().len(), 2);
}

#[test]
fn a_second_delivery_of_a_tick_is_no_second_evidence() {
    let mut world = World::new(&[1, 2]);
    world.tick();
    world.see(&[1]);
    world.evidence = of_32(8);
    for _ in 0..10 {
        world.carry_out(Planner::Tick("the same"));
    }
    assert_eq!(world.own()[&endpoint(2, 80)].draws, 8);
}

#[test]
fn an_answer_of_a_cache_counts_once_for_as_long_as_it_is_kept() {
    let mut world = World::new(&[1, 2]);
    world.tick();
    let cached = Evidence {
        cached_for: Duration::from_secs(150),
        ..of_32(1)
    };
    let mut draws = Vec::new();
    let mut writes = Vec::new();
    world.see(&[1]);
    world.evidence = cached;
    for _ in 0..7 {
        let plan = world.tick();
        writes.push(plan.record.is_some());
        draws.push(world.own()[&endpoint(2, 80)].draws);
    }
    assert_eq!(draws, [1, 1, 1, 2, 2, 2, 3]);
    assert_eq!(writes, [true, false, false, true, false, false, true]);
    // What comes from elsewhere counts at once.
    misses(&mut world, [of_32(1)]);
    assert_eq!(world.own()[&endpoint(2, 80)].draws, 4);
}

#[test]
fn ticks_that_come_in_quick_succession_count_by_their_scheduled_times() {
    let mut world = World::new(&[1, 2]);
    world.tick();
    world.see(&[1]);
    world.evidence = Evidence {
        cached_for: Duration::from_secs(60),
        ..of_32(1)
    };
    let first = world.now + Duration::from_secs(1);
    let mut draws = Vec::new();
    for seconds in [0, 60, 90, 120, 180] {
        let scheduled = first + Duration::from_secs(seconds);
        world.scheduled = Some(scheduled);
        world.carry_out(Planner::Tick(&scheduled.to_string()));
        draws.push(world.own()[&endpoint(2, 80)].draws);
    }
    assert_eq!(draws, [1, 2, 2, 3, 4]);
}

#[test]
fn a_cached_answer_that_nothing_was_counted_by_holds_nothing_back() {
    let mut world = World::new(&[1, 2]);
    world.evidence = Evidence {
        cached_for: Duration::from_secs(60),
        ..of_32(1)
    };
    world.see(&[1, 2, 3]);
    assert!(world.tick().record.is_some());
    assert_eq!(world.record.cached_until, Timestamp::default());
}

/// An Update from one load balancer to another, which sees these.
fn update(world: &mut World, from: &'static str, to: &'static str, seen: &[u8]) {
    world.see(seen);
    world.moves = Some((from, to));
    world.carry_out(Planner::Request(&BTreeMap::new()));
    world.moves = None;
}

/// Gives ticks the orders of a load balancer, as the success of a request does.
fn commit(world: &mut World, alb_dns_name: &str) {
    let orders = json!({
        "AlbName": "name", "AlbDnsName": alb_dns_name, "TargetGroups": [],
        "MaxLookups": 50, "InvocationsBeforeDeregistration": 3, "IpCountMetric": true,
    });
    world.record.orders = Some(serde_json::from_value(orders).expect("orders"));
}

#[test]
fn what_a_former_load_balancer_had_leaves_by_the_count_of_ticks_alone() {
    let mut world = World::new(&[1, 2]);
    commit(&mut world, "one");
    world.tick();
    update(&mut world, "one", "two", &[2, 3]);
    commit(&mut world, "two");
    world.evidence = of_32(1);
    for _ in 0..2 {
        assert!(!world.tick().deregisters());
        let seen = &world.own()[&endpoint(2, 80)];
        assert_eq!(*seen, OwnTarget::default(), "it is seen");
    }
    assert!(world.tick().deregisters());
    assert_eq!(world.registered(), ["10.0.0.2:80", "10.0.0.3:80"]);
}

#[test]
fn an_update_to_another_load_balancer_that_fails_makes_nothing_of_the_first_one_former() {
    let mut world = World::new(&[1, 2]);
    commit(&mut world, "one");
    world.tick();
    update(&mut world, "one", "two", &[3]);
    world.evidence = of_32(1);
    // A cache hides the second one.
    misses(&mut world, [of_32(1); 3]);
    assert_eq!(world.registered(), ["10.0.0.1:80", "10.0.0.2:80"], "of two");
}

#[test]
fn a_way_back_to_the_former_load_balancer_counts_nothing_that_was_missed_meanwhile() {
    let mut world = World::new(&[1, 2]);
    commit(&mut world, "one");
    world.tick();
    update(&mut world, "one", "two", &[3]);
    commit(&mut world, "two");
    world.see(&[3]);
    world.tick();
    world.tick();
    // A cache hides the second one.
    update(&mut world, "two", "one", &[1]);
    commit(&mut world, "one");
    misses(&mut world, [of_32(1); 3]);
    let left = world.registered();
    assert_eq!(left, ["10.0.0.1:80", "10.0.0.2:80"], "of one");
    let live = &world.own()[&endpoint(2, 80)];
    assert_eq!((live.missed, live.draws), (3, 3));
}

#[test]
fn a_cache_that_shows_all_there_is_changes_nothing() {
    let mut world = World::new(&[1, 2]);
    world.tick();
    world.evidence = Evidence {
        cached_for: Duration::from_secs(60),
        ..of_32(1)
    };
    assert_eq!(world.tick().record, None);
}
