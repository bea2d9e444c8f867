//! Registers and deregisters as planned, group by group side by side.
//!
//! Within a group registering comes first, and where it failed nothing is deregistered. One bad
//! target keeps no other out.

use super::plan::{GroupPlan, Plan};
use super::{SyncError, TickInput};
use crate::capabilities::{AwsError, SIDE_BY_SIDE, TARGETS_PER_CALL, Targets};
use crate::model::{Endpoint, Registered};
use futures_util::stream::{self, StreamExt};
use tracing::warn;

/// Answers by which AWS refuses a whole call for the sake of some of its targets.
const REFUSALS: [&str; 4] = [
    "InvalidTarget",
    "TooManyTargets",
    "TooManyRegistrationsForTargetId",
    "ValidationError",
];

/// What was done, group by group.
pub(super) struct Applied {
    groups: Vec<AppliedGroup>,
}

struct AppliedGroup {
    target_group: String,
    zone: Option<String>,
    registered: Vec<Endpoint>,
    errors: Vec<SyncError>,
}

pub(super) async fn apply(aws: &impl Targets, input: &TickInput, plan: &Plan) -> Applied {
    let zone = input.availability_zone.as_deref();
    let groups = plan
        .groups
        .iter()
        .map(|(target_group, plan)| apply_group(aws, target_group, plan, zone));
    Applied {
        groups: stream::iter(groups).buffered(SIDE_BY_SIDE).collect().await,
    }
}

async fn apply_group(
    aws: &impl Targets,
    target_group: &str,
    plan: &GroupPlan,
    zone: Option<&str>,
) -> AppliedGroup {
    let mut applied = AppliedGroup {
        target_group: target_group.to_owned(),
        zone: zone.map(str::to_owned),
        registered: Vec::new(),
        errors: Vec::new(),
    };
    for targets in plan.register.chunks(TARGETS_PER_CALL) {
        register(aws, targets, &mut applied).await;
    }
    if !applied.errors.is_empty() {
        return applied;
    }
    let leaving: Vec<_> = plan.deregister.iter().collect();
    for targets in leaving.chunks(TARGETS_PER_CALL) {
        let targets: Registered = targets
            .iter()
            .map(|(endpoint, zone)| (**endpoint, (*zone).clone().or(applied.zone.clone())))
            .collect();
        if let Err(error) = aws.deregister(target_group, &targets).await {
            applied.errors.push(error.into());
        }
    }
    applied
}

/// AWS refuses a call as a whole where one target is bad; halving finds which.
async fn register(aws: &impl Targets, targets: &[Endpoint], applied: &mut AppliedGroup) {
    let mut waiting = vec![targets];
    while let Some(targets) = waiting.pop() {
        let zone = applied.zone.as_deref();
        match aws.register(&applied.target_group, targets, zone).await {
            Ok(()) => applied.registered.extend(targets),
            Err(error) if error.is(&REFUSALS) && targets.len() > 1 => {
                let (first, second) = targets.split_at(targets.len() / 2);
                waiting.extend([second, first]);
            }
            Err(source) => {
                let refused = refused(&applied.target_group, targets, source);
                warn!(error = &refused as &dyn std::error::Error, "not registered");
                applied.errors.push(refused);
            }
        }
    }
}

fn refused(target_group: &str, targets: &[Endpoint], source: AwsError) -> SyncError {
    let targets: Vec<_> = targets.iter().map(Endpoint::to_string).collect();
    SyncError::Refused {
        target_group: target_group.to_owned(),
        targets: targets.join(", "),
        source: Box::new(source),
    }
}

impl Applied {
    pub(super) fn registered_any(&self) -> bool {
        self.groups.iter().any(|group| !group.registered.is_empty())
    }

    /// Takes back what was registered; a group that is gone needs no taking back.
    pub(super) async fn undo(&self, aws: &impl Targets) -> Result<(), AwsError> {
        let mut undone = Ok(());
        for group in &self.groups {
            for targets in group.registered.chunks(TARGETS_PER_CALL) {
                let targets: Registered = targets
                    .iter()
                    .map(|endpoint| (*endpoint, group.zone.clone()))
                    .collect();
                match aws.deregister(&group.target_group, &targets).await {
                    Err(error) if !error.is_not_found() => undone = Err(error),
                    _ => {}
                }
            }
        }
        undone
    }

    /// Whether a group turned out to be gone.
    pub(super) fn tells_of_absence(&self) -> bool {
        self.groups
            .iter()
            .flat_map(|group| &group.errors)
            .any(SyncError::tells_of_absence)
    }

    pub(super) fn into_result(self) -> Result<(), SyncError> {
        let mut errors = self.groups.into_iter().flat_map(|group| group.errors);
        let Some(first) = errors.next() else {
            return Ok(());
        };
        match errors.count() {
            0 => Err(first),
            others => Err(SyncError::Several {
                count: others + 1,
                first: Box::new(first),
            }),
        }
    }
}
