//! Load balancing as AWS answers when MiniStack does not.

mod resources;
mod targets;

use anyhow::{Context, Result};
use aws_sdk_elasticloadbalancingv2::Client;
use aws_sdk_elasticloadbalancingv2::types::{
    Action, ActionTypeEnum, ProtocolEnum, TargetDescription, TargetTypeEnum,
};
use lab::{Lab, Nlb};
use tokio::sync::OnceCell;

static LAB: OnceCell<Lab> = OnceCell::const_new();

/// One lab for all tests of a file.
async fn lab() -> &'static Lab {
    LAB.get_or_try_init(Lab::start).await.expect("a lab")
}

/// A caller that faults hit.
fn elb(lab: &Lab) -> Client {
    Client::new(&lab.aws_as("someone"))
}

/// A target group in the NLB's VPC, on port 80, that no listener forwards to.
async fn target_group(lab: &Lab, nlb: &Nlb, name: &str) -> Result<String> {
    let request = elb(lab)
        .create_target_group()
        .name(name)
        .port(80)
        .protocol(ProtocolEnum::Tcp);
    let made = request
        .target_type(TargetTypeEnum::Ip)
        .vpc_id(&nlb.vpc.id)
        .send()
        .await?;
    made.target_groups()
        .first()
        .and_then(|group| group.target_group_arn())
        .map(str::to_owned)
        .context("an ARN")
}

/// A listener that forwards to a group.
async fn listener(lab: &Lab, nlb: &Nlb, port: i32, group: &str) -> Result<String> {
    let action = Action::builder()
        .r#type(ActionTypeEnum::Forward)
        .target_group_arn(group)
        .build();
    let request = elb(lab)
        .create_listener()
        .load_balancer_arn(&nlb.arn)
        .port(port)
        .protocol(ProtocolEnum::Tcp);
    let made = request.default_actions(action).send().await?;
    made.listeners()
        .first()
        .and_then(|listener| listener.listener_arn())
        .map(str::to_owned)
        .context("an ARN")
}

fn target(address: impl ToString, port: impl Into<Option<i32>>) -> TargetDescription {
    let description = TargetDescription::builder().id(address.to_string());
    description.set_port(port.into()).build()
}
