//! What is left of a binding, and in a bucket.

use super::fixture::Fixture;
use anyhow::Result;

impl Fixture {
    /// Everything that is left of the binding, as names.
    pub async fn leftovers(&self, id: &str) -> Result<Vec<String>> {
        let mut left = Vec::new();
        let elb = self.elb();
        let digits = id.trim_start_matches("alb-nlb-binding-");
        for group in elb.describe_target_groups().send().await?.target_groups() {
            let name = group.target_group_name().unwrap_or_default();
            if name.contains(digits) {
                left.push(format!("target group {name}"));
            }
        }
        let nlb = &self.nlb.arn;
        let listeners = elb.describe_listeners().load_balancer_arn(nlb).send();
        // A load balancer that is gone has none.
        for listener in listeners.await.iter().flat_map(|listed| listed.listeners()) {
            left.push(format!("listener on {:?}", listener.port()));
        }
        for bucket in self.s3().list_buckets().send().await?.buckets() {
            let name = bucket.name().unwrap_or_default();
            if name.contains(digits) {
                left.push(format!("bucket {name}"));
            }
        }
        let events = aws_sdk_eventbridge::Client::new(&self.lab.aws());
        for rule in events.list_rules().send().await?.rules() {
            let name = rule.name().unwrap_or_default();
            if name.contains(digits) {
                left.push(format!("rule {name}"));
            }
        }
        Ok(left)
    }

    /// Keys in a bucket.
    pub async fn keys(&self, bucket: &str) -> Result<Vec<String>> {
        let listed = self.s3().list_objects_v2().bucket(bucket).send().await?;
        Ok(listed
            .contents()
            .iter()
            .filter_map(|object| object.key().map(str::to_owned))
            .collect())
    }
}
