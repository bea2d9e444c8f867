//! Where properties say that parts of a binding may be. They may be wrong or of an older version: a value that is not a
//! name is ignored. No I/O.

use crate::properties::{Properties, is_bucket_name, is_load_balancer_arn, is_target_group_arn};
use crate::record::Candidate;
use serde_json::Value;
use std::collections::BTreeSet;

/// The names in some properties.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hints {
    pub nlb_arn: Option<String>,
    /// `BucketName`, if it is given.
    pub bucket: Option<String>,
    /// The given target groups, by ARN.
    pub given: BTreeSet<String>,
}

impl Hints {
    /// Reads a request's properties, as far as they can be read.
    pub fn read(properties: &Value, region: &str) -> Self {
        let text = |of: &Value, name: &str| of.get(name)?.as_str().map(str::to_owned);
        let listeners = properties.get("Listeners").and_then(Value::as_array);
        let given = listeners.into_iter().flatten();
        let given = given.filter_map(|listener| text(listener, "TargetGroupArn"));
        Self {
            nlb_arn: text(properties, "NlbArn").filter(|arn| is_load_balancer_arn(arn, region)),
            bucket: text(properties, "BucketName").filter(|name| is_bucket_name(name)),
            given: given
                .filter(|arn| is_target_group_arn(arn, region))
                .collect(),
        }
    }

    /// The names in properties that have been parsed.
    pub fn of(properties: &Properties) -> Self {
        Self {
            nlb_arn: Some(properties.nlb_arn.clone()),
            bucket: properties.bucket_name.clone(),
            given: properties.given().map(str::to_owned).collect(),
        }
    }
}

/// The buckets that the record may be in, the most likely one first: the bucket of the rule, which certainly is or was
/// used, those `named` in properties, and the own bucket.
pub fn candidates(
    of_rule: Option<String>,
    named: impl IntoIterator<Item = String>,
    own: &str,
) -> Vec<Candidate> {
    let of_rule = of_rule.map(|bucket| (bucket, true));
    let named = named.into_iter().chain([own.to_owned()]);
    let all = of_rule
        .into_iter()
        .chain(named.map(|bucket| (bucket, false)));
    all.map(|(bucket, is_known_used)| Candidate {
        bucket,
        is_known_used,
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_value_that_is_not_a_name_is_ignored() {
        for properties in [
            Value::Null,
            json!("text"),
            json!({"NlbArn": 7, "BucketName": ["x"], "Listeners": "x"}),
            json!({"NlbArn": "arn:aws:elasticloadbalancing:eu-west-1:1:loadbalancer/net/n/1"}),
            json!({"BucketName": "not/a/bucket", "Listeners": [{"Port": 80}, 7]}),
        ] {
            assert_eq!(
                Hints::read(&properties, "us-east-1"),
                Hints::default(),
                "{properties}"
            );
        }
    }
}
