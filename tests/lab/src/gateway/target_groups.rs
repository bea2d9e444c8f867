//! Target groups: their load balancers, which follow from the listeners that exist now, the health checks of the
//! network protocols, and no deletion of groups that are in use.

use std::collections::{BTreeMap, HashSet};

use anyhow::Result;

use super::call::Call;
use super::elb::{ForwardingListener, all_found, encode, form, not_found, rewritten, success};
use super::reply::{self, ApiReply, refused};
use super::state::{ApiRequest, State};
use crate::names::ELB;
use crate::xml::Element;

impl State {
    pub(super) async fn describe_target_groups(&self, request: &ApiRequest) -> Result<ApiReply> {
        // MiniStack would select by the load balancers that a group once had, so the selection is made here.
        let load_balancer = request.call.param("LoadBalancerArn");
        let form: Vec<_> = form(request)
            .into_iter()
            .filter(|(name, _)| name != "LoadBalancerArn")
            .collect();
        let reply = self.forward(request, Some(encode(&form))).await?;
        let Some(mut found) = success(&reply) else {
            return Ok(reply);
        };
        let all = all_found(
            request,
            &found,
            "TargetGroupArns",
            "TargetGroupArn",
            "TargetGroups",
        ) && all_found(request, &found, "Names", "TargetGroupName", "TargetGroups");
        if !all {
            return Ok(not_found(
                &request.call,
                "TargetGroupNotFound",
                "target groups",
            ));
        }
        let listeners = self.listeners(&request.call).await?;
        mend_target_groups(&mut found, &listeners);
        if let Some(groups) = found
            .list_mut("TargetGroups")
            .filter(|_| !load_balancer.is_empty())
        {
            groups.retain(|group| {
                group
                    .list("LoadBalancerArns")
                    .iter()
                    .any(|arn| arn.text == load_balancer)
            });
        }
        Ok(rewritten(reply, &found))
    }

    pub(super) async fn put_target_group(&self, request: &ApiRequest) -> Result<ApiReply> {
        let mut form = form(request);
        if request.call.operation == "CreateTargetGroup" {
            form.extend(health_check_defaults(&request.call));
        }
        let reply = self.forward(request, Some(encode(&form))).await?;
        let Some(mut put) = success(&reply) else {
            return Ok(reply);
        };
        mend_target_groups(&mut put, &self.listeners(&request.call).await?);
        Ok(rewritten(reply, &put))
    }

    /// Refuses attributes that API_TargetGroupAttribute and the guide's "Target group health" do not allow together.
    /// Nothing tells whether AWS takes termination on and an interval back to 0 in one call; here they take two:
    /// kubernetes-sigs/aws-load-balancer-controller, issue 4648.
    pub(super) async fn modify_target_group_attributes(
        &self,
        request: &ApiRequest,
    ) -> Result<ApiReply> {
        let call = &request.call;
        let params = [("TargetGroupArn", call.param("TargetGroupArn"))];
        let present = self.api(call);
        let present = present.query(ELB, "DescribeTargetGroupAttributes", &params);
        let present = match present.await {
            Ok(present) => present,
            Err(error) => return refused(call, error),
        };
        let present = present.list("Attributes").iter().map(|attribute| {
            let (key, value) = (attribute.text_of("Key"), attribute.text_of("Value"));
            (key.to_owned(), value.to_owned())
        });
        let before: BTreeMap<String, String> = present.collect();
        let mut after = before.clone();
        for mut attribute in call.members("Attributes") {
            let key = attribute.remove("Key").unwrap_or_default();
            after.insert(key, attribute.remove("Value").unwrap_or_default());
        }
        if let Some(message) = clash(&before, &after) {
            let code = "InvalidConfigurationRequest";
            return Ok(reply::error(call, 400, code, &message));
        }
        self.forward(request, None).await
    }

    /// "You can delete a target group if it is not referenced by any actions" (API_DeleteTargetGroup).
    pub(super) async fn delete_target_group(&self, request: &ApiRequest) -> Result<ApiReply> {
        let arn = request.call.param("TargetGroupArn");
        if self
            .listeners(&request.call)
            .await?
            .iter()
            .any(|listener| listener.forwards_to(arn))
        {
            let message =
                format!("Target group '{arn}' is currently in use by a listener or a rule");
            return Ok(reply::error(&request.call, 400, "ResourceInUse", &message));
        }
        let reply = self.forward(request, None).await?;
        if reply.status().is_success() {
            self.targets.forget(arn);
        }
        Ok(reply)
    }
}

/// A target group of a network protocol is checked by TCP and without a path unless the call says
/// something else: API_CreateTargetGroup, defaults for Network Load Balancers.
fn health_check_defaults(call: &Call) -> Vec<(String, String)> {
    if !["TCP", "TLS", "UDP", "TCP_UDP"].contains(&call.param("Protocol")) {
        return Vec::new();
    }
    let protocol = Some(call.param("HealthCheckProtocol"))
        .filter(|given| !given.is_empty())
        .unwrap_or("TCP");
    let timeout = if protocol == "HTTP" { "6" } else { "10" };
    [
        ("HealthCheckProtocol", protocol),
        ("HealthCheckTimeoutSeconds", timeout),
        ("Matcher.HttpCode", "200-399"),
    ]
    .into_iter()
    .filter(|(name, _)| call.param(name).is_empty())
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .collect()
}

/// Why AWS refuses to change the attributes from `before` to `after`.
fn clash(before: &BTreeMap<String, String>, after: &BTreeMap<String, String>) -> Option<String> {
    const INTERVAL: &str = "target_health_state.unhealthy.draining_interval_seconds";
    const TERMINATION: &str = "target_health_state.unhealthy.connection_termination.enabled";
    fn value<'a>(of: &'a BTreeMap<String, String>, key: &str, default: &'a str) -> &'a str {
        of.get(key).map_or(default, String::as_str)
    }
    let drains = |of| value(of, INTERVAL, "0") != "0";
    if value(after, TERMINATION, "true") == "true" && (drains(before) || drains(after)) {
        return Some(format!("You cannot have both {TERMINATION} and {INTERVAL}"));
    }
    ["count", "percentage"].into_iter().find_map(|unit| {
        let threshold = |action: &str, default| {
            let key = format!("target_group_health.{action}.minimum_healthy_targets.{unit}");
            value(after, &key, default).parse::<u32>().ok()
        };
        let default = if unit == "count" { "1" } else { "off" };
        let routing = threshold("unhealthy_state_routing", default)?;
        let dns = threshold("dns_failover", default)?;
        (dns < routing).then(|| format!("The DNS failover {unit} is below that of routing"))
    })
}

fn mend_target_groups(answer: &mut Element, listeners: &[ForwardingListener]) {
    for group in answer.list_mut("TargetGroups").into_iter().flatten() {
        let arn = group.text_of("TargetGroupArn");
        let users: HashSet<&str> = listeners
            .iter()
            .filter(|listener| listener.forwards_to(arn))
            .map(|listener| listener.load_balancer.as_str())
            .collect();
        let members = users
            .into_iter()
            .map(|user| Element::with_text("member", user))
            .collect();
        group.set(Element::of("LoadBalancerArns", members));
        if group.text_of("HealthCheckProtocol") == "TCP" {
            group
                .children
                .retain(|child| child.name != "HealthCheckPath" && child.name != "Matcher");
        }
    }
}
