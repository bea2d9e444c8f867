//! Adopts what the function of 2018, or another earlier function, knew of a target group, so that the targets that
//! it registered become own targets and do not stay foreign.
//!
//! Only reads. Of several functions the latest one counts. From the latest to the earliest these are: this binary
//! in place of the function of 2018, that function in Python 3, the same in Python 2.7, and hostname-as-target.

use super::error::LegacyError;
use super::files::{self, FileError, Known};
use super::variables::identity;
use crate::aws::api::{AwsError, Objects, StoredObject};
use crate::log::chain;
use crate::model::{Endpoint, TargetGroupPort};
use crate::record::{Contents, Orders, OwnTarget, OwnTargets, Store};
use std::collections::BTreeMap;
use tracing::{info, warn};

/// What to do if S3 refuses to read a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhenDenied {
    /// Fail: with `s3:ListBucket` S3 says that a file is missing, and refuses only files that are there.
    Fail,
    /// Adopt nothing: without `s3:ListBucket` S3 refuses files that are missing, too (S3 API, `GetObject`).
    TakeAsMissing,
}

/// The targets in each of `groups` that an earlier function knew to be the ALB's, by what it left in `bucket`.
///
/// # Errors
/// A file that cannot be read or parsed.
pub async fn adopt(
    aws: &impl Objects,
    orders: &Orders,
    bucket: &str,
    groups: &[TargetGroupPort],
    denied: WhenDenied,
) -> Result<BTreeMap<String, OwnTargets>, LegacyError> {
    let earlier = EarlierFunctions {
        aws,
        orders,
        bucket,
        denied,
    };
    let mut adopted: BTreeMap<String, OwnTargets> = BTreeMap::new();
    for TargetGroupPort { arn: group, port } in groups {
        let own = match earlier.own_in_record(group, *port).await? {
            own if !own.is_empty() => own,
            _ => own_of(earlier.known_in_files(group).await?, *port),
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

fn own_of(known: Known, port: u16) -> OwnTargets {
    let own = |(address, missed)| {
        let target = OwnTarget {
            missed,
            ..OwnTarget::default()
        };
        (Endpoint { address, port }, target)
    };
    known.into_iter().map(own).collect()
}

/// What earlier functions left in a bucket.
struct EarlierFunctions<'a, A> {
    aws: &'a A,
    orders: &'a Orders,
    bucket: &'a str,
    denied: WhenDenied,
}

impl<A: Objects> EarlierFunctions<'_, A> {
    /// The own targets in the record that this binary keeps in place of the function of 2018.
    async fn own_in_record(&self, group: &str, port: u16) -> Result<OwnTargets, LegacyError> {
        let identity = identity(&self.orders.alb_name, group, port);
        let store = Store::new(self.aws, identity);
        match self.missing_if_denied(store.read_bucket(self.bucket).await)? {
            Some(Contents::Record(mut held)) => {
                Ok(held.record.own.remove(group).unwrap_or_default())
            }
            Some(Contents::Unreadable(unreadable)) => Err(unreadable.why.into()),
            Some(Contents::Nothing | Contents::NoBucket | Contents::Stub { .. }) | None => {
                Ok(OwnTargets::new())
            }
        }
    }

    /// What the latest of the other functions knew.
    async fn known_in_files(&self, group: &str) -> Result<Known, LegacyError> {
        let dns_name = &self.orders.alb_dns_name;
        for pair in files::pairs(dns_name) {
            let active = self.parsed(&pair.active, files::active).await?;
            let pending = self.parsed(&pair.pending, files::pending).await?;
            if active.is_some() || pending.is_some() {
                let mut known = active.unwrap_or_default();
                known.extend(pending.unwrap_or_default());
                return Ok(known);
            }
        }
        let until = self.orders.invocations_before_deregistration;
        let key = files::tracked_key(dns_name, group);
        let tracked = self
            .parsed(&key, |body| files::tracked(body, until))
            .await?;
        Ok(tracked.unwrap_or_default())
    }

    async fn parsed(
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

    async fn read(&self, key: &str) -> Result<Option<StoredObject>, AwsError> {
        Ok(self
            .missing_if_denied(self.aws.read(self.bucket, key).await)?
            .flatten())
    }

    fn missing_if_denied<T>(&self, read: Result<T, AwsError>) -> Result<Option<T>, AwsError> {
        match read {
            Err(error) if self.denied == WhenDenied::TakeAsMissing && error.is_refused_object() => {
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
mod tests;
