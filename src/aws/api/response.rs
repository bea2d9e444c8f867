//! Answering CloudFormation as a capability. Its address is a secret.

use std::error::Error;
use std::fmt;
use std::time::Duration;

/// Where CloudFormation takes an answer.
pub trait Responder {
    /// One PUT; gives the HTTP status. The URL is a secret: no error may hold it.
    async fn put(
        &self,
        url: &ResponseUrl,
        body: String,
        timeout: Duration,
    ) -> Result<u16, PutError>;
}

/// A PUT that got no answer.
#[derive(Debug, thiserror::Error)]
#[error("the answer did not get through")]
pub struct PutError {
    /// Whether another try may have more luck; not where the address is none.
    pub may_pass: bool,
    #[source]
    pub source: Box<dyn Error + Send + Sync>,
}

/// Where an answer goes. It prints nothing of itself.
#[derive(Clone)]
pub struct ResponseUrl(String);

impl ResponseUrl {
    pub fn new(url: impl Into<String>) -> Self {
        Self(url.into())
    }

    /// For the PUT, and for the time that it was signed at.
    pub fn secret(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ResponseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ResponseUrl(secret)")
    }
}
