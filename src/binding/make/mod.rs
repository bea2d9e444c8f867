//! Create and Update: make it so, and do nothing when run again.
//!
//! Look, ask whether it is wanted, check, plan, claim, and carry out; where the claim had to be waited
//! for, or AWS says that something is there already, all is looked at anew.

mod apply;
mod checks;
mod elb;
mod former;
mod observe;
mod observed;
mod orders;
mod plan;
mod policy;
#[cfg(test)]
mod proptests;
#[cfg(test)]
mod tests;

pub use apply::{Bound, ReturnValues};
pub use checks::{Backend, Checked, Standing, check};
pub use observe::{find, observe};
pub use observed::{NlbListener, Observed, OwnTargetGroup};
pub use plan::{Plan, plan};

use super::delete::{take_away, take_away_replacements};
use super::desired::Desired;
use super::error::BindingError;
use super::findings::Findings;
use super::hints::Hints;
use crate::aws::api::Aws;
use crate::backoff::Backoff;
use crate::discovery::Dns;
use crate::log::chain;
use crate::model::{Rule, Tags};
use crate::progress;
use crate::record::{
    Claiming, FRESH, Hand, Located, Phase, Record, RecordError, RequestType, ResourceKind,
    Response, RuleEvent, Turn, View,
};
use crate::sync::{self, Unseen};
use apply::Applier;
use elb::are_provisioned;
use std::cell::Cell;
use std::time::Duration;
use tokio::time::Instant;
use tracing::{info, warn};

/// For how long everything is looked at anew because AWS says that something exists already, which it may
/// not show yet.
const SHOWN_WITHIN: Duration = Duration::from_secs(30);

/// How long a listener of the ALB that is not there yet is waited for: a template may make it beside the
/// binding.
const LISTENS_WITHIN: Duration = Duration::from_secs(60);

/// Kept of the invocation's time, so that what only warns does not fail the request that has done its work.
const SPARED: Duration = Duration::from_secs(1);

const ALREADY_THERE: [&str; 2] = ["DuplicateTargetGroupName", "DuplicateListener"];

/// CloudFormation does not hand a stack's tags to a custom resource.
fn stack_tags(view: &View) -> Tags {
    let stack = view.stack.as_ref();
    if stack.is_none() {
        warn!("the stack is not known in this account, its tags are not copied");
    }
    stack.map(|stack| stack.tags.clone()).unwrap_or_default()
}

/// Makes it so.
///
/// # Errors
/// Findings of the checks come before anything is made; everything else may leave some of the
/// wiring behind, which a repetition completes and Delete removes.
pub async fn make<A: Aws>(
    aws: &A,
    dns: &impl Dns,
    turn: &Turn<'_, A>,
    desired: &Desired,
) -> Result<Bound, BindingError> {
    let making = Making {
        aws,
        dns,
        turn,
        desired,
        alb_listens_by: Cell::default(),
    };
    let mut there_since = None;
    let mut backoff = Backoff::none_at_first();
    loop {
        match making.start().await {
            Ok(Some(made)) => return Ok(made),
            Ok(None) => {}
            // A create whose answer was lost and that was sent again meets its own work.
            Err(error)
                if error.is(&ALREADY_THERE)
                    && there_since.get_or_insert_with(Instant::now).elapsed() < SHOWN_WITHIN =>
            {
                let error = chain(&error);
                info!(error, "it is there already, looking again");
            }
            // What another delivery of the same request does meanwhile is in the way of a look.
            Err(error) if making.is_in_the_way(&error).await => {
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

struct Making<'a, 't, A, D> {
    aws: &'a A,
    dns: &'a D,
    turn: &'a Turn<'t, A>,
    desired: &'a Desired,
    /// Until when listeners of the ALB are waited for.
    alb_listens_by: Cell<Option<Instant>>,
}

impl<A: Aws, D: Dns> Making<'_, '_, A, D> {
    /// From the first look to the last step; `None` where all has to be looked at anew.
    async fn start(&self) -> Result<Option<Bound>, BindingError> {
        let Self {
            aws,
            dns,
            turn,
            desired,
            ..
        } = *self;
        let (located, rule) = self.locate().await?;
        let record = located.known();
        let is_held = turn.holds(&desired.id);
        if is_held && !record.is_some_and(|record| record.is_held_by(&turn.caller().mark)) {
            return Err(RecordError::TakenOver.into());
        }
        if record.is_none() {
            turn.may_make()?;
        }
        // Not beside the record: an older view would take a request for the current one that the record tells to
        // be over.
        let mut view = turn.view().await;
        if !is_held {
            turn.judge(record, &view)?;
            view = self.wanted(view, record).await?;
        }
        let is_other_delivery = record.is_some_and(|record| record.is_served_for(turn.caller()));
        if is_other_delivery && !is_held {
            // It has passed the checks, and what it is doing now would only be in the way of a look.
            self.hold(&located, &view).await?;
            return Ok(None);
        }
        let asked = Instant::now();
        let tags = stack_tags(&view);
        let observed = observe(aws, desired, &located, tags, rule).await?;
        if are_provisioned(aws, desired, &observed).await? {
            return Ok(None);
        }
        if record.is_none_or(|record| record.phase == Phase::Making) {
            self.may_be_fresh(&observed);
        }
        let stands = record.filter(|_| turn.caller().kind == RequestType::Update);
        // A rollback that is over is none: the next Update may meet it still.
        let rolls_back = view.is_rolling_back() == Some(true);
        let stands = stands.and_then(|record| desired.standing(record, rolls_back));
        let standing = stands
            .as_ref()
            .map(|(properties, orders)| Standing { properties, orders });
        let (checked, known) = match check(desired, standing, &observed) {
            Err(findings) if findings.may_pass() && Instant::now() < self.alb_listens_by() => {
                info!(%findings, "waiting, for the ALB's listeners may be being made");
                self.alb_listens(standing, observed, &findings).await?;
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
            // The former record is to know of this binding before there is anything of it.
            if former::claim(aws, turn, desired, &view).await? {
                return Ok(None);
            }
            if asked.elapsed() > FRESH {
                // Load balancers that were being made may have taken minutes.
                Box::pin(self.wanted(turn.view().await, record)).await?;
            }
            applier.prepare(&plan).await?;
            if !Box::pin(self.hold(&located, &view)).await? {
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

    /// Waits for listeners of the ALB that are made while this request runs. What else was observed is old
    /// by then.
    async fn alb_listens(
        &self,
        standing: Option<Standing<'_>>,
        mut observed: Observed,
        findings: &Findings,
    ) -> Result<(), BindingError> {
        let Self { aws, desired, .. } = *self;
        progress::note(format!("waiting, for {findings}"));
        let mut backoff = Backoff::short_at_first();
        let may_come = |observed: &Observed| {
            let checked = check(desired, standing, observed);
            checked.is_err_and(|findings| findings.may_pass())
        };
        while may_come(&observed) && Instant::now() < self.alb_listens_by() {
            backoff.wait().await;
            if let Some(alb_arn) = desired.properties.alb_arn() {
                observed.alb_listeners = aws.listeners(alb_arn).await?;
            }
        }
        Ok(())
    }

    fn alb_listens_by(&self) -> Instant {
        let by = self.alb_listens_by.get();
        let by = by.unwrap_or_else(|| Instant::now() + LISTENS_WITHIN);
        self.alb_listens_by.set(Some(by));
        by
    }

    /// What is there of a binding that has had no success yet may just have been made, by a try whose answer
    /// was lost.
    fn may_be_fresh(&self, observed: &Observed) {
        let fresh = self.turn.lease().fresh();
        for own in &observed.groups {
            fresh.add(ResourceKind::TargetGroup, &own.group.arn);
        }
        for own in observed.nlb_listeners.iter().filter(|own| own.is_own) {
            fresh.add(ResourceKind::Listener, &own.listener.arn);
        }
        if observed.bucket_exists && self.desired.properties.bucket_name.is_none() {
            fresh.add(ResourceKind::Bucket, &self.desired.own_bucket());
        }
    }

    /// Whether an error may be the doing of another delivery of this request, which has claimed the record,
    /// or has had an answer.
    async fn is_in_the_way(&self, error: &BindingError) -> bool {
        let is_verdict = matches!(
            error,
            BindingError::Record(
                RecordError::Answered(_)
                    | RecordError::Superseded
                    | RecordError::NotWanted { .. }
                    | RecordError::TakenOver
            )
        );
        if is_verdict || self.turn.holds(&self.desired.id) {
            return false;
        }
        let caller = self.turn.caller();
        let record = match self.locate().await {
            Ok((located, _)) => located.record.map(|held| held.record),
            Err(_) => None,
        };
        record.is_some_and(|record| {
            let is_answered = record.answer_to(&caller.mark.request).is_some();
            is_answered || record.is_served_for(caller)
        })
    }

    /// Finds the record, and the rule.
    async fn locate(&self) -> Result<(Located, Option<Rule>), BindingError> {
        let Self {
            aws,
            dns,
            turn,
            desired,
            ..
        } = *self;
        let store = turn.store(&desired.id);
        loop {
            let (mut located, rule) = find(aws, &store, desired).await?;
            if let Some(unreadable) = located.unreadable {
                return Err(unreadable.why.into());
            }
            let event = RuleEvent::of_rule(rule.as_ref());
            if let Some(event) = event.filter(|event| located.has_lost(event)) {
                if located.empty.contains(&event.bucket) {
                    // There ticks look for it.
                    sync::make_anew(aws, dns, &store, &event, Unseen::IsWaitedFor).await?;
                    continue;
                }
                located.anew = sync::anew(aws, dns, &event, Unseen::IsWaitedFor).await?;
            }
            return Ok((located, rule));
        }
    }

    /// Rule 5 of the record. What a request that is not wanted has made, it takes away.
    async fn wanted(&self, view: View, record: Option<&Record>) -> Result<View, BindingError> {
        let Self {
            aws, turn, desired, ..
        } = *self;
        let (view, reason) = match turn.is_wanted(&desired.id, record, view).await {
            Ok(view) => return Ok(view),
            Err(refused) => refused,
        };
        self.has_no_answer().await?;
        let is_own_work = match record {
            Some(record) => record.claim.as_ref().is_some_and(|claim| {
                claim.made && claim.mark.request == turn.caller().mark.request
            }),
            None => !view.names(&desired.id),
        };
        if is_own_work {
            info!("taking away what this request has made");
            let hints = Hints::of(&desired.properties);
            let taken = take_away(aws, turn, &desired.id, &desired.account, &hints, &view);
            Box::pin(taken).await?;
        }
        Err(RecordError::NotWanted { reason }.into())
    }

    /// Another delivery may have had its answer since the record was looked at; and where the binding has been
    /// taken away by then, only the former one's record still tells.
    async fn has_no_answer(&self) -> Result<(), RecordError> {
        match self.answer().await {
            Ok(Some(answer)) => Err(RecordError::Answered(Box::new(answer))),
            Ok(None) => Ok(()),
            Err(error) => {
                let error = chain(&error);
                warn!(
                    error,
                    "whether this request has been answered cannot be told"
                );
                Ok(())
            }
        }
    }

    async fn answer(&self) -> Result<Option<Response>, BindingError> {
        let (located, _) = self.locate().await?;
        let request = &self.turn.caller().mark.request;
        match located.known().and_then(|record| record.answer_to(request)) {
            Some(answer) => Ok(Some(answer.clone())),
            None => former::answer(self.aws, self.turn, self.desired).await,
        }
    }

    /// Claims the former binding's record, where there is one, and then this one's; `false` where all has
    /// to be looked at anew.
    async fn hold(&self, located: &Located, view: &View) -> Result<bool, BindingError> {
        let Self {
            aws, turn, desired, ..
        } = *self;
        if former::claim(aws, turn, desired, view).await? {
            return Ok(false);
        }
        let store = turn.store(&desired.id);
        let bucket = desired.bucket();
        let ports = &desired.ports();
        let claiming = Claiming::ToMake { ports };
        let hand = turn.claim(&store, located, &bucket, view, claiming).await?;
        let Hand::Holds { made, waited } = hand else {
            return Ok(false);
        };
        if made {
            // A Delete that ran to its end before there was a record has left no trace.
            let held = turn.last(&desired.id);
            let record = held.as_ref().map(|held| &held.record);
            self.wanted(turn.view_again(view).await, record).await?;
        }
        Ok(!waited)
    }
}
