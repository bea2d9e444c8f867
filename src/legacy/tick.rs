//! A tick in place of the function that AWS published in 2018: environment variables give its orders, and no rule
//! of ours exists.
//!
//! The first tick makes the record, without orders, and then adopts into it what the function of 2018 knew. The
//! orders in the record only say that this has been done: a tick works by the variables.

use super::adopt::{WhenDenied, adopt};
use super::error::LegacyError;
use super::variables::Variables;
use crate::aws::api::Aws;
use crate::backoff::Backoff;
use crate::clock::Clock;
use crate::discovery::Dns;
use crate::model::{Endpoint, Registered};
use crate::record::{Contents, Orders, Phase, Record, RecordError, Store, StoredRecord};
use crate::sync::{Source, SyncError, Tick, TickName, TickOutcome};
use std::collections::BTreeSet;
use tracing::info;

/// One tick by environment variables.
///
/// # Errors
/// Those of a binding's tick, and a file of the function of 2018 that cannot be used.
pub async fn tick<A: Aws>(
    aws: &A,
    dns: &impl Dns,
    clock: Clock,
    variables: &Variables,
    name: TickName,
) -> Result<TickOutcome, SyncError> {
    let store = Store::new(aws, variables.identity.clone());
    let tick = Tick {
        aws,
        dns,
        clock,
        store: store.clone(),
        name,
    };
    let source = VariablesSource {
        aws,
        store,
        variables,
    };
    tick.run(&source, Some(variables.orders.clone()), 0).await
}

struct VariablesSource<'a, A> {
    aws: &'a A,
    store: Store<'a, A>,
    variables: &'a Variables,
}

impl<A: Aws> Source for VariablesSource<'_, A> {
    async fn read(&self) -> Result<Option<(StoredRecord, Orders)>, SyncError> {
        let held = self.record().await.map_err(|error| match error {
            LegacyError::Aws(error) => error.into(),
            LegacyError::Record(error) => error.into(),
            error => SyncError::Source(Box::new(error)),
        })?;
        Ok(Some((held, self.variables.orders.clone())))
    }

    fn may_leave(&self, orders: &Orders) -> BTreeSet<String> {
        orders.groups().into_iter().map(str::to_owned).collect()
    }

    /// None: the role of the function of 2018 does not allow it to list rules, by which other bindings are found.
    async fn served_by_others(
        &self,
        _: &str,
        _: &Registered,
    ) -> Result<BTreeSet<Endpoint>, SyncError> {
        Ok(BTreeSet::new())
    }
}

impl<A: Aws> VariablesSource<'_, A> {
    /// The record. The first tick makes it, and adopts into it what the function of 2018 knew.
    async fn record(&self) -> Result<StoredRecord, LegacyError> {
        let Variables {
            bucket,
            orders,
            identity,
        } = self.variables;
        let mut backoff = Backoff::none_at_first();
        loop {
            let (held, refused) = match self.store.read_bucket(bucket).await {
                Ok(Contents::Record(held)) => (Some(*held), None),
                Ok(Contents::Nothing | Contents::Stub { .. }) => (None, None),
                Ok(Contents::NoBucket) => {
                    let bucket = bucket.clone();
                    return Err(RecordError::NoBucket { bucket }.into());
                }
                Ok(Contents::Unreadable(unreadable)) => return Err(unreadable.why.into()),
                // Without `s3:ListBucket` S3 refuses a missing object too: if it is missing, it can be made.
                Err(error) if error.is_refused_object() => (None, Some(error)),
                Err(error) => return Err(error.into()),
            };
            let Some(held) = held else {
                let empty = Record::new(identity, Phase::Serving);
                let made = self.explained(self.store.write(bucket, empty, None).await)?;
                if let (None, Some(error)) = (&made, refused) {
                    let source = Box::new(error);
                    let (bucket, key) = (bucket.clone(), self.store.key());
                    return Err(LegacyError::MayNotRead {
                        bucket,
                        key,
                        source,
                    });
                }
                match made {
                    Some(_) => info!(bucket, "the first tick: a record is made"),
                    None => backoff.wait().await,
                }
                continue;
            };
            if held.record.orders.is_some() {
                return Ok(held);
            }
            let groups = &orders.target_groups;
            let mut record = held.record.clone();
            record.own = adopt(self.aws, orders, bucket, groups, WhenDenied::TakeAsMissing).await?;
            record.orders = Some(orders.clone());
            if let Some(held) = self.explained(self.store.replace(&held, record).await)? {
                return Ok(held);
            }
            backoff.wait().await;
        }
    }

    /// Says which permission to add: the role of the function of 2018 may write only that one's own two files.
    fn explained<T>(&self, written: Result<T, RecordError>) -> Result<T, LegacyError> {
        match written {
            Err(RecordError::Aws(source)) if source.is(&["AccessDenied"]) => {
                Err(LegacyError::MayNotWrite {
                    bucket: self.variables.bucket.clone(),
                    key: self.store.key(),
                    source: Box::new(source),
                })
            }
            written => Ok(written?),
        }
    }
}
