//! An AWS in which every call hits a bug of the function, for tests of what happens then. No emulator can do that.

use super::Sdk;
use aws_sdk_cloudformation::config::{Credentials, SharedCredentialsProvider};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;

#[derive(Debug)]
struct Bug;

impl HttpConnector for Bug {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        panic!("a bug in {} {}", request.method(), request.uri())
    }
}

impl Sdk {
    /// Clients whose every call panics.
    pub(crate) fn broken() -> Self {
        let credentials = Credentials::new("key id", "secret", None, None, "a test");
        Self::new(
            SharedHttpConnector::new(Bug),
            Some("us-east-1".to_owned()),
            SharedCredentialsProvider::new(credentials),
        )
    }
}
