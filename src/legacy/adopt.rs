//! What other functions knew of target groups before, read once, so that what they registered is
//! not foreign to whoever takes their place.
//!
//! Only reads. Of several sources the latest counts: this function in the published one's place,
//! the published function in Python 3, the same in Python 2.7, hostname-as-target.

use super::error::LegacyError;
use super::files::{self, FileError, Known};
use super::variables::identity;
use crate::aws::api::{AwsError, Objects, Stored};
use crate::log::chain;
use crate::model::{Endpoint, TargetGroupPort};
use crate::record::{Contents, Orders, Own, OwnTarget, Store};
use std::collections::BTreeMap;
use tracing::{info, warn};

/// What a refused read means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denied {
    /// A failure: the role lets missing files be told from others.
    Fails,
    /// Nothing to adopt: without `s3:ListBucket` S3 refuses to say that a file is missing (S3 API,
    /// `GetObject`).
    IsMissing,
}

/// What an earlier function knew to be the ALB's in each of `groups`, and left in `bucket`.
///
/// # Errors
/// A file that cannot be read or understood.
pub async fn adopt(
    aws: &impl Objects,
    orders: &Orders,
    bucket: &str,
    groups: &[TargetGroupPort],
    denied: Denied,
) -> Result<BTreeMap<String, Own>, LegacyError> {
    let reading = Reading {
        aws,
        orders,
        bucket,
        denied,
    };
    let mut adopted: BTreeMap<String, Own> = BTreeMap::new();
    for TargetGroupPort { arn: group, port } in groups {
        let own = match reading.stand_in(group, *port).await? {
            own if !own.is_empty() => own,
            _ => own_of(reading.left(group).await?, *port),
        };
        if !own.is_empty() {
            let addresses: Vec<_> = own.keys().map(Endpoint::to_string).collect();
            let targets = addresses.join(", ");
            info!(
                target_group = group,
                targets, "an earlier function's targets are adopted"
            );
            adopted.entry(group.clone()).or_default().extend(own);
        }
    }
    Ok(adopted)
}

fn own_of(known: Known, port: u16) -> Own {
    let own = |(address, missed)| {
        let target = OwnTarget {
            missed,
            ..OwnTarget::default()
        };
        (Endpoint { address, port }, target)
    };
    known.into_iter().map(own).collect()
}

struct Reading<'a, A> {
    aws: &'a A,
    orders: &'a Orders,
    bucket: &'a str,
    denied: Denied,
}

impl<A: Objects> Reading<'_, A> {
    /// What this function knew in the published one's place.
    async fn stand_in(&self, group: &str, port: u16) -> Result<Own, LegacyError> {
        let identity = identity(&self.orders.alb_name, group, port);
        let store = Store::new(self.aws, identity);
        match self.tolerate(store.look(self.bucket).await)? {
            Some(Contents::Record(mut held)) => {
                Ok(held.record.own.remove(group).unwrap_or_default())
            }
            Some(Contents::Unreadable(unreadable)) => Err(unreadable.why.into()),
            Some(Contents::Nothing | Contents::NoBucket | Contents::Stub { .. }) | None => {
                Ok(Own::new())
            }
        }
    }

    /// What another function knew.
    async fn left(&self, group: &str) -> Result<Known, LegacyError> {
        let dns_name = &self.orders.alb_dns_name;
        for pair in files::pairs(dns_name) {
            let active = self.file(&pair.active, files::active).await?;
            let pending = self.file(&pair.pending, files::pending).await?;
            if active.is_some() || pending.is_some() {
                let mut known = active.unwrap_or_default();
                known.extend(pending.unwrap_or_default());
                return Ok(known);
            }
        }
        let until = self.orders.invocations_before_deregistration;
        let key = files::tracked_key(dns_name, group);
        let tracked = self.file(&key, |body| files::tracked(body, until)).await?;
        Ok(tracked.unwrap_or_default())
    }

    async fn file(
        &self,
        key: &str,
        parse: impl Fn(&[u8]) -> Result<Known, FileError>,
    ) -> Result<Option<Known>, LegacyError> {
        let Some(stored) = self.read(key).await? else {
            return Ok(None);
        };
        let known = parse(&stored.body).map_err(|source| LegacyError::File {
            bucket: self.bucket.to_owned(),
            key: key.to_owned(),
            source,
        })?;
        Ok(Some(known))
    }

    async fn read(&self, key: &str) -> Result<Option<Stored>, AwsError> {
        Ok(self
            .tolerate(self.aws.read(self.bucket, key).await)?
            .flatten())
    }

    fn tolerate<T>(&self, read: Result<T, AwsError>) -> Result<Option<T>, AwsError> {
        match read {
            Err(error) if self.denied == Denied::IsMissing && error.is_refused_object() => {
                let error = chain(&error);
                warn!(
                    error,
                    "taken for missing; if it is there, allow s3:GetObject on it"
                );
                Ok(None)
            }
            read => read.map(Some),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::api::{AwsResult, Trouble, Version, Written};
    use crate::permit::Permit;
    use crate::record::{Phase, Record};
    use serde_json::{Value, json};
    use std::collections::BTreeMap;

    const ALB: &str = "internal-orders-1.us-east-1.elb.amazonaws.com";
    const GROUP: &str =
        "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/front/0123456789abcdef";

    /// A bucket that only can be read, and that a role without `s3:ListBucket` reads.
    #[derive(Default)]
    struct Bucket {
        files: BTreeMap<String, Value>,
        hides: bool,
    }

    impl Objects for Bucket {
        async fn read(&self, _: &str, key: &str) -> AwsResult<Option<Stored>> {
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
            Ok(Some(Stored {
                body: file.to_string().into_bytes(),
                etag: "1".to_owned(),
            }))
        }

        async fn write(&self, _: &str, _: &str, _: Vec<u8>, _: Option<&str>) -> AwsResult<Written> {
            panic!("adopting never writes")
        }

        async fn etag(&self, _: &str, _: &str) -> AwsResult<Option<String>> {
            panic!("adopting only reads")
        }

        async fn versions(&self, _: &str, _: &str) -> AwsResult<Vec<Version>> {
            panic!("adopting only reads")
        }

        async fn delete_versions(
            &self,
            _: Permit,
            _: &str,
            _: &[Version],
        ) -> AwsResult<Vec<Version>> {
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
        let variables = super::super::variables(variable, "us-east-1").expect("good variables");
        variables.orders
    }

    /// The files of every earlier function, the latest first, each naming another address.
    fn left() -> Vec<(String, Value)> {
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

    async fn adopted(bucket: &Bucket, denied: Denied) -> Result<Own, LegacyError> {
        let orders = orders();
        let adopted = adopt(bucket, &orders, BUCKET, &orders.target_groups, denied).await?;
        Ok(adopted.get(GROUP).cloned().unwrap_or_default())
    }

    fn own(target: &str, missed: u32) -> Own {
        let endpoint: Endpoint = target.parse().expect("an endpoint");
        own_of(Known::from([(endpoint.address, missed)]), endpoint.port)
    }

    #[tokio::test]
    async fn of_several_functions_the_latest_is_believed() {
        let mut bucket = Bucket {
            files: left().into_iter().collect(),
            ..Bucket::default()
        };
        let expected = [
            own("10.0.0.1:443", 1),
            own("10.0.0.2:443", 0),
            own("10.0.0.3:443", 0),
            own("10.0.0.4:443", 1),
        ];
        for ((key, _), expected) in left().into_iter().zip(expected) {
            let found = adopted(&bucket, Denied::Fails).await.expect("readable");
            assert_eq!(found, expected, "{key}");
            bucket.files.remove(&key);
        }
        let found = adopted(&bucket, Denied::Fails).await.expect("readable");
        assert_eq!(found, Own::new());
    }

    /// The first tick makes its own record empty before it adopts.
    #[tokio::test]
    async fn an_empty_record_is_none() {
        let mut files: BTreeMap<_, _> = left().into_iter().take(2).collect();
        let identity = left()[0].0.trim_end_matches("/state.json").to_owned();
        let empty = Record::new(&identity, Phase::Serving).to_body();
        let empty = serde_json::from_slice(&empty.expect("JSON")).expect("JSON");
        files.insert(left()[0].0.clone(), empty);
        let bucket = Bucket {
            files,
            ..Bucket::default()
        };
        let found = adopted(&bucket, Denied::Fails).await.expect("readable");
        assert_eq!(found, own("10.0.0.2:443", 0));
    }

    #[tokio::test]
    async fn a_refused_file_fails_where_a_missing_one_would_be_known() {
        let bucket = Bucket {
            files: left().into_iter().skip(2).collect(),
            hides: true,
        };
        let error = adopted(&bucket, Denied::Fails).await.expect_err("refused");
        assert!(error.to_string().contains("AccessDenied"), "{error}");
        let found = adopted(&bucket, Denied::IsMissing).await.expect("missing");
        assert_eq!(found, own("10.0.0.3:443", 0));
    }
}
