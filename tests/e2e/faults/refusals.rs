//! The refusals that services have words of their own for: once, where trying again or looking
//! again helps, and for good.

use super::scenario::{Event, Expects, Scenario};
use crate::support::TIMEOUT;
use lab::{Fault, What};
use std::time::Duration;

const ELB: &str = "elasticloadbalancing";

/// For refusals that the function waits for, until its deadline.
const SHORT: Duration = Duration::from_secs(30);

pub struct Events {
    pub create: Event,
    pub change_ports: Event,
    pub change_bucket: Event,
    pub delete: Event,
    pub tick: Event,
}

/// What goes wrong, and how often.
#[derive(Clone, Copy)]
enum When {
    /// The first call.
    Once,
    /// The second call.
    Second,
    Always,
}
use When::{Always, Once, Second};

struct Refusal {
    service: &'static str,
    operation: &'static str,
    what: What,
}

impl Refusal {
    fn during(&self, event: Event, when: When, expects: Expects) -> Scenario {
        let Self {
            service,
            operation,
            what,
        } = self;
        let fault = Fault::new(service, operation, what.clone());
        let (often, fault) = match when {
            Once => ("once", fault.nth(1)),
            Second => ("second", fault.nth(2)),
            Always => ("always", fault),
        };
        let code = match what {
            What::Answer { code, .. } => code,
            _ => "InBody",
        };
        Scenario {
            name: format!("{}/{service}/{operation}/{often}/{code}", event.name),
            event,
            faults: vec![fault],
            expects,
            deadline: TIMEOUT,
        }
    }
}

fn refusal(
    service: &'static str,
    operation: &'static str,
    status: u16,
    code: &str,
    message: &str,
) -> Refusal {
    Refusal {
        service,
        operation,
        what: What::Answer {
            status,
            code: code.to_owned(),
            message: message.to_owned(),
        },
    }
}

fn fails(reason: &str) -> Expects {
    Expects::Failure(reason.to_owned())
}

/// What passes in the end, and is waited for until then.
fn waits(scenario: Scenario) -> Scenario {
    Scenario {
        deadline: SHORT,
        ..scenario
    }
}

/// Codes and messages are those of the API references of the operations.
pub fn scenarios(events: &Events) -> Vec<Scenario> {
    let mut all = load_balancing(events);
    all.extend(storage(events));
    all.extend(schedule(events));
    all
}

fn load_balancing(events: &Events) -> Vec<Scenario> {
    let Events {
        create,
        change_ports,
        delete,
        tick,
        ..
    } = *events;
    let listener = "A listener already exists on this port for this load balancer";
    let listener = refusal(ELB, "CreateListener", 400, "DuplicateListener", listener);
    let name = "A target group with the same name exists, but with different settings";
    let name = refusal(
        ELB,
        "CreateTargetGroup",
        400,
        "DuplicateTargetGroupName",
        name,
    );
    let register = |code, message| refusal(ELB, "RegisterTargets", 400, code, message);
    let many = register("TooManyTargets", "The maximum number of targets is reached");
    let bad = register("InvalidTarget", "The IP address is not a valid target");
    let missing = register("TargetGroupNotFound", "One or more target groups not found");
    let held = "Target group is currently in use by a listener or a rule";
    let held = refusal(ELB, "DeleteTargetGroup", 400, "ResourceInUse", held);
    vec![
        listener.during(create, Once, Expects::Success),
        listener.during(create, Always, fails("DuplicateListener")),
        listener.during(change_ports, Once, Expects::Success),
        listener.during(change_ports, Always, fails("DuplicateListener")),
        name.during(create, Once, Expects::Success),
        name.during(create, Always, fails("DuplicateTargetGroupName")),
        name.during(change_ports, Always, fails("DuplicateTargetGroupName")),
        many.during(create, Always, fails("TooManyTargets")),
        many.during(change_ports, Always, fails("TooManyTargets")),
        many.during(tick, Always, fails("TooManyTargets")),
        // A refused call is tried again in halves, and those succeed.
        bad.during(create, Once, Expects::Success),
        bad.during(tick, Always, fails("InvalidTarget")),
        // The create has just made it, and waits.
        waits(missing.during(create, Always, fails("TargetGroupNotFound"))),
        missing.during(tick, Always, fails("TargetGroupNotFound")),
        held.during(delete, Once, Expects::Success),
        held.during(change_ports, Once, Expects::Success),
        waits(held.during(change_ports, Always, fails("- target group anb-"))),
    ]
}

fn storage(events: &Events) -> Vec<Scenario> {
    let Events {
        create,
        change_bucket,
        delete,
        tick,
        ..
    } = *events;
    let put = |status, code, message| refusal("s3", "PutObject", status, code, message);
    let lost = "At least one of the pre-conditions you specified did not hold";
    let lost = put(412, "PreconditionFailed", lost);
    let conflict = "A conflicting conditional operation is currently in progress";
    let conflict = put(409, "ConditionalRequestConflict", conflict);
    let taken = "The requested bucket name is not available";
    let taken = refusal("s3", "CreateBucket", 409, "BucketAlreadyExists", taken);
    let full = "The bucket you tried to delete is not empty";
    let full = refusal("s3", "DeleteBucket", 409, "BucketNotEmpty", full);
    // API_DeleteObjects: "200 OK" also where it deleted nothing.
    let kept = Refusal {
        service: "s3",
        operation: "DeleteObjects",
        what: What::Body(
            "<DeleteResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Error>\
             <Key>state.json</Key><Code>AccessDenied</Code><Message>Access Denied</Message>\
             </Error></DeleteResult>"
                .to_owned(),
        ),
    };
    let mut scenarios = vec![
        taken.during(create, Always, fails("BucketAlreadyExists")),
        full.during(delete, Once, Expects::Success),
        waits(full.during(delete, Always, fails("- bucket alb-nlb-binding-"))),
        kept.during(delete, Always, fails("AccessDenied")),
    ];
    let starts_over = "not done in its time";
    let conflicts = "ConditionalRequestConflict";
    for (refused, change, tells) in [(lost, "", starts_over), (conflict, conflicts, conflicts)] {
        scenarios.extend([
            // The first makes the record: whoever is refused there was not alone.
            refused.during(create, Once, Expects::Either),
            refused.during(create, Second, Expects::Success),
            waits(refused.during(create, Always, fails(change))),
            refused.during(change_bucket, Once, Expects::Either),
            refused.during(change_bucket, Second, Expects::Success),
            waits(refused.during(change_bucket, Always, fails(change))),
            refused.during(tick, Once, Expects::Success),
            waits(refused.during(tick, Always, fails(tells))),
        ]);
    }
    scenarios
}

/// API_PutTargets and API_RemoveTargets: entries that failed are told inside of a success.
fn schedule(events: &Events) -> Vec<Scenario> {
    let body = |id: &str| {
        What::Body(format!(
            "{{\"FailedEntryCount\": 1, \"FailedEntries\": [{{\"TargetId\": \"{id}\", \
             \"ErrorCode\": \"ConcurrentModificationException\", \"ErrorMessage\": \"try again\"}}]}}"
        ))
    };
    let entries = |operation| Refusal {
        service: "events",
        operation,
        what: body("alb-nlb-binding"),
    };
    let code = "ConcurrentModificationException";
    vec![
        entries("PutTargets").during(events.create, Once, Expects::Success),
        entries("PutTargets").during(events.change_bucket, Once, Expects::Success),
        entries("RemoveTargets").during(events.delete, Once, Expects::Success),
        waits(entries("PutTargets").during(events.create, Always, fails(code))),
        waits(entries("PutTargets").during(events.change_bucket, Always, fails(code))),
        waits(entries("RemoveTargets").during(events.delete, Always, fails(code))),
    ]
}
