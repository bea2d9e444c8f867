//! ELBv2: listeners of both load balancers.

use super::{Sdk, failed, tags::elb_tag_list, unusable};
use crate::aws::api::{AwsError, AwsResult, Listeners, retry_while};
use crate::backoff::Backoff;
use crate::model::{Attributes, Listener, TCP_IDLE_TIMEOUT, Tags};
use crate::permit::Permit;
use aws_sdk_elasticloadbalancingv2::types::{self, Action, ActionTypeEnum, ProtocolEnum};

impl Listeners for Sdk {
    async fn listeners(&self, load_balancer: &str) -> AwsResult<Vec<Listener>> {
        let is_gone_between_two_pages = |error: &AwsError| error.is(&["ListenerNotFound"]);
        let describe = async || self.describe_listeners(load_balancer).await;
        match retry_while(
            Backoff::none_at_first(),
            is_gone_between_two_pages,
            describe,
        )
        .await
        {
            // An ARN that is no load balancer's has no listeners.
            Err(error) if error.is(&["LoadBalancerNotFound", "ValidationError"]) => Ok(Vec::new()),
            listeners => listeners,
        }
    }

    async fn listener_attributes(&self, arn: &str) -> AwsResult<Attributes> {
        let output = self
            .elb
            .describe_listener_attributes()
            .listener_arn(arn)
            .send()
            .await
            .map_err(failed("DescribeListenerAttributes", arn))?;
        Ok(output
            .attributes
            .unwrap_or_default()
            .into_iter()
            .filter_map(|attribute| Some((attribute.key?, attribute.value?)))
            .collect())
    }

    async fn set_idle_timeout(&self, _: Permit, arn: &str, seconds: u32) -> AwsResult<()> {
        let attribute = types::ListenerAttribute::builder()
            .key(TCP_IDLE_TIMEOUT)
            .value(seconds.to_string());
        self.elb_once
            .modify_listener_attributes()
            .listener_arn(arn)
            .attributes(attribute.build())
            .send()
            .await
            .map_err(failed("ModifyListenerAttributes", arn))?;
        Ok(())
    }

    async fn create_listener(
        &self,
        _: Permit,
        load_balancer: &str,
        port: u16,
        target_group: &str,
        tags: &Tags,
    ) -> AwsResult<String> {
        let resource = format!("port {port} of {load_balancer} for {target_group}");
        let output = self
            .elb_once
            .create_listener()
            .load_balancer_arn(load_balancer)
            .protocol(ProtocolEnum::Tcp)
            .port(i32::from(port))
            .default_actions(forward(target_group))
            .set_tags(Some(elb_tag_list(tags)))
            .send()
            .await
            .map_err(failed("CreateListener", resource.clone()))?;
        output
            .listeners
            .unwrap_or_default()
            .into_iter()
            .next()
            .and_then(|listener| listener.listener_arn)
            .ok_or_else(|| unusable("CreateListener", resource, "the answer names no listener"))
    }

    async fn modify_listener(
        &self,
        _: Permit,
        arn: &str,
        port: Option<u16>,
        target_group: &str,
    ) -> AwsResult<()> {
        self.elb_once
            .modify_listener()
            .listener_arn(arn)
            .set_port(port.map(i32::from))
            .default_actions(forward(target_group))
            .send()
            .await
            .map_err(failed(
                "ModifyListener",
                format!("{arn} for {target_group}"),
            ))?;
        Ok(())
    }

    async fn delete_listener(&self, _: Permit, arn: &str) -> AwsResult<()> {
        self.elb_once
            .delete_listener()
            .listener_arn(arn)
            .send()
            .await
            .map_err(failed("DeleteListener", arn))?;
        Ok(())
    }
}

impl Sdk {
    async fn describe_listeners(&self, load_balancer: &str) -> AwsResult<Vec<Listener>> {
        let pages = self
            .elb
            .describe_listeners()
            .load_balancer_arn(load_balancer)
            .into_paginator()
            .items();
        let listeners: Vec<_> = pages
            .send()
            .try_collect()
            .await
            .map_err(failed("DescribeListeners", load_balancer))?;
        Ok(listeners.into_iter().filter_map(listener).collect())
    }
}

fn forward(target_group: &str) -> Action {
    Action::builder()
        .r#type(ActionTypeEnum::Forward)
        .target_group_arn(target_group)
        .build()
}

/// `None` for a listener without a port, which only a Gateway Load Balancer has.
fn listener(described: types::Listener) -> Option<Listener> {
    let mut forwards_to = Vec::new();
    for action in described.default_actions.unwrap_or_default() {
        forwards_to.extend(action.target_group_arn);
        for group in action
            .forward_config
            .and_then(|forward| forward.target_groups)
            .unwrap_or_default()
        {
            forwards_to.extend(group.target_group_arn);
        }
    }
    forwards_to.dedup();
    Some(Listener {
        arn: described.listener_arn.unwrap_or_default(),
        port: described.port.and_then(|port| u16::try_from(port).ok())?,
        protocol: described
            .protocol
            .map(|protocol| protocol.as_str().to_owned())
            .unwrap_or_default(),
        forwards_to,
    })
}
