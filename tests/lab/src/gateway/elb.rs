//! ELBv2 beyond targets: where MiniStack's answers are not AWS's, they are put right here, each
//! by the API reference of its operation. Keeps nothing that MiniStack could be asked for, as its
//! CloudFormation changes load balancers without passing the gateway.

use std::collections::{HashMap, HashSet};

use anyhow::{Context, Result};
use bytes::Bytes;

use super::call::Call;
use super::targets::Subnet;
use super::{Asked, Reply, State, answer};
use crate::api::Refusal;
use crate::xml::Element;

pub(super) const ELB: &str = "elasticloadbalancing";
/// Names or ARNs that one call may name (ELBv2 API, `DescribeLoadBalancers`: "up to 20 load balancers in a single
/// call"; `DescribeTags`: "up to 20 resources"). For target groups it is seen, not written: docs/aws.md.
const AT_MOST: usize = 20;

/// A listener and where it forwards to.
pub(super) struct Listener {
    pub arn: String,
    pub load_balancer: String,
    pub port: String,
    pub target_groups: HashSet<String>,
}

impl Listener {
    pub fn forwards_to(&self, target_group: &str) -> bool {
        self.target_groups.contains(target_group)
    }
}

impl State {
    pub(super) async fn load_balancing(&self, asked: &Asked) -> Result<Reply> {
        let lists = [
            "LoadBalancerArns",
            "Names",
            "ResourceArns",
            "TargetGroupArns",
        ];
        if let Some(list) = lists
            .into_iter()
            .find(|list| asked.call.values(list).len() > AT_MOST)
        {
            let message = format!("{list} may have {AT_MOST} members at most");
            return Ok(answer::error(&asked.call, 400, "ValidationError", &message));
        }
        match asked.call.operation.as_str() {
            "RegisterTargets" => self.register_targets(asked).await,
            "DeregisterTargets" => self.deregister_targets(asked).await,
            "DescribeTargetHealth" => self.describe_target_health(asked).await,
            "CreateLoadBalancer" => self.create_load_balancer(asked).await,
            "DeleteLoadBalancer" => self.delete_load_balancer(asked).await,
            "DescribeLoadBalancers" => self.describe_load_balancers(asked).await,
            "CreateTargetGroup" | "ModifyTargetGroup" => self.put_target_group(asked).await,
            "DescribeTargetGroups" => self.describe_target_groups(asked).await,
            "ModifyTargetGroupAttributes" => self.modify_target_group_attributes(asked).await,
            "DeleteTargetGroup" => self.delete_target_group(asked).await,
            "CreateListener" | "ModifyListener" => self.put_listener(asked).await,
            "DescribeListeners" => self.describe_listeners(asked).await,
            _ => self.forward(asked, None).await,
        }
    }

    /// The group that a call names by its ARN, or MiniStack's refusal.
    pub(super) async fn target_group(&self, call: &Call) -> Result<Result<Element, Reply>> {
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

    pub(super) async fn listeners(&self, call: &Call) -> Result<Vec<Listener>> {
        let mut described = self.api(call).query(ELB, "DescribeListeners", &[]).await?;
        self.mend_listeners(&mut described);
        let listener = |listener: &Element| Listener {
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

    pub(super) async fn subnets(&self, call: &Call) -> Result<HashMap<String, Subnet>> {
        let described = self.api(call).query("ec2", "DescribeSubnets", &[]).await?;
        let subnet = |subnet: &Element| {
            Some((
                subnet.text_of("subnetId").to_owned(),
                Subnet {
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

pub(super) fn form(asked: &Asked) -> Vec<(String, String)> {
    form_urlencoded::parse(&asked.body).into_owned().collect()
}

pub(super) fn encode(form: &[(String, String)]) -> String {
    form_urlencoded::Serializer::new(String::new())
        .extend_pairs(form)
        .finish()
}

/// The document of a success.
pub(super) fn success(reply: &Reply) -> Option<Element> {
    if !reply.status().is_success() {
        return None;
    }
    Element::parse(&String::from_utf8_lossy(reply.body())).ok()
}

pub(super) fn rewritten(reply: Reply, document: &Element) -> Reply {
    reply.map(|_| Bytes::from(document.write()))
}

/// AWS describes all that is asked for by name or ARN, or nothing.
pub(super) fn all_found(
    asked: &Asked,
    found: &Element,
    param: &str,
    field: &str,
    list: &str,
) -> bool {
    asked.call.values(param).iter().all(|wanted| {
        found
            .list(list)
            .iter()
            .any(|item| item.text_of(field) == wanted)
    })
}

pub(super) fn not_found(call: &Call, code: &str, what: &str) -> Reply {
    answer::error(call, 400, code, &format!("One or more {what} not found"))
}

/// MiniStack's refusal of a question of the gateway's own is the answer to the caller too.
pub(super) fn refused(call: &Call, error: anyhow::Error) -> Result<Reply> {
    match error.downcast_ref::<Refusal>() {
        Some(refusal) => Ok(answer::error(
            call,
            refusal.status,
            &refusal.code,
            &refusal.message,
        )),
        None => Err(error),
    }
}
