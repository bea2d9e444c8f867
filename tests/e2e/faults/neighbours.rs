//! What others do on a site, and what can be asked of the binding's target groups there. Never goes through
//! the function.

use super::site::Site;
use crate::support::make_listener;
use anyhow::{Context, Result};

impl Site {
    /// The ARN of the binding's target group for a port.
    async fn group_arn(&self, port: u16) -> Result<String> {
        let groups = self.shared.elb.describe_target_groups();
        let groups = groups.names(self.group(port)).send().await?;
        let group = groups.target_groups().first();
        let group = group.and_then(|group| group.target_group_arn());
        Ok(group.context("a target group has an ARN")?.to_owned())
    }

    /// What is registered in the binding's target group for a port.
    pub async fn targets(&self, port: u16) -> Result<Vec<String>> {
        Ok(self.fixture.targets(&self.group_arn(port).await?))
    }

    /// Somebody registers a target in the binding's first group.
    pub async fn somebody_registers_a_target(&self) -> Result<String> {
        let address = self.fixture.alb.addresses_after(201, 1)[0];
        let group = self.group_arn(80).await?;
        self.fixture.register(&group, address, 80).await?;
        Ok(format!("{address}:80"))
    }

    /// Somebody makes a listener, on a port of the NLB, that forwards to the binding's group for another one.
    pub async fn somebody_makes_a_listener(&self, port: u16, group: u16) -> Result<String> {
        let group = self.group_arn(group).await?;
        make_listener(&self.shared.lab, &self.fixture.nlb, port, &group).await
    }

    pub async fn somebody_deletes_the_listener(&self, arn: &str) -> Result<()> {
        let listener = self.shared.elb.delete_listener();
        listener.listener_arn(arn).send().await?;
        Ok(())
    }
}
