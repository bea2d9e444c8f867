//! The policy of the own bucket: it denies every request without TLS, on the bucket and on its objects (S3 guide,
//! "Security best practices"; AWS Config's rule `s3-bucket-ssl-requests-only`). Pure.
//!
//! Keeps the statements of others, because PutBucketPolicy replaces the whole policy.

use serde_json::{Map, Value, json};

/// The id of the binding's own statement.
const SID: &str = "DenyRequestsWithoutTls";

/// The policy to put on the bucket of that ARN, if the `present` one does not deny every request without TLS.
pub fn with_tls_only(present: Option<&str>, arn: &str) -> Option<String> {
    let present = present.and_then(|present| serde_json::from_str(present).ok());
    let mut policy: Map<String, Value> = present.unwrap_or_default();
    let mut statements = match policy.remove("Statement") {
        Some(Value::Array(statements)) => statements,
        statement => statement.into_iter().collect(),
    };
    let denial = json!({
        "Sid": SID,
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [arn, format!("{arn}/*")],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    });
    let wanted = normalized(&denial);
    if statements
        .iter()
        .any(|statement| normalized(statement) == wanted)
    {
        return None;
    }
    // A changed statement of the binding's own is replaced.
    statements.retain(|statement| statement.get("Sid") != denial.get("Sid"));
    statements.push(denial);
    policy.insert("Statement".to_owned(), statements.into());
    let version = policy.entry("Version");
    version.or_insert_with(|| "2012-10-17".into());
    Some(Value::from(policy).to_string())
}

/// A statement in one form, so that two of the same meaning are equal: AWS may return a policy in another form than it
/// was put (IAM guide, "IAM JSON policy elements": one value or a list of one, `*` or `{"AWS": "*"}`).
fn normalized(value: &Value) -> Value {
    match value {
        Value::Bool(value) => value.to_string().into(),
        Value::Array(values) => {
            let mut values: Vec<_> = values.iter().map(normalized).collect();
            values.sort_by_key(Value::to_string);
            match values.as_slice() {
                [value] => value.clone(),
                _ => values.into(),
            }
        }
        Value::Object(fields) => {
            let fields = fields.iter().filter(|(name, _)| *name != "Sid");
            let fields: Map<_, _> = fields
                .map(|(name, value)| (name.clone(), normalized(value)))
                .collect();
            match fields.get("AWS") {
                Some(anybody) if fields.len() == 1 => anybody.clone(),
                _ => fields.into(),
            }
        }
        value => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARN: &str = "arn:aws-cn:s3:::own";

    fn put(present: &Value) -> Option<Value> {
        let policy = with_tls_only(Some(&present.to_string()), ARN);
        policy.map(|policy| serde_json::from_str(&policy).expect("JSON"))
    }

    fn own() -> Value {
        serde_json::from_str(&with_tls_only(None, ARN).expect("a policy")).expect("JSON")
    }

    #[test]
    fn what_was_put_is_not_put_again_however_aws_writes_it() {
        assert_eq!(put(&own()), None);
        let otherwise = json!({"Version": "2008-10-17", "Statement": {
            "Effect": "Deny",
            "Principal": {"AWS": ["*"]},
            "Action": ["s3:*"],
            "Resource": [format!("{ARN}/*"), ARN],
            "Condition": {"Bool": {"aws:SecureTransport": false}},
        }});
        assert_eq!(put(&otherwise), None);
    }

    #[test]
    fn statements_of_others_stay_beside_the_denial() {
        let theirs = json!({"Sid": "Theirs", "Effect": "Deny", "Principal": "*",
            "Action": "s3:PutBucketAcl", "Resource": ARN});
        let denial = own()["Statement"][0].clone();
        for statement in [json!([theirs]), theirs.clone()] {
            let present = json!({"Version": "2008-10-17", "Id": "theirs", "Statement": statement});
            let policy = put(&present).expect("a policy");
            let expected =
                json!({"Version": "2008-10-17", "Id": "theirs", "Statement": [theirs, denial]});
            assert_eq!(policy, expected);
            assert_eq!(put(&policy), None);
        }
    }

    #[test]
    fn a_denial_of_less_is_made_whole() {
        let whole = own();
        for (name, less) in [
            ("Effect", json!("Allow")),
            (
                "Principal",
                json!({"AWS": "arn:aws-cn:iam::123456789012:root"}),
            ),
            ("Action", json!("s3:GetObject")),
            ("Resource", json!(format!("{ARN}/*"))),
            (
                "Condition",
                json!({"Bool": {"aws:SecureTransport": "true"}}),
            ),
            (
                "Condition",
                json!({
                    "Bool": {"aws:SecureTransport": "false"},
                    "StringEquals": {"aws:PrincipalAccount": "123456789012"},
                }),
            ),
        ] {
            let mut changed = whole.clone();
            changed["Statement"][0][name] = less;
            assert_eq!(put(&changed).as_ref(), Some(&whole), "{name}");
        }
    }
}
