//! ELBv2: the targets of a target group.

use super::{Aws, failed, unusable};
use crate::capabilities::{Answer, Targets};
use crate::model::{Endpoint, Registered};
use crate::permit::Permit;
use aws_sdk_elasticloadbalancingv2::types::{
    TargetDescription, TargetHealthDescription, TargetHealthStateEnum,
};

impl Targets for Aws {
    async fn registered(&self, target_group: &str) -> Answer<Option<Registered>> {
        let answer = self
            .elb
            .describe_target_health()
            .target_group_arn(target_group)
            .send()
            .await
            .map_err(failed("DescribeTargetHealth", target_group));
        let described = match answer {
            Ok(output) => output.target_health_descriptions.unwrap_or_default(),
            Err(error) if error.is_not_found() => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut registered = Registered::new();
        for target in described {
            if is_draining(&target) {
                continue;
            }
            let (endpoint, zone) = target
                .target
                .and_then(identity)
                .ok_or_else(|| unreadable(target_group))?;
            registered.insert(endpoint, zone);
        }
        Ok(Some(registered))
    }

    async fn register(
        &self,
        _: Permit,
        target_group: &str,
        targets: &[Endpoint],
        zone: Option<&str>,
    ) -> Answer<()> {
        let targets = targets
            .iter()
            .map(|endpoint| description(endpoint, zone))
            .collect();
        self.elb_once
            .register_targets()
            .target_group_arn(target_group)
            .set_targets(Some(targets))
            .send()
            .await
            .map_err(failed("RegisterTargets", target_group))?;
        Ok(())
    }

    async fn deregister(&self, _: Permit, target_group: &str, targets: &Registered) -> Answer<()> {
        // The zone that a target was registered with is only repeated where it is `all`.
        let targets = targets
            .iter()
            .map(|(endpoint, zone)| {
                description(endpoint, zone.as_deref().filter(|zone| *zone == "all"))
            })
            .collect();
        self.elb_once
            .deregister_targets()
            .target_group_arn(target_group)
            .set_targets(Some(targets))
            .send()
            .await
            .map_err(failed("DeregisterTargets", target_group))?;
        Ok(())
    }
}

fn description(endpoint: &Endpoint, zone: Option<&str>) -> TargetDescription {
    TargetDescription::builder()
        .id(endpoint.address.to_string())
        .port(i32::from(endpoint.port))
        .set_availability_zone(zone.map(str::to_owned))
        .build()
}

/// NLB guide, "Target health status": `draining` is being deregistered, so it is no target any
/// more and may be registered anew. `unhealthy.draining` is registered: it may become healthy again.
fn is_draining(target: &TargetHealthDescription) -> bool {
    target
        .target_health
        .as_ref()
        .and_then(|health| health.state.as_ref())
        .is_some_and(|state| *state == TargetHealthStateEnum::Draining)
}

fn identity(target: TargetDescription) -> Option<(Endpoint, Option<String>)> {
    let endpoint = Endpoint {
        address: target.id?.parse().ok()?,
        port: u16::try_from(target.port?).ok()?,
    };
    Some((endpoint, target.availability_zone))
}

fn unreadable(target_group: &str) -> crate::capabilities::AwsError {
    unusable(
        "DescribeTargetHealth",
        target_group,
        "a target has no IP address and port, as every target of an ip target group has",
    )
}
