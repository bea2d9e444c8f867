use super::*;

const GROUP: &str = "arn:group";

/// A small world: what is in DNS and registered, and what was remembered.
struct World {
    seen: BTreeSet<IpAddr>,
    groups: Vec<(String, u16)>,
    registered: BTreeMap<String, Registered>,
    state: State,
    until: u32,
    ticks: u32,
}

impl World {
    fn new(seen: &[u8]) -> Self {
        let mut world = Self {
            seen: BTreeSet::new(),
            groups: vec![(GROUP.to_owned(), 80)],
            registered: BTreeMap::from([(GROUP.to_owned(), Registered::new())]),
            state: State::default(),
            until: 3,
            ticks: 0,
        };
        world.see(seen);
        world
    }

    fn see(&mut self, seen: &[u8]) {
        self.seen = seen.iter().map(|last| address(*last)).collect();
    }

    fn plan(&self, tick: &str, rules: Rules) -> Plan {
        plan(&Situation {
            seen: &self.seen,
            groups: &self.groups,
            registered: &self.registered,
            state: &self.state,
            load_balancer: "arn:alb",
            tick,
            rules,
        })
    }

    /// One tick with an id of its own: planned and carried out.
    fn tick(&mut self) -> Plan {
        self.ticks += 1;
        let tick = format!("tick-{}", self.ticks);
        self.tick_as(&tick, Rules::Count { until: self.until })
    }

    fn tick_as(&mut self, tick: &str, rules: Rules) -> Plan {
        let plan = self.plan(tick, rules);
        if let Some(state) = &plan.state {
            self.state = state.clone();
        }
        for (arn, group) in &plan.groups {
            let registered = self.registered.get_mut(arn).expect("an existing group");
            registered.extend(group.register.iter().map(|endpoint| (*endpoint, None)));
            registered.retain(|endpoint, _| !group.deregister.contains_key(endpoint));
        }
        plan
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

fn endpoint(last: u8, port: u16) -> Endpoint {
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
        assert_eq!(world.registered().len(), 2);
    }
    let third = world.tick();
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
        world.tick_as("the same", Rules::Count { until: 3 });
    }
    assert_eq!(world.registered().len(), 2);
    assert_eq!(world.state.targets[GROUP][&endpoint(2, 80)], 1);
}

#[test]
fn a_look_at_dns_that_was_not_whole_adds_and_counts_nothing() {
    let mut world = World::new(&[1]);
    world.tick();
    world.see(&[2]);
    for _ in 0..10 {
        world.tick_as("another", Rules::OnlyAdd);
    }
    assert_eq!(world.registered(), ["10.0.0.1:80", "10.0.0.2:80"]);
    assert_eq!(world.state.targets[GROUP][&endpoint(1, 80)], 0);
}

#[test]
fn a_target_that_was_deregistered_is_forgotten_once_it_is_seen_to_be_gone() {
    let mut world = World::new(&[1, 2]);
    world.until = 1;
    world.tick();
    world.see(&[1]);
    world.tick();
    assert!(world.state.targets[GROUP].contains_key(&endpoint(2, 80)));
    world.tick();
    assert!(!world.state.targets[GROUP].contains_key(&endpoint(2, 80)));
}

#[test]
fn a_deregistration_that_failed_is_planned_again() {
    let mut world = World::new(&[1, 2]);
    world.until = 1;
    world.tick();
    world.see(&[1]);
    let failed = world.plan("fails", Rules::Count { until: 1 });
    world.state = failed.state.expect("a count is remembered");
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
        plan.state.is_some(),
        "a registration is guarded by a write of the state"
    );
}

#[test]
fn binding_counts_nothing_and_from_then_on_only_ticks_of_the_new_alb_count() {
    let mut world = World::new(&[1]);
    world.until = 1;
    world.tick();
    world.see(&[2]);
    let mut bind = world.plan("update", Rules::Bind);
    bind.state
        .as_mut()
        .expect("the ALB is remembered")
        .load_balancer = "arn:new".to_owned();
    world.state = bind.state.expect("as before");
    world
        .registered
        .get_mut(GROUP)
        .expect("the group")
        .insert(endpoint(2, 80), None);
    // A tick with the orders of before the update looks up the old ALB.
    world.see(&[1]);
    let late = world.tick();
    assert!(late.removed.is_empty());
    assert_eq!(world.registered(), ["10.0.0.1:80", "10.0.0.2:80"]);
}

#[test]
fn a_moved_port_registers_the_new_targets_and_counts_the_old_ones_out() {
    let mut world = World::new(&[1]);
    world.tick();
    world.groups = vec![(GROUP.to_owned(), 8080)];
    world.tick();
    assert_eq!(world.registered(), ["10.0.0.1:80", "10.0.0.1:8080"]);
    world.tick();
    world.tick();
    assert_eq!(world.registered(), ["10.0.0.1:8080"]);
}

#[test]
fn a_group_that_left_the_properties_loses_the_own_targets_and_is_then_forgotten() {
    let mut world = World::new(&[1]);
    world.tick();
    world.groups.clear();
    for _ in 0..3 {
        world.tick();
    }
    assert!(world.registered().is_empty());
    world.tick();
    assert!(world.state.targets.is_empty());
}

#[test]
fn several_ports_may_share_one_group() {
    let mut world = World::new(&[1]);
    world.groups.push((GROUP.to_owned(), 443));
    world.tick();
    assert_eq!(world.registered(), ["10.0.0.1:80", "10.0.0.1:443"]);
}

#[test]
fn a_state_survives_being_written_and_read() {
    let mut world = World::new(&[1, 2]);
    world.tick();
    let body = world.state.to_body().expect("JSON");
    assert_eq!(State::parse(&body).expect("readable"), world.state);
}

#[test]
fn an_unreadable_state_is_an_error_and_not_an_empty_one() {
    for body in [
        &b""[..],
        b"{}",
        b"[]",
        br#"{"version":2,"load_balancer":"","ticks":[],"targets":{}}"#,
        br#"{"version":1,"load_balancer":"","ticks":[],"targets":{"g":{"nonsense":1}}}"#,
    ] {
        assert!(State::parse(body).is_err(), "{body:?}");
    }
}
