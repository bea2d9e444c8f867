//! The function's role in every test: it is deployed for what properties name, and must allow what is called.

use anyhow::Result;
use lab::Lab;
use lab::policy::{IamRequest, Role, requests};
use serde_json::Value;
use std::collections::BTreeSet;

/// Grants what the properties of an event name: users tell the provider's stack of their buckets and target groups.
pub fn grant_what_is_named(role: &mut Role, event: &Value) {
    for properties in ["ResourceProperties", "OldResourceProperties"] {
        let properties = &event[properties];
        let allowed = |c: char| c.is_ascii_alphanumeric() || ['.', '_', '-'].contains(&c);
        let bucket = properties["BucketName"].as_str();
        let bucket = bucket.filter(|name| name.chars().all(allowed));
        let arn = bucket.map(|name| format!("arn:aws:s3:::{name}"));
        role.given_buckets.extend(arn);
        let listeners = properties["Listeners"].as_array().into_iter().flatten();
        let groups = listeners.filter_map(|listener| listener["TargetGroupArn"].as_str());
        let groups = groups.filter(|arn| arn.contains(":targetgroup/"));
        role.given_target_groups.extend(groups.map(str::to_owned));
    }
}

/// What IAM would have been asked for all that a function called.
pub fn asked_of_iam(lab: &Lab, access_key: &str) -> Result<Vec<IamRequest>> {
    requests(&lab.gateway().history(), access_key)
}

pub fn assert_allowed(lab: &Lab, access_key: &str, role: &Role) {
    let refused = asked_of_iam(lab, access_key).and_then(|asked| role.refused(&asked));
    let refused: BTreeSet<_> = refused
        .expect("a verdict")
        .iter()
        .map(IamRequest::to_string)
        .collect();
    assert!(refused.is_empty(), "the role does not allow {refused:#?}");
}
