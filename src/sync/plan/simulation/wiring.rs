//! The rest of the simulated AWS: target groups and the rule, as far as lifecycle events touch
//! them. What no simulated invocation asks for is not simulated.

use super::aws::Client;
use super::world::{Group, World};
use crate::binding::rule_orders;
use crate::capabilities::{
    Answer, ElbTags, Listeners, LoadBalancers, Metrics, Rules, Stack, Stacks, TargetGroups,
};
use crate::model::{
    Attributes, HealthCheck, Listener, LoadBalancer, Rule, RuleTarget, Tags, TargetGroup,
};
use std::collections::BTreeMap;

const NOBODY: &str = "no simulated invocation asks for this";

/// A target group's name stands in its ARN.
pub(super) fn name_of(arn: &str) -> &str {
    arn.split('/').nth(1).expect("the ARN of a target group")
}

impl TargetGroups for Client {
    async fn target_groups_named(&self, prefix: &str) -> Answer<Vec<TargetGroup>> {
        let described = |world: &World| {
            let arns = world.groups.keys();
            let named = arns.filter(|arn| name_of(arn).starts_with(prefix));
            named.map(|arn| described(arn)).collect()
        };
        self.ask("DescribeTargetGroups", described).await
    }

    async fn create_target_group(
        &self,
        name: &str,
        _: u16,
        _: &str,
        _: &HealthCheck,
        _: &Tags,
    ) -> Answer<String> {
        self.change("CreateTargetGroup", |world, notes| {
            let mut arns = world.groups.keys();
            if let Some(present) = arns.find(|arn| name_of(arn) == name) {
                return Ok(present.clone());
            }
            let serial = world.next();
            let arn = format!(
                "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/{name}/{serial}"
            );
            world.tell(|| format!("{} makes {arn}", notes.id));
            world.groups.insert(arn.clone(), Group::new());
            Ok(arn)
        })
        .await
    }

    async fn delete_target_group(&self, arn: &str) -> Answer<()> {
        self.change("DeleteTargetGroup", |world, notes| {
            world.tell(|| format!("{} takes away {arn}", notes.id));
            // ELBv2 API: deleting what does not exist is no error.
            world.groups.remove(arn);
            Ok(())
        })
        .await
    }

    async fn target_group(&self, _: &str) -> Answer<Option<TargetGroup>> {
        unreachable!("{NOBODY}")
    }
    async fn target_group_attributes(&self, _: &str) -> Answer<Attributes> {
        unreachable!("{NOBODY}")
    }
    async fn modify_health_check(&self, _: &str, _: &HealthCheck) -> Answer<()> {
        unreachable!("{NOBODY}")
    }
    async fn modify_attributes(&self, _: &str, _: &Attributes) -> Answer<()> {
        unreachable!("{NOBODY}")
    }
}

/// No simulated invocation looks at more than ARN and name.
fn described(arn: &str) -> TargetGroup {
    TargetGroup {
        arn: arn.to_owned(),
        name: name_of(arn).to_owned(),
        port: 80,
        protocol: "TCP".to_owned(),
        target_type: "ip".to_owned(),
        vpc_id: String::new(),
        health_check: health_check(),
        load_balancers: Vec::new(),
    }
}

pub(super) fn health_check() -> HealthCheck {
    HealthCheck {
        protocol: "TCP".to_owned(),
        port: "traffic-port".to_owned(),
        interval_seconds: 30,
        timeout_seconds: 10,
        healthy_threshold: 3,
        unhealthy_threshold: 3,
        http: None,
    }
}

impl Rules for Client {
    async fn rule(&self, _: &str) -> Answer<Option<Rule>> {
        let rule = self.ask("DescribeRule", |world| world.rule.clone()).await?;
        self.notes.borrow_mut().met_no_rule |= rule.is_none();
        Ok(rule)
    }

    async fn put_rule(&self, _: &str, schedule: &str, _: &Tags) -> Answer<()> {
        self.change("PutRule", |world, notes| {
            world.tell(|| format!("{} puts the rule", notes.id));
            world.rule.get_or_insert_with(|| Rule {
                arn: "arn:rule".to_owned(),
                schedule: schedule.to_owned(),
                enabled: true,
                targets: Vec::new(),
            });
            Ok(())
        })
        .await
    }

    async fn put_rule_target(&self, _: &str, target: &RuleTarget) -> Answer<()> {
        self.change("PutTargets", |world, notes| {
            world.tell(|| format!("{} gives the orders {}", notes.id, target.input));
            let rule = world.rule.as_mut().ok_or("ResourceNotFoundException")?;
            rule.targets = vec![target.clone()];
            world.orders = rule_orders(world.rule.as_ref());
            Ok(())
        })
        .await
    }

    async fn remove_rule_targets(&self, _: &str, _: &[String]) -> Answer<()> {
        self.change("RemoveTargets", |world, _| {
            let rule = world.rule.as_mut().ok_or("ResourceNotFoundException")?;
            rule.targets.clear();
            world.orders = None;
            Ok(())
        })
        .await
    }

    async fn delete_rule(&self, _: &str) -> Answer<()> {
        self.change("DeleteRule", |world, notes| {
            world.tell(|| format!("{} takes away the rule", notes.id));
            (world.rule, world.orders) = (None, None);
            Ok(())
        })
        .await
    }

    async fn rule_tags(&self, _: &str) -> Answer<Tags> {
        unreachable!("{NOBODY}")
    }
    async fn tag_rule(&self, _: &str, _: &Tags) -> Answer<()> {
        unreachable!("{NOBODY}")
    }
}

impl Listeners for Client {
    async fn listeners(&self, _: &str) -> Answer<Vec<Listener>> {
        self.ask("DescribeListeners", |_| Vec::new()).await
    }

    async fn listener_attributes(&self, _: &str) -> Answer<Attributes> {
        unreachable!("{NOBODY}")
    }
    async fn create_listener(&self, _: &str, _: u16, _: &str, _: &Tags) -> Answer<String> {
        unreachable!("{NOBODY}")
    }
    async fn forward_listener(&self, _: &str, _: &str) -> Answer<()> {
        unreachable!("{NOBODY}")
    }
    async fn delete_listener(&self, _: &str) -> Answer<()> {
        unreachable!("{NOBODY}")
    }
}

impl ElbTags for Client {
    async fn elb_tags(&self, _: &[String]) -> Answer<BTreeMap<String, Tags>> {
        Ok(BTreeMap::new())
    }
    async fn add_elb_tags(&self, _: &str, _: &Tags) -> Answer<()> {
        unreachable!("{NOBODY}")
    }
}

impl LoadBalancers for Client {
    async fn load_balancer(&self, _: &str) -> Answer<Option<LoadBalancer>> {
        unreachable!("{NOBODY}")
    }
    async fn load_balancer_attributes(&self, _: &str) -> Answer<Attributes> {
        unreachable!("{NOBODY}")
    }
}

impl Metrics for Client {
    async fn put_ip_count(&self, _: &str, _: usize) -> Answer<()> {
        unreachable!("{NOBODY}")
    }
}

impl Stacks for Client {
    async fn stack(&self, _: &str) -> Answer<Option<Stack>> {
        unreachable!("{NOBODY}")
    }
}
