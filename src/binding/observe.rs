//! What is: everything that the checks and the plan need, read side by side.
//!
//! Changes nothing. Waits while a load balancer is being provisioned; the invocation's deadline
//! ends the waiting.

use super::names::TAG;
use super::{BindingAws, BindingError, Desired};
use crate::capabilities::{ElbTags, LoadBalancers, Stack, gather};
use crate::model::{Attributes, Listener, LoadBalancer, Rule, Tags, TargetGroup};
use crate::pause::Pause;
use crate::progress;
use crate::properties::Properties;
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
    pub given_groups: BTreeMap<String, Option<TargetGroup>>,
    /// Target groups that are the binding's by name.
    pub groups: Vec<OwnTargetGroup>,
    /// Whether the bucket of the state exists.
    pub bucket_exists: bool,
    /// Why a given bucket cannot be used.
    pub bucket_refused: Option<String>,
    /// Whether there is a state object.
    pub state_exists: bool,
    /// Whether the stack is being deleted.
    pub stack_is_leaving: bool,
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

/// A target group that is the binding's by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnTargetGroup {
    pub group: TargetGroup,
    pub attributes: Attributes,
    pub tags: Tags,
}

pub async fn observe(aws: &impl BindingAws, desired: &Desired) -> Result<Observed, BindingError> {
    progress::note("looking at what is there");
    let (alb, nlb) = load_balancers(aws, &desired.properties).await?;
    let alb = wiring(aws, alb);
    let nlb = wiring(aws, nlb);
    let groups = own_groups(aws, desired);
    let given = gather(desired.given().map(|arn| async move {
        Ok::<_, BindingError>((arn.to_owned(), aws.target_group(arn).await?))
    }));
    let bucket = bucket(aws, desired);
    let rule = rule(aws, desired);
    let stack = stack(aws, desired);
    let (alb, nlb, groups, given, bucket, rule, stack) =
        tokio::try_join!(alb, nlb, groups, given, bucket, rule, stack)?;
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
        state_exists: bucket.state_exists,
        stack_is_leaving: stack.is_leaving,
        rule: rule.0,
        rule_tags: rule.1,
        tags: desired.id.tags(stack.tags),
    })
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
            .filter(|load_balancer| load_balancer.state == "provisioning")
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
    let (attributes, listeners) = tokio::try_join!(
        aws.load_balancer_attributes(&found.arn),
        aws.listeners(&found.arn)
    )?;
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
    let observed = listeners.into_iter().map(|listener| {
        let tags = tags.remove(&listener.arn).unwrap_or_default();
        let is_own = tags.get(TAG) == Some(&id);
        let serves = is_own
            || listener
                .forwards_to
                .iter()
                .any(|group| given.contains(group.as_str()));
        async move {
            let attributes = if serves {
                aws.listener_attributes(&listener.arn).await?
            } else {
                Attributes::new()
            };
            Ok::<_, BindingError>(NlbListener {
                listener,
                tags,
                is_own,
                attributes,
            })
        }
    });
    gather(observed).await
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
            let attributes = aws.target_group_attributes(&group.arn).await?;
            Ok::<_, BindingError>(OwnTargetGroup {
                group,
                attributes,
                tags,
            })
        }
    });
    gather(own).await
}

#[derive(Default)]
struct Bucket {
    exists: bool,
    refused: Option<String>,
    tags: Tags,
    state_exists: bool,
}

async fn bucket(aws: &impl BindingAws, desired: &Desired) -> Result<Bucket, BindingError> {
    let bucket = desired.bucket();
    let is_given = desired.properties.bucket_name.is_some();
    match aws.bucket_exists(&bucket).await {
        Ok(true) => {}
        Ok(false) => return Ok(Bucket::default()),
        // Another account's, another region's, or not in the function's policy: a finding.
        Err(error) if is_given => {
            return Ok(Bucket {
                refused: Some(error.reason),
                ..Bucket::default()
            });
        }
        Err(error) => return Err(error.into()),
    }
    let state = aws.read(&bucket, &desired.id.state_key()).await?;
    let tags = if is_given {
        Tags::new()
    } else {
        aws.bucket_tags(&bucket).await?
    };
    Ok(Bucket {
        exists: true,
        refused: None,
        tags,
        state_exists: state.is_some(),
    })
}

async fn rule(
    aws: &impl BindingAws,
    desired: &Desired,
) -> Result<(Option<Rule>, Tags), BindingError> {
    let rule = aws.rule(&desired.id.rule()).await?;
    let tags = match &rule {
        Some(rule) => aws.rule_tags(&rule.arn).await?,
        None => Tags::new(),
    };
    Ok((rule, tags))
}

async fn stack(aws: &impl BindingAws, desired: &Desired) -> Result<Stack, BindingError> {
    let stack = match aws.stack(&desired.stack_id).await {
        // A stack of another account may use this function; its tags cannot be read from here.
        Err(error) if error.is(&["AccessDenied"]) && !desired.is_stack_of_own_account() => None,
        stack => stack?,
    };
    if stack.is_none() {
        warn!("the stack is not known in this account, its tags are not copied");
    }
    Ok(stack.unwrap_or_default())
}

/// Deletes also need to find the listeners that are a binding's by tag.
pub async fn own_listeners(
    aws: &(impl crate::capabilities::Listeners + ElbTags),
    id: &str,
    load_balancers: &BTreeSet<String>,
) -> Result<Vec<Listener>, BindingError> {
    let mut own = Vec::new();
    for load_balancer in load_balancers {
        let listeners = aws.listeners(load_balancer).await?;
        let arns: Vec<_> = listeners
            .iter()
            .map(|listener| listener.arn.clone())
            .collect();
        let tags = aws.elb_tags(&arns).await?;
        own.extend(listeners.into_iter().filter(|listener| {
            tags.get(&listener.arn)
                .and_then(|tags| tags.get(TAG))
                .is_some_and(|value| value == id)
        }));
    }
    Ok(own)
}
