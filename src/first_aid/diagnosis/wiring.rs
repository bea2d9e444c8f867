//! Whether what was made is as the properties have it. Pure.

use super::BY_UPDATE;
use crate::binding::{Chain, Step};
use crate::first_aid::observed::Sight;

pub(super) fn of_wiring(sight: &Sight) -> Vec<String> {
    if sight.is_being_changed() {
        return Vec::new();
    }
    let wiring = match &sight.wiring {
        None => return Vec::new(),
        Some(Err(error)) => return vec![format!("what was made cannot be looked at: {error}")],
        Some(Ok(wiring)) => wiring,
    };
    let made: Vec<_> = wiring.steps.iter().filter_map(makes).collect();
    let is_of_made = |step: &Step| {
        step.chain().is_some_and(|chain| made.contains(&chain)) && makes(step).is_none()
    };
    // Of a rule that is gone or disabled it is told already.
    let fires = sight.rule.as_ref().is_some_and(|rule| rule.enabled);
    let is_told = |step: &Step| !fires && matches!(step, Step::PutRule { .. });
    let steps = wiring.steps.iter();
    let steps = steps.filter(|step| !is_of_made(step) && !is_told(step));
    let steps = steps.filter_map(of_step);
    wiring.findings.iter().cloned().chain(steps).collect()
}

/// What a step makes that is not there.
fn makes(step: &Step) -> Option<Chain<'_>> {
    match step {
        Step::CreateTargetGroup { .. } | Step::CreateListener { .. } => step.chain(),
        _ => None,
    }
}

/// What a step of an Update that changes nothing tells: that somebody else has changed it.
fn of_step(step: &Step) -> Option<String> {
    let wrong = match step {
        Step::CreateListener { port, .. } => {
            format!("the NLB's listener on port {port} is gone, so nobody is served there")
        }
        Step::ForwardListener { port, .. } => {
            format!(
                "the NLB's listener on port {port} leads to something else than the binding's target group"
            )
        }
        Step::CreateTargetGroup { name, .. } => format!("the target group {name} is gone"),
        Step::ModifyHealthCheck { .. }
        | Step::ModifyAttributes { .. }
        | Step::SetIdleTimeout { .. } => {
            format!("somebody else has changed what the properties say ({step})")
        }
        Step::PutRule { schedule } => {
            format!("the rule has another schedule than {schedule}")
        }
        Step::PutBucketPolicy { bucket, .. } => {
            format!("the policy of the bucket {bucket} does not deny requests without TLS")
        }
        // Told elsewhere, done in any case, or of no consequence.
        Step::CreateBucket { .. }
        | Step::TagBucket { .. }
        | Step::Claim { .. }
        | Step::TakeRecord { .. }
        | Step::TagTargetGroup { .. }
        | Step::Sync { .. }
        | Step::MoveListener { .. }
        | Step::TagListener { .. }
        | Step::TagRule { .. }
        | Step::PutRuleTarget
        | Step::Remove(_) => return None,
    };
    Some(format!("{wrong}: {BY_UPDATE}"))
}
