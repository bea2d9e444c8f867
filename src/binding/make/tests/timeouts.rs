//! The checks of idle timeouts.

use super::found::found;
use super::world::{GIVEN, desired, empty_account, given_group, own_listener};
use crate::binding::make::observed::NlbListener;
use crate::model::Attributes;
use serde_json::json;

/// An own listener on a port that is made, one that serves a given group, and others' beside them.
#[test]
fn only_the_listeners_that_carry_the_bindings_traffic_must_hold_connections_for_longer() {
    let desired = desired(json!({"Listeners": [
        {"Port": 81, "AlbPort": 80}, {"Port": 80, "TargetGroupArn": GIVEN},
    ]}));
    let of = |port, group: &str, is_own, seconds: Option<u32>| NlbListener {
        is_own,
        attributes: seconds
            .map(|seconds| ("tcp.idle_timeout.seconds".into(), seconds.to_string()))
            .into_iter()
            .collect(),
        ..own_listener(port, group, Attributes::new())
    };
    for (listener, alb_seconds, too_short) in [
        // A listener that is made gets the timeout of the properties, whatever it has now.
        (of(81, "arn:own", true, Some(100)), 349, None),
        // The Update removes this listener, because its port is no longer wanted.
        (of(82, "arn:own", true, Some(60)), 99, None),
        (of(443, GIVEN, false, Some(100)), 99, None),
        (of(443, GIVEN, false, Some(100)), 100, Some((100, 443))),
        (of(443, "arn:theirs", false, Some(60)), 99, None),
    ] {
        let mut world = empty_account(&desired);
        let given = Some(given_group("ip", "TCP", "vpc-1"));
        world.given_groups.insert(GIVEN.to_owned(), given);
        world.alb_attributes.insert(
            "idle_timeout.timeout_seconds".into(),
            alb_seconds.to_string(),
        );
        let text = format!("{listener:?} {alb_seconds}");
        world.nlb_listeners = vec![listener];
        let found = found(&desired, &world);
        let expected = too_short.map(|(seconds, port)| {
            format!("tcp.idle_timeout.seconds {seconds} of the NLB's listener arn:listener-{port}")
        });
        match (found, expected) {
            (Some(found), Some(expected)) => assert!(found.contains(&expected), "{text}: {found}"),
            (found, expected) => assert_eq!(found, expected, "{text}"),
        }
    }
}

#[test]
fn a_listener_that_is_made_must_hold_connections_for_longer_than_the_alb() {
    for (given, alb_seconds, passes) in [
        (None, 349, true),
        (None, 350, false),
        (Some(100), 99, true),
        (Some(100), 100, false),
        (Some(4001), 4000, true),
    ] {
        let mut listener = json!({"Port": 80});
        if let Some(seconds) = given {
            listener["IdleTimeoutSeconds"] = json!(seconds);
        }
        let desired = desired(json!({ "Listeners": [listener] }));
        let mut world = empty_account(&desired);
        let key = "idle_timeout.timeout_seconds".to_owned();
        world.alb_attributes.insert(key, alb_seconds.to_string());
        let found = found(&desired, &world);
        assert_eq!(
            found.is_none(),
            passes,
            "{given:?} {alb_seconds}: {found:?}"
        );
    }
}
