//! Where properties say that something of a binding may be. They may be of an older version or wrong:
//! what is no name at all is passed over. No I/O.

use crate::properties::{Properties, is_bucket_name, is_load_balancer_arn, is_target_group_arn};
use crate::record::Candidate;
use serde_json::Value;
use std::collections::BTreeSet;

/// Names out of some properties.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hints {
    pub nlb_arn: Option<String>,
    /// The bucket that they give.
    pub bucket: Option<String>,
    /// The target groups that they give.
    pub given: BTreeSet<String>,
}

impl Hints {
    /// Reads what can be read of a request's properties.
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

    /// The same of properties that were read before.
    pub fn of(properties: &Properties) -> Self {
        Self {
            nlb_arn: Some(properties.nlb_arn.clone()),
            bucket: properties.bucket_name.clone(),
            given: properties.given().map(str::to_owned).collect(),
        }
    }
}

/// Where the record may be: where the rule says, which surely is or was used, where properties say, and in the
/// own bucket.
pub fn candidates(
    ruled: Option<String>,
    said: impl IntoIterator<Item = String>,
    own: &str,
) -> Vec<Candidate> {
    let surely = ruled.map(|bucket| (bucket, true));
    let said = said.into_iter().chain([own.to_owned()]);
    let all = surely.into_iter().chain(said.map(|bucket| (bucket, false)));
    all.map(|(bucket, surely)| Candidate { bucket, surely })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_no_name_is_passed_over() {
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
