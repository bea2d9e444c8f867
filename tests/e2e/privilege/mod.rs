//! Least privilege: the role in cfn/provider.yaml allows all that the function calls in any test, nothing that it
//! never calls, and no call on what belongs to others. The calls are recorded from the function.

mod life;
mod strangers;

use anyhow::Result;
use lab::policy::{IamRequest, Role};
use std::collections::BTreeSet;

#[tokio::test]
async fn the_role_allows_all_that_a_bindings_life_calls() -> Result<()> {
    let life = life::recorded().await;
    assert!(life.asked.len() > 100, "{}", life.asked.len());
    assert_eq!(life.role.refused(&life.asked)?, []);
    Ok(())
}

#[tokio::test]
async fn every_action_of_every_statement_is_needed_for_a_call() -> Result<()> {
    let life = life::recorded().await;
    let verdict = life.role.judge(&life.asked)?;
    assert_eq!(verdict.unneeded(&life.asked), BTreeSet::new());
    Ok(())
}

#[tokio::test]
async fn no_call_is_allowed_on_what_has_not_our_name_or_tag() -> Result<()> {
    let life = life::recorded().await;
    for request in &life.asked {
        let strangers = strangers::of(request);
        // These actions cannot be limited to a resource, and only look.
        let looks = request.resource == "*"
            && (request.action.starts_with("elasticloadbalancing:Describe")
                || request.action.starts_with("ec2:Describe")
                || request.action == "cloudwatch:GetMetricStatistics"
                || request.action == "events:ListRules");
        assert_eq!(strangers.is_empty(), looks, "{request}");
        let refused = life.role.refused(&strangers)?;
        let allowed: Vec<_> = strangers
            .iter()
            .filter(|stranger| !refused.contains(stranger))
            .collect();
        assert!(allowed.is_empty(), "{allowed:#?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_bucket_key_or_target_group_that_was_not_given_is_refused() -> Result<()> {
    let life = life::recorded().await;
    let given = |request: &&IamRequest| request.resource.contains("their");
    let given: Vec<_> = life.asked.iter().filter(given).cloned().collect();
    assert!(!given.is_empty());
    assert_eq!(Role::default().refused(&given)?, given);
    Ok(())
}
