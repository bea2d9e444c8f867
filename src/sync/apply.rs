//! Steps 6 and 7 of a tick: registers and deregisters as planned, group by group side by side.
//!
//! Registering comes first, and where it failed nothing is deregistered; but where AWS refuses for a quota,
//! what is due to leave makes room, and then it is tried once more. One bad target keeps no other out.
//! Nothing is done without the lease.

use super::error::SyncError;
use super::plan::{GroupPlan, Plan};
use crate::aws::api::{CALLS_SIDE_BY_SIDE, TARGETS_PER_CALL, Targets};
use crate::log::chain;
use crate::model::{Endpoint, Registered};
use crate::record::{Hold, Lease, RecordError};
use futures_util::stream::{self, StreamExt};
use tracing::{info, warn};

/// Responder by which AWS refuses a whole call for the sake of some of its targets.
const REFUSALS: [&str; 3] = [
    "InvalidTarget",
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
    plan: &'a GroupPlan,
}

/// What became of the targets that a group was to get.
#[derive(Default)]
struct Registration {
    errors: Vec<SyncError>,
    /// Why there is no room for the rest of them, and that rest.
    full: Option<(RecordError, Vec<Endpoint>)>,
}

pub(super) async fn apply<H: Hold>(
    aws: &impl Targets,
    lease: &Lease<H>,
    zone: Option<&str>,
    plan: &Plan,
) -> Applied {
    let groups = plan.groups.iter().map(|(arn, plan)| Group {
        aws,
        lease,
        arn,
        zone,
        plan,
    });
    let groups: Vec<_> = groups.collect();
    let register = groups
        .iter()
        .map(|group| group.register(&group.plan.register));
    let registered: Vec<Registration> = side_by_side(register).await;
    // The quota is the NLB's, so that what leaves one group makes room in another.
    let leave = groups.iter().zip(&registered);
    let leave = leave.filter(|(group, registration)| {
        registration.errors.is_empty() && !group.plan.deregister.is_empty()
    });
    let leave: Vec<_> = leave.map(|(group, _)| group).collect();
    let has_room = !leave.is_empty();
    let left: Vec<Vec<_>> = side_by_side(leave.iter().map(|group| group.deregister())).await;
    let mut errors: Vec<_> = left.into_iter().flatten().collect();
    let again = groups
        .iter()
        .zip(registered)
        .map(|(group, registration)| group.register_again(registration, has_room));
    let again: Vec<Vec<_>> = side_by_side(again).await;
    errors.extend(again.into_iter().flatten());
    Applied { errors }
}

async fn side_by_side<T>(calls: impl Iterator<Item = impl Future<Output = T>>) -> Vec<T> {
    stream::iter(calls)
        .buffered(CALLS_SIDE_BY_SIDE)
        .collect()
        .await
}

impl<A: Targets, H: Hold> Group<'_, A, H> {
    async fn deregister(&self) -> Vec<SyncError> {
        let mut errors = Vec::new();
        let leaving: Vec<_> = self.plan.deregister.iter().collect();
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

    /// AWS refuses a call as a whole where one target is bad; halving finds which. A quota it would only
    /// tell again.
    async fn register(&self, targets: &[Endpoint]) -> Registration {
        let mut registration = Registration::default();
        let mut waiting: Vec<_> = targets.chunks(TARGETS_PER_CALL).rev().collect();
        while let Some(targets) = waiting.pop() {
            let call = async |permit| {
                let register = self.aws.register(permit, self.arn, targets, self.zone);
                register.await
            };
            match self.lease.act(call).await {
                Ok(()) => {}
                Err(RecordError::Aws(error)) if error.is(&REFUSALS) && targets.len() > 1 => {
                    let (first, second) = targets.split_at(targets.len() / 2);
                    waiting.extend([second, first]);
                }
                Err(RecordError::Aws(error)) if error.is_quota() => {
                    let rest = [targets].into_iter().chain(waiting.into_iter().rev());
                    let rest = rest.flatten().copied().collect();
                    registration.full = Some((error.into(), rest));
                    break;
                }
                Err(source) => {
                    registration.errors.push(self.refused(targets, source));
                }
            }
        }
        registration
    }

    /// Once more, where what has left has made room.
    async fn register_again(&self, registration: Registration, has_room: bool) -> Vec<SyncError> {
        let Registration { mut errors, full } = registration;
        let Some((why, targets)) = full else {
            return errors;
        };
        if !has_room {
            errors.push(self.refused(&targets, why));
            return errors;
        }
        info!(
            error = %why,
            group = self.arn,
            "what was due to leave has made room, trying once more"
        );
        let again = self.register(&targets).await;
        errors.extend(again.errors);
        errors.extend(again.full.map(|(why, targets)| self.refused(&targets, why)));
        errors
    }

    fn refused(&self, targets: &[Endpoint], source: RecordError) -> SyncError {
        let targets: Vec<_> = targets.iter().map(Endpoint::to_string).collect();
        let refused = SyncError::Refused {
            target_group: self.arn.to_owned(),
            targets: targets.join(", "),
            source: Box::new(source),
        };
        warn!(error = chain(&refused), "not registered");
        refused
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
