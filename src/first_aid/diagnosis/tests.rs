use super::*;
use crate::binding::Step;
use crate::clock::Timestamp;
use crate::discovery::{Evidence, Found};
use crate::first_aid::observed::{Drift, ObservedRecord};
use crate::model::{Endpoint, HealthState, Rule, RuleTarget, TargetGroupPort, TargetHealth};
use crate::names::BindingId;
use crate::record::{Orders, Phase, RULE_TARGET, Record, RuleEvent};
use crate::sync::TickPlan;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

const FUNCTION: &str = "arn:function";
const GROUP: &str = "arn:group";

fn address(last: u8) -> IpAddr {
    IpAddr::from([10, 0, 0, last])
}

fn healthy(last: u8) -> TargetHealth {
    TargetHealth {
        endpoint: Endpoint {
            address: address(last),
            port: 80,
        },
        zone: None,
        state: HealthState::Healthy,
        reason: None,
    }
}

/// A binding that serves two addresses, an hour after its Create.
fn well() -> ObservedBinding {
    let id = BindingId::derive("stack", "Binding", "arn:nlb");
    let orders = Orders {
        nlb_arn: "arn:nlb".to_owned(),
        alb_arn: "arn:alb".to_owned(),
        alb_name: "orders".to_owned(),
        alb_dns_name: "orders.example.com".to_owned(),
        target_groups: vec![TargetGroupPort::new(GROUP, 80)],
        availability_zone: None,
        max_lookups: 50,
        invocations_before_deregistration: 3,
        ip_count_metric: true,
        dns_servers: Vec::new(),
    };
    let schedule = "rate(1 minute)";
    let template = RuleEvent::template(&id, "bucket", schedule, &orders, &BTreeSet::new(), 0);
    let rule = Rule {
        arn: "arn:rule".to_owned(),
        schedule: schedule.to_owned(),
        enabled: true,
        targets: vec![RuleTarget {
            id: RULE_TARGET.to_owned(),
            arn: FUNCTION.to_owned(),
            template: template.expect("JSON"),
        }],
    };
    let now = Timestamp::parse("2026-11-25T03:00:00Z").expect("a time");
    let mut record = Record::new(&id.to_string(), Phase::Serving);
    record.orders = Some(orders.clone());
    ObservedBinding {
        id,
        region: "us-east-1".to_owned(),
        account: "123456789012".to_owned(),
        function_arn: FUNCTION.to_owned(),
        now,
        event: RuleEvent::of_rule(Some(&rule)),
        rule: Some(rule),
        record: ObservedRecord::There {
            record: Box::new(record),
            place: "s3://bucket/key".to_owned(),
        },
        orders: Some(orders),
        dns: Some(Ok(Found {
            addresses: [address(1), address(2)].into(),
            lookups: 1,
            failed_lookups: 0,
            certain: true,
            doubt: 0.0,
            evidence: Evidence::default(),
            is_cached: false,
        })),
        groups: [(GROUP.to_owned(), Ok(Some(vec![healthy(1), healthy(2)])))].into(),
        next_tick: None,
        last_measured: Some(Ok(Some(now.before(Duration::from_secs(60))))),
        drift: Some(Ok(Drift {
            findings: Vec::new(),
            steps: Vec::new(),
            listeners: Vec::new(),
        })),
        leftovers: Vec::new(),
    }
}

fn claimed(observed: &mut ObservedBinding, minutes_ago: u64) {
    let ObservedRecord::There { record, .. } = &mut observed.record else {
        panic!("a record");
    };
    let at = observed.now.before(Duration::from_secs(60 * minutes_ago));
    record.claim = Some(crate::record::Claim {
        delivery: crate::record::DeliveryId {
            request: "request".to_owned(),
            runner: "runner".to_owned(),
        },
        kind: crate::record::RequestType::Create,
        signed: None,
        at,
        rolls_back: None,
        goes_on: false,
        takes_back: false,
        wants: crate::record::PropertiesDigest(String::new()),
        wanted_before: crate::record::PropertiesDigest(String::new()),
        made: true,
        gives_up: BTreeSet::new(),
        outcome: None,
    });
}

#[test]
fn what_is_others_and_what_is_about_to_leave_makes_no_binding_sick() {
    let mut observed = well();
    claimed(&mut observed, 60);
    assert_eq!(problems(&observed), Vec::<String>::new());
    let with = |state| TargetHealth {
        state,
        ..healthy(9)
    };
    let mut targets = vec![healthy(1), healthy(2)];
    targets.extend([HealthState::Unhealthy, HealthState::Unused].map(with));
    observed.groups.insert(GROUP.to_owned(), Ok(Some(targets)));
    assert_eq!(problems(&observed), Vec::<String>::new());
    // A target that has just been registered is only noted.
    let mut new = healthy(2);
    new.state = HealthState::Initial;
    let targets = Ok(Some(vec![healthy(1), new]));
    observed.groups.insert(GROUP.to_owned(), targets);
    assert_eq!(problems(&observed), Vec::<String>::new());
    assert!(notes(&observed)[0].contains("10.0.0.2:80 initial"));
}

#[test]
fn ticks_that_have_not_come_for_long_are_told_where_the_metric_shows_it() {
    let silent_for = |minutes: Option<u64>, created: u64, schedule: &str| {
        let mut observed = well();
        claimed(&mut observed, created);
        observed.rule.as_mut().expect("a rule").schedule = schedule.to_owned();
        let last = minutes.map(|minutes| observed.now.before(Duration::from_secs(60 * minutes)));
        observed.last_measured = Some(Ok(last));
        problems(&observed)
    };
    let minute = "rate(1 minute)";
    for (last, created, schedule) in [
        (Some(11), 600, minute),
        // CloudFormation's last request asked DNS too.
        (None, 11, minute),
        (Some(29), 600, "rate(10 minutes)"),
        // It is not known when these ticks should come, or they come too seldom.
        (None, 600, "cron(* * * * ? *)"),
        (None, 600, "rate(30 minutes)"),
        (None, 600, "rate(1 hour)"),
    ] {
        let told = silent_for(last, created, schedule);
        assert_eq!(told, Vec::<String>::new(), "{last:?} {schedule}");
    }
    for (last, schedule) in [
        (Some(13), minute),
        (None, minute),
        (Some(31), "rate(10 minutes)"),
    ] {
        let told = silent_for(last, 600, schedule);
        assert_eq!(told.len(), 1, "{last:?} {schedule}");
        assert!(told[0].contains("it seems that no tick comes"));
    }
    let mut observed = well();
    claimed(&mut observed, 600);
    observed.last_measured = Some(Err("AccessDenied".to_owned()));
    assert_eq!(problems(&observed), Vec::<String>::new());
    assert!(notes(&observed)[0].contains("AccessDenied"));
}

#[test]
fn a_request_under_way_is_no_illness_of_a_binding_that_serves_and_the_whole_of_one_that_does_not() {
    let mut observed = well();
    claimed(&mut observed, 1);
    assert_eq!(problems(&observed), Vec::<String>::new());
    assert!(
        notes(&observed)[0].starts_with("Create has been under way since 2026-11-25T02:59:00Z")
    );
    for phase in [Phase::Making, Phase::Leaving] {
        if let ObservedRecord::There { record, .. } = &mut observed.record {
            record.phase = phase;
        }
        observed.rule = None;
        let problems = problems(&observed);
        assert_eq!(problems, Vec::<String>::new());
        let verdict = verdict(&observed, &problems);
        assert!(
            verdict.starts_with("Create has been under way since"),
            "{verdict}"
        );
    }
}

#[test]
fn what_an_update_has_changed_already_and_ticks_do_not_go_by_yet_is_no_illness() {
    for (minutes, told) in [(1, 0), (20, 1)] {
        let mut observed = well();
        claimed(&mut observed, minutes);
        let Some(Ok(drift)) = &mut observed.drift else {
            panic!("a drift");
        };
        drift.steps.push(Step::SetIdleTimeout {
            port: 80,
            seconds: 350,
        });
        let mut orders = observed.orders.clone().expect("orders");
        orders.max_lookups = 51;
        if let Some(event) = &mut observed.event {
            event.orders = Some(orders);
        }
        assert_eq!(problems(&observed).len(), told, "{minutes}");
        let told = notes(&observed)
            .iter()
            .any(|note| note.contains("copy of the orders"));
        assert_eq!(told, minutes == 20);
    }
}

#[test]
fn misses_that_no_tick_counts_are_told() {
    let mut observed = well();
    claimed(&mut observed, 60);
    assert_eq!(problems(&observed), Vec::<String>::new());
    let plan = TickPlan {
        record: None,
        groups: BTreeMap::new(),
        added: BTreeSet::new(),
        removed: BTreeSet::new(),
        pending: [(address(3), 0)].into(),
    };
    observed.next_tick = Some(plan);
    // The address is due, and another binding wants it.
    assert_eq!(problems(&observed), Vec::<String>::new());
    if let ObservedRecord::There { record, .. } = &mut observed.record {
        let own = record.own.entry(GROUP.to_owned()).or_default();
        own.insert(healthy(3).endpoint, crate::record::OwnTarget::default());
    }
    assert!(problems(&observed)[0].contains("no tick has counted that"));
    claimed(&mut observed, 10);
    assert_eq!(problems(&observed), Vec::<String>::new());
}

#[test]
fn an_address_that_no_tick_has_seen_yet_is_only_noted_and_one_that_is_own_is_missing() {
    let mut observed = well();
    claimed(&mut observed, 60);
    let only = Ok(Some(vec![healthy(1)]));
    observed.groups.insert(GROUP.to_owned(), only);
    if let ObservedRecord::There { record, .. } = &mut observed.record {
        let own = record.own.entry(GROUP.to_owned()).or_default();
        own.insert(healthy(1).endpoint, crate::record::OwnTarget::default());
    }
    assert_eq!(problems(&observed), Vec::<String>::new());
    assert!(notes(&observed)[0].contains("10.0.0.2:80 are new in DNS"));
    if let ObservedRecord::There { record, .. } = &mut observed.record {
        let own = record.own.entry(GROUP.to_owned()).or_default();
        own.insert(healthy(2).endpoint, crate::record::OwnTarget::default());
    }
    assert!(problems(&observed)[0].contains("10.0.0.2:80"));
}

#[test]
fn another_functions_binding_is_told_to_be_that_ones() {
    let mut observed = well();
    let rule = observed.rule.as_mut().expect("a rule");
    rule.targets[0].arn = "arn:other".to_owned();
    assert!(is_of_another_function(&observed));
    let problems = problems(&observed);
    assert_eq!(problems.len(), 1);
    assert!(problems[0].contains("calls arn:other, which is not this function"));
}
