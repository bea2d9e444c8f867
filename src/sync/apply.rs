//! Steps 6 and 7 of a tick: registers and deregisters as planned, group by group side by side.
//!
//! Within a group registering comes first, and where it failed nothing is deregistered. One bad
//! target keeps no other out. Nothing is done without the lease.

use super::SyncError;
use super::plan::{GroupPlan, Plan};
use crate::capabilities::{AwsError, SIDE_BY_SIDE, TARGETS_PER_CALL, Targets};
use crate::model::{Endpoint, Registered};
use crate::record::{Hold, Lease, RecordError};
use futures_util::stream::{self, StreamExt};
use tracing::warn;

/// Answers by which AWS refuses a whole call for the sake of some of its targets.
const REFUSALS: [&str; 4] = [
    "InvalidTarget",
    "TooManyTargets",
    "TooManyRegistrationsForTargetId",
    "ValidationError",
];

/// What went wrong.
pub(super) struct Applied {
    errors: Vec<SyncError>,
}

/// One group's work.
struct Group<'a, A, H> {
    aws: &'a A,
    lease: &'a Lease<H>,
    arn: &'a str,
    zone: Option<&'a str>,
}

pub(super) async fn apply<H: Hold>(
    aws: &impl Targets,
    lease: &Lease<H>,
    zone: Option<&str>,
    plan: &Plan,
) -> Applied {
    let groups = plan.groups.iter().map(|(arn, plan)| {
        let group = Group {
            aws,
            lease,
            arn,
            zone,
        };
        async move { group.carry_out(plan).await }
    });
    let errors: Vec<Vec<_>> = stream::iter(groups).buffered(SIDE_BY_SIDE).collect().await;
    Applied {
        errors: errors.into_iter().flatten().collect(),
    }
}

impl<A: Targets, H: Hold> Group<'_, A, H> {
    async fn carry_out(&self, plan: &GroupPlan) -> Vec<SyncError> {
        let mut errors = Vec::new();
        for targets in plan.register.chunks(TARGETS_PER_CALL) {
            errors.extend(self.register(targets).await);
        }
        if !errors.is_empty() {
            return errors;
        }
        let leaving: Vec<_> = plan.deregister.iter().collect();
        for targets in leaving.chunks(TARGETS_PER_CALL) {
            let zone =
                |zone: &Option<String>| zone.clone().or_else(|| self.zone.map(str::to_owned));
            let targets: Registered = targets
                .iter()
                .map(|(endpoint, registered_with)| (**endpoint, zone(registered_with)))
                .collect();
            let call = async |permit| self.aws.deregister(permit, self.arn, &targets).await;
            if let Err(error) = self.lease.act(call).await {
                errors.push(error.into());
            }
        }
        errors
    }

    /// AWS refuses a call as a whole where one target is bad; halving finds which.
    async fn register(&self, targets: &[Endpoint]) -> Vec<SyncError> {
        let mut errors = Vec::new();
        let mut waiting = vec![targets];
        while let Some(targets) = waiting.pop() {
            let call = async |permit| {
                let register = self.aws.register(permit, self.arn, targets, self.zone);
                register.await
            };
            match self.lease.act(call).await {
                Ok(()) => {}
                Err(RecordError::Aws(error)) if is_for_a_target(&error) && targets.len() > 1 => {
                    let (first, second) = targets.split_at(targets.len() / 2);
                    waiting.extend([second, first]);
                }
                Err(source) => {
                    let refused = refused(self.arn, targets, source);
                    warn!(error = &refused as &dyn std::error::Error, "not registered");
                    errors.push(refused);
                }
            }
        }
        errors
    }
}

fn is_for_a_target(error: &AwsError) -> bool {
    error.is(&REFUSALS)
}

fn refused(target_group: &str, targets: &[Endpoint], source: RecordError) -> SyncError {
    let targets: Vec<_> = targets.iter().map(Endpoint::to_string).collect();
    SyncError::Refused {
        target_group: target_group.to_owned(),
        targets: targets.join(", "),
        source: Box::new(source),
    }
}

impl Applied {
    /// Whether the record has changed hands meanwhile, so that something was left undone.
    pub(super) fn was_stopped(&self) -> bool {
        let stopped = |error: &SyncError| match error {
            SyncError::Record(RecordError::TakenOver) => true,
            SyncError::Refused { source, .. } => matches!(**source, RecordError::TakenOver),
            _ => false,
        };
        self.errors.iter().any(stopped)
    }

    pub(super) fn into_result(self) -> Result<(), SyncError> {
        let mut errors = self.errors.into_iter();
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
