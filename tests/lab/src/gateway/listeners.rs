//! Listeners: one for a port of a load balancer, to target groups that exist and are of no other
//! load balancer.

use anyhow::Result;

use super::elb::{ELB, Listener, all_found, not_found, refused, success};
use super::{Asked, Reply, State, answer};

/// Network Load Balancer guide, "Quotas".
const LISTENERS: usize = 50;

impl State {
    /// DuplicateListener, TargetGroupNotFound and TargetGroupAssociationLimit of API_CreateListener
    /// and API_ModifyListener.
    pub(super) async fn put_listener(&self, asked: &Asked) -> Result<Reply> {
        let call = &asked.call;
        let listeners = self.listeners(call).await?;
        let own = call.param("ListenerArn");
        let load_balancer = match listeners.iter().find(|listener| listener.arn == own) {
            Some(listener) => listener.load_balancer.as_str(),
            None => call.param("LoadBalancerArn"),
        };
        let mut others = listeners.iter().filter(|listener| listener.arn != own);
        if others
            .any(|other| other.load_balancer == load_balancer && other.port == call.param("Port"))
        {
            let message = format!(
                "A listener already exists on this port for this load balancer '{load_balancer}'"
            );
            return Ok(answer::error(call, 400, "DuplicateListener", &message));
        }
        let of_load_balancer = |other: &&Listener| other.load_balancer == load_balancer;
        let count = listeners.iter().filter(of_load_balancer).count();
        if call.operation == "CreateListener" && count >= LISTENERS {
            let message = "The maximum number of listeners has been reached";
            return Ok(answer::error(call, 400, "TooManyListeners", message));
        }
        for action in call.members("DefaultActions") {
            let Some(group) = action.get("TargetGroupArn") else {
                continue;
            };
            let params = [("TargetGroupArns.member.1", group.as_str())];
            if let Err(error) = self
                .api(call)
                .query(ELB, "DescribeTargetGroups", &params)
                .await
            {
                return refused(call, error);
            }
            if listeners
                .iter()
                .any(|other| other.forwards_to(group) && other.load_balancer != load_balancer)
            {
                let message = format!(
                    "The following target groups cannot be associated with more than one load balancer: {group}"
                );
                return Ok(answer::error(
                    call,
                    400,
                    "TargetGroupAssociationLimit",
                    &message,
                ));
            }
        }
        self.forward(asked, None).await
    }

    pub(super) async fn describe_listeners(&self, asked: &Asked) -> Result<Reply> {
        let load_balancer = asked.call.param("LoadBalancerArn");
        if !load_balancer.is_empty() {
            let params = [("LoadBalancerArns.member.1", load_balancer)];
            if let Err(error) = self
                .api(&asked.call)
                .query(ELB, "DescribeLoadBalancers", &params)
                .await
            {
                return refused(&asked.call, error);
            }
        }
        let reply = self.forward(asked, None).await?;
        let Some(found) = success(&reply) else {
            return Ok(reply);
        };
        if !all_found(asked, &found, "ListenerArns", "ListenerArn", "Listeners") {
            return Ok(not_found(&asked.call, "ListenerNotFound", "listeners"));
        }
        Ok(reply)
    }
}
