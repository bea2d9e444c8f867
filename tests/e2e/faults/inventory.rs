//! Lists everything on a site as text, to compare the actual state with the expected one.
//! It is taken from AWS itself, never through the function.

use super::shared_lab::SharedLab;
use crate::support::Fixture;
use alb_nlb_binding::names::BindingId;
use anyhow::Result;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

pub type Inventory = BTreeSet<String>;

/// Everything of a binding, and of others whose things have the name `theirs`.
pub async fn take_inventory(
    shared: &SharedLab,
    fixture: &Fixture,
    id: &BindingId,
    theirs: &str,
) -> Result<Inventory> {
    let mut inventory = Inventory::new();
    let digits = id.to_string();
    let digits = digits.trim_start_matches("alb-nlb-binding-");
    let is_of_site = |name: &str| name.contains(digits) || name == theirs;
    let SharedLab {
        elb, events, s3, ..
    } = shared;
    let groups = elb.describe_target_groups().send().await?;
    let mut names = BTreeMap::new();
    for group in groups.target_groups() {
        let name = group.target_group_name().unwrap_or_default();
        let arn = group.target_group_arn().unwrap_or_default();
        names.insert(arn, name);
        if is_of_site(name) {
            let targets: BTreeSet<_> = fixture.targets(arn).into_iter().collect();
            inventory.insert(format!("target group {name}: {targets:?}"));
        }
    }
    let listeners = elb
        .describe_listeners()
        .load_balancer_arn(&fixture.nlb.arn)
        .send()
        .await?;
    for listener in listeners.listeners() {
        let to = listener.default_actions().first();
        let to = to.and_then(|action| action.target_group_arn());
        let to = to.and_then(|arn| names.get(arn)).unwrap_or(&"nothing");
        let port = listener.port().unwrap_or_default();
        inventory.insert(format!("listener on {port} to {to}"));
    }
    for bucket in s3.list_buckets().send().await?.buckets() {
        let name = bucket.name().unwrap_or_default();
        if is_of_site(name) {
            for key in keys(shared, name).await? {
                let kind = if is_stub(shared, name, &key).await? {
                    "stub"
                } else {
                    "object"
                };
                inventory.insert(format!("{kind} s3://{name}/{key}"));
            }
            inventory.insert(format!("bucket {name}"));
        }
    }
    for rule in events.list_rules().send().await?.rules() {
        let name = rule.name().unwrap_or_default();
        if is_of_site(name) {
            let targets = events.list_targets_by_rule().rule(name).send().await?;
            inventory.insert(format!("rule {name}: {} targets", targets.targets().len()));
        }
    }
    Ok(inventory)
}

/// Whether an object is a stub, which only names the record's bucket.
async fn is_stub(shared: &SharedLab, bucket: &str, key: &str) -> Result<bool> {
    let got = shared.s3.get_object().bucket(bucket).key(key);
    let body = got.send().await?.body.collect().await?.to_vec();
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    Ok(body["moved_to"].is_string())
}

async fn keys(shared: &SharedLab, bucket: &str) -> Result<Vec<String>> {
    let listed = shared.s3.list_object_versions().bucket(bucket).send();
    let listed = listed.await?;
    let keys = listed.versions().iter().filter_map(|object| object.key());
    Ok(keys.map(str::to_owned).collect())
}
