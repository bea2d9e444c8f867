//! Accounts with rules of their own: the function's stacks do what their parameters ask.
//!
//! MiniStack's stacks keep the path of a role, the key of a log group, policies, and of a bucket its
//! policy and its public access block. They keep no permissions boundary, no VPC, no code signing, no
//! concurrency and no encryption: of these the test is what the template asks CloudFormation for.

mod parameters;
mod state_bucket;

use crate::support::{SHORT_MINUTE, binary};
use anyhow::{Context, Result};
use aws_sdk_cloudformation::Client;
use lab::package::{CODE_PARAMETERS, upload};
use lab::policy::Policy;
use lab::{Lab, stack};
use std::path::Path;

/// The name of the provider's stack, which is the default of `ProviderStack` in cfn/binding.yaml.
const PROVIDER: &str = "alb-nlb-binding";
/// A key of the account, for what it wants encrypted with a key of its own.
const KMS_KEY: &str = "arn:aws:kms:us-east-1:000000000000:key/ours";

/// An account with the function's code in it.
struct Account {
    lab: Lab,
    client: Client,
}

impl Account {
    async fn new() -> Result<Self> {
        let lab = Lab::start_with_minutes_of(SHORT_MINUTE).await?;
        upload(&lab, Path::new(&binary())).await?;
        let client = Client::new(&lab.aws());
        Ok(Self { lab, client })
    }

    /// A stack of cfn/provider.yaml.
    async fn deploy(&self, parameters: &[(&str, &str)]) -> Result<()> {
        let template = stack::template("provider.yaml")?;
        let parameters = [&CODE_PARAMETERS, parameters].concat();
        let made = stack::create(&self.client, PROVIDER, &template, &parameters).await?;
        made.expect("CREATE_COMPLETE")?;
        Ok(())
    }

    /// The physical id of a resource of a stack.
    async fn physical_id(&self, stack: &str, resource: &str) -> Result<String> {
        let described = self.client.describe_stack_resource().stack_name(stack);
        let described = described.logical_resource_id(resource).send().await?;
        let resource = described.stack_resource_detail();
        let id = resource.and_then(|resource| resource.physical_resource_id());
        Ok(id.context("an id")?.to_owned())
    }

    /// The function's role, as it is deployed now.
    async fn role(&self) -> Result<Policy> {
        let role = self.physical_id(PROVIDER, "Role").await?;
        Policy::of_role(&self.lab, &role).await
    }
}
