//! Which earlier function's files win, in a bucket that can only be read.

use super::*;
use crate::aws::api::{AwsResult, ObjectVersion, Trouble, WriteOutcome};
use crate::permit::Permit;
use crate::record::{Phase, Record};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const ALB: &str = "internal-orders-1.us-east-1.elb.amazonaws.com";
const GROUP: &str =
    "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/front/0123456789abcdef";

/// A bucket that can only be read; it `hides` that a file is missing from a role without `s3:ListBucket`.
#[derive(Default)]
struct Bucket {
    files: BTreeMap<String, Value>,
    hides: bool,
}

impl Objects for Bucket {
    async fn read(&self, _: &str, key: &str) -> AwsResult<Option<StoredObject>> {
        let Some(file) = self.files.get(key) else {
            return match self.hides {
                false => Ok(None),
                true => Err(AwsError {
                    operation: "GetObject",
                    resource: key.to_owned(),
                    code: Some("AccessDenied".to_owned()),
                    reason: "AccessDenied".to_owned(),
                    trouble: Trouble::Stays,
                    source: None,
                }),
            };
        };
        Ok(Some(StoredObject {
            body: file.to_string().into_bytes(),
            etag: "1".to_owned(),
        }))
    }

    async fn write(
        &self,
        _: &str,
        _: &str,
        _: Vec<u8>,
        _: Option<&str>,
    ) -> AwsResult<WriteOutcome> {
        panic!("adopting never writes")
    }

    async fn etag(&self, _: &str, _: &str) -> AwsResult<Option<String>> {
        panic!("adopting only reads")
    }

    async fn versions(&self, _: &str, _: &str) -> AwsResult<Vec<ObjectVersion>> {
        panic!("adopting only reads")
    }

    async fn delete_versions(
        &self,
        _: Permit,
        _: &str,
        _: &[ObjectVersion],
    ) -> AwsResult<Vec<ObjectVersion>> {
        panic!("adopting never deletes")
    }
}

const BUCKET: &str = "their-bucket";

fn orders() -> Orders {
    let variables = BTreeMap::from([
        ("ALB_DNS_NAME", ALB),
        ("ALB_LISTENER", "443"),
        ("S3_BUCKET", "their-bucket"),
        ("NLB_TG_ARN", GROUP),
    ]);
    let variable = |name: &str| variables.get(name).map(|value| (*value).to_owned());
    let variables = crate::legacy::variables(variable, "us-east-1").expect("good variables");
    variables.orders
}

/// The files of every earlier function, the latest first, each naming another address.
fn files_of_all() -> Vec<(String, Value)> {
    let list = |address: &str| json!({"IPList": [address]});
    let identity = "alb-nlb-binding/orders/front/0123456789abcdef/443";
    let mut record = Record::new(identity, Phase::Serving);
    record.own.insert(GROUP.to_owned(), own("10.0.0.1:443", 1));
    let record = serde_json::from_slice(&record.to_body().expect("JSON")).expect("JSON");
    let [python3, python2] = files::pairs(ALB);
    vec![
        (format!("{identity}/state.json"), record),
        (python3.active, list("10.0.0.2")),
        (python2.active, list("10.0.0.3")),
        (files::tracked_key(ALB, GROUP), json!({"10.0.0.4": 2})),
    ]
}

async fn adopted(bucket: &Bucket, denied: WhenDenied) -> Result<OwnTargets, LegacyError> {
    let orders = orders();
    let adopted = adopt(bucket, &orders, BUCKET, &orders.target_groups, denied).await?;
    Ok(adopted.get(GROUP).cloned().unwrap_or_default())
}

fn own(target: &str, missed: u32) -> OwnTargets {
    let endpoint: Endpoint = target.parse().expect("an endpoint");
    own_of(Known::from([(endpoint.address, missed)]), endpoint.port)
}

#[tokio::test]
async fn of_several_functions_the_latest_is_believed() {
    let mut bucket = Bucket {
        files: files_of_all().into_iter().collect(),
        ..Bucket::default()
    };
    let expected = [
        own("10.0.0.1:443", 1),
        own("10.0.0.2:443", 0),
        own("10.0.0.3:443", 0),
        own("10.0.0.4:443", 1),
    ];
    for ((key, _), expected) in files_of_all().into_iter().zip(expected) {
        let found = adopted(&bucket, WhenDenied::Fail).await.expect("readable");
        assert_eq!(found, expected, "{key}");
        bucket.files.remove(&key);
    }
    let found = adopted(&bucket, WhenDenied::Fail).await.expect("readable");
    assert_eq!(found, OwnTargets::new());
}

/// The first tick makes its own record empty before it adopts.
#[tokio::test]
async fn an_empty_record_is_none() {
    let mut files: BTreeMap<_, _> = files_of_all().into_iter().take(2).collect();
    let identity = files_of_all()[0]
        .0
        .trim_end_matches("/state.json")
        .to_owned();
    let empty = Record::new(&identity, Phase::Serving).to_body();
    let empty = serde_json::from_slice(&empty.expect("JSON")).expect("JSON");
    files.insert(files_of_all()[0].0.clone(), empty);
    let bucket = Bucket {
        files,
        ..Bucket::default()
    };
    let found = adopted(&bucket, WhenDenied::Fail).await.expect("readable");
    assert_eq!(found, own("10.0.0.2:443", 0));
}

#[tokio::test]
async fn a_refused_file_fails_where_a_missing_one_would_be_known() {
    let bucket = Bucket {
        files: files_of_all().into_iter().skip(2).collect(),
        hides: true,
    };
    let error = adopted(&bucket, WhenDenied::Fail)
        .await
        .expect_err("refused");
    assert!(error.to_string().contains("AccessDenied"), "{error}");
    let found = adopted(&bucket, WhenDenied::TakeAsMissing)
        .await
        .expect("missing");
    assert_eq!(found, own("10.0.0.3:443", 0));
}
