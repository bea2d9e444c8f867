//! ELBv2: load balancers, which are only read.

use super::{Sdk, batches::describe_known, failed, unusable};
use crate::aws::api::{AwsError, AwsResult, LoadBalancers};
use crate::model::{Attributes, LoadBalancer, LoadBalancerType, Scheme, State};
use aws_sdk_elasticloadbalancingv2::types;

impl LoadBalancers for Sdk {
    async fn load_balancers(&self, arns: &[String]) -> AwsResult<Vec<LoadBalancer>> {
        // AWS answers ValidationError for an ARN that no load balancer of ELBv2 can have.
        let is_unknown = |error: &AwsError| error.is_not_found() || error.is(&["ValidationError"]);
        let describe = async |arns: &[String]| self.describe_load_balancers(arns).await;
        describe_known(arns, is_unknown, describe).await
    }

    async fn load_balancer_attributes(&self, arn: &str) -> AwsResult<Attributes> {
        let output = self
            .elb
            .describe_load_balancer_attributes()
            .load_balancer_arn(arn)
            .send()
            .await
            .map_err(failed("DescribeLoadBalancerAttributes", arn))?;
        Ok(output
            .attributes
            .unwrap_or_default()
            .into_iter()
            .filter_map(|attribute| Some((attribute.key?, attribute.value?)))
            .collect())
    }
}

impl Sdk {
    async fn describe_load_balancers(&self, arns: &[String]) -> AwsResult<Vec<LoadBalancer>> {
        let (operation, resource) = ("DescribeLoadBalancers", arns.join(", "));
        let output = self
            .elb
            .describe_load_balancers()
            .set_load_balancer_arns(Some(arns.to_vec()))
            .send()
            .await
            .map_err(failed(operation, resource.clone()))?;
        let lacking = "the answer has no ARN, name, DNS name, VPC, type, scheme or state";
        let usable = |described| {
            load_balancer(described).ok_or_else(|| unusable(operation, resource.clone(), lacking))
        };
        let described = output.load_balancers.unwrap_or_default().into_iter();
        described.map(usable).collect()
    }
}

/// `None` if a field is missing that AWS always sends.
fn load_balancer(described: types::LoadBalancer) -> Option<LoadBalancer> {
    let zones = described.availability_zones.unwrap_or_default();
    Some(LoadBalancer {
        arn: described.load_balancer_arn?,
        name: described.load_balancer_name?,
        dns_name: described.dns_name?,
        kind: LoadBalancerType::of(described.r#type?.as_str()),
        scheme: Scheme::of(described.scheme?.as_str()),
        state: State::of(described.state?.code?.as_str()),
        vpc_id: described.vpc_id?,
        addresses: zones.iter().flat_map(fixed_addresses).collect(),
        zones: zones
            .into_iter()
            .filter_map(|zone| zone.zone_name)
            .collect(),
    })
}

/// The Elastic IPs of an internet-facing NLB, or the private addresses that the subnet mappings of an internal NLB fix.
fn fixed_addresses(zone: &types::AvailabilityZone) -> Vec<String> {
    zone.load_balancer_addresses()
        .iter()
        .filter_map(|address| {
            address
                .ip_address()
                .or_else(|| address.private_ipv4_address())
                .map(str::to_owned)
        })
        .collect()
}
