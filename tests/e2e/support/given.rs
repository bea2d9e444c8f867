//! Other people's resources, some given to the binding, and a second ALB.

use super::fixture::Fixture;
use anyhow::{Context, Result};
use aws_sdk_elasticloadbalancingv2::types::{
    Action, ActionTypeEnum, ProtocolEnum, TargetDescription, TargetTypeEnum,
};
use lab::{Alb, AlbSpec, Lab, Nlb};
use std::net::Ipv4Addr;

impl Fixture {
    /// A target group of somebody else's in the NLB's VPC, with a listener that forwards to it.
    pub async fn given_group(&self, name: &str, port: u16) -> Result<String> {
        make_target_group(&self.lab, &self.nlb, name, port).await
    }

    /// The same with a target of somebody else's in it.
    pub async fn given_group_with_foreign_target(
        &self,
        name: &str,
        port: u16,
    ) -> Result<(String, Ipv4Addr)> {
        let group = self.given_group(name, port).await?;
        let foreign = self.foreign_address();
        self.register(&group, foreign, 80).await?;
        Ok((group, foreign))
    }

    /// A bucket of somebody else's.
    pub async fn given_bucket(&self, name: &str) -> Result<()> {
        self.s3().create_bucket().bucket(name).send().await?;
        Ok(())
    }

    /// An address in the VPC that is not the ALB's.
    pub fn foreign_address(&self) -> Ipv4Addr {
        self.alb.addresses_after(200, 1)[0]
    }

    pub async fn register(&self, target_group: &str, address: Ipv4Addr, port: u16) -> Result<()> {
        let target = TargetDescription::builder().id(address.to_string());
        let target = target.port(i32::from(port)).build();
        let register = self.elb().register_targets();
        let register = register.target_group_arn(target_group).targets(target);
        register.send().await?;
        Ok(())
    }

    /// Another ALB in the same VPC, which has nothing in DNS.
    pub async fn next_alb(&self) -> Result<Alb> {
        let name = format!("next-{}", self.alb.name);
        self.lab.alb(&self.alb.vpc, &AlbSpec::new(&name)).await
    }

    /// The same with so many addresses in DNS, none of which the first ALB has.
    pub async fn next_alb_in_dns(&self, count: usize) -> Result<(Alb, Vec<Ipv4Addr>)> {
        let next = self.next_alb().await?;
        let addresses = next.addresses_after(100, count);
        self.lab.dns().set(&next.name, addresses.clone());
        Ok((next, addresses))
    }
}

/// A target group of somebody else's in the NLB's VPC, with a listener that forwards to it.
pub async fn make_target_group(lab: &Lab, nlb: &Nlb, name: &str, port: u16) -> Result<String> {
    let group = make_idle_target_group(lab, nlb, name, port).await?;
    make_listener(lab, nlb, port, &group).await?;
    Ok(group)
}

/// The same without the listener.
pub async fn make_idle_target_group(lab: &Lab, nlb: &Nlb, name: &str, port: u16) -> Result<String> {
    let elb = aws_sdk_elasticloadbalancingv2::Client::new(&lab.aws());
    let group = elb
        .create_target_group()
        .name(name)
        .protocol(ProtocolEnum::Tcp)
        .port(i32::from(port))
        .vpc_id(&nlb.vpc.id)
        .target_type(TargetTypeEnum::Ip)
        .send()
        .await?;
    let group = group.target_groups().first();
    let arn = group.and_then(|group| group.target_group_arn());
    arn.map(str::to_owned).context("a target group has an ARN")
}

/// A TCP listener of somebody else's on the NLB.
pub async fn make_listener(lab: &Lab, nlb: &Nlb, port: u16, group: &str) -> Result<String> {
    let elb = aws_sdk_elasticloadbalancingv2::Client::new(&lab.aws());
    let listener = elb
        .create_listener()
        .load_balancer_arn(&nlb.arn)
        .protocol(ProtocolEnum::Tcp)
        .port(i32::from(port))
        .default_actions(forward_to(group))
        .send()
        .await?;
    let listener = listener.listeners().first();
    let arn = listener.and_then(|listener| listener.listener_arn());
    arn.map(str::to_owned).context("a listener has an ARN")
}

pub fn forward_to(group: &str) -> Action {
    let action = Action::builder().r#type(ActionTypeEnum::Forward);
    action.target_group_arn(group).build()
}
