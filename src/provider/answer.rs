//! The answer to CloudFormation: one PUT to the ResponseURL, of at most 4096 bytes.
//!
//! Source: CloudFormation guide, "Custom resource response objects". It sends no Content-Type,
//! which the URL's signature does not cover, and never shows the URL.

use super::request::Envelope;
use crate::binding::Attributes;
use serde::Serialize;
use std::time::Duration;
use tokio::time::Instant;
use tracing::{info, warn};

/// CloudFormation reads no more than this of an answer.
const MOST_BYTES: usize = 4096;

/// How long one PUT may take, at most.
const TIMEOUT: Duration = Duration::from_secs(5);

/// With less time left than this, another PUT is not begun.
const SHORTEST_TRY: Duration = Duration::from_millis(100);

/// An answer before it is fitted into its bytes.
pub(super) struct Answer {
    status: &'static str,
    reason: String,
    physical_id: String,
    attributes: Attributes,
}

/// An answer that did not arrive.
#[derive(Debug, thiserror::Error)]
pub enum AnswerError {
    #[error("the answer could not be written as JSON")]
    Json(#[from] serde_json::Error),
    #[error("the answer could not be sent to CloudFormation")]
    Send(#[source] reqwest::Error),
    #[error("CloudFormation's response address answered with status {status}")]
    Status { status: u16 },
}

impl AnswerError {
    /// Whether the next PUT may have more luck.
    fn may_pass(&self) -> bool {
        match self {
            // An address that is none will not become one.
            Self::Send(error) => !error.is_builder(),
            Self::Status { status } => *status >= 500,
            Self::Json(_) => false,
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Body<'a> {
    status: &'a str,
    reason: &'a str,
    physical_resource_id: &'a str,
    stack_id: &'a str,
    request_id: &'a str,
    logical_resource_id: &'a str,
    data: &'a Attributes,
}

impl Answer {
    pub(super) fn success(physical_id: String, attributes: Attributes) -> Self {
        Self {
            status: "SUCCESS",
            reason: String::new(),
            physical_id,
            attributes,
        }
    }

    pub(super) fn failed(physical_id: String, reason: &str) -> Self {
        Self {
            status: "FAILED",
            reason: reason.to_owned(),
            physical_id,
            attributes: Attributes::new(),
        }
    }

    /// Sends the answer, again and again where the address has trouble (5xx and network errors),
    /// until the invocation's deadline.
    pub(super) async fn send(
        mut self,
        envelope: &Envelope,
        log_stream: &str,
        until: Instant,
    ) -> Result<(), AnswerError> {
        let body = self.fit(envelope, log_stream)?;
        // Made when it is needed: a function that only ticks never is asked for an answer.
        let http = reqwest::Client::builder()
            .build()
            .map_err(AnswerError::Send)?;
        let mut pause = Duration::from_millis(100);
        let mut tries = 1;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            // One PUT that hangs must leave time for another.
            let timeout = TIMEOUT.min(left / 2);
            let failure = match put(&http, envelope, body.clone(), timeout).await {
                Ok(status) if status.is_success() => {
                    info!(status = self.status, tries, "answered");
                    return Ok(());
                }
                Ok(status) => AnswerError::Status {
                    status: status.as_u16(),
                },
                Err(error) => AnswerError::Send(error),
            };
            let left = until
                .saturating_duration_since(Instant::now())
                .saturating_sub(SHORTEST_TRY);
            if !failure.may_pass() || left.is_zero() {
                return Err(failure);
            }
            let error = &failure as &dyn std::error::Error;
            warn!(error, tries, "not answered yet");
            tokio::time::sleep((pause + jitter(pause)).min(left)).await;
            pause = (pause * 2).min(Duration::from_secs(2));
            tries += 1;
        }
    }

    /// The body in at most 4096 bytes: a reason is cut, lists of attributes are left out.
    fn fit(&mut self, envelope: &Envelope, log_stream: &str) -> Result<String, AnswerError> {
        let log = format!("See the log stream {log_stream}");
        let full = if self.reason.is_empty() {
            log.clone()
        } else {
            format!("{}. {log}", self.reason)
        };
        let mut body = self.body(envelope, &full)?;
        // An attribute that is not there makes only a template fail that uses it.
        for name in ["ListenerArns", "TargetGroupArns"] {
            if body.len() > MOST_BYTES && self.attributes.remove(name).is_some() {
                warn!(
                    attribute = name,
                    "left out, for the answer would be too long"
                );
                body = self.body(envelope, &full)?;
            }
        }
        let mut kept = self.reason.chars().count();
        while body.len() > MOST_BYTES && kept > 0 {
            // A character may take up to six bytes in JSON, so this goes by what is too much.
            let surplus = (body.len() - MOST_BYTES).div_ceil(6).max(1);
            kept = kept.saturating_sub(surplus);
            let cut: String = self.reason.chars().take(kept).collect();
            body = self.body(envelope, &format!("{cut} … {log}"))?;
        }
        Ok(body)
    }

    fn body(&self, envelope: &Envelope, reason: &str) -> Result<String, serde_json::Error> {
        serde_json::to_string(&Body {
            status: self.status,
            reason,
            physical_resource_id: &self.physical_id,
            stack_id: &envelope.stack_id,
            request_id: &envelope.request_id,
            logical_resource_id: &envelope.logical_resource_id,
            data: &self.attributes,
        })
    }
}

async fn put(
    http: &reqwest::Client,
    envelope: &Envelope,
    body: String,
    timeout: Duration,
) -> Result<reqwest::StatusCode, reqwest::Error> {
    http.put(envelope.response_url.secret())
        .body(body)
        .timeout(timeout)
        .send()
        .await
        .map(|response| response.status())
        .map_err(reqwest::Error::without_url)
}

/// Up to as much again, from what the clock's last digits happen to be.
fn jitter(pause: Duration) -> Duration {
    let nanoseconds = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map(|time| time.subsec_nanos())
        .unwrap_or_default();
    pause.mul_f64(f64::from(nanoseconds % 1000) / 1000.0)
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

    fn fitted(mut answer: Answer) -> Value {
        let body = answer
            .fit(&envelope(), "2026/11/22/[$LATEST]abc")
            .expect("JSON");
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
            let body = fitted(Answer::failed("id".to_owned(), &reason));
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
        let attributes = Attributes::from([
            ("ListenerArns", "x".repeat(3_000)),
            ("TargetGroupArns", "y".repeat(3_000)),
            ("BucketName", "bucket".to_owned()),
        ]);
        let body = fitted(Answer::success("id".to_owned(), attributes));
        assert_eq!(body["Data"]["BucketName"], "bucket");
        assert!(body["Data"].get("ListenerArns").is_none());
        assert_eq!(
            body["Data"]["TargetGroupArns"].as_str().map(str::len),
            Some(3_000)
        );
    }

    #[test]
    fn an_answer_repeats_what_identifies_the_request() {
        let body = fitted(Answer::success("id".to_owned(), Attributes::new()));
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
