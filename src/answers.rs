//! The PUT of an answer to CloudFormation, over HTTP.
//!
//! Sends no Content-Type, which the URL's signature does not cover, and never shows the URL.

use crate::capabilities::{Answers, PutError, ResponseUrl};
use std::time::Duration;

/// A client is made when it is needed: a function that only ticks never is asked for an answer.
#[derive(Debug, Clone, Copy)]
pub struct Http;

impl Answers for Http {
    async fn put(
        &self,
        url: &ResponseUrl,
        body: String,
        timeout: Duration,
    ) -> Result<u16, PutError> {
        let put = async {
            let http = reqwest::Client::builder().build()?;
            let put = http.put(url.secret()).body(body).timeout(timeout);
            Ok::<_, reqwest::Error>(put.send().await?.status().as_u16())
        };
        put.await.map_err(|error| PutError {
            // An address that is none will not become one.
            may_pass: !error.is_builder(),
            source: Box::new(error.without_url()),
        })
    }
}
