//! How a request ends: its response is in the record before CloudFormation gets it.
//!
//! Never sends a response, and never leaves a request without one.

use super::request::Envelope;
use super::response::{ResponseError, failed, shorten_to_limit};
use crate::aws::api::Aws;
use crate::log::chain;
use crate::names::BindingId;
use crate::record::{RecordError, Response, SuccessfulRequest, Turn};
use std::time::Duration;
use tokio::time::{Instant, timeout};
use tracing::warn;

/// The time that is kept for sending the response, because CloudFormation's S3 may fail for seconds. If less than 15 s
/// are left, two thirds of them are kept.
const KEPT_FOR_SENDING: Duration = Duration::from_secs(10);

/// Rule 3 of the record: the response is written into the record before it is sent. If it cannot be written, one is
/// sent anyway, because CloudFormation waits for it; but a Create or an Update that succeeded is then answered as
/// failed, because ticks do not know of its success. If another delivery of the request has been faster, the response
/// of that one is sent.
///
/// # Errors
/// If a response cannot be written as JSON.
pub(super) async fn conclude<A: Aws>(
    turn: &Turn<'_, A>,
    id: &BindingId,
    response: Response,
    serves: Option<&SuccessfulRequest>,
    envelope: &Envelope,
    log_stream: &str,
    deadline: Instant,
) -> Result<Response, ResponseError> {
    let left = || deadline.saturating_duration_since(Instant::now());
    let concluded = timeout(left() / 2, turn.store_outcome(id, &response, serves)).await;
    let failure = match &concluded {
        Ok(Ok(())) => return Ok(response),
        Ok(Err(error)) => chain(error),
        Err(_) => "the record could not be written in time".to_owned(),
    };
    let is_taken_over = matches!(concluded, Ok(Err(RecordError::TakenOver)));
    if is_taken_over {
        let patience = left().saturating_sub(KEPT_FOR_SENDING).max(left() / 3);
        let theirs = timeout(patience, turn.wait_for_other_delivery(id)).await;
        if let Ok(Ok(Some(response))) = theirs {
            return Ok(response);
        }
    }
    warn!(failure, "the answer is not in the record");
    let response = match serves {
        None => response,
        // CloudFormation would take the request for done, and ticks would not serve what it asks for.
        Some(_) => shorten_to_limit(failed(response.physical_id, &failure), envelope, log_stream)?,
    };
    if is_taken_over {
        let theirs = turn.answer_for_other_delivery(id, &response);
        if let Ok(Ok(Some(response))) = timeout(left() / 2, theirs).await {
            return Ok(response);
        }
    }
    Ok(response)
}
