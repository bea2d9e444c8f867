//! What there is in the lab of all that the example and its binding make.

use anyhow::Result;
use lab::Lab;

/// Everything by name: what is there after the bootstrap is all that may be left in the end.
pub async fn list(lab: &Lab) -> Result<Vec<String>> {
    let config = lab.aws();
    let mut left = Vec::new();
    let elb = aws_sdk_elasticloadbalancingv2::Client::new(&config);
    let groups = elb.describe_target_groups().send().await?;
    left.extend(
        groups
            .target_groups()
            .iter()
            .map(|group| format!("{:?}", group.target_group_arn())),
    );
    let load_balancers = elb.describe_load_balancers().send().await?;
    for load_balancer in load_balancers.load_balancers() {
        left.push(format!("{:?}", load_balancer.load_balancer_arn()));
    }
    let s3 = aws_sdk_s3::Client::new(&config);
    let buckets = s3.list_buckets().send().await?;
    left.extend(
        buckets
            .buckets()
            .iter()
            .map(|bucket| format!("{:?}", bucket.name())),
    );
    let events = aws_sdk_eventbridge::Client::new(&config);
    let rules = events.list_rules().send().await?;
    left.extend(
        rules
            .rules()
            .iter()
            .map(|rule| format!("{:?}", rule.name())),
    );
    left.sort_unstable();
    Ok(left)
}

/// The ports that an NLB listens on.
pub async fn listeners(lab: &Lab, nlb: &str) -> Result<Vec<i32>> {
    let elb = aws_sdk_elasticloadbalancingv2::Client::new(&lab.aws());
    let listeners = elb
        .describe_listeners()
        .load_balancer_arn(nlb)
        .send()
        .await?;
    Ok(listeners
        .listeners()
        .iter()
        .filter_map(|listener| listener.port())
        .collect())
}
