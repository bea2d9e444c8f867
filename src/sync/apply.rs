//! Steps 6 and 7 of a tick: register, then deregister, as planned. Target groups are served side by side.
//!
//! In a group in which registering failed, nothing is deregistered. But if AWS refuses because of a quota, the targets
//! that are due to leave go first, and then registering is tried once more. One refused target does not keep the others
//! out. Nothing is done without the lease.

use super::error::SyncError;
use super::plan::{GroupPlan, TickPlan};
use crate::aws::api::{CALLS_SIDE_BY_SIDE, TARGETS_PER_CALL, Targets};
use crate::log::chain;
use crate::model::{Endpoint, Registered};
use crate::record::{Lease, LeaseHolder, RecordError};
use futures_util::stream::{self, StreamExt};
use tracing::{info, warn};

/// Errors by which AWS refuses a whole call although it objects to some of the targets only.
const REFUSALS: [&str; 3] = [
    "InvalidTarget",
    "TooManyRegistrationsForTargetId",
    "ValidationError",
];

/// What went wrong.
pub(super) struct Applied {
    errors: Vec<SyncError>,
}

/// One target group and what is planned for it.
struct Group<'a, A, H> {
    aws: &'a A,
    lease: &'a Lease<H>,
    arn: &'a str,
    zone: Option<&'a str>,
    plan: &'a GroupPlan,
}

/// The result of registering in one target group.
#[derive(Default)]
struct Registration {
    errors: Vec<SyncError>,
    /// The quota that refused the last of the targets, and these targets.
    over_quota: Option<(RecordError, Vec<Endpoint>)>,
}

pub(super) async fn apply<H: LeaseHolder>(
    aws: &impl Targets,
    lease: &Lease<H>,
    zone: Option<&str>,
    plan: &TickPlan,
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
    let leaving = groups.iter().zip(&registered);
    let leaving = leaving.filter(|(group, registration)| {
        registration.errors.is_empty() && !group.plan.deregister.is_empty()
    });
    let leaving: Vec<_> = leaving.map(|(group, _)| group.deregister()).collect();
    // The quota is the NLB's: a target that leaves one group makes room in another.
    let has_room = !leaving.is_empty();
    let deregistered: Vec<Vec<_>> = side_by_side(leaving.into_iter()).await;
    let mut errors: Vec<_> = deregistered.into_iter().flatten().collect();
    let retries = groups
        .iter()
        .zip(registered)
        .map(|(group, registration)| group.register_again(registration, has_room));
    let retried: Vec<Vec<_>> = side_by_side(retries).await;
    errors.extend(retried.into_iter().flatten());
    Applied { errors }
}

async fn side_by_side<T>(calls: impl Iterator<Item = impl Future<Output = T>>) -> Vec<T> {
    stream::iter(calls)
        .buffered(CALLS_SIDE_BY_SIDE)
        .collect()
        .await
}

impl<A: Targets, H: LeaseHolder> Group<'_, A, H> {
    /// Step 7, "deregister".
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

    /// Step 6, "register". AWS refuses a call as a whole if one target is bad, so a refused call is halved until
    /// the bad target is alone. Halving would not help against a quota.
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
                    registration.over_quota = Some((error.into(), rest));
                    break;
                }
                Err(source) => {
                    registration.errors.push(self.refused(targets, source));
                }
            }
        }
        registration
    }

    /// Step 6 once more for the targets that were refused because of a quota, if other targets have left. Gives the
    /// errors of both attempts.
    async fn register_again(&self, registration: Registration, has_room: bool) -> Vec<SyncError> {
        let Registration {
            mut errors,
            over_quota,
        } = registration;
        let Some((why, targets)) = over_quota else {
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
        let second = self.register(&targets).await;
        errors.extend(second.errors);
        errors.extend(
            second
                .over_quota
                .map(|(why, targets)| self.refused(&targets, why)),
        );
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
    /// Whether something was left undone because another invocation has written the record.
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
