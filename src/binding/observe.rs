//! What is: everything that the checks and the plan need, read side by side.
//!
//! Changes nothing. Waits while a load balancer is being provisioned; the invocation's deadline
//! ends the waiting.

use super::{BindingAws, BindingError, Desired};
use crate::capabilities::{Answer, AwsError, LoadBalancers, Trouble, gather};
use crate::model::{Attributes, Listener, LoadBalancer, Rule, State, Tags, TargetGroup};
use crate::names::TAG;
use crate::pause::Pause;
use crate::progress;
use crate::properties::Properties;
use crate::record::{Located, Record, View};
use std::collections::{BTreeMap, BTreeSet};
use tracing::{info, warn};

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

/// Looks at everything but the record and what CloudFormation says, which were looked at before.
pub async fn observe(
    aws: &impl BindingAws,
    desired: &Desired,
    located: &Located,
    view: &View,
    rule: Option<Rule>,
) -> Result<Observed, BindingError> {
    progress::note("looking at what is there");
    let (alb, nlb) = load_balancers(aws, &desired.properties).await?;
    let alb = wiring(aws, alb);
    let nlb = wiring(aws, nlb);
    let groups = own_groups(aws, desired);
    let given = gather(desired.given().map(|arn| async move {
        let given = given_group(aws, arn).await?;
        Ok::<_, BindingError>((arn.to_owned(), given))
    }));
    let bucket = bucket(aws, desired, located);
    let rule_tags = rule_tags(aws, rule.as_ref());
    let (alb, nlb, groups, given, bucket, rule_tags) =
        tokio::try_join!(alb, nlb, groups, given, bucket, rule_tags)?;
    let nlb_listeners = nlb_listeners(aws, desired, nlb.listeners).await?;
    Ok(Observed {
        alb: alb.load_balancer,
        nlb: nlb.load_balancer,
        alb_attributes: alb.attributes,
        nlb_attributes: nlb.attributes,
        alb_listeners: alb.listeners,
        nlb_listeners,
        given_groups: given.into_iter().collect(),
        groups,
        bucket_exists: bucket.exists,
        bucket_refused: bucket.refused,
        bucket_tags: bucket.tags,
        record: record(desired, located),
        rule,
        rule_tags,
        tags: desired.id.tags(stack_tags(view)),
    })
}

/// The record with its bucket. One that is made anew will be where it is to be.
fn record(desired: &Desired, located: &Located) -> Option<(Record, String)> {
    let held = located.record.as_ref();
    let bucket = held.map_or_else(|| desired.bucket(), |held| held.bucket.clone());
    located.known().map(|record| (record.clone(), bucket))
}

/// CloudFormation does not hand a stack's tags to a custom resource.
fn stack_tags(view: &View) -> Tags {
    let stack = view.stack.as_ref();
    if stack.is_none() {
        warn!("the stack is not known in this account, its tags are not copied");
    }
    stack.map(|stack| stack.tags.clone()).unwrap_or_default()
}

type Pair = (Option<LoadBalancer>, Option<LoadBalancer>);

async fn load_balancers(
    aws: &impl LoadBalancers,
    properties: &Properties,
) -> Result<Pair, BindingError> {
    let mut pause = Pause::short_at_first();
    loop {
        let (alb, nlb) = tokio::try_join!(
            aws.load_balancer(&properties.alb_arn),
            aws.load_balancer(&properties.nlb_arn)
        )?;
        let waiting: Vec<_> = [&alb, &nlb]
            .into_iter()
            .flatten()
            .filter(|load_balancer| load_balancer.state == State::Provisioning)
            .map(|load_balancer| load_balancer.name.as_str())
            .collect();
        if waiting.is_empty() {
            return Ok((alb, nlb));
        }
        let waiting = waiting.join(", ");
        info!(waiting, "waiting while it is provisioned");
        progress::note(format!("waiting until {waiting} is active"));
        pause.wait().await;
    }
}

#[derive(Default)]
struct Wiring {
    load_balancer: Option<LoadBalancer>,
    attributes: Attributes,
    listeners: Vec<Listener>,
}

async fn wiring(
    aws: &impl BindingAws,
    load_balancer: Option<LoadBalancer>,
) -> Result<Wiring, BindingError> {
    let Some(found) = &load_balancer else {
        return Ok(Wiring::default());
    };
    let attributes = aws.load_balancer_attributes(&found.arn);
    let (attributes, listeners) = match tokio::try_join!(attributes, aws.listeners(&found.arn)) {
        // It went while it was looked at.
        Err(error) if error.is(&["LoadBalancerNotFound"]) => return Ok(Wiring::default()),
        answers => answers?,
    };
    Ok(Wiring {
        load_balancer,
        attributes,
        listeners,
    })
}

async fn nlb_listeners(
    aws: &impl BindingAws,
    desired: &Desired,
    listeners: Vec<Listener>,
) -> Result<Vec<NlbListener>, BindingError> {
    let arns: Vec<_> = listeners
        .iter()
        .map(|listener| listener.arn.clone())
        .collect();
    let mut tags = aws.elb_tags(&arns).await?;
    let id = desired.id.to_string();
    let given: BTreeSet<&str> = desired.given().collect();
    let tagged = listeners.into_iter().filter_map(|listener| {
        // Without an answer about its tags it went while it was looked at.
        let tags = tags.remove(&listener.arn)?;
        Some((listener, tags))
    });
    let observed = tagged.map(|(listener, tags)| {
        let is_own = tags.get(TAG) == Some(&id);
        let serves = is_own
            || listener
                .forwards_to
                .iter()
                .any(|group| given.contains(group.as_str()));
        async move {
            let attributes = match serves {
                true => there(aws.listener_attributes(&listener.arn).await)?,
                false => Some(Attributes::new()),
            };
            Ok::<_, BindingError>(attributes.map(|attributes| NlbListener {
                listener,
                tags,
                is_own,
                attributes,
            }))
        }
    });
    Ok(gather(observed).await?.into_iter().flatten().collect())
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

async fn own_groups(
    aws: &impl BindingAws,
    desired: &Desired,
) -> Result<Vec<OwnTargetGroup>, BindingError> {
    let prefix = desired.id.target_group_prefix();
    let groups = aws.target_groups_named(&prefix).await?;
    let arns: Vec<_> = groups.iter().map(|group| group.arn.clone()).collect();
    let mut tags = aws.elb_tags(&arns).await?;
    let own = groups.into_iter().map(|group| {
        let tags = tags.remove(&group.arn).unwrap_or_default();
        async move {
            let attributes = there(aws.target_group_attributes(&group.arn).await)?;
            Ok::<_, BindingError>(attributes.map(|attributes| OwnTargetGroup {
                group,
                attributes,
                tags,
            }))
        }
    });
    Ok(gather(own).await?.into_iter().flatten().collect())
}

/// The bucket that the record is to be in.
#[derive(Default)]
struct Bucket {
    exists: bool,
    refused: Option<String>,
    tags: Tags,
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
    let tags = match exists && !is_given {
        // S3 shows it to one call and not to the next, where it was just made.
        true => there(aws.bucket_tags(&name).await)?.unwrap_or_default(),
        false => Tags::new(),
    };
    Ok(Bucket {
        exists,
        refused: None,
        tags,
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
fn there<T>(told: Answer<T>) -> Answer<Option<T>> {
    match told {
        Err(error) if error.is_not_found() => Ok(None),
        told => told.map(Some),
    }
}
