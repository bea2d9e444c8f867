//! What a record holds, and what it lets a tick do.

use super::*;
use crate::clock::Timestamp;
use crate::model::{Endpoint, TargetGroupPort};
use crate::names::BindingId;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

const GROUP: &str = "arn:group";

fn now() -> Timestamp {
    Timestamp::from_millis(10_000_000)
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn claim(kind: RequestType, request: &str, runner: &str) -> Claim {
    Claim {
        mark: Mark {
            request: request.to_owned(),
            runner: runner.to_owned(),
        },
        kind,
        signed: Some(Signed::At(now())),
        at: now(),
        rolls_back: Some(true),
        goes_on: false,
        takes_back: false,
        wants: Digest("new".to_owned()),
        wanted_before: Digest("old".to_owned()),
        made: false,
        gives_up: [GROUP.to_owned()].into(),
        outcome: None,
    }
}

fn answer() -> Response {
    Response {
        status: Status::Failed,
        reason: "why".to_owned(),
        physical_id: "id".to_owned(),
        data: [("Name".to_owned(), "value".to_owned())].into(),
    }
}

/// Gives the request that is under way its answer.
fn settle(record: &mut Record, answer: Response) {
    let quiet_from = now();
    let claim = record.claim.as_mut().expect("a request is under way");
    claim.outcome = Some(Outcome { answer, quiet_from });
}

fn orders() -> Orders {
    Orders {
        nlb_arn: "arn:nlb".to_owned(),
        alb_arn: "arn:alb".to_owned(),
        alb_name: "alb".to_owned(),
        alb_dns_name: "alb.example".to_owned(),
        target_groups: vec![
            TargetGroupPort::new(GROUP, 80),
            TargetGroupPort::new("arn:other", 443),
        ],
        availability_zone: None,
        max_lookups: 50,
        invocations_before_deregistration: 3,
        ip_count_metric: true,
        dns_servers: vec!["10.0.0.2:53".parse().expect("a server")],
    }
}

fn full() -> Record {
    let mut record = Record::new("binding", Phase::Serving);
    record.orders = Some(orders());
    record.properties = Some(serde_json::json!({"Listeners": [{"Port": "80"}]}));
    record.claim_for(claim(RequestType::Create, "first", "a"));
    settle(&mut record, answer());
    record.claim_for(claim(RequestType::Update, "second", "b"));
    let target = OwnTarget {
        missed: 2,
        draws: 1,
        of: Some("alb.example".to_owned()),
        out: Some(now()),
    };
    let endpoint = "10.0.0.1:80".parse().expect("an endpoint");
    record
        .own
        .insert(GROUP.to_owned(), [(endpoint, target)].into());
    record.found.insert(GROUP.to_owned(), [endpoint].into());
    record.count("tick");
    record.cached_until = now();
    record.arriving_from = Some("bucket".to_owned());
    record.elsewhere.insert("bucket".to_owned());
    record.note("arn:another");
    record
}

#[test]
fn a_create_may_come_again_until_its_success_and_for_fifteen_minutes_after_it() {
    let answered = |status| {
        let mut record = Record::new("binding", Phase::Making);
        record.claim_for(claim(RequestType::Create, "first", "a"));
        settle(&mut record, Response { status, ..answer() });
        record
    };
    let success = answered(Status::Success);
    assert!(success.is_of_a_create(now() + seconds(899)));
    assert!(!success.is_of_a_create(now() + seconds(900)));
    let mut failed = answered(Status::Failed);
    assert!(failed.is_of_a_create(now() + seconds(900)));
    failed.claim_for(claim(RequestType::Update, "second", "b"));
    assert!(!failed.is_of_a_create(now()), "an Update");
    failed.claim_for(claim(RequestType::Create, "third", "c"));
    assert!(failed.is_of_a_create(now() + seconds(900)), "no answer yet");
    assert!(!Record::new("binding", Phase::Making).is_of_a_create(now()));
}

/// What the orders name may be gone meanwhile.
#[test]
fn a_request_is_changing_the_binding_until_its_success_and_for_fifteen_minutes_at_most() {
    let claimed = |status: Option<Status>| {
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
        (Some(Status::Failed), true),
        (Some(Status::Success), false),
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
    record.let_go_of(GROUP);
    assert!(!record.own.contains_key(GROUP));
    assert_eq!(record.found, found);
}

/// Of several replacements each is known, and each by the last that was done for it.
#[test]
fn a_record_notes_every_replacement_once_and_forgets_those_that_are_gone() {
    let mut record = Record::new("binding", Phase::Serving);
    let noted = |record: &Record| {
        let noted = record.replaced.iter();
        noted.map(|noted| noted.nlb_arn.clone()).collect::<Vec<_>>()
    };
    record.note("arn:first");
    record.replaced[0].done = true;
    record.note("arn:second");
    record.note("arn:first");
    assert_eq!(noted(&record), ["arn:second", "arn:first"]);
    assert!(!record.replaced[1].done, "it is made again");
    record.forget("arn:second");
    assert_eq!(noted(&record), ["arn:first"]);
}

#[test]
fn a_record_that_is_made_anew_owns_what_is_in_dns_and_all_in_the_groups_that_were_made() {
    let id = BindingId::derive("stack", "Binding", "arn:nlb");
    let own = format!(
        "arn:aws:elasticloadbalancing:us-east-1:1:targetgroup/{}/1",
        id.target_group(80)
    );
    let endpoints = |texts: &[&str]| -> BTreeMap<Endpoint, Option<String>> {
        let texts = texts.iter().map(|text| text.parse().expect("an endpoint"));
        texts.map(|endpoint| (endpoint, None)).collect()
    };
    let registered = BTreeMap::from([
        (own.clone(), endpoints(&["10.0.0.1:80", "10.0.0.9:80"])),
        (
            GROUP.to_owned(),
            endpoints(&["10.0.0.1:80", "10.0.0.1:81", "10.0.0.9:80"]),
        ),
    ]);
    let mut orders = orders();
    orders.target_groups = vec![
        TargetGroupPort::new(own.clone(), 80),
        TargetGroupPort::new(GROUP, 80),
    ];
    let seen = ["10.0.0.1".parse().expect("an address")].into();
    let record = Record::made_anew(&id, &orders, &registered, &seen);
    let texts = |arn: &str| {
        let own = record.own[arn].keys();
        own.map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(texts(&own), ["10.0.0.1:80", "10.0.0.9:80"]);
    assert_eq!(texts(GROUP), ["10.0.0.1:80"]);
    let making = Record::new("binding", Phase::Making);
    assert!(record.serves() && !making.serves());
    assert_eq!(record.orders, Some(orders));
}

#[test]
fn a_record_survives_being_written_and_read() {
    let body = full().to_body().expect("JSON");
    let read = Body::parse(&body, "binding").expect("readable");
    assert_eq!(read, Body::Record(Box::new(full())));
    let stub = Body::stub("binding", "bucket").expect("JSON");
    let to = "bucket".to_owned();
    assert_eq!(
        Body::parse(&stub, "binding").expect("a stub"),
        Body::Stub { to }
    );
}

#[test]
fn a_record_of_somebody_else_of_another_version_or_damaged_is_an_error() {
    let body = full().to_body().expect("JSON");
    let error = Body::parse(&body, "another")
        .expect_err("foreign")
        .to_string();
    assert!(error.contains("the record of binding"), "{error}");
    for body in [
        &b""[..],
        b"{}",
        b"[]",
        br#"{"version":1,"load_balancer":"","ticks":[],"targets":{}}"#,
        br#"{"version":2,"owner":"binding","phase":"Serving"}"#,
        br#"{"version":2,"owner":"binding","phase":"Serving","own":{"g":{"nonsense":{}}}}"#,
    ] {
        assert!(Body::parse(body, "binding").is_err(), "{body:?}");
    }
}

#[test]
fn answers_are_remembered_by_request_and_only_so_many() {
    let mut record = full();
    assert_eq!(record.answer_to("first"), Some(&answer()));
    assert_eq!(record.answer_to("second"), None);
    for number in 0..16 {
        record.claim_for(claim(RequestType::Update, &number.to_string(), "c"));
    }
    assert_eq!(record.answer_to("first"), None);
    assert_eq!(record.before.len(), 16);
}

#[test]
fn another_delivery_of_the_request_that_made_the_record_has_made_it_too() {
    let mut record = Record::new("binding", Phase::Making);
    let mut made = claim(RequestType::Create, "create", "a");
    made.made = true;
    record.claim_for(made);
    let mut again = claim(RequestType::Create, "create", "b");
    again.gives_up.clear();
    record.claim_for(again);
    let claim_now = record.claim.as_ref().expect("a claim");
    assert!(claim_now.made && claim_now.gives_up.contains(GROUP));
    assert!(record.before.is_empty());
    record.claim_for(claim(RequestType::Update, "update", "c"));
    assert!(record.claim.is_some_and(|claim| !claim.made));
}

#[test]
fn an_update_goes_on_where_it_neither_takes_back_nor_repeats_what_was_claimed_before() {
    let update = |request: &str, wants: &str, before: &str| {
        let mut claim = claim(RequestType::Update, request, "r");
        claim.wants = Digest(wants.to_owned());
        claim.wanted_before = Digest(before.to_owned());
        claim
    };
    let mut record = Record::new("binding", Phase::Serving);
    let mut goes_on = |claim| {
        record.claim_for(claim);
        record.claim.as_ref().is_some_and(|claim| claim.goes_on)
    };
    assert!(!goes_on(update("create", "0", "")), "nothing was before it");
    assert!(goes_on(update("on", "1", "0")));
    assert!(goes_on(update("on", "1", "0")), "another delivery");
    assert!(!goes_on(update("back", "0", "1")));
    assert!(!goes_on(update("again", "0", "2")), "back to what stands");
    assert!(goes_on(update("further", "3", "0")));
    assert!(!goes_on(update("taken back", "0", "3")));
    assert!(
        goes_on(update("the same again", "3", "0")),
        "a rollback is not rolled back"
    );
    assert!(!goes_on(update("taken back again", "0", "3")));
}

#[test]
fn what_takes_back_while_the_stack_does_not_roll_back_may_be_taken_back_itself() {
    let update = |wants: &str, before: &str| {
        let mut claim = claim(RequestType::Update, &format!("to {wants}"), "r");
        claim.rolls_back = Some(false);
        claim.wants = Digest(wants.to_owned());
        claim.wanted_before = Digest(before.to_owned());
        claim
    };
    let mut record = Record::new("binding", Phase::Serving);
    for (wants, before) in [("1", "0"), ("0", "1")] {
        record.claim_for(update(wants, before));
    }
    let mut rollback = update("1", "0");
    rollback.mark.request = "rollback".to_owned();
    record.claim_for(rollback);
    assert!(record.claim.is_some_and(|claim| !claim.goes_on));
}

#[test]
fn a_delete_leaves_a_tombstone_and_whoever_comes_after_it_makes_the_binding_anew() {
    let mut record = full();
    record.claim_for(claim(RequestType::Delete, "delete", "c"));
    assert_eq!(record.phase, Phase::Leaving);
    assert!(record.orders.is_some(), "Delete looks for what they name");
    record.claim_for(claim(RequestType::Create, "create", "d"));
    assert_eq!((record.phase, record.orders), (Phase::Making, None));
    assert!(record.claim.is_some_and(|claim| claim.made));
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
    assert_eq!(counting(&record, 1), Counting::Again);
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
        let groups = record.looked_after(&orders(), now());
        groups.into_iter().map(|group| group.arn).collect()
    };
    assert_eq!(arns(&record), ["arn:other"]);
    settle(&mut record, answer());
    assert_eq!(arns(&record), [GROUP, "arn:other"]);
}

#[test]
fn ticks_go_by_the_orders_until_a_delete_takes_away_what_they_name() {
    let mut record = full();
    assert_eq!(record.served(), Some(&orders()));
    assert!(!record.served_last(GROUP));
    record.phase = Phase::Leaving;
    assert_eq!(record.served(), None);
    assert!(record.served_last(GROUP));
    assert!(!record.served_last("arn:no longer"));
    record.orders = None;
    assert!(!record.served_last(GROUP));
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
fn a_record_is_held_by_one_delivery_and_served_for_its_request() {
    let mut record = full();
    let caller = |kind, request: &str, runner: &str| {
        let claim = claim(kind, request, runner);
        Caller {
            kind,
            mark: claim.mark,
            signed: claim.signed,
            wants: claim.wants,
            wanted_before: claim.wanted_before,
            stack_id: "stack".to_owned(),
            logical_id: "Binding".to_owned(),
            physical_id: None,
            patience: seconds(60),
            until: tokio::time::Instant::now(),
        }
    };
    for (kind, request, runner, is_held, is_served) in [
        (RequestType::Update, "second", "b", true, true),
        (RequestType::Update, "second", "c", false, true),
        (RequestType::Delete, "second", "c", false, false),
        (RequestType::Update, "third", "b", false, false),
    ] {
        let caller = caller(kind, request, runner);
        assert_eq!(record.is_held_by(&caller.mark), is_held, "{caller:?}");
        assert_eq!(record.is_served_for(&caller), is_served, "{caller:?}");
    }
    settle(&mut record, answer());
    let answered = caller(RequestType::Update, "second", "b");
    assert!(record.is_held_by(&answered.mark));
    assert!(!record.is_served_for(&answered));
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
            of,
            out: None,
        };
        (endpoint, target)
    });
    record.own.insert(GROUP.to_owned(), own.into());
    let of = |all: &[u8]| all.iter().copied().map(address).collect::<BTreeSet<_>>();
    assert_eq!(record.addresses(), of(&[1, 2, 3, 4]));
    assert_eq!(record.known(), of(&[1, 2]));
}
