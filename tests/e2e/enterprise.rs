//! Accounts with rules of their own: what they ask of the function's stacks by parameters is done.
//!
//! MiniStack's stacks keep the path of a role, the key of a log group, policies, and of a bucket its
//! policy and its public access block. They keep no permissions boundary, no VPC, no code signing, no
//! concurrency and no encryption: of these the test is what the template asks CloudFormation for.

mod parameters;
mod state_bucket;

use crate::support::{MINUTE, binary};
use anyhow::{Context, Result};
use aws_sdk_cloudformation::Client;
use lab::package::{CODE, upload};
use lab::policy::Policy;
use lab::{Lab, stack};
use std::path::Path;

/// As `ProviderStack` of cfn/binding.yaml has it.
const PROVIDER: &str = "alb-nlb-binding";

/// An account with the function's code in it.
struct Account {
    lab: Lab,
    client: Client,
}

impl Account {
    async fn new() -> Result<Self> {
        let lab = Lab::start_with_minutes_of(MINUTE).await?;
        upload(&lab, Path::new(&binary())).await?;
        let client = Client::new(&lab.aws());
        Ok(Self { lab, client })
    }

    /// A stack of cfn/provider.yaml.
    async fn deploy(&self, parameters: &[(&str, &str)]) -> Result<()> {
        let template = stack::template("provider.yaml")?;
        let parameters = [&CODE, parameters].concat();
        let made = stack::create(&self.client, PROVIDER, &template, &parameters).await?;
        made.expect("CREATE_COMPLETE")?;
        Ok(())
    }

    /// What a resource of a stack is called.
    async fn physical(&self, stack: &str, resource: &str) -> Result<String> {
        let described = self.client.describe_stack_resource().stack_name(stack);
        let described = described.logical_resource_id(resource).send().await?;
        let resource = described.stack_resource_detail();
        let id = resource.and_then(|resource| resource.physical_resource_id());
        Ok(id.context("an id")?.to_owned())
    }

    /// The function's role, as it is deployed now.
    async fn role(&self) -> Result<Policy> {
        let role = self.physical(PROVIDER, "Role").await?;
        Policy::of_role(&self.lab, &role).await
    }
}
