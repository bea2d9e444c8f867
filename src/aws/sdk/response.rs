//! The PUT of a response to CloudFormation. It uses the HTTP client of the AWS calls, because a client of its own would
//! read the system's trusted roots once more.
//!
//! Sends no Content-Type, which the URL's signature does not cover, and never logs or returns the URL.

use super::Sdk;
use crate::aws::api::{PutError, Responder, ResponseUrl};
use aws_smithy_runtime_api::client::http::HttpConnector;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use std::error::Error;
use std::time::Duration;

impl Responder for Sdk {
    async fn put(
        &self,
        url: &ResponseUrl,
        body: String,
        timeout: Duration,
    ) -> Result<u16, PutError> {
        let request = request(url.secret(), body).map_err(|source| PutError {
            // The URL is no URL, so another try would fail too.
            may_pass: false,
            source,
        })?;
        let failed = |source| PutError {
            may_pass: true,
            source,
        };
        let answer = tokio::time::timeout(timeout, self.http.call(request)).await;
        let answer = answer.map_err(|error| failed(error.into()))?;
        let answer = answer.map_err(|error| failed(error.into()))?;
        Ok(answer.status().as_u16())
    }
}

fn request(url: &str, body: String) -> Result<HttpRequest, Box<dyn Error + Send + Sync>> {
    if !["https://", "http://"]
        .iter()
        .any(|scheme| url.starts_with(scheme))
    {
        return Err("its URL is not one of HTTP".into());
    }
    let mut request = HttpRequest::new(SdkBody::from(body));
    request.set_method("PUT")?;
    request.set_uri(url)?;
    Ok(request)
}
