//! First aid: a person asks the deployed function what a request would find and do (`Check`, `Plan`), and how a
//! binding fares (`Status`). It looks, checks and plans by the very code of a request and of a tick.
//!
//! Changes nothing: it has no lease, and only a lease gives permits. Whatever goes wrong with a question that is
//! understood is told in the answer, for a failed invocation would be an alarm.

mod diagnosis;
mod observe;
mod observed;
mod rehearsal;
mod report;
mod request;
mod status;

pub use request::{Action, ActionError, Wish};

use crate::aws::api::Aws;
use crate::clock::Clock;
use crate::discovery::Dns;
use crate::discovery::{self, Found, Search};
use crate::log::chain;
use crate::progress;
use report::Refused;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeSet;
use std::future::ready;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::Instant;

/// What a question is answered with.
pub struct FirstAid<'a, A, D> {
    pub aws: &'a A,
    pub dns: &'a D,
    pub region: &'a str,
    /// The function's variable `STATE_BUCKET`.
    pub state_bucket: Option<&'a str>,
    pub function_arn: &'a str,
    pub clock: Clock,
}

impl<A: Aws, D: Dns> FirstAid<'_, A, D> {
    /// The answer, within that time.
    ///
    /// # Errors
    /// Where it cannot be written as JSON.
    pub async fn answer(&self, action: &Action, within: Duration) -> serde_json::Result<Value> {
        let until = Instant::now() + within;
        let doing = Rc::default();
        let work = async {
            match action {
                Action::Check(wish) => written(&self.rehearse(wish, false).await),
                Action::Plan(wish) => written(&self.rehearse(wish, true).await),
                Action::Status(Some(id)) => written(&self.status(id).await),
                Action::Status(None) => written(&self.statuses(until).await),
            }
        };
        let work = progress::track(&doing, Box::pin(work));
        match tokio::time::timeout_at(until, work).await {
            Ok(answer) => answer,
            Err(_) => written(&Refused::out_of_time(within, &doing.borrow().to_string())),
        }
    }

    /// What DNS shows now, of which so much is known.
    async fn discover(
        &self,
        dns_name: &str,
        servers: &[SocketAddr],
        max_lookups: usize,
        known: BTreeSet<IpAddr>,
    ) -> Result<Found, String> {
        let wanted = Search {
            dns_name,
            servers,
            max_lookups,
            expected: known.len(),
        };
        let found = discovery::run(self.dns, wanted, ready(known), oneshot::channel().0);
        found.await.map_err(|error| chain(&error))
    }
}

fn written(answer: &impl Serialize) -> serde_json::Result<Value> {
    serde_json::to_value(answer)
}
