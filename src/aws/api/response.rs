//! How CloudFormation gets a response: one PUT to an address that is a secret.

use std::error::Error;
use std::fmt;
use std::time::Duration;

/// Sends responses to CloudFormation.
pub trait Responder {
    /// Makes one PUT and returns the HTTP status. No error may hold the URL, which is a secret.
    async fn put(
        &self,
        url: &ResponseUrl,
        body: String,
        timeout: Duration,
    ) -> Result<u16, PutError>;
}

/// A PUT that got no HTTP status.
#[derive(Debug, thiserror::Error)]
#[error("the answer did not get through")]
pub struct PutError {
    /// Whether another try may succeed. It cannot if the URL is no URL.
    pub may_pass: bool,
    #[source]
    pub source: Box<dyn Error + Send + Sync>,
}

/// The ResponseURL of a request. Its `Debug` prints nothing of it.
#[derive(Clone)]
pub struct ResponseUrl(String);

impl ResponseUrl {
    pub fn new(url: impl Into<String>) -> Self {
        Self(url.into())
    }

    /// The URL itself, for the PUT, and for the time at which it was signed.
    pub fn secret(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ResponseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ResponseUrl(secret)")
    }
}
