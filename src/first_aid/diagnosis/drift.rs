//! Whether the binding's resources are as its properties say. No I/O.

use super::remedy::BY_UPDATE;
use crate::binding::{Chain, Step};
use crate::first_aid::observed::ObservedBinding;

pub(super) fn problems(observed: &ObservedBinding) -> Vec<String> {
    if observed.is_being_changed() {
        return Vec::new();
    }
    let drift = match &observed.drift {
        None => return Vec::new(),
        Some(Err(error)) => return vec![format!("what was made cannot be looked at: {error}")],
        Some(Ok(drift)) => drift,
    };
    // Every other step of a chain that is created again only completes it.
    let created_chains: Vec<_> = drift.steps.iter().filter_map(created).collect();
    let completes_created = |step: &Step| {
        step.chain()
            .is_some_and(|chain| created_chains.contains(&chain))
            && created(step).is_none()
    };
    // That a rule is gone or disabled is a problem of its own.
    let rule_is_enabled = observed.rule.as_ref().is_some_and(|rule| rule.enabled);
    let is_told_already = |step: &Step| !rule_is_enabled && matches!(step, Step::PutRule { .. });
    let steps = drift.steps.iter();
    let steps = steps.filter(|step| !completes_created(step) && !is_told_already(step));
    let steps = steps.filter_map(step_problem);
    drift.findings.iter().cloned().chain(steps).collect()
}

/// The target group and listener that a step creates because they do not exist.
fn created(step: &Step) -> Option<Chain<'_>> {
    match step {
        Step::CreateTargetGroup { .. } | Step::CreateListener { .. } => step.chain(),
        _ => None,
    }
}

/// The problem that a step shows. The plan is that of an Update that changes nothing, so each of its steps undoes what
/// somebody else has changed.
fn step_problem(step: &Step) -> Option<String> {
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
        // Other problems report these, are part of every plan, or do not matter.
        Step::CreateBucket { .. }
        | Step::TagBucket { .. }
        | Step::Claim { .. }
        | Step::MoveRecord { .. }
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
