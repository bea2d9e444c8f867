//! Makes one binding: how observe, check, plan and apply follow each other, and when they begin again.
//!
//! They begin again if the request had to wait, if AWS says that something exists already, and if another delivery of
//! the request may have caused an error.

use super::apply::{Applier, MakeResult};
use super::checks::{LastSuccess, check};
use super::former;
use super::observe::observe;
use super::observed::{Observed, RecordBucket};
use super::plan::plan;
use crate::aws::api::Aws;
use crate::backoff::Backoff;
use crate::binding::delete::take_away_replacements;
use crate::binding::desired::Desired;
use crate::binding::error::BindingError;
use crate::discovery::Dns;
use crate::log::chain;
use crate::model::Tags;
use crate::record::{FRESH_FOR, Phase, RecordError, RequestType, ResourceKind, StackView, Turn};
use std::cell::Cell;
use std::time::Duration;
use tokio::time::Instant;
use tracing::{info, warn};

/// For how long everything is observed again because AWS says that something exists already, which it might not show
/// yet.
const SHOWN_WITHIN: Duration = Duration::from_secs(30);

/// Kept of the invocation's time, so that a clean-up whose failure only warns does not fail the request.
const SPARED: Duration = Duration::from_secs(1);

const ALREADY_THERE: [&str; 2] = ["DuplicateTargetGroupName", "DuplicateListener"];

/// Makes the binding as it is desired.
///
/// # Errors
/// Findings of the checks, before anything is made; and what AWS refuses. Such an error may leave a part of the wiring
/// behind, which a repetition completes and Delete takes away.
pub async fn make<A: Aws>(
    aws: &A,
    dns: &impl Dns,
    turn: &Turn<'_, A>,
    desired: &Desired,
) -> Result<MakeResult, BindingError> {
    let making = Making {
        aws,
        dns,
        turn,
        desired,
        alb_listeners_deadline: Cell::default(),
    };
    let mut there_since = None;
    let mut backoff = Backoff::none_at_first();
    loop {
        match making.run().await {
            Ok(Some(made)) => return Ok(made),
            Ok(None) => {}
            // A create call whose response was lost and that was sent again meets its own work.
            Err(error)
                if error.is(&ALREADY_THERE)
                    && there_since.get_or_insert_with(Instant::now).elapsed() < SHOWN_WITHIN =>
            {
                let error = chain(&error);
                info!(error, "it is there already, looking again");
            }
            // Another delivery of the same request changes what this one observes.
            Err(error) if making.is_of_another_delivery(&error).await => {
                let error = chain(&error);
                info!(
                    error,
                    "another delivery has claimed the record meanwhile, looking again"
                );
            }
            Err(error) => return Err(error),
        }
        backoff.wait().await;
    }
}

/// One request that makes a binding.
pub(super) struct Making<'a, 't, A, D> {
    pub(super) aws: &'a A,
    pub(super) dns: &'a D,
    pub(super) turn: &'a Turn<'t, A>,
    pub(super) desired: &'a Desired,
    /// Until when listeners of the ALB are waited for.
    pub(super) alb_listeners_deadline: Cell<Option<Instant>>,
}

impl<A: Aws, D: Dns> Making<'_, '_, A, D> {
    /// Runs once, from the search for the record to the last step. `None` if everything has to be observed again.
    async fn run(&self) -> Result<Option<MakeResult>, BindingError> {
        let Self {
            aws,
            dns,
            turn,
            desired,
            ..
        } = *self;
        let (located, rule) = self.locate().await?;
        let record = located.record_or_rebuilt();
        let is_held = turn.has_claimed(&desired.id);
        if is_held && !record.is_some_and(|record| record.is_held_by(&turn.caller().delivery)) {
            return Err(RecordError::TakenOver.into());
        }
        if record.is_none() {
            turn.may_make_record()?;
        }
        // Read after the record and not beside it: by an older view, a request could pass for the current one although
        // the record says that it is over.
        let mut view = turn.stack_view().await;
        if !is_held {
            turn.judge(record, &view)?;
            view = self.check_wanted(view, record).await?;
        }
        let is_other_delivery =
            record.is_some_and(|record| record.has_open_claim_of(turn.caller()));
        if is_other_delivery && !is_held {
            // That delivery has passed the checks, and its changes would disturb what is observed here.
            self.claim(&located, &view).await?;
            return Ok(None);
        }
        let asked = Instant::now();
        let tags = stack_tags(&view);
        let observed = observe(aws, desired, &located, tags, rule).await?;
        if self.wait_until_provisioned(&observed).await? {
            return Ok(None);
        }
        if record.is_none_or(|record| record.phase == Phase::Making) {
            self.note_just_made(&observed);
        }
        let served = record.filter(|_| turn.caller().kind == RequestType::Update);
        // Counts only a rollback that runs now. CloudFormation may still show an old one when the next Update comes.
        let rolls_back = view.is_rolling_back() == Some(true);
        let last_success = served.and_then(|record| desired.last_success(record, rolls_back));
        let last_success = last_success
            .as_ref()
            .map(|(properties, orders)| LastSuccess { properties, orders });
        let (checked, known) = match check(desired, last_success, &observed) {
            Err(findings)
                if findings.lacks_only_alb_listeners()
                    && Instant::now() < self.alb_listeners_deadline() =>
            {
                info!(%findings, "waiting, for the ALB's listeners may be being made");
                self.wait_for_alb_listeners(last_success, observed, &findings)
                    .await?;
                return Ok(None);
            }
            checked => checked?,
        };
        for finding in known.iter() {
            warn!(finding, "the binding stands all the same");
        }
        let plan = plan(desired, &checked);
        let applier = Applier {
            aws,
            dns,
            turn,
            desired,
            checked,
        };
        if !is_held {
            info!(binding = %desired.id, %plan, "plan");
            // The former record has to name this binding before any part of it is made.
            if former::claim(aws, turn, desired, &view).await? {
                return Ok(None);
            }
            if asked.elapsed() > FRESH_FOR {
                // Observing may have taken so long that the view is out of date.
                Box::pin(self.check_wanted(turn.stack_view().await, record)).await?;
            }
            applier.prepare(&plan).await?;
            if !Box::pin(self.claim(&located, &view)).await? {
                return Ok(None);
            }
        }
        let made = Box::pin(applier.carry_out(&plan)).await?;
        let Desired {
            id,
            account,
            former,
            ..
        } = desired;
        let left = turn.caller().left().saturating_sub(SPARED);
        Box::pin(take_away_replacements(
            aws, turn, id, account, former, &view, left,
        ))
        .await;
        Ok(Some(made))
    }

    /// Notes the parts of a binding that has had no success yet: another delivery may just have made them, so AWS
    /// might not show them yet.
    fn note_just_made(&self, observed: &Observed) {
        let just_made = self.turn.lease().just_made();
        for own in &observed.groups {
            just_made.add(ResourceKind::TargetGroup, &own.group.arn);
        }
        for own in observed.nlb_listeners.iter().filter(|own| own.is_own) {
            just_made.add(ResourceKind::Listener, &own.listener.arn);
        }
        if matches!(observed.bucket, RecordBucket::Own { .. }) {
            just_made.add(ResourceKind::Bucket, &self.desired.own_bucket());
        }
    }
}

/// The tags of the stack, which CloudFormation does not hand to a custom resource.
fn stack_tags(view: &StackView) -> Tags {
    let stack = view.stack.as_ref();
    if stack.is_none() {
        warn!("the stack is not known in this account, its tags are not copied");
    }
    stack.map(|stack| stack.tags.clone()).unwrap_or_default()
}
