//! The NLB's listeners in the plan.

use super::carried_out::{NOTHING, after, carried_out, checked, planned, steps};
use super::world::{desired, empty_account};
use crate::binding::make::plan::plan_moves;
use crate::binding::step::{Plan, Step};
use serde_json::json;
use std::collections::BTreeSet;

#[test]
fn an_idle_timeout_is_set_where_the_listener_has_another_and_goes_back_to_awss_default() {
    let of =
        |seconds: u32| desired(json!({"Listeners": [{"Port": 80, "IdleTimeoutSeconds": seconds}]}));
    let (long, default) = (of(600), of(350));
    let set = |seconds| format!("~ listener on port 80: idle timeout {seconds} s");
    assert!(steps(&long, &empty_account(&long)).contains(&set(600)));
    assert!(!steps(&default, &empty_account(&default)).contains("idle timeout"));
    let world = carried_out(&long, empty_account(&long));
    assert_eq!(steps(&long, &world), NOTHING);
    assert_eq!(steps(&default, &world), format!("{NOTHING}\n{}", set(350)));
}

#[test]
fn at_the_listeners_quota_those_that_are_to_go_are_moved_in_the_order_of_ports() {
    let ports = |ports: &[u16]| {
        let listener = |port| json!({"Port": port, "AlbPort": 80});
        let listeners: Vec<_> = ports.iter().map(listener).collect();
        desired(json!({ "Listeners": listeners }))
    };
    let before = ports(&[1, 2, 3, 4]);
    let world = carried_out(&before, empty_account(&before));
    let wanted = ports(&[3, 8, 9]);
    let moved = |refused: &[u16]| {
        let refused: BTreeSet<u16> = refused.iter().copied().collect();
        plan_moves(&wanted, &checked(&world), &refused)
    };
    let group = |port| wanted.id.target_group(port);
    let lines = |steps: Vec<Step>| Plan { steps }.to_string();
    assert_eq!(
        lines(moved(&[9, 8]).expect("there is room")),
        format!(
            "~ listener from port 1 to port 8, to {}\n\
             ~ listener from port 2 to port 9, to {}\n\
             - listener on port 4\n\
             - target group {}\n- target group {}\n- target group {}",
            group(8),
            group(9),
            group(1),
            group(2),
            group(4)
        )
    );
    assert_eq!(moved(&[5]), None, "it is not wanted");
    let more = ports(&[2, 3, 4, 8, 9]);
    let refused = BTreeSet::from([8, 9]);
    assert_eq!(
        plan_moves(&more, &checked(&world), &refused),
        None,
        "one is to go"
    );
    // In the end the refused listeners exist, and nothing is left to do.
    let mut taken = planned(&wanted, &world).steps;
    taken.retain(|step| !matches!(step, Step::CreateListener { .. } | Step::Remove(_)));
    taken.extend(moved(&[8, 9]).expect("there is room"));
    let end = after(&wanted, world.clone(), taken);
    assert_eq!(steps(&wanted, &end), NOTHING);
}
