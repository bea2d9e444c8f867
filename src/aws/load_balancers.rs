//! ELBv2: load balancers, which are only ever read.

use super::{Aws, failed, unusable};
use crate::capabilities::{Answer, LoadBalancers};
use crate::model::{Attributes, Kind, LoadBalancer, Scheme, State};
use aws_sdk_elasticloadbalancingv2::types;

impl LoadBalancers for Aws {
    async fn load_balancer(&self, arn: &str) -> Answer<Option<LoadBalancer>> {
        let answer = self
            .elb
            .describe_load_balancers()
            .load_balancer_arns(arn)
            .send()
            .await
            .map_err(failed("DescribeLoadBalancers", arn));
        match answer {
            Ok(output) => {
                let described = output.load_balancers.unwrap_or_default().into_iter().next();
                let lacking = "the answer has no ARN, name, DNS name, VPC, type, scheme or state";
                let usable = |described| {
                    let read = load_balancer(described);
                    read.ok_or_else(|| unusable("DescribeLoadBalancers", arn, lacking))
                };
                described.map(usable).transpose()
            }
            // AWS says ValidationError of an ARN that no load balancer of v2 can have.
            Err(error) if error.is_not_found() || error.is(&["ValidationError"]) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn load_balancer_attributes(&self, arn: &str) -> Answer<Attributes> {
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

/// `None` where AWS does not tell what it always tells.
fn load_balancer(described: types::LoadBalancer) -> Option<LoadBalancer> {
    let zones = described.availability_zones.unwrap_or_default();
    Some(LoadBalancer {
        arn: described.load_balancer_arn?,
        name: described.load_balancer_name?,
        dns_name: described.dns_name?,
        kind: Kind::of(described.r#type?.as_str()),
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

/// An internet-facing NLB has its Elastic IPs, an internal one the private addresses that its
/// subnet mappings fix.
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
