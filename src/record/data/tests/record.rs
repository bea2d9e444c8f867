//! What a record holds, and how a request changes it.

use super::sample::*;
use crate::model::{Endpoint, TargetGroupPort};
use crate::names::BindingId;
use crate::record::data::*;
use std::collections::BTreeMap;

#[test]
fn a_create_may_come_again_until_its_success_and_for_fifteen_minutes_after_it() {
    let answered = |status| {
        let mut record = Record::new("binding", Phase::Making);
        record.claim_for(claim(RequestType::Create, "first", "a"));
        settle(&mut record, Response { status, ..answer() });
        record
    };
    let success = answered(ResponseStatus::Success);
    assert!(success.may_be_running_create(now() + seconds(899)));
    assert!(!success.may_be_running_create(now() + seconds(900)));
    let mut failed = answered(ResponseStatus::Failed);
    assert!(failed.may_be_running_create(now() + seconds(900)));
    failed.claim_for(claim(RequestType::Update, "second", "b"));
    assert!(!failed.may_be_running_create(now()), "an Update");
    failed.claim_for(claim(RequestType::Create, "third", "c"));
    assert!(
        failed.may_be_running_create(now() + seconds(900)),
        "no answer yet"
    );
    assert!(!Record::new("binding", Phase::Making).may_be_running_create(now()));
}

/// The record keeps each replacement once, with its latest result.
#[test]
fn a_record_notes_every_replacement_once_and_forgets_those_that_are_gone() {
    let mut record = Record::new("binding", Phase::Serving);
    let noted = |record: &Record| {
        let noted = record.replaced.iter();
        noted.map(|noted| noted.nlb_arn.clone()).collect::<Vec<_>>()
    };
    record.note_replacement("arn:first");
    record.replaced[0].done = true;
    record.note_replacement("arn:second");
    record.note_replacement("arn:first");
    assert_eq!(noted(&record), ["arn:second", "arn:first"]);
    assert!(!record.replaced[1].done, "it is made again");
    record.forget_replacement("arn:second");
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
    let record = Record::rebuilt(&id, &orders, &registered, &seen);
    let texts = |arn: &str| {
        let own = record.own[arn].keys();
        own.map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(texts(&own), ["10.0.0.1:80", "10.0.0.9:80"]);
    assert_eq!(texts(GROUP), ["10.0.0.1:80"]);
    let making = Record::new("binding", Phase::Making);
    assert!(record.is_serving() && !making.is_serving());
    assert_eq!(record.orders, Some(orders));
}

#[test]
fn a_record_survives_being_written_and_read() {
    let body = full().to_body().expect("JSON");
    let read = StateObject::parse(&body, "binding").expect("readable");
    assert_eq!(read, StateObject::Record(Box::new(full())));
    let stub = StateObject::stub("binding", "bucket").expect("JSON");
    let to = "bucket".to_owned();
    assert_eq!(
        StateObject::parse(&stub, "binding").expect("a stub"),
        StateObject::Stub { to }
    );
}

#[test]
fn a_record_of_somebody_else_of_another_version_or_damaged_is_an_error() {
    let body = full().to_body().expect("JSON");
    let error = StateObject::parse(&body, "another")
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
        assert!(StateObject::parse(body, "binding").is_err(), "{body:?}");
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
        claim.wants = PropertiesDigest(wants.to_owned());
        claim.wanted_before = PropertiesDigest(before.to_owned());
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
        claim.wants = PropertiesDigest(wants.to_owned());
        claim.wanted_before = PropertiesDigest(before.to_owned());
        claim
    };
    let mut record = Record::new("binding", Phase::Serving);
    for (wants, before) in [("1", "0"), ("0", "1")] {
        record.claim_for(update(wants, before));
    }
    let mut rollback = update("1", "0");
    rollback.delivery.request = "rollback".to_owned();
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
fn a_record_is_held_by_one_delivery_and_served_for_its_request() {
    let mut record = full();
    let caller = |kind, request: &str, runner: &str| {
        let claim = claim(kind, request, runner);
        Caller {
            kind,
            delivery: claim.delivery,
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
        assert_eq!(record.is_held_by(&caller.delivery), is_held, "{caller:?}");
        assert_eq!(record.has_open_claim_of(&caller), is_served, "{caller:?}");
    }
    settle(&mut record, answer());
    let answered = caller(RequestType::Update, "second", "b");
    assert!(record.is_held_by(&answered.delivery));
    assert!(!record.has_open_claim_of(&answered));
}

/// A record that is written by one version of the function is read by the next.
#[test]
fn the_keys_of_the_json_stay_whatever_the_fields_are_called() {
    let target = OwnTarget {
        missed: 1,
        draws: 2,
        former_dns_name: Some("alb".to_owned()),
        deregistered_at: Some(now()),
    };
    let mut record = Record::new("binding", Phase::Serving);
    record.claim_for(claim(RequestType::Update, "request", "runner"));
    settle(&mut record, answer());
    let json = serde_json::json!([target, record.claim]);
    let keys = |value: &serde_json::Value| {
        let object = value.as_object().expect("an object");
        object.keys().cloned().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(keys(&json[0]), "draws missed of out");
    assert_eq!(
        keys(&json[1]),
        "at gives_up kind outcome request rolls_back runner signed wanted_before wants"
    );
    assert_eq!(keys(&json[1]["outcome"]), "answer settled");
}
