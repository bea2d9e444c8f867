//! What ELBv2's operations have in common. If MiniStack's answers are not AWS's, each operation puts them right by
//! its API reference. None keeps what MiniStack could be asked for, as MiniStack's CloudFormation changes load
//! balancers without passing the gateway.

use std::collections::{HashMap, HashSet};

use anyhow::{Context, Result};
use bytes::Bytes;

use super::call::Call;
use super::reply::{self, ApiReply, refused};
use super::state::{ApiRequest, State};
use super::targets::DescribedSubnet;
use crate::names::ELB;
use crate::xml::Element;

/// A listener and the target group that it forwards to.
pub(super) struct ForwardingListener {
    pub arn: String,
    pub load_balancer: String,
    pub port: String,
    pub target_groups: HashSet<String>,
}

impl ForwardingListener {
    pub fn forwards_to(&self, target_group: &str) -> bool {
        self.target_groups.contains(target_group)
    }
}

impl State {
    /// The group that a call names by its ARN, or MiniStack's refusal.
    pub(super) async fn target_group(&self, call: &Call) -> Result<Result<Element, ApiReply>> {
        let params = [("TargetGroupArns.member.1", call.param("TargetGroupArn"))];
        match self
            .api(call)
            .query(ELB, "DescribeTargetGroups", &params)
            .await
        {
            Ok(found) => Ok(Ok(found
                .list("TargetGroups")
                .first()
                .context("no error, then a group")?
                .clone())),
            Err(error) => refused(call, error).map(Err),
        }
    }

    pub(super) async fn listeners(&self, call: &Call) -> Result<Vec<ForwardingListener>> {
        let mut described = self.api(call).query(ELB, "DescribeListeners", &[]).await?;
        self.mend_listeners(&mut described);
        let listener = |listener: &Element| ForwardingListener {
            arn: listener.text_of("ListenerArn").to_owned(),
            load_balancer: listener.text_of("LoadBalancerArn").to_owned(),
            port: listener.text_of("Port").to_owned(),
            target_groups: listener
                .list("DefaultActions")
                .iter()
                .flat_map(|action| action.list("TargetGroups").iter().chain([action]))
                .map(|forward| forward.text_of("TargetGroupArn").to_owned())
                .collect(),
        };
        Ok(described.list("Listeners").iter().map(listener).collect())
    }

    pub(super) async fn subnets(&self, call: &Call) -> Result<HashMap<String, DescribedSubnet>> {
        let described = self.api(call).query("ec2", "DescribeSubnets", &[]).await?;
        let subnet = |subnet: &Element| {
            Some((
                subnet.text_of("subnetId").to_owned(),
                DescribedSubnet {
                    vpc: subnet.text_of("vpcId").to_owned(),
                    zone: subnet.text_of("availabilityZone").to_owned(),
                    cidr: subnet.text_of("cidrBlock").parse().ok()?,
                },
            ))
        };
        Ok(described
            .list("subnetSet")
            .iter()
            .filter_map(subnet)
            .collect())
    }
}

pub(super) fn form(request: &ApiRequest) -> Vec<(String, String)> {
    form_urlencoded::parse(&request.body).into_owned().collect()
}

pub(super) fn encode(form: &[(String, String)]) -> String {
    form_urlencoded::Serializer::new(String::new())
        .extend_pairs(form)
        .finish()
}

/// The document of a success.
pub(super) fn success(reply: &ApiReply) -> Option<Element> {
    if !reply.status().is_success() {
        return None;
    }
    Element::parse(&String::from_utf8_lossy(reply.body())).ok()
}

pub(super) fn rewritten(reply: ApiReply, document: &Element) -> ApiReply {
    reply.map(|_| Bytes::from(document.write()))
}

/// AWS describes everything that a call names by name or ARN, or else nothing.
pub(super) fn all_found(
    request: &ApiRequest,
    found: &Element,
    param: &str,
    field: &str,
    list: &str,
) -> bool {
    request.call.values(param).iter().all(|wanted| {
        found
            .list(list)
            .iter()
            .any(|item| item.text_of(field) == wanted)
    })
}

pub(super) fn not_found(call: &Call, code: &str, what: &str) -> ApiReply {
    reply::error(call, 400, code, &format!("One or more {what} not found"))
}
