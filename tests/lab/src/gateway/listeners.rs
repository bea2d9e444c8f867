//! Listeners: a port of a load balancer has one. Their target groups exist and belong to no other
//! load balancer. The weights between several target groups are kept here, for MiniStack does not keep them.

use anyhow::Result;

use super::call::Call;
use super::elb::{ForwardingListener, all_found, not_found, rewritten, success};
use super::reply::{self, ApiReply, refused};
use super::state::{ApiRequest, State};
use crate::lock::lock;
use crate::names::ELB;
use crate::xml::Element;

/// Network Load Balancer guide, "Quotas".
const LISTENERS_PER_LOAD_BALANCER: usize = 50;

impl State {
    /// DuplicateListener, TargetGroupNotFound and TargetGroupAssociationLimit of API_CreateListener
    /// and API_ModifyListener.
    pub(super) async fn put_listener(&self, request: &ApiRequest) -> Result<ApiReply> {
        let call = &request.call;
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
            return Ok(reply::error(call, 400, "DuplicateListener", &message));
        }
        let of_load_balancer = |other: &&ForwardingListener| other.load_balancer == load_balancer;
        let count = listeners.iter().filter(of_load_balancer).count();
        if call.operation == "CreateListener" && count >= LISTENERS_PER_LOAD_BALANCER {
            let message = "The maximum number of listeners has been reached";
            return Ok(reply::error(call, 400, "TooManyListeners", message));
        }
        let actions = call.members("DefaultActions");
        let fields = actions.iter().flatten();
        for (_, group) in fields.filter(|(field, _)| field.ends_with("TargetGroupArn")) {
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
                return Ok(reply::error(
                    call,
                    400,
                    "TargetGroupAssociationLimit",
                    &message,
                ));
            }
        }
        let reply = self.forward(request, None).await?;
        let Some(mut put) = success(&reply) else {
            return Ok(reply);
        };
        if !actions.is_empty() {
            let arn = put.find("ListenerArn").map(|arn| arn.text.clone());
            self.keep_forward(arn.unwrap_or_default(), call);
        }
        self.mend_listeners(&mut put);
        Ok(rewritten(reply, &put))
    }

    fn keep_forward(&self, listener: String, call: &Call) {
        let groups = call.members("DefaultActions.member.1.ForwardConfig.TargetGroups");
        let groups = groups.into_iter().map(|group| {
            let fields = group.iter();
            let fields = fields.map(|(name, value)| Element::with_text(name, value));
            Element::of("member", fields.collect())
        });
        let groups: Vec<_> = groups.collect();
        let mut forwards = lock(&self.forwards);
        match groups.is_empty() {
            true => drop(forwards.remove(&listener)),
            false => {
                let config = Element::of("TargetGroups", groups);
                let config = Element::new("ForwardConfig").with(config);
                forwards.insert(listener, config);
            }
        }
    }

    pub(super) fn mend_listeners(&self, answer: &mut Element) {
        let forwards = lock(&self.forwards);
        for listener in answer.list_mut("Listeners").into_iter().flatten() {
            let forward = forwards.get(listener.text_of("ListenerArn"));
            let actions = listener.list_mut("DefaultActions");
            if let (Some(forward), Some([action])) = (forward, actions.map(Vec::as_mut_slice)) {
                action.set(forward.clone());
            }
        }
    }

    pub(super) async fn describe_listeners(&self, request: &ApiRequest) -> Result<ApiReply> {
        let load_balancer = request.call.param("LoadBalancerArn");
        if !load_balancer.is_empty() {
            let params = [("LoadBalancerArns.member.1", load_balancer)];
            if let Err(error) = self
                .api(&request.call)
                .query(ELB, "DescribeLoadBalancers", &params)
                .await
            {
                return refused(&request.call, error);
            }
        }
        let reply = self.forward(request, None).await?;
        let Some(mut found) = success(&reply) else {
            return Ok(reply);
        };
        if !all_found(request, &found, "ListenerArns", "ListenerArn", "Listeners") {
            return Ok(not_found(&request.call, "ListenerNotFound", "listeners"));
        }
        self.mend_listeners(&mut found);
        Ok(rewritten(reply, &found))
    }
}
