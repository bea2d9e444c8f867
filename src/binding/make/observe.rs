//! What is: everything that the checks and the plan need, read side by side.
//!
//! Changes nothing. What is asked of ELBv2 is `elb`'s.

use super::elb::look_at_elb;
use super::observed::{GivenTargetGroup, Observed};
use crate::aws::api::{Aws, AwsError, Trouble, gather, unless_gone};
use crate::binding::desired::Desired;
use crate::binding::error::BindingError;
use crate::binding::hints::candidates;
use crate::model::{Rule, Tags};
use crate::progress;
use crate::record::{Located, Record, RuleEvent, Store};
use std::collections::BTreeSet;

/// Finds the record, in whichever bucket it is, and the rule.
pub async fn find<A: Aws>(
    aws: &A,
    store: &Store<'_, A>,
    desired: &Desired,
) -> Result<(Located, Option<Rule>), BindingError> {
    let rule = aws.rule(&desired.id.rule()).await?;
    let event = RuleEvent::of_rule(rule.as_ref());
    // Where it is to be, and where it was to be before.
    let said = [Some(desired.bucket()), desired.former.bucket.clone()];
    let said = said.into_iter().flatten();
    let candidates = candidates(event.map(|event| event.bucket), said, &desired.own_bucket());
    Ok((store.locate(candidates).await?, rule))
}

/// Looks at everything but the record and what CloudFormation says, which were looked at before: of the latter
/// come the tags of the stack.
pub async fn observe(
    aws: &impl Aws,
    desired: &Desired,
    located: &Located,
    stack_tags: Tags,
    rule: Option<Rule>,
) -> Result<Observed, BindingError> {
    progress::note("looking at what is there");
    let ports = ports(desired, located);
    let elb = look_at_elb(aws, desired, ports.as_ref());
    let given = gather(desired.given().map(|arn| async move {
        let given = given_group(aws, arn).await?;
        Ok::<_, BindingError>((arn.to_owned(), given))
    }));
    let bucket = bucket(aws, desired, located);
    let rule_tags = rule_tags(aws, rule.as_ref());
    let (elb, given, bucket, rule_tags) = tokio::try_join!(elb, given, bucket, rule_tags)?;
    Ok(Observed {
        alb: elb.alb,
        nlb: elb.nlb,
        alb_attributes: elb.alb_attributes,
        nlb_attributes: elb.nlb_attributes,
        alb_listeners: elb.alb_listeners,
        nlb_listeners: elb.nlb_listeners,
        given_groups: given.into_iter().collect(),
        groups: elb.groups,
        bucket_exists: bucket.exists,
        bucket_refused: bucket.refused,
        bucket_tags: bucket.tags,
        bucket_policy: bucket.policy,
        bucket_policy_refused: bucket.policy_refused,
        record: record(desired, located),
        rule,
        rule_tags,
        tags: desired.id.tags(stack_tags),
    })
}

/// The ports of the listeners that target groups may have been made for: without a record none was, but by
/// a request whose record was lost, and of those only what is wanted matters. `None` where only a look at every
/// target group tells.
fn ports(desired: &Desired, located: &Located) -> Option<BTreeSet<u16>> {
    match located.known() {
        Some(record) => record.ports.clone(),
        None => Some(desired.ports()),
    }
}

/// The record with its bucket. One that is made anew will be where it is to be.
fn record(desired: &Desired, located: &Located) -> Option<(Record, String)> {
    let held = located.record.as_ref();
    let bucket = held.map_or_else(|| desired.bucket(), |held| held.bucket.clone());
    located.known().map(|record| (record.clone(), bucket))
}

async fn given_group(aws: &impl Aws, arn: &str) -> Result<Option<GivenTargetGroup>, BindingError> {
    let Some(group) = aws.target_group(arn).await? else {
        return Ok(None);
    };
    let attributes = unless_gone(aws.target_group_attributes(arn).await)?;
    Ok(attributes.map(|attributes| GivenTargetGroup { group, attributes }))
}

/// The bucket that the record is to be in.
#[derive(Default)]
struct RecordBucket {
    exists: bool,
    refused: Option<String>,
    tags: Tags,
    policy: Option<String>,
    policy_refused: Option<String>,
}

impl RecordBucket {
    fn refused(error: &AwsError) -> Self {
        Self {
            refused: Some(error.reason.clone()),
            ..Self::default()
        }
    }
}

async fn bucket(
    aws: &impl Aws,
    desired: &Desired,
    located: &Located,
) -> Result<RecordBucket, BindingError> {
    let name = desired.bucket();
    let is_given = desired.properties.bucket_name.is_some();
    let exists = match located.has(&name) {
        Some(Ok(exists)) => exists,
        Some(Err(error)) => return Ok(RecordBucket::refused(error)),
        // It was not looked at, for the record was found before.
        None => match aws.bucket_exists(&name).await {
            // Another account's, another region's, or not in the function's policy: a finding.
            Err(error) if error.trouble == Trouble::Stays => {
                return Ok(RecordBucket::refused(&error));
            }
            exists => exists?,
        },
    };
    let bucket = RecordBucket {
        exists,
        ..RecordBucket::default()
    };
    if is_given || !exists {
        return Ok(bucket);
    }
    let (tags, policy) = tokio::join!(aws.bucket_tags(&name), aws.bucket_policy(&name));
    // S3 shows it to one call and not to the next, where it was just made.
    let tags = unless_gone(tags)?.unwrap_or_default();
    let (policy, policy_refused) = match unless_gone(policy) {
        Ok(policy) => (policy.flatten(), None),
        // A finding: nothing that serves depends on it.
        Err(error) => (None, Some(error.reason)),
    };
    Ok(RecordBucket {
        tags,
        policy,
        policy_refused,
        ..bucket
    })
}

async fn rule_tags(aws: &impl Aws, rule: Option<&Rule>) -> Result<Tags, BindingError> {
    let Some(rule) = rule else {
        return Ok(Tags::new());
    };
    // EventBridge shows it to one call and not to the next, where it was just made.
    Ok(unless_gone(aws.rule_tags(&rule.arn).await)?.unwrap_or_default())
}
