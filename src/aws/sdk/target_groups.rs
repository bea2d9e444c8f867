//! ELBv2: target groups and their attributes.

use super::{Sdk, batches::describe_known, failed, tags::elb_tag_list, unusable};
use crate::aws::api::{AwsError, AwsResult, TargetGroups, retry_while};
use crate::backoff::Backoff;
use crate::model::{Attributes, HealthCheck, HttpCheck, Tags, TargetGroup};
use crate::permit::Permit;
use aws_sdk_elasticloadbalancingv2::types::{
    self, Matcher, ProtocolEnum, TargetGroupAttribute, TargetTypeEnum,
};

impl TargetGroups for Sdk {
    async fn target_groups_by_name(&self, names: &[String]) -> AwsResult<Vec<TargetGroup>> {
        let describe = async |names: &[String]| {
            let output = self
                .elb
                .describe_target_groups()
                .set_names(Some(names.to_vec()))
                .send()
                .await
                .map_err(failed("DescribeTargetGroups", names.join(", ")))?;
            let described = output.target_groups.unwrap_or_default().into_iter();
            Ok(described.map(target_group).collect())
        };
        describe_known(names, AwsError::is_not_found, describe).await
    }

    async fn target_groups_with_prefix(&self, prefix: &str) -> AwsResult<Vec<TargetGroup>> {
        let is_gone_between_two_pages = AwsError::is_not_found;
        let describe = async || self.describe_target_groups(prefix).await;
        let groups = retry_while(
            Backoff::none_at_first(),
            is_gone_between_two_pages,
            describe,
        )
        .await?;
        let named = |group: &TargetGroup| group.name.starts_with(prefix);
        Ok(groups.into_iter().filter(named).collect())
    }

    async fn target_group(&self, arn: &str) -> AwsResult<Option<TargetGroup>> {
        let answer = self
            .elb
            .describe_target_groups()
            .target_group_arns(arn)
            .send()
            .await
            .map_err(failed("DescribeTargetGroups", arn));
        match answer {
            Ok(output) => Ok(output
                .target_groups
                .unwrap_or_default()
                .into_iter()
                .next()
                .map(target_group)),
            // AWS answers ValidationError for an ARN that no target group can have.
            Err(error) if error.is_not_found() || error.is(&["ValidationError"]) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn target_group_attributes(&self, arn: &str) -> AwsResult<Attributes> {
        let output = self
            .elb
            .describe_target_group_attributes()
            .target_group_arn(arn)
            .send()
            .await
            .map_err(failed("DescribeTargetGroupAttributes", arn))?;
        Ok(output
            .attributes
            .unwrap_or_default()
            .into_iter()
            .filter_map(|attribute| Some((attribute.key?, attribute.value?)))
            .collect())
    }

    async fn create_target_group(
        &self,
        _: Permit,
        name: &str,
        port: u16,
        vpc_id: &str,
        health_check: &HealthCheck,
        tags: &Tags,
    ) -> AwsResult<String> {
        let mut call = self
            .elb_once
            .create_target_group()
            .name(name)
            .protocol(ProtocolEnum::Tcp)
            .port(i32::from(port))
            .vpc_id(vpc_id)
            .target_type(TargetTypeEnum::Ip)
            .health_check_protocol(ProtocolEnum::from(health_check.protocol.as_str()))
            .health_check_port(&health_check.port)
            .health_check_interval_seconds(i32::from(health_check.interval_seconds))
            .health_check_timeout_seconds(i32::from(health_check.timeout_seconds))
            .healthy_threshold_count(i32::from(health_check.healthy_threshold))
            .unhealthy_threshold_count(i32::from(health_check.unhealthy_threshold))
            .set_tags(Some(elb_tag_list(tags)));
        if let Some(http) = &health_check.http {
            call = call.health_check_path(&http.path).matcher(matcher(http));
        }
        let output = call
            .send()
            .await
            .map_err(failed("CreateTargetGroup", name))?;
        output
            .target_groups
            .unwrap_or_default()
            .into_iter()
            .next()
            .and_then(|group| group.target_group_arn)
            .ok_or_else(|| {
                unusable(
                    "CreateTargetGroup",
                    name,
                    "the answer names no target group",
                )
            })
    }

    async fn modify_health_check(
        &self,
        _: Permit,
        arn: &str,
        health_check: &HealthCheck,
    ) -> AwsResult<()> {
        let mut call = self
            .elb_once
            .modify_target_group()
            .target_group_arn(arn)
            .health_check_protocol(ProtocolEnum::from(health_check.protocol.as_str()))
            .health_check_port(&health_check.port)
            .health_check_interval_seconds(i32::from(health_check.interval_seconds))
            .health_check_timeout_seconds(i32::from(health_check.timeout_seconds))
            .healthy_threshold_count(i32::from(health_check.healthy_threshold))
            .unhealthy_threshold_count(i32::from(health_check.unhealthy_threshold));
        if let Some(http) = &health_check.http {
            call = call.health_check_path(&http.path).matcher(matcher(http));
        }
        call.send()
            .await
            .map_err(failed("ModifyTargetGroup", arn))?;
        Ok(())
    }

    async fn modify_attributes(
        &self,
        _: Permit,
        arn: &str,
        attributes: &Attributes,
    ) -> AwsResult<()> {
        let attributes = attributes
            .iter()
            .map(|(key, value)| {
                TargetGroupAttribute::builder()
                    .key(key)
                    .value(value)
                    .build()
            })
            .collect();
        self.elb_once
            .modify_target_group_attributes()
            .target_group_arn(arn)
            .set_attributes(Some(attributes))
            .send()
            .await
            .map_err(failed("ModifyTargetGroupAttributes", arn))?;
        Ok(())
    }

    async fn delete_target_group(&self, _: Permit, arn: &str) -> AwsResult<()> {
        self.elb_once
            .delete_target_group()
            .target_group_arn(arn)
            .send()
            .await
            .map_err(failed("DeleteTargetGroup", arn))?;
        Ok(())
    }
}

impl Sdk {
    /// Reads all target groups, 400 a page: AWS has no filter by prefix, and the filter by load balancer leaves out
    /// groups that no listener uses yet.
    async fn describe_target_groups(&self, prefix: &str) -> AwsResult<Vec<TargetGroup>> {
        let pages = self.elb.describe_target_groups().into_paginator().items();
        let groups: Vec<_> = pages
            .send()
            .try_collect()
            .await
            .map_err(failed("DescribeTargetGroups", format!("{prefix}*")))?;
        Ok(groups.into_iter().map(target_group).collect())
    }
}

fn matcher(http: &HttpCheck) -> Matcher {
    Matcher::builder().http_code(&http.matcher).build()
}

fn target_group(described: types::TargetGroup) -> TargetGroup {
    let protocol = described
        .health_check_protocol
        .map(|protocol| protocol.as_str().to_owned())
        .unwrap_or_default();
    // AWS may report a path and a matcher of a TCP check too; they mean nothing there.
    let http = protocol.starts_with("HTTP").then(|| HttpCheck {
        path: described.health_check_path.unwrap_or_default(),
        matcher: described
            .matcher
            .and_then(|matcher| matcher.http_code)
            .unwrap_or_default(),
    });
    TargetGroup {
        arn: described.target_group_arn.unwrap_or_default(),
        name: described.target_group_name.unwrap_or_default(),
        port: to_u16(described.port),
        protocol: described
            .protocol
            .map(|protocol| protocol.as_str().to_owned())
            .unwrap_or_default(),
        target_type: described
            .target_type
            .map(|kind| kind.as_str().to_owned())
            .unwrap_or_default(),
        vpc_id: described.vpc_id.unwrap_or_default(),
        health_check: HealthCheck {
            protocol,
            port: described.health_check_port.unwrap_or_default(),
            interval_seconds: to_u16(described.health_check_interval_seconds),
            timeout_seconds: to_u16(described.health_check_timeout_seconds),
            healthy_threshold: to_u16(described.healthy_threshold_count),
            unhealthy_threshold: to_u16(described.unhealthy_threshold_count),
            http,
        },
        load_balancers: described.load_balancer_arns.unwrap_or_default(),
    }
}

/// AWS gives ports, seconds and counts as 32-bit integers; none is above 65535.
fn to_u16(number: Option<i32>) -> u16 {
    number
        .and_then(|number| u16::try_from(number).ok())
        .unwrap_or_default()
}
