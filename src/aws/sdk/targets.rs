//! ELBv2: the targets of a target group.

use super::{Sdk, failed, unusable};
use crate::aws::api::{AwsError, AwsResult, Targets};
use crate::model::{Endpoint, HealthState, Registered, TargetHealth};
use crate::permit::Permit;
use aws_sdk_elasticloadbalancingv2::types::{
    TargetDescription, TargetHealthDescription, TargetHealthStateEnum,
};

impl Targets for Sdk {
    async fn target_health(&self, target_group: &str) -> AwsResult<Option<Vec<TargetHealth>>> {
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
        let readable = |described| target_health(described).ok_or_else(|| unreadable(target_group));
        let targets = described.into_iter().map(readable);
        Ok(Some(targets.collect::<Result<_, _>>()?))
    }

    async fn register(
        &self,
        _: Permit,
        target_group: &str,
        targets: &[Endpoint],
        zone: Option<&str>,
    ) -> AwsResult<()> {
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

    async fn deregister(
        &self,
        _: Permit,
        target_group: &str,
        targets: &Registered,
    ) -> AwsResult<()> {
        // AWS wants the zone that a target was registered with only if that is `all`.
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

fn target_health(described: TargetHealthDescription) -> Option<TargetHealth> {
    let target = described.target?;
    let endpoint = Endpoint {
        address: target.id?.parse().ok()?,
        port: u16::try_from(target.port?).ok()?,
    };
    let health = described.target_health;
    let state = health.as_ref().and_then(|health| health.state.as_ref());
    let state = state.map(TargetHealthStateEnum::as_str).unwrap_or_default();
    let reason = health.as_ref().and_then(|health| health.reason.as_ref());
    Some(TargetHealth {
        endpoint,
        zone: target.availability_zone,
        state: HealthState::of(state),
        reason: reason.map(|reason| reason.as_str().to_owned()),
    })
}

fn unreadable(target_group: &str) -> AwsError {
    unusable(
        "DescribeTargetHealth",
        target_group,
        "a target has no IP address and port, as every target of an ip target group has",
    )
}
