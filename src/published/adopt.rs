//! What other functions knew of target groups before, read once, so that what they registered is
//! not foreign to whoever takes their place.
//!
//! Only reads. Of several sources the latest counts: this function in the published one's place,
//! the published function in Python 3, the same in Python 2.7, hostname-as-target.

use super::environment::identity;
use super::files::{self, FileError, Known};
use crate::capabilities::{AwsError, Objects, Stored};
use crate::model::Endpoint;
use crate::sync::state::{Own, State};
use crate::sync::{SyncError, TickInput};
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

/// A state that owns, in each of `groups`, what an earlier function knew to be the ALB's there.
///
/// # Errors
/// A file that cannot be read or understood.
pub async fn adopt(
    aws: &impl Objects,
    orders: &TickInput,
    groups: &[(String, u16)],
    denied: Denied,
) -> Result<State, SyncError> {
    let reading = Reading {
        aws,
        orders,
        denied,
    };
    let mut adopted = State::default();
    for (group, port) in groups {
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
            adopted
                .targets
                .entry(group.clone())
                .or_default()
                .extend(own);
        }
    }
    Ok(adopted)
}

fn own_of(known: Known, port: u16) -> Own {
    let endpoint = |(address, missed)| (Endpoint { address, port }, missed);
    known.into_iter().map(endpoint).collect()
}

struct Reading<'a, A> {
    aws: &'a A,
    orders: &'a TickInput,
    denied: Denied,
}

impl<A: Objects> Reading<'_, A> {
    /// What this function knew in the published one's place.
    async fn stand_in(&self, group: &str, port: u16) -> Result<Own, SyncError> {
        let identity = identity(&self.orders.alb_name, group, port);
        let key = format!("{identity}/state.json");
        let Some(stored) = self.read(&key).await? else {
            return Ok(Own::new());
        };
        let mut state = State::parse(&stored.body).map_err(|source| SyncError::State {
            bucket: self.orders.bucket.clone(),
            key,
            source,
        })?;
        Ok(state.targets.remove(group).unwrap_or_default())
    }

    /// What another function knew.
    async fn left(&self, group: &str) -> Result<Known, SyncError> {
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
    ) -> Result<Option<Known>, SyncError> {
        let Some(stored) = self.read(key).await? else {
            return Ok(None);
        };
        let known = parse(&stored.body).map_err(|source| SyncError::Published {
            bucket: self.orders.bucket.clone(),
            key: key.to_owned(),
            source,
        })?;
        Ok(Some(known))
    }

    async fn read(&self, key: &str) -> Result<Option<Stored>, AwsError> {
        match self.aws.read(&self.orders.bucket, key).await {
            Err(error) if self.denied == Denied::IsMissing && error.is_refused_object() => {
                let error = &error as &dyn std::error::Error;
                warn!(
                    error,
                    "taken for missing; if it is there, allow s3:GetObject on it"
                );
                Ok(None)
            }
            read => read,
        }
    }
}
