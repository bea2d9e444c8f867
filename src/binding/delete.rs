//! The mirror of make: takes away everything that carries a binding's id.
//!
//! Goes by the id. The properties, which may be of an older version or wrong, only hint at where
//! to look; and what is looked at is taken away only if it is the binding's by name or tag. What
//! is gone already is fine.

use super::keeping::{self, tolerate};
use super::names::BindingId;
use super::observe::own_listeners;
use super::orders;
use super::plan::lines;
use super::removal::{RELEASED_WITHIN, Removal};
use super::{BindingAws, BindingError};
use crate::model::{Listener, Registered, Rule, TargetGroup};
use crate::pause::Pause;
use crate::progress;
use crate::properties::{
    ListenerProperties, Properties, TargetGroupProperties, is_bucket_name, is_load_balancer_arn,
};
use crate::sync::TickInput;
use crate::sync::state::State;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tokio::time::Instant;
use tracing::{info, warn};

/// How long a target group that is still in use is tried before everything is looked at again.
const LISTENER_PATIENCE: Duration = Duration::from_secs(3);

/// Where the properties say that something of the binding may be. They may be of an older version
/// or wrong: what is no name at all is passed over.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hints {
    nlb_arn: Option<String>,
    bucket: Option<String>,
    has_given_groups: bool,
}

impl Hints {
    /// Reads what can be read of a request's properties.
    pub fn read(properties: &Value, region: &str) -> Self {
        let text = |name: &str| properties.get(name)?.as_str().map(str::to_owned);
        let listeners = properties.get("Listeners").and_then(Value::as_array);
        Self {
            nlb_arn: text("NlbArn").filter(|arn| is_load_balancer_arn(arn, region)),
            bucket: text("BucketName").filter(|name| is_bucket_name(name)),
            has_given_groups: listeners
                .into_iter()
                .flatten()
                .any(|listener| listener.get("TargetGroupArn").is_some()),
        }
    }

    /// The same of properties that were read before.
    pub fn of(properties: &Properties) -> Self {
        let given = |listener: &ListenerProperties| {
            matches!(listener.target_group, TargetGroupProperties::Given { .. })
        };
        Self {
            nlb_arn: Some(properties.nlb_arn.clone()),
            bucket: properties.bucket_name.clone(),
            has_given_groups: properties.listeners.iter().any(given),
        }
    }
}

/// Deletes the binding with this id, whatever is left of it: first the rule, so that no tick
/// starts any more, then what is found after that. It looks again until nothing is found, for a
/// Create or Update that still runs may have made more; that one sees that the state is gone, and
/// takes away what it makes after the last look.
///
/// # Errors
/// What AWS refuses; a repetition takes up where this one ended.
pub async fn delete(
    aws: &impl BindingAws,
    id: &BindingId,
    account: &str,
    hints: &Hints,
) -> Result<(), BindingError> {
    progress::note("looking at what is there");
    let started = Instant::now();
    let mut orders = None;
    let mut pause = Pause::none_at_first();
    loop {
        let rule = aws.rule(&id.rule()).await?;
        orders = orders.or_else(|| orders::current(rule.as_ref()));
        let places = Places::new(id, account, orders.as_ref(), hints);
        // The rule is what tells that a bucket was used: it must not go where that is refused.
        for bucket in places.all() {
            state(aws, id, bucket, &places).await?;
        }
        carry_out(aws, id, plan_silence(rule.as_ref())).await?;
        let remains = observe(aws, id, hints, &places).await?;
        let removed = carry_out(aws, id, plan(&remains, &places)).await;
        match removed {
            // A listener made meanwhile is found by the next look.
            Err(BindingError::Aws(error))
                if error.is(&["ResourceInUse"]) && started.elapsed() < RELEASED_WITHIN => {}
            Err(error) => return Err(error),
            Ok(()) if rule.is_none() && remains == Remains::default() => return Ok(()),
            Ok(()) => {}
        }
        // AWS may show what is gone for a moment longer.
        pause.wait().await;
    }
}

async fn carry_out(
    aws: &impl BindingAws,
    id: &BindingId,
    removals: Vec<Removal>,
) -> Result<(), BindingError> {
    info!(binding = %id, plan = lines(&removals), "plan");
    for removal in &removals {
        removal.apply(aws, id, LISTENER_PATIENCE).await?;
    }
    Ok(())
}

/// A rule can only be deleted without targets.
fn plan_silence(rule: Option<&Rule>) -> Vec<Removal> {
    let Some(rule) = rule else {
        return Vec::new();
    };
    let ids: Vec<_> = rule
        .targets
        .iter()
        .map(|target| target.id.clone())
        .collect();
    let mut removals = Vec::new();
    if !ids.is_empty() {
        removals.push(Removal::RuleTargets { ids });
    }
    removals.push(Removal::Rule);
    removals
}

/// What is left of a binding whose rule is gone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Remains {
    /// Own targets that are registered in target groups of others.
    targets: BTreeMap<String, Registered>,
    listeners: Vec<Listener>,
    groups: Vec<TargetGroup>,
    own_bucket_exists: bool,
    /// Given buckets in which there is a state: they were surely used.
    states: BTreeSet<String>,
}

fn plan(remains: &Remains, places: &Places) -> Vec<Removal> {
    let targets = remains.targets.iter();
    let targets = targets.map(|(target_group, targets)| Removal::Targets {
        target_group: target_group.clone(),
        targets: targets.clone(),
    });
    let listeners = remains.listeners.iter().map(|listener| Removal::Listener {
        arn: listener.arn.clone(),
        port: listener.port,
    });
    let groups = remains.groups.iter().map(|group| Removal::TargetGroup {
        arn: group.arn.clone(),
        name: group.name.clone(),
    });
    let states = places.given.iter().map(|bucket| Removal::State {
        bucket: bucket.clone(),
        surely: places.is_surely_used(bucket) || remains.states.contains(bucket),
    });
    let bucket = remains.own_bucket_exists.then(|| Removal::Bucket {
        bucket: places.own.clone(),
    });
    targets
        .chain(listeners)
        .chain(groups)
        .chain(states)
        .chain(bucket)
        .collect()
}

/// Where the state may be: in the binding's own bucket, and in one that the user gave.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Places {
    own: String,
    given: BTreeSet<String>,
    /// The bucket that the rule named, which the binding surely used.
    ruled: Option<String>,
    /// Whether target groups of the user's own may hold targets of the binding.
    has_given_groups: bool,
}

impl Places {
    fn new(id: &BindingId, account: &str, orders: Option<&TickInput>, hints: &Hints) -> Self {
        let own = id.bucket(account);
        let has_given_groups = orders
            .iter()
            .flat_map(|orders| &orders.target_groups)
            .any(|(arn, _)| !is_own_group(id, arn));
        let ruled = orders.map(|orders| orders.bucket.clone());
        let given = ruled
            .iter()
            .chain(&hints.bucket)
            .filter(|bucket| **bucket != own)
            .cloned()
            .collect();
        Self {
            own,
            given,
            ruled,
            has_given_groups: hints.has_given_groups || has_given_groups,
        }
    }

    fn all(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.own.as_str()).chain(self.given.iter().map(String::as_str))
    }

    fn is_surely_used(&self, bucket: &str) -> bool {
        bucket == self.own || self.ruled.as_deref() == Some(bucket)
    }
}

fn is_own_group(id: &BindingId, arn: &str) -> bool {
    arn.contains(&format!(":targetgroup/{}", id.target_group_prefix()))
}

async fn observe(
    aws: &impl BindingAws,
    id: &BindingId,
    hints: &Hints,
    places: &Places,
) -> Result<Remains, BindingError> {
    let groups = aws.target_groups_named(&id.target_group_prefix()).await?;
    let mut load_balancers: BTreeSet<String> = groups
        .iter()
        .flat_map(|group| group.load_balancers.iter().cloned())
        .collect();
    load_balancers.extend(hints.nlb_arn.clone());
    let mut remains = Remains {
        targets: BTreeMap::new(),
        listeners: own_listeners(aws, &id.to_string(), &load_balancers).await?,
        groups,
        own_bucket_exists: aws.bucket_exists(&places.own).await?,
        states: BTreeSet::new(),
    };
    for bucket in places.all() {
        let Some(state) = state(aws, id, bucket, places).await? else {
            continue;
        };
        if bucket != places.own {
            remains.states.insert(bucket.to_owned());
        }
        for (target_group, own) in state.targets {
            if is_own_group(id, &target_group) {
                continue;
            }
            let mut registered = aws.registered(&target_group).await?.unwrap_or_default();
            registered.retain(|endpoint, _| own.contains_key(endpoint));
            if registered.is_empty() {
                continue;
            }
            remains
                .targets
                .entry(target_group)
                .or_default()
                .extend(registered);
        }
    }
    Ok(remains)
}

async fn state(
    aws: &impl BindingAws,
    id: &BindingId,
    bucket: &str,
    places: &Places,
) -> Result<Option<State>, BindingError> {
    let read = aws.read(bucket, &id.state_key()).await;
    let Some(stored) = tolerate(read, places.is_surely_used(bucket))?.flatten() else {
        return Ok(None);
    };
    match keeping::parse(bucket, &stored) {
        // Nothing depends on it where all target groups go anyway.
        Err(error) if !places.has_given_groups => {
            let error = &error as &dyn std::error::Error;
            warn!(error, "the state is deleted unread");
            Ok(None)
        }
        parsed => parsed.map(Some),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::RuleTarget;
    use serde_json::json;

    const REGION: &str = "us-east-1";

    fn id() -> BindingId {
        BindingId::derive("stack", "Binding", "arn:nlb")
    }

    fn hints(properties: Value) -> Hints {
        Hints::read(&properties, REGION)
    }

    #[test]
    fn the_rule_goes_first_and_its_targets_before_it() {
        let mut rule = Rule {
            arn: "arn:rule".to_owned(),
            schedule: "rate(1 minute)".to_owned(),
            enabled: true,
            targets: vec![RuleTarget {
                id: "theirs".to_owned(),
                arn: "arn:function".to_owned(),
                input: "not ours to read".to_owned(),
            }],
        };
        let plan = plan_silence(Some(&rule));
        assert_eq!(lines(&plan), "- rule target theirs\n- rule");
        rule.targets.clear();
        assert_eq!(lines(&plan_silence(Some(&rule))), "- rule");
        assert!(plan_silence(None).is_empty());
    }

    #[test]
    fn the_rest_goes_in_the_order_of_the_contract() {
        let places = Places::new(
            &id(),
            "123456789012",
            None,
            &hints(json!({"BucketName": "their-bucket"})),
        );
        let endpoint = "10.0.0.1:80".parse().expect("an endpoint");
        let remains = Remains {
            targets: BTreeMap::from([(
                "arn:theirs".to_owned(),
                Registered::from([(endpoint, None)]),
            )]),
            listeners: vec![Listener {
                arn: "arn:listener".to_owned(),
                port: 80,
                protocol: "TCP".to_owned(),
                forwards_to: Vec::new(),
            }],
            groups: Vec::new(),
            own_bucket_exists: true,
            states: BTreeSet::new(),
        };
        let expected = format!(
            "- 1 own targets in arn:theirs\n- listener on port 80\n\
             - state in bucket their-bucket\n- bucket {}",
            id().bucket("123456789012")
        );
        assert_eq!(lines(&plan(&remains, &places)), expected);
    }

    #[test]
    fn properties_that_name_nothing_real_hint_at_nothing() {
        for properties in [
            json!(null),
            json!("text"),
            json!({"NlbArn": 7, "BucketName": ["x"], "Listeners": "x"}),
            json!({"NlbArn": "arn:aws:elasticloadbalancing:eu-west-1:1:loadbalancer/net/n/1"}),
            json!({"BucketName": "Not_A_Bucket", "Listeners": [{"Port": 80}, 7]}),
        ] {
            assert_eq!(hints(properties.clone()), Hints::default(), "{properties}");
        }
    }

    #[test]
    fn only_a_bucket_that_the_rule_named_or_that_is_its_own_was_surely_used() {
        let places = Places::new(
            &id(),
            "123456789012",
            None,
            &hints(json!({"BucketName": "their-bucket"})),
        );
        assert!(!places.is_surely_used("their-bucket"));
        assert!(places.is_surely_used(&id().bucket("123456789012")));
    }
}
