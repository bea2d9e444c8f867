//! Load balancers: their zones and VPC, which follow from their subnets, fixed addresses of NLBs, and what a deletion
//! takes along.

use anyhow::Result;

use super::call::Call;
use super::elb::{all_found, encode, form, not_found, rewritten, success};
use super::reply::ApiReply;
use super::state::{ApiRequest, State};
use crate::lock::lock;
use crate::names::ELB;
use crate::xml::Element;

impl State {
    /// Zones and VPC come from the subnets, fixed addresses from the mappings.
    pub(super) async fn mend_load_balancers(
        &self,
        call: &Call,
        answer: &mut Element,
    ) -> Result<()> {
        let subnets = self.subnets(call).await?;
        let mappings = lock(&self.mappings).clone();
        for load_balancer in answer.list_mut("LoadBalancers").into_iter().flatten() {
            let arn = load_balancer.text_of("LoadBalancerArn").to_owned();
            let mut vpc = None;
            for zone in load_balancer
                .list_mut("AvailabilityZones")
                .into_iter()
                .flatten()
            {
                let id = zone.text_of("SubnetId").to_owned();
                if let Some(subnet) = subnets.get(&id) {
                    zone.set(Element::with_text("ZoneName", &subnet.zone));
                    vpc = Some(subnet.vpc.clone());
                }
                if let Some(address) = mappings.get(&(arn.clone(), id)) {
                    zone.set(Element::new("LoadBalancerAddresses").with(address.clone()));
                }
            }
            if let Some(vpc) = vpc {
                load_balancer.set(Element::with_text("VpcId", vpc));
            }
            if let Some(name) = internal_name(load_balancer) {
                load_balancer.set(Element::with_text("DNSName", name));
            }
        }
        Ok(())
    }

    /// MiniStack knows `Subnets` but no `SubnetMappings`.
    pub(super) async fn create_load_balancer(&self, request: &ApiRequest) -> Result<ApiReply> {
        let mut form = form(request);
        let mut addresses = Vec::new();
        let mappings = request.call.members("SubnetMappings").into_iter();
        for (number, mapping) in (1..).zip(mappings) {
            let part = |name: &str| mapping.get(name).cloned().unwrap_or_default();
            form.push((format!("Subnets.member.{number}"), part("SubnetId")));
            if let Some(address) = mapping.get("PrivateIPv4Address") {
                let address = Element::with_text("PrivateIPv4Address", address);
                addresses.push((part("SubnetId"), Element::of("member", vec![address])));
            }
        }
        let reply = self.forward(request, Some(encode(&form))).await?;
        let Some(mut made) = success(&reply) else {
            return Ok(reply);
        };
        let arn = made
            .find("LoadBalancerArn")
            .map(|arn| arn.text.clone())
            .unwrap_or_default();
        lock(&self.mappings).extend(
            addresses
                .into_iter()
                .map(|(subnet, address)| ((arn.clone(), subnet), address)),
        );
        self.mend_load_balancers(&request.call, &mut made).await?;
        Ok(rewritten(reply, &made))
    }

    /// "Deleting a load balancer also deletes its listeners" (API_DeleteLoadBalancer).
    pub(super) async fn delete_load_balancer(&self, request: &ApiRequest) -> Result<ApiReply> {
        let arn = request.call.param("LoadBalancerArn");
        for listener in self
            .listeners(&request.call)
            .await?
            .iter()
            .filter(|listener| listener.load_balancer == arn)
        {
            self.api(&request.call)
                .query(ELB, "DeleteListener", &[("ListenerArn", &listener.arn)])
                .await?;
        }
        self.forward(request, None).await
    }

    pub(super) async fn describe_load_balancers(&self, request: &ApiRequest) -> Result<ApiReply> {
        let reply = self.forward(request, None).await?;
        let Some(mut found) = success(&reply) else {
            return Ok(reply);
        };
        let all = all_found(
            request,
            &found,
            "LoadBalancerArns",
            "LoadBalancerArn",
            "LoadBalancers",
        ) && all_found(
            request,
            &found,
            "Names",
            "LoadBalancerName",
            "LoadBalancers",
        );
        if !all {
            return Ok(not_found(
                &request.call,
                "LoadBalancerNotFound",
                "load balancers",
            ));
        }
        self.mend_load_balancers(&request.call, &mut found).await?;
        Ok(rewritten(reply, &found))
    }
}

/// AWS names an internal ALB `internal-<name>-<digits>` (Application Load Balancer guide, "Create an
/// Application Load Balancer"); MiniStack says `<name>-<8 digits and letters>`.
fn internal_name(load_balancer: &Element) -> Option<String> {
    let is_internal = load_balancer.text_of("Scheme") == "internal"
        && load_balancer.text_of("Type") == "application";
    let (label, domain) = load_balancer.text_of("DNSName").split_once('.')?;
    let (name, unique) = label.rsplit_once('-')?;
    let digits = u64::from_str_radix(unique, 36).ok()?;
    (is_internal && !name.starts_with("internal-"))
        .then(|| format!("internal-{name}-{digits}.{domain}"))
}
