//! What a record lets a tick do.

use super::sample::*;
use crate::model::Endpoint;
use crate::record::data::*;
use std::collections::{BTreeMap, BTreeSet};

/// What the orders name may be gone meanwhile.
#[test]
fn a_request_is_changing_the_binding_until_its_success_and_for_fifteen_minutes_at_most() {
    let claimed = |status: Option<ResponseStatus>| {
        let mut record = Record::new("binding", Phase::Serving);
        record.claim_for(claim(RequestType::Update, "first", "a"));
        if let Some(claim) = &mut record.claim {
            claim.outcome = status.map(|status| Outcome {
                answer: Response { status, ..answer() },
                quiet_from: now(),
            });
        }
        record
    };
    let (most, over) = (now() + seconds(899), now() + seconds(900));
    for (status, changing) in [
        (None, true),
        (Some(ResponseStatus::Failed), true),
        (Some(ResponseStatus::Success), false),
    ] {
        assert_eq!(
            claimed(status).is_being_changed(most),
            changing,
            "{status:?}"
        );
        assert!(!claimed(status).is_being_changed(over), "{status:?}");
    }
    assert!(!Record::new("binding", Phase::Serving).is_being_changed(now()));
}

/// The request may fail after it, and then ticks serve the group on.
#[test]
fn what_was_found_in_a_group_stays_marked_when_its_own_targets_have_been_taken_out() {
    let mut record = full();
    let found = record.found.clone();
    record.remove_own_targets(GROUP);
    assert!(!record.own.contains_key(GROUP));
    assert_eq!(record.found, found);
}

#[test]
fn a_tick_counts_up_to_90_seconds_after_its_scheduled_time_and_each_time_once() {
    let mut record = Record::new("binding", Phase::Serving);
    let counting = |record: &Record, late| {
        let scheduled = Some(now());
        record.counting("tick", scheduled, now() + seconds(late))
    };
    assert_eq!(counting(&record, 0), Counting::Counts);
    assert_eq!(counting(&record, 90), Counting::Counts);
    assert_eq!(counting(&record, 91), Counting::Late);
    assert_eq!(record.counting("tick", None, now()), Counting::Counts);
    record.count("tick");
    assert_eq!(counting(&record, 1), Counting::AlreadyCounted);
    for number in 0..16 {
        record.count(&number.to_string());
    }
    assert_eq!(record.counted.len(), 16);
    assert!(!record.has_counted("tick"));
}

#[test]
fn while_a_request_has_no_answer_and_for_15_minutes_at_most_nothing_is_counted() {
    let mut record = full();
    let counting = |record: &Record, later| record.counting("next", None, now() + seconds(later));
    assert_eq!(counting(&record, 0), Counting::Claimed);
    assert_eq!(counting(&record, 899), Counting::Claimed);
    assert_eq!(counting(&record, 900), Counting::Counts);
    settle(&mut record, answer());
    assert_eq!(counting(&record, 0), Counting::Counts);
}

#[test]
fn a_group_that_is_being_given_up_is_left_alone_until_the_request_is_answered() {
    let mut record = full();
    let arns = |record: &Record| -> Vec<String> {
        let groups = record.groups_for_ticks(&orders(), now());
        groups.into_iter().map(|group| group.arn).collect()
    };
    assert_eq!(arns(&record), ["arn:other"]);
    settle(&mut record, answer());
    assert_eq!(arns(&record), [GROUP, "arn:other"]);
}

#[test]
fn ticks_go_by_the_orders_until_a_delete_takes_away_what_they_name() {
    let mut record = full();
    assert_eq!(record.orders_in_force(), Some(&orders()));
    assert!(!record.served_until_delete(GROUP));
    record.phase = Phase::Leaving;
    assert_eq!(record.orders_in_force(), None);
    assert!(record.served_until_delete(GROUP));
    assert!(!record.served_until_delete("arn:no longer"));
    record.orders = None;
    assert!(!record.served_until_delete(GROUP));
}

#[test]
fn a_tick_that_had_not_read_the_record_has_ended_fifteen_seconds_after_the_last_ones_write() {
    let mut record = full();
    record.ticked = now();
    assert_eq!(record.quiet_from(), now() + seconds(15));
}

#[test]
fn what_was_missing_in_a_group_that_is_given_up_is_counted_anew() {
    let mut record = full();
    let is_missing = |record: &Record| record.own[GROUP].values().any(|target| target.missed > 0);
    assert!(is_missing(&record));
    record.give_up("arn:other");
    assert!(is_missing(&record));
    record.give_up(GROUP);
    assert!(!is_missing(&record));
}

#[test]
fn another_binding_wants_its_own_targets_until_they_are_due_to_leave_by_it_as_well() {
    let is_wanted = |record: &Record, group: &str| {
        let wanted: Vec<_> = record.own_targets_wanted(group).into_values().collect();
        wanted.first().copied()
    };
    let mut record = full();
    settle(&mut record, answer());
    assert_eq!(is_wanted(&record, GROUP), Some(true), "two misses of three");
    assert_eq!(is_wanted(&record, "arn:other"), None);
    let mut due = record.clone();
    for target in due.own.values_mut().flat_map(BTreeMap::values_mut) {
        target.missed = 3;
        target.draws = 0;
    }
    assert_eq!(is_wanted(&due, GROUP), Some(true), "nothing was certain");
    for target in due.own.values_mut().flat_map(BTreeMap::values_mut) {
        target.draws = 1;
    }
    assert_eq!(is_wanted(&due, GROUP), Some(false));
    // A request under way may go by other counts, and one that makes the binding has no orders yet.
    due.claim_for(claim(RequestType::Update, "third", "c"));
    assert_eq!(is_wanted(&due, GROUP), Some(true));
    let mut given_up = record.clone();
    given_up
        .orders
        .as_mut()
        .expect("orders")
        .target_groups
        .clear();
    assert_eq!(is_wanted(&given_up, GROUP), Some(false));
    given_up.orders = None;
    assert_eq!(is_wanted(&given_up, GROUP), Some(true));
    record.phase = Phase::Leaving;
    assert_eq!(is_wanted(&record, GROUP), None);
}

#[test]
fn the_addresses_of_a_record_are_those_of_its_own_targets() {
    let address = "10.0.0.1".parse().expect("an address");
    assert_eq!(full().addresses(), [address].into());
}

#[test]
fn known_is_what_neither_is_due_to_leave_nor_of_a_former_load_balancer() {
    let mut record = full();
    let address = |last| std::net::IpAddr::from([10, 0, 0, last]);
    let served = record.orders.as_ref().expect("orders");
    let (served, former) = (served.alb_dns_name.clone(), "former".to_owned());
    let own = [
        (1, 0, None),
        (2, 2, Some(served)),
        (3, 3, None),
        (4, 0, Some(former)),
    ];
    let own = own.map(|(last, missed, of)| {
        let endpoint = Endpoint {
            address: address(last),
            port: 80,
        };
        let target = OwnTarget {
            missed,
            draws: 1,
            former_dns_name: of,
            deregistered_at: None,
        };
        (endpoint, target)
    });
    record.own.insert(GROUP.to_owned(), own.into());
    let of = |all: &[u8]| all.iter().copied().map(address).collect::<BTreeSet<_>>();
    assert_eq!(record.addresses(), of(&[1, 2, 3, 4]));
    assert_eq!(record.current_addresses(), of(&[1, 2]));
}
