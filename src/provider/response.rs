//! The response to CloudFormation: one PUT to the ResponseURL, of at most 4096 bytes.
//!
//! Source: CloudFormation guide, "Custom resource response objects". The URL is never logged or returned.

use super::request::Envelope;
use crate::aws::api::{PutError, Responder};
use crate::log::chain;
use crate::record::{Response, ResponseStatus};
use serde::Serialize;
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::Instant;
use tracing::{info, warn};

/// CloudFormation reads no more of a response than this.
const MOST_BYTES: usize = 4096;

/// How long one PUT may take.
const PUT_TIMEOUT: Duration = Duration::from_secs(5);

/// If less time than this is left, no other PUT is tried.
const SHORTEST_TRY: Duration = Duration::from_millis(100);

/// A response that could not be made or did not arrive.
#[derive(Debug, thiserror::Error)]
pub enum ResponseError {
    #[error("the answer could not be written as JSON")]
    Json(#[from] serde_json::Error),
    #[error("the answer could not be sent to CloudFormation")]
    Put(#[source] PutError),
    #[error("CloudFormation's response address answered with status {status}")]
    Status { status: u16 },
}

impl ResponseError {
    /// Whether the next PUT may succeed.
    const fn may_pass(&self) -> bool {
        match self {
            Self::Put(error) => error.may_pass,
            Self::Status { status } => *status >= 500,
            Self::Json(_) => false,
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ResponseBody<'a> {
    status: ResponseStatus,
    reason: &'a str,
    physical_resource_id: &'a str,
    stack_id: &'a str,
    request_id: &'a str,
    logical_resource_id: &'a str,
    data: &'a BTreeMap<String, String>,
}

pub(super) fn success(physical_id: String, data: BTreeMap<String, String>) -> Response {
    Response {
        status: ResponseStatus::Success,
        reason: String::new(),
        physical_id,
        data,
    }
}

pub(super) fn failed(physical_id: String, reason: &str) -> Response {
    Response {
        status: ResponseStatus::Failed,
        reason: reason.to_owned(),
        physical_id,
        data: BTreeMap::new(),
    }
}

/// Names the log stream in the reason, and makes the response fit into its bytes: lists among the return values are
/// left out first, then the reason is cut.
pub(super) fn shorten_to_limit(
    mut response: Response,
    envelope: &Envelope,
    log_stream: &str,
) -> Result<Response, ResponseError> {
    let log = format!("See the log stream {log_stream}");
    let reason = std::mem::take(&mut response.reason);
    response.reason = if reason.is_empty() {
        log.clone()
    } else {
        format!("{reason}. {log}")
    };
    let mut length = body(&response, envelope)?.len();
    // Without a return value only those templates fail that use it.
    for name in ["ListenerArns", "TargetGroupArns"] {
        if length > MOST_BYTES && response.data.remove(name).is_some() {
            warn!(
                attribute = name,
                "left out, for the answer would be too long"
            );
            length = body(&response, envelope)?.len();
        }
    }
    let mut kept = reason.chars().count();
    while length > MOST_BYTES && kept > 0 {
        // One character takes up to six bytes in JSON, so at least this many characters are too many.
        let surplus = (length - MOST_BYTES).div_ceil(6).max(1);
        kept = kept.saturating_sub(surplus);
        let cut: String = reason.chars().take(kept).collect();
        response.reason = format!("{cut} … {log}");
        length = body(&response, envelope)?.len();
    }
    Ok(response)
}

/// Sends a response, and repeats that after an HTTP status of 5xx or a network error until the deadline.
pub(super) async fn send(
    responder: &impl Responder,
    response: &Response,
    envelope: &Envelope,
    deadline: Instant,
) -> Result<(), ResponseError> {
    let body = body(response, envelope)?;
    let mut delay = Duration::from_millis(100);
    let mut tries = 1_u32;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        // A PUT that hangs must leave time for another one.
        let timeout = PUT_TIMEOUT.min(left / 2);
        let put = responder.put(&envelope.response_url, body.clone(), timeout);
        let failure = match put.await {
            Ok(status) if (200..300).contains(&status) => {
                info!(status = ?response.status, tries, "answered");
                return Ok(());
            }
            Ok(status) => ResponseError::Status { status },
            Err(error) => ResponseError::Put(error),
        };
        let left = deadline
            .saturating_duration_since(Instant::now())
            .saturating_sub(SHORTEST_TRY);
        if !failure.may_pass() || left.is_zero() {
            return Err(failure);
        }
        let error = chain(&failure);
        warn!(error, tries, "not answered yet");
        // The wait is up to twice the delay.
        let jitter = delay.mul_f64(fastrand::f64());
        tokio::time::sleep((delay + jitter).min(left)).await;
        delay = (delay * 2).min(Duration::from_secs(1));
        tries += 1;
    }
}

fn body(response: &Response, envelope: &Envelope) -> Result<String, serde_json::Error> {
    serde_json::to_string(&ResponseBody {
        status: response.status,
        reason: &response.reason,
        physical_resource_id: &response.physical_id,
        stack_id: &envelope.stack_id,
        request_id: &envelope.request_id,
        logical_resource_id: &envelope.logical_resource_id,
        data: &response.data,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn envelope() -> Envelope {
        Envelope::parse(&json!({
            "ResponseURL": "https://secret", "RequestId": "r", "StackId": "s", "LogicalResourceId": "l",
        }))
        .expect("an envelope")
    }

    fn shortened(response: Response) -> Value {
        let response =
            shorten_to_limit(response, &envelope(), "2026/11/22/[$LATEST]abc").expect("JSON");
        let body = body(&response, &envelope()).expect("JSON");
        assert!(body.len() <= MOST_BYTES, "{} bytes", body.len());
        serde_json::from_str(&body).expect("JSON")
    }

    #[test]
    fn a_reason_of_any_length_and_script_is_cut_to_fit_and_still_names_the_log_stream() {
        for reason in [
            "x".repeat(10_000),
            "\u{1}\"\\".repeat(5_000),
            "名".repeat(3_000),
            String::new(),
        ] {
            let body = shortened(failed("id".to_owned(), &reason));
            let cut = body["Reason"].as_str().expect("a reason");
            assert!(
                cut.ends_with("See the log stream 2026/11/22/[$LATEST]abc"),
                "{cut}"
            );
            assert!(reason.is_empty() || cut.chars().count() > 500, "{cut}");
        }
    }

    #[test]
    fn lists_that_do_not_fit_are_left_out_before_anything_else() {
        let values = [
            ("ListenerArns", "x".repeat(3_000)),
            ("TargetGroupArns", "y".repeat(3_000)),
            ("BucketName", "bucket".to_owned()),
        ];
        let values = values.map(|(name, value)| (name.to_owned(), value)).into();
        let body = shortened(success("id".to_owned(), values));
        assert_eq!(body["Data"]["BucketName"], "bucket");
        assert!(body["Data"].get("ListenerArns").is_none());
        assert_eq!(
            body["Data"]["TargetGroupArns"].as_str().map(str::len),
            Some(3_000)
        );
    }

    #[test]
    fn an_answer_repeats_what_identifies_the_request() {
        let body = shortened(success("id".to_owned(), BTreeMap::new()));
        for (field, value) in [
            ("Status", "SUCCESS"),
            ("PhysicalResourceId", "id"),
            ("StackId", "s"),
            ("RequestId", "r"),
            ("LogicalResourceId", "l"),
        ] {
            assert_eq!(body[field], value);
        }
    }

    #[test]
    fn the_response_url_is_not_in_what_is_printed() {
        assert!(!format!("{:?}", envelope()).contains("https://secret"));
    }
}
