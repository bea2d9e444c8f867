//! Create and Update: make it so, and do nothing when run again.
//!
//! Look, ask whether it is wanted, check, plan, claim, and carry out; where the claim had to be waited
//! for, or AWS says that something is there already, all is looked at anew.

use super::apply::{Attributes, Context, Made};
use super::checks::check;
use super::desired::rule_event;
use super::hints::Hints;
use super::leaving::take_away;
use super::{BindingAws, BindingError, Desired, observe, plan, replaced};
use crate::capabilities::Dns;
use crate::model::Rule;
use crate::pause::Pause;
use crate::record::{Candidate, Claiming, Hand, Located, Orders, Record, RecordError, Turn, View};
use crate::sync;
use tracing::info;

/// How often everything is looked at anew because AWS says that something exists already.
const STARTS: usize = 3;

/// Makes it so; gives the attributes for `Fn::GetAtt`, and what ticks are to go by from now on.
///
/// # Errors
/// Findings of the checks come before anything is made; everything else may leave some of the
/// wiring behind, which a repetition completes and Delete removes.
pub async fn make<A: BindingAws>(
    aws: &A,
    dns: &impl Dns,
    turn: &Turn<'_, A>,
    desired: &Desired,
) -> Result<(Attributes, Orders), BindingError> {
    let id = &desired.id;
    let mut starts = 1;
    let mut pause = Pause::none_at_first();
    loop {
        let rule = aws.rule(&id.rule()).await?;
        let located = turn
            .store(id)
            .locate(candidates(desired, rule.as_ref()))
            .await?;
        if let Some(unreadable) = located.unreadable {
            return Err(unreadable.why.into());
        }
        let lost = rule_event(rule.as_ref()).filter(|event| located.empty.contains(&event.bucket));
        if let (None, Some(event)) = (&located.record, lost)
            && event.orders.is_some()
        {
            sync::make_anew(aws, &turn.store(id), &event).await?;
            pause.wait().await;
            continue;
        }
        let record = located.record.as_ref().map(|held| &held.record);
        let is_own = record.is_some_and(|record| record.is_held_by(&turn.caller().mark));
        let is_held = is_own && turn.holds(id);
        let mut view = turn.view().await;
        if !is_held {
            turn.judge(record, &view)?;
            view = wanted(aws, turn, desired, view, record).await?;
        }
        let observed = observe::observe(aws, desired, &located, &view, rule).await?;
        let checked = check(desired, &observed)?;
        let plan = plan::plan(desired, &checked);
        let context = Context {
            aws,
            dns,
            turn,
            view: &view,
            desired,
            checked,
        };
        if !is_held {
            info!(binding = %id, %plan, "plan");
            if replaced::claim(aws, turn, desired, &view).await? {
                continue;
            }
            context.prepare(&plan).await?;
            if !Box::pin(claim(aws, turn, desired, &located, &view)).await? {
                pause.wait().await;
                continue;
            }
        }
        match Box::pin(context.carry_out(&plan, &mut Made::default())).await {
            Ok(made) => {
                Box::pin(replaced::take_away(aws, turn, desired, &view)).await;
                return Ok(made);
            }
            // A create whose answer was lost and that was sent again meets its own work.
            Err(error) if starts < STARTS && error.is(&ALREADY_THERE) => {
                let error = &error as &dyn std::error::Error;
                info!(error, "it is there already, looking again");
                starts += 1;
            }
            Err(error) => return Err(error),
        }
    }
}

const ALREADY_THERE: [&str; 2] = ["DuplicateTargetGroupName", "DuplicateListener"];

/// Where the record may be: where the rule says, where it is to be, and where it was to be before.
fn candidates(desired: &Desired, rule: Option<&Rule>) -> Vec<Candidate> {
    let own = desired.own_bucket();
    let ruled = rule_event(rule).map(|event| event.bucket);
    let ruled = ruled.into_iter().map(|bucket| (bucket, true));
    let others = [Some(desired.bucket()), desired.former.bucket.clone()];
    let others = others.into_iter().flatten();
    let others = others.map(|bucket| (bucket.clone(), bucket == own));
    let candidates = ruled.chain(others).chain([(own.clone(), true)]);
    candidates
        .map(|(bucket, surely)| Candidate { bucket, surely })
        .collect()
}

/// Rule 5 of the record. What a request that is not wanted has made, it takes away.
async fn wanted<A: BindingAws>(
    aws: &A,
    turn: &Turn<'_, A>,
    desired: &Desired,
    view: View,
    record: Option<&Record>,
) -> Result<View, BindingError> {
    match turn.is_wanted(&desired.id, view).await {
        Ok(view) => Ok(view),
        Err((view, reason)) => {
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
    }
}

/// Claims the record; `false` where all has to be looked at anew.
async fn claim<A: BindingAws>(
    aws: &A,
    turn: &Turn<'_, A>,
    desired: &Desired,
    located: &Located,
    view: &View,
) -> Result<bool, BindingError> {
    let store = turn.store(&desired.id);
    let bucket = desired.bucket();
    let hand = turn
        .claim(&store, located, &bucket, view, Claiming::ToMake)
        .await?;
    let Hand::Holds { made, waited } = hand else {
        return Ok(false);
    };
    if made {
        // A Delete that ran to its end before there was a record has left no trace.
        let held = turn.read(&desired.id).await?;
        let record = held.as_ref().map(|held| &held.record);
        wanted(aws, turn, desired, turn.view().await, record).await?;
    }
    Ok(!waited)
}
