//! Observes AWS for Create and Update: everything that the checks and the plan need, read side by side. The calls to
//! ELBv2 are in `elb`.
//!
//! Changes nothing.

use super::elb::observe_elb;
use super::observed::{GivenTargetGroup, Observed, RecordBucket};
use crate::aws::api::{Aws, AwsError, Trouble, gather, none_if_not_found};
use crate::binding::desired::Desired;
use crate::binding::error::BindingError;
use crate::binding::hints::candidates;
use crate::model::{Rule, Tags};
use crate::progress;
use crate::record::{Located, Record, RuleEvent, Store};
use std::collections::BTreeSet;

/// Finds the record, in whichever bucket it is, and the rule.
///
/// # Errors
/// What AWS refuses.
pub async fn find_record<A: Aws>(
    aws: &A,
    store: &Store<'_, A>,
    desired: &Desired,
) -> Result<(Located, Option<Rule>), BindingError> {
    let rule = aws.rule(&desired.id.rule()).await?;
    let event = RuleEvent::of_rule(rule.as_ref());
    // The bucket of the properties, and the one of the properties before the Update.
    let named = [Some(desired.bucket()), desired.former.bucket.clone()];
    let named = named.into_iter().flatten();
    let candidates = candidates(
        event.map(|event| event.bucket),
        named,
        &desired.own_bucket(),
    );
    Ok((store.locate(candidates).await?, rule))
}

/// Observes everything but the record and the rule, which `find_record` gives, and the stack, whose tags the caller
/// gives.
///
/// # Errors
/// What AWS refuses.
pub async fn observe(
    aws: &impl Aws,
    desired: &Desired,
    located: &Located,
    stack_tags: Tags,
    rule: Option<Rule>,
) -> Result<Observed, BindingError> {
    progress::note("looking at what is there");
    let ports = ports(desired, located);
    let elb = observe_elb(aws, desired, ports.as_ref());
    let given = gather(desired.given().map(|arn| async move {
        let given = given_group(aws, arn).await?;
        Ok::<_, BindingError>((arn.to_owned(), given))
    }));
    let bucket = record_bucket(aws, desired, located);
    let rule_tags = rule_tags(aws, rule.as_ref());
    let (elb, given, bucket, rule_tags) = tokio::try_join!(elb, given, bucket, rule_tags)?;
    Ok(Observed {
        given_groups: given.into_iter().collect(),
        bucket,
        record: record(desired, located),
        rule,
        rule_tags,
        tags: desired.id.tags(stack_tags),
        ..elb
    })
}

/// The ports that own target groups may have been made for. Without a record there are own target groups only if
/// a record was lost, and of these only those of wanted ports matter. `None` if the record does not say it: then
/// every target group of the account has to be listed.
fn ports(desired: &Desired, located: &Located) -> Option<BTreeSet<u16>> {
    match located.record_or_rebuilt() {
        Some(record) => record.ports.clone(),
        None => Some(desired.ports()),
    }
}

/// The record with its bucket. A rebuilt record, which is not written yet, will be in the bucket of the properties.
fn record(desired: &Desired, located: &Located) -> Option<(Record, String)> {
    let held = located.record.as_ref();
    let bucket = held.map_or_else(|| desired.bucket(), |held| held.bucket.clone());
    located
        .record_or_rebuilt()
        .map(|record| (record.clone(), bucket))
}

async fn given_group(aws: &impl Aws, arn: &str) -> Result<Option<GivenTargetGroup>, BindingError> {
    let Some(group) = aws.target_group(arn).await? else {
        return Ok(None);
    };
    let attributes = none_if_not_found(aws.target_group_attributes(arn).await)?;
    Ok(attributes.map(|attributes| GivenTargetGroup { group, attributes }))
}

async fn record_bucket(
    aws: &impl Aws,
    desired: &Desired,
    located: &Located,
) -> Result<RecordBucket, BindingError> {
    let name = desired.bucket();
    let refused = |error: &AwsError| Ok(RecordBucket::Refused(error.reason.clone()));
    let exists = match located.has(&name) {
        Some(Ok(exists)) => exists,
        Some(Err(error)) => return refused(error),
        // The search for the record did not reach this bucket.
        None => match aws.bucket_exists(&name).await {
            // Another account's, another region's, or not in the function's policy: a finding.
            Err(error) if error.trouble == Trouble::Stays => return refused(&error),
            exists => exists?,
        },
    };
    if !exists {
        return Ok(RecordBucket::Missing);
    }
    if desired.properties.bucket_name.is_some() {
        return Ok(RecordBucket::Given);
    }
    let (tags, policy) = tokio::join!(aws.bucket_tags(&name), aws.bucket_policy(&name));
    // S3 shows a bucket that was just made to one call and not to the next.
    let tags = none_if_not_found(tags)?.unwrap_or_default();
    // A policy that cannot be read is a finding: nothing that serves depends on it.
    let policy = none_if_not_found(policy).map(Option::flatten);
    let policy = policy.map_err(|error| error.reason);
    Ok(RecordBucket::Own { tags, policy })
}

async fn rule_tags(aws: &impl Aws, rule: Option<&Rule>) -> Result<Tags, BindingError> {
    let Some(rule) = rule else {
        return Ok(Tags::new());
    };
    // EventBridge shows a rule that was just made to one call and not to the next.
    Ok(none_if_not_found(aws.rule_tags(&rule.arn).await)?.unwrap_or_default())
}
