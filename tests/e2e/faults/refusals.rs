//! Refusals with error codes of their own: once, if it helps to try or to look again, and for good.

use super::scenario::{Expects, FaultScenario, FaultedEvent};
use crate::support::{ELB, TIMEOUT};
use lab::{Fault, FaultKind};
use std::time::Duration;

/// For refusals that the function waits out until its deadline.
const WAITING_DEADLINE: Duration = Duration::from_secs(30);

pub struct FaultedEvents {
    pub create: FaultedEvent,
    pub change_ports: FaultedEvent,
    pub change_bucket: FaultedEvent,
    pub delete: FaultedEvent,
    pub tick: FaultedEvent,
}

/// Which of the calls are refused.
#[derive(Clone, Copy)]
enum WhichCall {
    First,
    Second,
    Every,
}
use WhichCall::{Every, First, Second};

struct RefusedCall {
    service: &'static str,
    operation: &'static str,
    what: FaultKind,
}

impl RefusedCall {
    fn during(&self, event: FaultedEvent, when: WhichCall, expects: Expects) -> FaultScenario {
        let Self {
            service,
            operation,
            what,
        } = self;
        let fault = Fault::new(service, operation, what.clone());
        let (often, fault) = match when {
            First => ("once", fault.nth(1)),
            Second => ("second", fault.nth(2)),
            Every => ("always", fault),
        };
        let code = match what {
            FaultKind::Answer { code, .. } => code,
            _ => "InBody",
        };
        FaultScenario {
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
) -> RefusedCall {
    RefusedCall {
        service,
        operation,
        what: FaultKind::Answer {
            status,
            code: code.to_owned(),
            message: message.to_owned(),
        },
    }
}

fn fails(reason: &str) -> Expects {
    Expects::Failure(reason.to_owned())
}

/// The function waits for such a refusal to pass until its deadline, so this scenario has a short one.
fn with_waiting_deadline(scenario: FaultScenario) -> FaultScenario {
    FaultScenario {
        deadline: WAITING_DEADLINE,
        ..scenario
    }
}

/// Codes and messages are those of the API references of the operations.
pub fn scenarios(events: &FaultedEvents) -> Vec<FaultScenario> {
    let mut all = load_balancing(events);
    all.extend(storage(events));
    all.extend(schedule(events));
    all
}

fn load_balancing(events: &FaultedEvents) -> Vec<FaultScenario> {
    let FaultedEvents {
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
        listener.during(create, First, Expects::Success),
        listener.during(create, Every, fails("DuplicateListener")),
        listener.during(change_ports, First, Expects::Success),
        listener.during(change_ports, Every, fails("DuplicateListener")),
        name.during(create, First, Expects::Success),
        name.during(create, Every, fails("DuplicateTargetGroupName")),
        name.during(change_ports, Every, fails("DuplicateTargetGroupName")),
        many.during(create, Every, fails("TooManyTargets")),
        many.during(change_ports, Every, fails("TooManyTargets")),
        many.during(tick, Every, fails("TooManyTargets")),
        // A refused call is tried again in halves, and those succeed.
        bad.during(create, First, Expects::Success),
        bad.during(tick, Every, fails("InvalidTarget")),
        // The Create has just made the group, so it waits until AWS knows it.
        with_waiting_deadline(missing.during(create, Every, fails("TargetGroupNotFound"))),
        missing.during(tick, Every, fails("TargetGroupNotFound")),
        held.during(delete, First, Expects::Success),
        held.during(change_ports, First, Expects::Success),
        with_waiting_deadline(held.during(change_ports, Every, fails("- target group anb-"))),
    ]
}

fn storage(events: &FaultedEvents) -> Vec<FaultScenario> {
    let FaultedEvents {
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
    // API_DeleteObjects: "200 OK" also if it deleted nothing.
    let kept = RefusedCall {
        service: "s3",
        operation: "DeleteObjects",
        what: FaultKind::Body(
            "<DeleteResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Error>\
             <Key>state.json</Key><Code>AccessDenied</Code><Message>Access Denied</Message>\
             </Error></DeleteResult>"
                .to_owned(),
        ),
    };
    let mut scenarios = vec![
        taken.during(create, Every, fails("BucketAlreadyExists")),
        full.during(delete, First, Expects::Success),
        with_waiting_deadline(full.during(delete, Every, fails("- bucket alb-nlb-binding-"))),
        kept.during(delete, Every, fails("AccessDenied")),
    ];
    let starts_over = "not done in its time";
    let conflicts = "ConditionalRequestConflict";
    for (refused, change, tells) in [(lost, "", starts_over), (conflict, conflicts, conflicts)] {
        scenarios.extend([
            // The first write makes the record: if S3 refuses it, another request may have made it.
            refused.during(create, First, Expects::Either),
            refused.during(create, Second, Expects::Success),
            with_waiting_deadline(refused.during(create, Every, fails(change))),
            refused.during(change_bucket, First, Expects::Either),
            refused.during(change_bucket, Second, Expects::Success),
            with_waiting_deadline(refused.during(change_bucket, Every, fails(change))),
            refused.during(tick, First, Expects::Success),
            with_waiting_deadline(refused.during(tick, Every, fails(tells))),
        ]);
    }
    scenarios
}

/// API_PutTargets and API_RemoveTargets: a response with status 200 tells of entries that failed.
fn schedule(events: &FaultedEvents) -> Vec<FaultScenario> {
    let body = |id: &str| {
        FaultKind::Body(format!(
            "{{\"FailedEntryCount\": 1, \"FailedEntries\": [{{\"TargetId\": \"{id}\", \
             \"ErrorCode\": \"ConcurrentModificationException\", \"ErrorMessage\": \"try again\"}}]}}"
        ))
    };
    let entries = |operation| RefusedCall {
        service: "events",
        operation,
        what: body("alb-nlb-binding"),
    };
    let code = "ConcurrentModificationException";
    vec![
        entries("PutTargets").during(events.create, First, Expects::Success),
        entries("PutTargets").during(events.change_bucket, First, Expects::Success),
        entries("RemoveTargets").during(events.delete, First, Expects::Success),
        with_waiting_deadline(entries("PutTargets").during(events.create, Every, fails(code))),
        with_waiting_deadline(entries("PutTargets").during(
            events.change_bucket,
            Every,
            fails(code),
        )),
        with_waiting_deadline(entries("RemoveTargets").during(events.delete, Every, fails(code))),
    ]
}
