//! From a person's question to the answer as JSON, within the time that there is.

use super::context::FirstAid;
use super::report::UnfinishedReport;
use super::request::Action;
use crate::aws::api::Aws;
use crate::discovery::Dns;
use crate::progress;
use serde::Serialize;
use serde_json::Value;
use std::rc::Rc;
use std::time::Duration;
use tokio::time::Instant;

impl<A: Aws, D: Dns> FirstAid<'_, A, D> {
    /// The answer, which takes no longer than `within`.
    ///
    /// # Errors
    /// If the answer cannot be written as JSON.
    pub async fn answer(&self, action: &Action, within: Duration) -> serde_json::Result<Value> {
        let deadline = Instant::now() + within;
        let doing = Rc::default();
        let work = async {
            match action {
                Action::Check(proposal) => to_json(&self.dry_run(proposal, false).await),
                Action::Plan(proposal) => to_json(&self.dry_run(proposal, true).await),
                Action::Status(Some(id)) => to_json(&self.status(id).await),
                Action::Status(None) => to_json(&self.statuses(deadline).await),
            }
        };
        let work = progress::track(&doing, Box::pin(work));
        match tokio::time::timeout_at(deadline, work).await {
            Ok(answer) => answer,
            Err(_) => to_json(&UnfinishedReport::new(within, &doing.borrow().to_string())),
        }
    }
}

fn to_json(report: &impl Serialize) -> serde_json::Result<Value> {
    serde_json::to_value(report)
}
