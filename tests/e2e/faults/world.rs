//! The world of a scene as lines of text, so that what is and what should be compare as a whole;
//! and what others do in it. Never goes through the function.

use super::scene::{Scene, Shape, Stage};
use anyhow::{Context, Result};
use aws_sdk_elasticloadbalancingv2::types::{
    Action, ActionTypeEnum, ProtocolEnum, TargetDescription,
};
use lab::ACCOUNT;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

pub type World = BTreeSet<String>;

impl Scene {
    /// Everything of the binding and around it.
    pub async fn world(&self) -> Result<World> {
        let mut world = World::new();
        let number = self.source.trim_start_matches("scene");
        let theirs = format!("theirs-{number}");
        let digits = self.id.to_string();
        let digits = digits.trim_start_matches("alb-nlb-binding-");
        let is_of_scene = |name: &str| name.contains(digits) || name == theirs;
        let Stage {
            elb, events, s3, ..
        } = &*self.stage;
        let groups = elb.describe_target_groups().send().await?;
        let mut names = BTreeMap::new();
        for group in groups.target_groups() {
            let name = group.target_group_name().unwrap_or_default();
            let arn = group.target_group_arn().unwrap_or_default();
            names.insert(arn, name);
            if is_of_scene(name) {
                let targets: BTreeSet<_> = self.bench.targets(arn).into_iter().collect();
                world.insert(format!("target group {name}: {targets:?}"));
            }
        }
        let listeners = elb
            .describe_listeners()
            .load_balancer_arn(&self.bench.pair.nlb.arn)
            .send()
            .await?;
        for listener in listeners.listeners() {
            let to = listener.default_actions().first();
            let to = to.and_then(|action| action.target_group_arn());
            let to = to.and_then(|arn| names.get(arn)).unwrap_or(&"nothing");
            let port = listener.port().unwrap_or_default();
            world.insert(format!("listener on {port} to {to}"));
        }
        for bucket in s3.list_buckets().send().await?.buckets() {
            let name = bucket.name().unwrap_or_default();
            if is_of_scene(name) {
                for key in self.keys(name).await? {
                    let kind = if self.is_stub(name, &key).await? {
                        "stub"
                    } else {
                        "object"
                    };
                    world.insert(format!("{kind} s3://{name}/{key}"));
                }
                world.insert(format!("bucket {name}"));
            }
        }
        for rule in events.list_rules().send().await?.rules() {
            let name = rule.name().unwrap_or_default();
            if is_of_scene(name) {
                let targets = events.list_targets_by_rule().rule(name).send().await?;
                world.insert(format!("rule {name}: {} targets", targets.targets().len()));
            }
        }
        Ok(world)
    }

    /// Whether an object only says where the record is.
    async fn is_stub(&self, bucket: &str, key: &str) -> Result<bool> {
        let got = self.stage.s3.get_object().bucket(bucket).key(key);
        let body = got.send().await?.body.collect().await?.to_vec();
        let body: Value = serde_json::from_slice(&body).unwrap_or_default();
        Ok(body["moved_to"].is_string())
    }

    async fn keys(&self, bucket: &str) -> Result<Vec<String>> {
        let listed = self.stage.s3.list_object_versions().bucket(bucket).send();
        let listed = listed.await?;
        let keys = listed.versions().iter().filter_map(|object| object.key());
        Ok(keys.map(str::to_owned).collect())
    }

    /// The addresses that the function deregistered since it had made so many calls.
    pub fn deregistered_since(&self, calls: usize) -> BTreeSet<String> {
        let calls = self.calls().split_off(calls);
        let calls = calls
            .iter()
            .filter(|call| call.operation == "DeregisterTargets");
        calls
            .flat_map(|call| call.members("Targets"))
            .filter_map(|mut target| target.remove("Id"))
            .collect()
    }

    /// The name of the binding's target group for a port.
    pub fn group(&self, port: u16) -> String {
        self.id.target_group(port)
    }

    /// The binding's own bucket in the world.
    pub fn own_bucket(&self) -> String {
        format!("bucket {}", self.id.bucket(ACCOUNT))
    }

    /// The world with a binding of a shape, and with foreign targets in its own groups.
    pub fn expected(&self, shape: Shape, seen: &[Ipv4Addr], foreign: &[String]) -> World {
        let targets = |port: u16, others: &[String]| -> BTreeSet<String> {
            let own = seen.iter().map(|address| format!("{address}:{port}"));
            own.chain(others.iter().cloned()).collect()
        };
        let mut world = self.foreign.clone();
        world.retain(|line| !line.starts_with("target group"));
        let given = self.their_bucket.clone();
        let theirs = targets(80, &[format!("{}:80", self.bench.foreign_address())]);
        world.insert(format!("target group {given}: {theirs:?}"));
        for (port, alb_port) in shape.ports {
            let name = self.id.target_group(*port);
            let others = if *port == 80 { foreign } else { &[] };
            let targets = targets(*alb_port, others);
            world.insert(format!("target group {name}: {targets:?}"));
            world.insert(format!("listener on {port} to {name}"));
        }
        let own = self.id.bucket(ACCOUNT);
        let bucket = if shape.given_bucket { &given } else { &own };
        world.insert(format!("object s3://{bucket}/{}/state.json", self.id));
        world.insert(format!("bucket {bucket}"));
        world.insert(format!("rule {}: 1 targets", self.id.rule()));
        world
    }

    /// The ARN of the binding's target group for a port.
    async fn group_arn(&self, port: u16) -> Result<String> {
        let groups = self.stage.elb.describe_target_groups();
        let groups = groups.names(self.group(port)).send().await?;
        let group = groups.target_groups().first();
        let group = group.and_then(|group| group.target_group_arn());
        Ok(group.context("a target group has an ARN")?.to_owned())
    }

    /// What is registered in the binding's target group for a port.
    pub async fn targets(&self, port: u16) -> Result<Vec<String>> {
        Ok(self.bench.targets(&self.group_arn(port).await?))
    }

    /// Registers a target of somebody else's in the binding's first group.
    pub async fn intrude(&self) -> Result<String> {
        let address = self.bench.pair.alb.addresses_after(201, 1)[0];
        let group = self.group_arn(80).await?;
        let target = TargetDescription::builder().id(address.to_string());
        let register = self.stage.elb.register_targets().target_group_arn(group);
        let target = target.port(80).build();
        register.targets(target).send().await?;
        Ok(format!("{address}:80"))
    }

    /// Somebody else's listener, on a port of the NLB, to the binding's group for another.
    pub async fn listen(&self, port: u16, group: u16) -> Result<String> {
        let forward = Action::builder()
            .r#type(ActionTypeEnum::Forward)
            .target_group_arn(self.group_arn(group).await?);
        let listener = self.stage.elb.create_listener();
        let made = listener
            .load_balancer_arn(&self.bench.pair.nlb.arn)
            .protocol(ProtocolEnum::Tcp)
            .port(i32::from(port))
            .default_actions(forward.build())
            .send()
            .await?;
        let made = made.listeners().first();
        let arn = made.and_then(|listener| listener.listener_arn());
        Ok(arn.context("a listener has an ARN")?.to_owned())
    }

    pub async fn unlisten(&self, arn: &str) -> Result<()> {
        let listener = self.stage.elb.delete_listener();
        listener.listener_arn(arn).send().await?;
        Ok(())
    }
}
