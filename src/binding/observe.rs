//! What is: everything that the checks and the plan need, read side by side.
//!
//! Changes nothing. What is asked of ELBv2 is `wiring`'s.

use super::hints::candidates;
use super::wiring::wiring;
use super::{BindingAws, BindingError, Desired};
use crate::capabilities::{Answer, AwsError, Trouble, gather};
use crate::model::{Attributes, Listener, LoadBalancer, Rule, Tags, TargetGroup};
use crate::progress;
use crate::record::{Located, Record, RuleEvent, Store};
use std::collections::{BTreeMap, BTreeSet};

/// AWS as it is, as far as one binding is concerned.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Observed {
    pub alb: Option<LoadBalancer>,
    pub nlb: Option<LoadBalancer>,
    pub alb_attributes: Attributes,
    pub nlb_attributes: Attributes,
    pub alb_listeners: Vec<Listener>,
    pub nlb_listeners: Vec<NlbListener>,
    /// Target groups that the user gives, by ARN; `None` where there is none.
    pub given_groups: BTreeMap<String, Option<GivenTargetGroup>>,
    /// Target groups that are the binding's by name.
    pub groups: Vec<OwnTargetGroup>,
    /// Whether the bucket that the record is to be in exists.
    pub bucket_exists: bool,
    /// Why a given bucket cannot be used.
    pub bucket_refused: Option<String>,
    /// The record, and the bucket that it is in.
    pub record: Option<(Record, String)>,
    /// The tags of the binding's own bucket, where it uses one.
    pub bucket_tags: Tags,
    /// Its policy, where it has one.
    pub bucket_policy: Option<String>,
    /// Why its policy cannot be read.
    pub bucket_policy_refused: Option<String>,
    pub rule: Option<Rule>,
    pub rule_tags: Tags,
    /// What everything made should be tagged with.
    pub tags: Tags,
}

/// A listener of the NLB, whoever made it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NlbListener {
    pub listener: Listener,
    pub tags: Tags,
    /// Whether it is the binding's by its tag.
    pub is_own: bool,
    /// Read only where the binding's traffic goes through it.
    pub attributes: Attributes,
}

/// A target group that the user gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GivenTargetGroup {
    pub group: TargetGroup,
    pub attributes: Attributes,
}

/// A target group that is the binding's by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnTargetGroup {
    pub group: TargetGroup,
    pub attributes: Attributes,
    pub tags: Tags,
}

/// Finds the record, in whichever bucket it is, and the rule.
pub async fn find<A: BindingAws>(
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
    aws: &impl BindingAws,
    desired: &Desired,
    located: &Located,
    stack_tags: Tags,
    rule: Option<Rule>,
) -> Result<Observed, BindingError> {
    progress::note("looking at what is there");
    let ports = ports(desired, located);
    let wiring = wiring(aws, desired, ports.as_ref());
    let given = gather(desired.given().map(|arn| async move {
        let given = given_group(aws, arn).await?;
        Ok::<_, BindingError>((arn.to_owned(), given))
    }));
    let bucket = bucket(aws, desired, located);
    let rule_tags = rule_tags(aws, rule.as_ref());
    let (wiring, given, bucket, rule_tags) = tokio::try_join!(wiring, given, bucket, rule_tags)?;
    Ok(Observed {
        alb: wiring.alb,
        nlb: wiring.nlb,
        alb_attributes: wiring.alb_attributes,
        nlb_attributes: wiring.nlb_attributes,
        alb_listeners: wiring.alb_listeners,
        nlb_listeners: wiring.nlb_listeners,
        given_groups: given.into_iter().collect(),
        groups: wiring.groups,
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

async fn given_group(
    aws: &impl BindingAws,
    arn: &str,
) -> Result<Option<GivenTargetGroup>, BindingError> {
    let Some(group) = aws.target_group(arn).await? else {
        return Ok(None);
    };
    let attributes = there(aws.target_group_attributes(arn).await)?;
    Ok(attributes.map(|attributes| GivenTargetGroup { group, attributes }))
}

/// The bucket that the record is to be in.
#[derive(Default)]
struct Bucket {
    exists: bool,
    refused: Option<String>,
    tags: Tags,
    policy: Option<String>,
    policy_refused: Option<String>,
}

impl Bucket {
    fn refused(error: &AwsError) -> Self {
        Self {
            refused: Some(error.reason.clone()),
            ..Self::default()
        }
    }
}

async fn bucket(
    aws: &impl BindingAws,
    desired: &Desired,
    located: &Located,
) -> Result<Bucket, BindingError> {
    let name = desired.bucket();
    let is_given = desired.properties.bucket_name.is_some();
    let exists = match located.has(&name) {
        Some(Ok(exists)) => exists,
        Some(Err(error)) => return Ok(Bucket::refused(error)),
        // It was not looked at, for the record was found before.
        None => match aws.bucket_exists(&name).await {
            // Another account's, another region's, or not in the function's policy: a finding.
            Err(error) if error.trouble == Trouble::Stays => return Ok(Bucket::refused(&error)),
            exists => exists?,
        },
    };
    let bucket = Bucket {
        exists,
        ..Bucket::default()
    };
    if is_given || !exists {
        return Ok(bucket);
    }
    let (tags, policy) = tokio::join!(aws.bucket_tags(&name), aws.bucket_policy(&name));
    // S3 shows it to one call and not to the next, where it was just made.
    let tags = there(tags)?.unwrap_or_default();
    let (policy, policy_refused) = match there(policy) {
        Ok(policy) => (policy.flatten(), None),
        // A finding: nothing that serves depends on it.
        Err(error) => (None, Some(error.reason)),
    };
    Ok(Bucket {
        tags,
        policy,
        policy_refused,
        ..bucket
    })
}

async fn rule_tags(aws: &impl BindingAws, rule: Option<&Rule>) -> Result<Tags, BindingError> {
    let Some(rule) = rule else {
        return Ok(Tags::new());
    };
    // EventBridge shows it to one call and not to the next, where it was just made.
    Ok(there(aws.rule_tags(&rule.arn).await)?.unwrap_or_default())
}

/// What AWS tells of something; `None` where that went while it was looked at.
pub(super) fn there<T>(told: Answer<T>) -> Answer<Option<T>> {
    match told {
        Err(error) if error.is_not_found() => Ok(None),
        told => told.map(Some),
    }
}
