//! Observes the load balancers with their listeners, and the binding's own target groups. It needs as few calls to
//! ELBv2 as it can, because a hundred bindings may ask at once (ELB guide, "Request throttling for the Elastic Load
//! Balancing API").
//!
//! Changes nothing.

use super::observed::{NlbListener, Observed, OwnTargetGroup};
use crate::aws::api::{Aws, gather, none_if_not_found};
use crate::binding::desired::Desired;
use crate::binding::error::BindingError;
use crate::binding::own::{may_be_own, own_target_groups};
use crate::model::{Attributes, Listener};
use crate::names::TAG;
use std::collections::BTreeSet;

/// The protocols of the NLB's listeners through which a binding's traffic may come. Only of these are the attributes
/// read (ELBv2 API, `ListenerAttribute`).
const TRAFFIC_PROTOCOLS: [&str; 2] = ["TCP", "TLS"];

/// The load balancers that the properties name.
pub(super) fn load_balancer_arns(desired: &Desired) -> Vec<String> {
    let properties = &desired.properties;
    let alb = properties.alb_arn().map(str::to_owned);
    alb.into_iter()
        .chain([properties.nlb_arn.clone()])
        .collect()
}

/// Observes what ELBv2 knows, and leaves the rest at its default. Own target groups may have been made for `ports`.
pub(super) async fn observe_elb(
    aws: &impl Aws,
    desired: &Desired,
    ports: Option<&BTreeSet<u16>>,
) -> Result<Observed, BindingError> {
    let (alb_arn, nlb_arn) = (desired.properties.alb_arn(), &desired.properties.nlb_arn);
    let load_balancers = async { Ok(aws.load_balancers(&load_balancer_arns(desired)).await?) };
    let of_alb = async {
        let Some(alb_arn) = alb_arn else {
            return Ok(None);
        };
        match aws.load_balancer_attributes(alb_arn).await {
            // The call is made before the ALB is known to exist: the ARN may be one that no ALB can have.
            Err(error) if error.is(&["ValidationError"]) => Ok(None),
            told => Ok(none_if_not_found(told)?),
        }
    };
    let on_alb = async {
        match alb_arn {
            Some(alb_arn) => Ok(aws.listeners(alb_arn).await?),
            None => Ok(Vec::new()),
        }
    };
    let own = listeners_and_groups(aws, desired, ports);
    let (found, of_alb, alb_listeners, (nlb_listeners, groups)) =
        tokio::try_join!(load_balancers, of_alb, on_alb, own)?;
    let find = |arn: &str| {
        let mut found = found.iter();
        found.find(|found| found.arn == *arn).cloned()
    };
    let (alb, nlb) = (alb_arn.and_then(find), find(nlb_arn));
    let of_nlb = match (&alb, &nlb) {
        (Some(alb), Some(nlb))
            if !alb.is_in_another_vpc(nlb) && !alb.zones.is_superset(&nlb.zones) =>
        {
            none_if_not_found(aws.load_balancer_attributes(nlb_arn).await)?
        }
        _ => Some(Attributes::new()),
    };
    let mut observed = Observed {
        groups,
        ..Observed::default()
    };
    // A load balancer without attributes was deleted while it was observed.
    if let (Some(alb), Some(attributes)) = (alb, of_alb) {
        observed.alb = Some(alb);
        observed.alb_attributes = attributes;
        observed.alb_listeners = alb_listeners;
    }
    if let (Some(nlb), Some(attributes)) = (nlb, of_nlb) {
        observed.nlb = Some(nlb);
        observed.nlb_attributes = attributes;
        observed.nlb_listeners = nlb_listeners;
    }
    Ok(observed)
}

/// The NLB's listeners that matter, and own target groups.
async fn listeners_and_groups(
    aws: &impl Aws,
    desired: &Desired,
    ports: Option<&BTreeSet<u16>>,
) -> Result<(Vec<NlbListener>, Vec<OwnTargetGroup>), BindingError> {
    let names = ports.map(|ports| desired.id.target_groups(ports));
    let (listeners, groups) = tokio::try_join!(
        async { Ok::<_, BindingError>(aws.listeners(&desired.properties.nlb_arn).await?) },
        async { Ok(own_target_groups(aws, &desired.id, names).await?) },
    )?;
    let listeners: Vec<_> = listeners
        .into_iter()
        .filter(|listener| is_relevant(desired, ports, listener))
        .collect();
    let of_listeners = listeners.iter().map(|listener| &listener.arn);
    let of_groups = groups.iter().map(|group| &group.arn);
    let arns: Vec<_> = of_listeners.chain(of_groups).cloned().collect();
    let tags = async { Ok(aws.elb_tags(&arns).await?) };
    let attributes = gather(listeners.iter().map(|listener| async {
        match TRAFFIC_PROTOCOLS.contains(&listener.protocol.as_str()) {
            true => none_if_not_found(aws.listener_attributes(&listener.arn).await),
            false => Ok(Some(Attributes::new())),
        }
    }));
    let attributes = async { Ok::<_, BindingError>(attributes.await?) };
    let of_groups =
        gather(groups.iter().map(|group| async {
            none_if_not_found(aws.target_group_attributes(&group.arn).await)
        }));
    let of_groups = async { Ok(of_groups.await?) };
    let (mut tags, attributes, of_groups) = tokio::try_join!(tags, attributes, of_groups)?;
    let id = desired.id.to_string();
    // A listener without tags or attributes, or a group without attributes, was deleted while it was observed.
    let listeners = listeners.into_iter().zip(attributes);
    let listeners = listeners.filter_map(|(listener, attributes)| {
        let tags = tags.remove(&listener.arn)?;
        Some(NlbListener {
            is_own: tags.get(TAG) == Some(&id),
            attributes: attributes?,
            listener,
            tags,
        })
    });
    let listeners = listeners.collect();
    let groups = groups.into_iter().zip(of_groups);
    let groups = groups.filter_map(|(group, attributes)| {
        Some(OwnTargetGroup {
            tags: tags.remove(&group.arn).unwrap_or_default(),
            attributes: attributes?,
            group,
        })
    });
    Ok((listeners, groups.collect()))
}

/// Whether a listener of the NLB may be the binding's, has a port that the binding wants, or forwards to a given target
/// group. The others are left out, because an NLB has the listeners of up to fifty bindings.
fn is_relevant(desired: &Desired, ports: Option<&BTreeSet<u16>>, listener: &Listener) -> bool {
    let mut forwards = listener.forwards_to.iter();
    desired.ports().contains(&listener.port)
        || may_be_own(&desired.id, ports, listener)
        || forwards.any(|group| desired.given().any(|given| given == group))
}
